"""Which images a run trains on: a generated dataset folder, or plain folders of faces.

Everything that can be wrong with a dataset is found here, before the first
epoch: a class that is missing or empty, one image, images that are all alike,
labels nobody knows, lines for files that are not there. A picture that cannot
be read is left out with a line in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.dataset import check
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import METADATA, RUN, SPLITS, FaceRecord, Record
from maskgen.errors import DatasetError, ImageError, InputError
from maskgen.types import LABELS
from trainer.config.classifier import Incorrect
from trainer.data.preprocess import Margin

logger = logging.getLogger(__name__)

IN_MEMORY_BYTES: Final = 2 << 30
"""Decoded faces beyond this lie in a file that is mapped into memory."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One face to learn from or to be judged by.

    Attributes:
        path: the picture.
        name: its path below the dataset folder, with forward slashes.
        label: what is true.
        group: what may not be torn apart: a person, or the photo.
        split: ``train``, ``val``, ``test``, or empty where nothing says.
        box: left, top, right, bottom of the face in the picture, to be grown
            by the margin; None where the whole picture is the face.
        record: fields to slice by.
    """

    path: Path
    name: str
    label: str
    group: str
    split: str = ""
    box: tuple[float, float, float, float] | None = None
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples by split, checked.

    Attributes:
        labels: in output order.
        train, val, test: the samples; ``test`` may be empty.
        digest: what it was, for the model card.
    """

    labels: tuple[str, ...]
    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    digest: dict[str, Any]


def load(
    folder: Path,
    *,
    classes: int = 2,
    incorrect: Incorrect = "drop",
    val_fraction: float = 0.2,
    group_by: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Find the images of a dataset folder and deal them out.

    A folder with ``metadata.jsonl`` keeps its splits; so do plain folders that
    lie under ``train``, ``val`` and ``test``. Otherwise a seeded hash of the
    group holds ``val_fraction`` of the groups out.

    Args:
        folder: the dataset.
        classes: 2 or 3.
        incorrect: with 2 classes, what an incorrectly worn mask counts as.
        val_fraction: share of the groups for validation.
        group_by: regular expression on the file name; its first group, or the
            whole match, names the person.
        seed: of the split.

    Raises:
        DatasetError: nothing can be learned from it, and why.
    """
    labels = ("with_mask", "without_mask") if classes == 2 else ("with_mask", "without_mask", "incorrect_mask")
    found = look(folder, group_by=group_by)
    samples = [sample for sample in found.samples if sample.split in ("", *SPLITS)]
    samples = relabel(samples, labels, incorrect)
    _check_classes(samples, labels, folder)
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    for sample in samples:
        parts[sample.split or "train"].append(sample)
    if not parts["val"]:
        parts["train"], parts["val"] = _hold_out(parts["train"], val_fraction, seed)
    for name in ("train", "val"):
        _check_classes(parts[name], labels, folder, where=f"the {name} split of ")
    return Dataset(labels, tuple(parts["train"]), tuple(parts["val"]), tuple(parts["test"]), _digest(found, parts))


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a folder.

    Attributes:
        folder: it.
        samples: every labelled face, in a settled order.
        gone: images that a line names and that are not there.
        beside: pictures that no line knows, which count under their folder's class.
    """

    folder: Path
    samples: tuple[Sample, ...]
    gone: int = 0
    beside: int = 0


def scan(folder: Path, *, group_by: str | None = None) -> list[Sample]:
    """Every labelled face of a folder; see ``look``."""
    return list(look(folder, group_by=group_by).samples)


def look(folder: Path, *, group_by: str | None = None) -> Found:
    """Find the labelled faces of a folder, and say what people changed in it.

    Args:
        folder: generated, or plain folders by label.
        group_by: names the person of a picture that no line of metadata knows.

    Raises:
        DatasetError: it is no folder, holds no labelled images, or says
            something that is not so.
        InputError: ``group_by`` is no regular expression.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"no dataset folder at {folder}; make one with: maskgen generate FACES {folder}")
    pattern = compile_pattern(group_by, "--group-by")
    if (folder / METADATA).is_file():
        return _from_metadata(folder, pattern)
    return Found(folder, tuple(_from_folders(folder, pattern)))


def compile_pattern(text: str | None, option: str) -> re.Pattern[str] | None:
    """A user's regular expression, or a clear word about it."""
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise InputError(f"{option} {text!r} is no regular expression: {error}") from None


def relabel(samples: Iterable[Sample], labels: Sequence[str], incorrect: Incorrect) -> list[Sample]:
    """Leave out, or count as another, what a model of two classes does not know."""
    if "incorrect_mask" in labels:
        return list(samples)
    kept = []
    for sample in samples:
        if sample.label != "incorrect_mask":
            kept.append(sample)
        elif incorrect != "drop":
            kept.append(replace(sample, label=incorrect))
    return kept


def _from_metadata(folder: Path, group_by: re.Pattern[str] | None) -> Found:
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
    return Sample(folder / name, name, label, _group(folder / name, name, group_by), split)


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


def _from_folders(folder: Path, group_by: re.Pattern[str] | None) -> list[Sample]:
    splits = [name for name in SPLITS if (folder / name).is_dir()]
    roots = [(name, folder / name) for name in splits] or [("", folder)]
    samples: list[Sample] = []
    strangers: list[str] = []
    for split, root in roots:
        for child in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
            if child.name not in LABELS:
                if any(path.is_file() for path in child.rglob("*")):
                    strangers.append(child.relative_to(folder).as_posix())
                continue
            for path in sorted(child.rglob("*")):
                name = path.relative_to(folder).as_posix()
                if path.is_file() and not path.name.startswith("."):
                    samples.append(Sample(path, name, child.name, _group(path, name, group_by), split))
    if strangers:
        raise DatasetError(
            f"{folder} holds {', '.join(strangers)}, which is no label; name the folders {', '.join(LABELS)}"
        )
    if not samples:
        raise DatasetError(
            f"{folder} holds neither {METADATA} nor images in with_mask/ and without_mask/; "
            "make a dataset with: maskgen generate"
        )
    return samples


def _group(path: Path, name: str, group_by: re.Pattern[str] | None) -> str:
    """The person where the name says it, else the file's content, so that copies stay together."""
    if group_by is not None and (match := group_by.search(name)):
        return match.group(1) if match.re.groups and match.group(1) else match.group(0)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return name


def _hold_out(samples: list[Sample], fraction: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Deal whole groups to validation by a seeded hash; every class gets at least one there."""
    ranks = {group: _hash01(seed, group) for group in {sample.group for sample in samples}}
    held = {group for group, rank in ranks.items() if rank < fraction}
    for label in sorted({sample.label for sample in samples}):
        groups = sorted({sample.group for sample in samples if sample.label == label}, key=lambda group: ranks[group])
        if len(groups) > 1:
            if not held & set(groups):
                held.add(groups[0])
            if set(groups) <= held:
                held.discard(groups[-1])
    train = [sample for sample in samples if sample.group not in held]
    val = [sample for sample in samples if sample.group in held]
    wanted = {sample.label for sample in samples}
    if {sample.label for sample in train} == wanted == {sample.label for sample in val}:
        return train, val
    logger.warning(
        "too few groups to hold any out: images of the same photo or person are in training and validation, "
        "so the validation figures say nothing about other people"
    )
    train, val = [], []
    for label in sorted(wanted):
        ranked = sorted((s for s in samples if s.label == label), key=lambda s: _hash01(seed, s.name))
        count = max(1, round(fraction * len(ranked))) if len(ranked) > 1 else 0
        val += ranked[:count]
        train += ranked[count:]
    return sorted(train, key=lambda s: s.name), sorted(val, key=lambda s: s.name)


def _hash01(seed: int, text: str) -> float:
    digest = hashlib.sha256(f"maskgen train\0{seed}\0{text}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _check_classes(samples: Sequence[Sample], labels: Sequence[str], folder: Path, where: str = "") -> None:
    counts = Counter(sample.label for sample in samples)
    missing = [label for label in labels if not counts[label]]
    if missing:
        have = ", ".join(f"{count} {label}" for label, count in sorted(counts.items())) or "no images"
        raise DatasetError(f"{where}{folder} has no {' and no '.join(missing)} images (it has {have}); add some")
    alone = [label for label in labels if counts[label] < 2 and not where]
    if alone:
        raise DatasetError(f"{folder} has one {alone[0]} image only; at least two are needed, one of them to validate")


def _digest(found: Found, parts: dict[str, list[Sample]]) -> dict[str, Any]:
    digest: dict[str, Any] = {
        "name": found.folder.resolve().name,
        "counts": {name: dict(Counter(sample.label for sample in part)) for name, part in parts.items() if part},
        "groups": {name: len({sample.group for sample in part}) for name, part in parts.items() if part},
    }
    digest |= {name: count for name, count in (("gone", found.gone), ("beside", found.beside)) if count}
    run = found.folder / RUN
    if run.is_file():
        data = run.read_bytes()
        digest["run_sha256"] = hashlib.sha256(data).hexdigest()
        try:
            document = json.loads(data)
        except ValueError:
            document = {}
        if isinstance(document, dict):
            digest["run"] = {key: document[key] for key in ("version", "seed", "settings", "counts") if key in document}
    return digest


@dataclass(frozen=True, slots=True)
class Faces:
    """Decoded faces, ready for a network.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        targets: (N,) int64, indices into the labels.
        samples: where they came from, N of them.
    """

    pixels: NDArray[np.uint8]
    targets: NDArray[np.int64]
    samples: tuple[Sample, ...]

    def __len__(self) -> int:
        return len(self.samples)


def decode(
    samples: Sequence[Sample],
    labels: Sequence[str],
    size_wh: tuple[int, int],
    *,
    margin: Margin = 1.0,
    face_px: int | None = None,
    threads: int = 2,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Faces:
    """Read, cut and resize every face once.

    What cannot be read is left out, with a line in the log.

    Args:
        samples: what to read.
        labels: in output order.
        size_wh: the network's size.
        margin: for samples with a box.
        face_px: first shrink every face to this longer side.
        threads: decoding threads.
        cache: a file to hold the pixels where they are too many for memory.
        progress: told how many of how many are done.

    Raises:
        DatasetError: a label is not among ``labels``.
    """
    from maskgen.images import read_rgb
    from trainer.data.preprocess import cut, fit, shrink_to

    index = {label: number for number, label in enumerate(labels)}
    unknown = sorted({sample.label for sample in samples} - set(index))
    if unknown:
        raise DatasetError(
            f"the images carry labels the model does not know: {', '.join(unknown)} (it knows {', '.join(labels)})"
        )
    shape = (len(samples), size_wh[1], size_wh[0], 3)
    pixels: NDArray[np.uint8]
    if cache is not None and int(np.prod(shape)) > IN_MEMORY_BYTES:
        cache.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.lib.format.open_memmap(cache, mode="w+", dtype=np.uint8, shape=shape)
    else:
        pixels = np.empty(shape, np.uint8)
    batches: dict[Path, list[int]] = {}
    for number, sample in enumerate(samples):
        batches.setdefault(sample.path, []).append(number)

    def one(path: Path, numbers: list[int]) -> str | None:
        whole = all(samples[number].box is None for number in numbers)
        try:
            # A reduced JPEG is enough where the whole picture is the face.
            image = read_rgb(path, max_side=2 * max(size_wh) if whole else None)
        except ImageError as error:
            return str(error)
        for number in numbers:
            box = samples[number].box
            face = image if box is None else cut(image, box, margin)
            pixels[number] = fit(face if face_px is None else shrink_to(face, face_px), size_wh)
        return None

    kept: list[int] = []
    done = 0
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for problem, numbers in zip(pool.map(one, batches, batches.values()), batches.values(), strict=True):
            if problem is None:
                kept += numbers
            else:
                logger.warning("left out: %s", problem)
            done += len(numbers)
            if progress is not None:
                progress(done, len(samples))
    kept.sort()
    if len(kept) < len(samples):
        # In place, so that a mapped file stays one.
        for place, number in enumerate(kept):
            pixels[place] = pixels[number]
        pixels = pixels[: len(kept)]
    chosen = tuple(samples[number] for number in kept)
    return Faces(pixels, np.array([index[sample.label] for sample in chosen], dtype=np.int64), chosen)


def check_faces(faces: Faces, labels: Sequence[str], name: str) -> None:
    """Refuse decoded faces that nothing can be learned from.

    Raises:
        DatasetError: a class has no readable image, all images are alike, or
            most pictures of one class are pictures of another too.
    """
    counts = np.bincount(faces.targets, minlength=len(labels))
    for label, count in zip(labels, counts, strict=True):
        if count == 0:
            raise DatasetError(f"no {label} image of the {name} split can be read; see the lines above")
    prints = [hashlib.blake2b(picture.tobytes(), digest_size=12).digest() for picture in faces.pixels]
    if len(prints) > 1 and len(set(prints)) == 1:
        raise DatasetError(
            f"all {len(prints)} images of the {name} split are the same picture; there is nothing to learn"
        )
    seen: dict[bytes, set[int]] = {}
    for mark, target in zip(prints, faces.targets, strict=True):
        seen.setdefault(mark, set()).add(int(target))
    torn = sum(1 for targets in seen.values() if len(targets) > 1)
    if torn * 2 > len(seen):
        raise DatasetError(
            f"{torn} of {len(seen)} pictures of the {name} split carry two labels; sort the folders again"
        )
    if torn:
        logger.warning("%d pictures of the %s split carry two labels", torn, name)
