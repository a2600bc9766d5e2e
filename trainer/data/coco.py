"""Reader of COCO annotations: one set of rules for judging classifiers and for detectors.

- A category means what ``maskgen.types.CATEGORIES`` says; boxes of an unknown one are ignored, and the log names it.
- ``ignore`` and ``iscrowd`` mark faces that count neither way; so does a box without area.
- A picture that is not there any more is passed over and counted in the log.
"""

from __future__ import annotations

import json
import logging
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from maskgen.dataset.record import SPLITS
from maskgen.errors import DatasetError
from maskgen.images import read_rgb
from maskgen.types import CATEGORIES, Label, label_of

logger = logging.getLogger(__name__)

WHOLE: Final = "annotations.json"
"""The one file of a folder that has no splits."""

_PLACES: Final = ("", "images", "{split}")
"""Folders that a picture's name may be relative to."""

Point = tuple[float, float, bool]


@dataclass(frozen=True, slots=True)
class Face:
    """An annotated box.

    Attributes:
        box_xyxy: in the picture's pixels.
        label: what its category means; None for one that nobody knows.
        ignored: it counts neither way.
        points: five of x, y and whether that one is known, or none.
    """

    box_xyxy: tuple[float, float, float, float]
    label: Label | None
    ignored: bool = False
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its boxes.

    Attributes:
        path: the file.
        name: as the annotations call it.
        size_wh: in pixels.
        faces: its boxes, in the order of the file.
    """

    path: Path
    name: str
    size_wh: tuple[int, int]
    faces: tuple[Face, ...]


def is_folder(folder: Path) -> bool:
    """Whether a folder holds COCO annotations."""
    return any((folder / name).is_file() for name in (WHOLE, *(f"{split}.json" for split in SPLITS)))


def read_folder(folder: Path) -> dict[str, tuple[Picture, ...]]:
    """The pictures of a COCO detection folder by split; those of ``annotations.json`` alone under an empty name.

    Args:
        folder: ``train.json``, ``val.json``, ``test.json``, whichever are there, or ``annotations.json``; the pictures
            lie in ``images``, in a folder of the split's name, or as they are named.

    Raises:
        DatasetError: there is no such folder, or it is damaged.
    """
    files = {split: folder / f"{split}.json" for split in SPLITS if (folder / f"{split}.json").is_file()}
    if not files and (folder / WHOLE).is_file():
        files = {"": folder / WHOLE}
    if not files:
        raise DatasetError(f"{folder} holds no train.json and no {WHOLE}, so it is no COCO detection folder")
    return {split: read(path, folder, split) for split, path in files.items()}


def read(path: Path, folder: Path, split: str = "") -> tuple[Picture, ...]:
    """The pictures of one COCO file.

    Args:
        path: the file.
        folder: where its pictures lie.
        split: its name; empty where the folder has none.

    Raises:
        DatasetError: it is no COCO file of boxes, no category is known, or no picture is there.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        labels = {int(entry["id"]): label_of(str(entry["name"])) for entry in document["categories"]}
        names = {int(entry["id"]): str(entry["name"]) for entry in document["categories"]}
        images = {int(entry["id"]): entry for entry in document["images"]}
        _say_unknown(path, {names[number] for number, label in labels.items() if label is None}, names)
        faces: dict[int, list[Face]] = defaultdict(list)
        for annotation in document["annotations"]:
            number, category = int(annotation["image_id"]), int(annotation["category_id"])
            if number not in images or category not in labels:
                raise ValueError(f"annotation of image {number}, category {category}: no such entry")
            faces[number].append(_face(annotation, labels[category]))
        found = [_picture(folder, split, images[number], faces[number]) for number in images]
    except (OSError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise DatasetError(f"{path} is no COCO file of boxes: {type(error).__name__} {error}") from None
    present = tuple(picture for picture in found if picture is not None)
    if found and not present:
        raise DatasetError(f"{folder} holds none of the {len(found)} pictures that {path.name} names")
    if len(present) < len(found):
        logger.warning("%d of the %d pictures that %s names are gone", len(found) - len(present), len(found), path)
    return present


def _say_unknown(path: Path, unknown: set[str], names: Mapping[int, str]) -> None:
    if not unknown:
        return
    if len(unknown) == len(set(names.values())):
        raise DatasetError(
            f"{path}: category {sorted(unknown)[0]!r} is unknown, and none is known; known are {', '.join(CATEGORIES)}"
        )
    logger.warning("%s: boxes of categories that are no label are ignored: %s", path, ", ".join(sorted(unknown)))


def _face(annotation: Mapping[str, Any], label: Label | None) -> Face:
    left, top, width, height = (float(side) for side in annotation["bbox"])
    if not all(map(math.isfinite, (left, top, width, height))):
        raise ValueError(f"a box is no rectangle: {annotation['bbox']}")
    counts = label is not None and width > 0 and height > 0
    ignored = bool(annotation.get("ignore") or annotation.get("iscrowd") or not counts)
    points = [float(value) for value in annotation.get("keypoints") or ()]
    triples = zip(points[::3], points[1::3], points[2::3], strict=False)
    five = tuple((x, y, seen > 0) for x, y, seen in triples) if len(points) == 15 else ()
    return Face((left, top, left + width, top + height), label, ignored, five)


def _picture(folder: Path, split: str, image: Mapping[str, Any], faces: list[Face]) -> Picture | None:
    """None where the picture is not there."""
    name = str(image["file_name"])
    for place in _PLACES:
        path = folder / place.format(split=split) / name
        if path.is_file():
            return Picture(path, name, _size(image, path), tuple(faces))
    return None


def _size(image: Mapping[str, Any], path: Path) -> tuple[int, int]:
    if "width" in image and "height" in image:
        return int(image["width"]), int(image["height"])
    height, width = read_rgb(path).shape[:2]
    return width, height
