"""Reader of dataset folders that ``maskgen generate`` wrote, with what people changed in them since."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from maskgen.dataset import check
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import METADATA, SPLITS, FaceRecord, Record
from maskgen.errors import DatasetError
from trainer.data.samples import Found, Sample, group_of

logger = logging.getLogger(__name__)


def read(folder: Path, group_by: re.Pattern[str] | None) -> Found:
    """The faces of the lines, and the pictures beside them, which count under their folder's class."""
    gone: list[str] = []
    known: dict[str, Record] = {}
    samples: list[Sample] = []
    for record in read_dataset(folder, check_files=False):
        known[record.file_name] = record
        if not (folder / record.file_name).is_file():
            gone.append(record.file_name)
            continue
        scene = _is_scene(record)
        samples.extend(_of_face(folder, record, face, scene) for face in (record.faces if scene else (record.face,)))
    if not known:
        raise DatasetError(f"{folder / METADATA} has no lines; run maskgen generate again")
    beside = list(check.strangers(folder, known))
    moved = {place: known[name] for name, place in check.whereabouts(gone, beside).items()}
    _say_changes(folder, len(known), len(gone) - len(moved), len(moved), len(beside) - len(moved))
    if any(map(_is_scene, known.values())):
        if beside:
            logger.warning("%d pictures without a line were left out: whole scenes need their boxes", len(beside))
        beside = []
    samples += [_of_stranger(folder, name, moved.get(name), group_by) for name in beside]
    if not samples:
        raise DatasetError(f"none of the {len(known)} images that {folder / METADATA} lists is there; put them back")
    return Found(folder, tuple(samples), len(gone), len(beside))


def _say_changes(folder: Path, listed: int, gone: int, moved: int, beside: int) -> None:
    if gone:
        logger.warning("%d of the %d images of %s are gone; going on without them", gone, listed, folder)
    if moved:
        logger.warning("%d images of %s were moved; they count under the folder they lie in now", moved, folder)
    if beside:
        logger.warning(
            "%d pictures in %s stand on no line of %s; they count under their folder's class", beside, folder, METADATA
        )


def _is_scene(record: Record) -> bool:
    return bool(record.encoding.get("crop") == "scene")


def _of_stranger(folder: Path, name: str, record: Record | None, group_by: re.Pattern[str] | None) -> Sample:
    """A picture of another place than its line says, or of no line, under the class and split of its folder."""
    split, label = "", name.split("/", 1)[0]
    if label in SPLITS:
        split, label = name.split("/")[:2]
    if record is not None:
        # Its group says whose face it is; the rest of the line described the class it was taken from.
        return Sample(folder / name, name, label, record.group, split, record={"source": record.source})
    return Sample(folder / name, name, label, group_of(folder / name, name, group_by), split)


def _of_face(folder: Path, record: Record, face: FaceRecord, scene: bool) -> Sample:
    return Sample(
        path=folder / record.file_name,
        name=record.file_name,
        label=face.label if scene else record.label,
        group=record.group,
        split=record.split,
        box=face.box_xyxy if scene else None,
        record={
            "source": record.source,
            "template": face.template,
            "wear": face.wear,
            "colour": face.colour,
            "pattern": face.pattern,
            "detector": face.detector,
            "yaw_deg": face.pose_deg[0],
            "pitch_deg": face.pose_deg[1],
            "roll_deg": face.pose_deg[2],
            "visible": face.visible,
            "copy": record.copy,
            **{f"params.{name}": value for name, value in _flat(face.params)},
        },
    )


def _flat(params: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Plain values of nested parameters as ``light.gain`` and so on."""
    found: list[tuple[str, Any]] = []
    for name, value in params.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, (str, int, float, bool)):
            found.append((f"{prefix}{name}", value))
    return found
