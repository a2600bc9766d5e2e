"""Checks a dataset folder against its contract, and says what people have changed since it was written.

People edit datasets: they delete a picture, put one of their own beside the drawn ones, move one to another class.
None of that breaks anything; ``check`` says it, and which line or picture does break the contract (docs/dataset.md).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from maskgen.dataset.duplicates import SIDE, Thumbnails, near, thumbnail
from maskgen.dataset.lines import parse_record
from maskgen.dataset.reader import read_run, read_skipped
from maskgen.dataset.record import METADATA, RUN, SPLITS, FaceRecord, Record
from maskgen.errors import DatasetError, ImageError
from maskgen.images import SUFFIXES, read_rgb
from maskgen.types import LABELS

_ID: Final = re.compile(r"[0-9a-f]{16}")
_COVERS: Final = {"nose", "mouth", "chin"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        folder: the dataset.
        lines: of ``metadata.jsonl``.
        broken: sentences about what breaks the contract.
        gone: images that a line names and that are not there.
        moved: images that lie under another class or split now -> where.
        added: pictures that no line knows.
        unreadable: sentences about pictures that cannot be read, or have another size than their line says.
        duplicates: pairs of the same picture in two splits.
    """

    folder: Path
    lines: int
    broken: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    moved: Mapping[str, str] | None = None
    added: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, one sentence each; what people may change is not among it."""
        twins = tuple(f"{one} and {other} are the same picture in two splits" for one, other in self.duplicates)
        return (*self.broken, *self.unreadable, *twins)

    def to_json(self) -> dict[str, Any]:
        """The document that ``maskgen check --json`` prints."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"folder": str(self.folder), "moved": dict(self.moved or {}), "ok": not self.problems}


def check(folder: Path, *, pictures: bool = True, threads: int = 2) -> Report:
    """Compare a dataset folder with its contract.

    Args:
        folder: what ``maskgen generate`` wrote, whatever became of it.
        pictures: also open every picture, and look for the same picture in two splits.
        threads: for that.

    Raises:
        DatasetError: there is no ``metadata.jsonl``.
    """
    if not (folder / METADATA).is_file():
        raise DatasetError(f"no {METADATA} in {folder}; name a folder that maskgen generate wrote")
    broken: list[str] = []
    sizes: dict[str, tuple[int, int]] = {}
    missing: list[str] = []
    splits: dict[str, str] = {}
    lines = 0
    for number, line in _lines(folder):
        lines += 1
        where = f"{METADATA}, line {number}"
        try:
            record = parse_record(line)
        except DatasetError as error:
            broken.append(f"{where}: {error}")
            continue
        broken += [f"{where}: {fault}" for fault in _faults(record, json.loads(line))]
        name = record.file_name
        if name in sizes:
            broken.append(f"{where}: {name} stands on two lines")
        if splits.setdefault(record.group, record.split) != record.split:
            broken.append(f"{where}: the group {record.group} is in {splits[record.group]} and {record.split}")
        sizes[name] = record.size_wh
        if not (folder / name).is_file():
            missing.append(name)
    broken += _other_files(folder)
    added = list(strangers(folder, sizes))
    moved = whereabouts(missing, added)
    present = [name for name in dict.fromkeys(sizes) if (folder / name).is_file()] + added
    unreadable, duplicates = _look_at(folder, present, sizes, threads) if pictures else ([], [])
    return Report(
        folder,
        lines,
        tuple(broken),
        tuple(name for name in dict.fromkeys(missing) if name not in moved),
        moved,
        tuple(name for name in added if name not in set(moved.values())),
        tuple(unreadable),
        tuple(duplicates),
    )


def problems(folder: Path) -> list[str]:
    """What is wrong with the lines of a dataset or has changed, one sentence each; empty for one as it was written."""
    try:
        found = check(folder, pictures=False)
    except DatasetError as error:
        return [str(error)]
    changes = [f"{name} is gone" for name in found.gone]
    changes += [f"{name} lies at {place} now" for name, place in (found.moved or {}).items()]
    return [*found.problems, *changes, *(f"{name} stands on no line" for name in found.added)]


def prune(folder: Path) -> int:
    """Drop the lines of deleted pictures from ``metadata.jsonl``, whole or not at all.

    The lines of pictures that lie elsewhere now stay: they say whose face it is.

    Returns:
        How many lines were dropped.

    Raises:
        DatasetError: there is no ``metadata.jsonl``, or a line is none; nothing is changed then.
    """
    gone = _gone(folder)
    if not gone:
        return 0
    path = folder / METADATA
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    dropped = 0
    try:
        with temporary.open("wb") as file:
            for _, line in _lines(folder):
                if parse_record(line).file_name in gone:
                    dropped += 1
                else:
                    file.write(line if line.endswith(b"\n") else line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return dropped


def _gone(folder: Path) -> set[str]:
    """The names of deleted pictures; a damaged line is found here, before anything is written."""
    found = check(folder, pictures=False)
    for number, line in _lines(folder):
        try:
            parse_record(line)
        except DatasetError as error:
            raise DatasetError(f"{folder / METADATA}, line {number}: {error}; nothing was pruned") from error
    return set(found.gone)


def strangers(folder: Path, known: Collection[str]) -> Iterator[str]:
    """Pictures below the class folders of a dataset that no line knows, in a settled order.

    Args:
        folder: the dataset.
        known: names that lines give, below the folder, with forward slashes.
    """
    for split in ("", *SPLITS):
        for label in LABELS:
            root = folder / split / label
            for path in sorted(root.rglob("*")) if root.is_dir() else ():
                name = path.relative_to(folder).as_posix()
                hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
                if name not in known and not hidden and path.suffix.lower() in SUFFIXES and path.is_file():
                    yield name


def whereabouts(gone: Collection[str], added: Collection[str]) -> dict[str, str]:
    """Which missing pictures lie in another class or split now: old name -> new name.

    The last part of a drawn picture's name is unique.

    >>> whereabouts(["train/with_mask/a_0.jpg"], ["train/without_mask/a_0.jpg", "train/with_mask/b.jpg"])
    {'train/with_mask/a_0.jpg': 'train/without_mask/a_0.jpg'}
    """
    places = {PurePosixPath(name).name: name for name in added}
    found = {name: places.get(PurePosixPath(name).name) for name in gone}
    return {name: place for name, place in found.items() if place is not None}


def _lines(folder: Path) -> Iterator[tuple[int, bytes]]:
    with (folder / METADATA).open("rb") as lines:
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _other_files(folder: Path) -> list[str]:
    """What is wrong with ``run.json`` and ``skipped.jsonl``."""
    found = []
    try:
        run = read_run(folder)
        if not isinstance(run.get("labels"), list) or not set(run["labels"]) <= set(LABELS):
            found.append(f"{RUN}: labels must be some of {', '.join(LABELS)}, got {run.get('labels')!r}")
    except DatasetError as error:
        found.append(str(error))
    try:
        for _ in read_skipped(folder):
            pass
    except DatasetError as error:
        found.append(str(error))
    return found


# ---------------------------------------------------------------- a line


def _faults(record: Record, line: Mapping[str, Any]) -> Iterator[str]:
    """What a line says that the contract does not allow."""
    if next(iter(line)) != "file_name":
        yield f"file_name comes first, got {next(iter(line))!r}"
    if record.split not in SPLITS:
        yield f"split is one of {', '.join(SPLITS)}, got {record.split!r}"
    if PurePosixPath(record.file_name).parts[:2] != (record.split, record.label):
        yield f"{record.file_name} does not lie under {record.split}/{record.label}"
    if not record.file_name.isascii():
        yield f"file_name is plain ASCII, got {record.file_name!r}"
    if not _ID.fullmatch(record.source_id):
        yield f"source_id has 16 hex digits, got {record.source_id!r}"
    if min(record.size_wh) < 1:
        yield f"size_wh is positive, got {list(record.size_wh)}"
    if not record.group:
        yield "group is empty"
    for number, face in enumerate(record.faces):
        name = f"face {number}: " if len(record.faces) > 1 else ""
        yield from (name + fault for fault in _face_faults(face))
    yield from _covers_faults(line)


def _face_faults(face: FaceRecord) -> Iterator[str]:
    if face.label not in LABELS:
        yield f"label is one of {', '.join(LABELS)}, got {face.label!r}"
    left, top, right, bottom = face.box_xyxy
    if not np.isfinite(face.box_xyxy).all() or right <= left or bottom <= top:
        yield f"box_xyxy is left, top, right, bottom, got {list(face.box_xyxy)}"
    if not np.isfinite(np.array(face.landmarks)).all():
        yield "landmarks are finite numbers"
    if not np.isfinite(face.pose_deg).all():
        yield f"pose_deg is three finite angles, got {list(face.pose_deg)}"
    if any(len(polygon) < 3 or not np.isfinite(np.array(polygon)).all() for polygon in face.coverage):
        yield "a polygon of coverage has three points or more, finite ones"
    if not 0 <= face.visible <= 1:
        yield f"visible is a share from 0 to 1, got {face.visible}"
    for field, value in (("template", face.template), ("wear", face.wear), ("colour", face.colour)):
        if value is not None and not isinstance(value, str):
            yield f"{field} is a word or null, got {value!r}"


def _covers_faults(line: Mapping[str, Any]) -> Iterator[str]:
    """``covers`` is the share of nose, mouth and chin that is covered, where a line says it."""
    covers = line.get("covers")
    if covers is None:
        return
    right = isinstance(covers, dict) and set(covers) <= _COVERS
    if not right or not all(isinstance(share, (int, float)) and 0 <= share <= 1 for share in covers.values()):
        yield f"covers holds shares from 0 to 1 of nose, mouth and chin, got {covers!r}"


# ---------------------------------------------------------------- pictures


def _look_at(
    folder: Path, names: list[str], sizes: Mapping[str, tuple[int, int]], threads: int
) -> tuple[list[str], list[tuple[str, str]]]:
    """Open every picture: what cannot be read or has another size, and what lies in two splits."""

    def one(name: str) -> tuple[str | None, Thumbnails | None]:
        try:
            image = read_rgb(folder / name)
        except ImageError as error:
            return str(error), None
        size_wh = image.shape[1], image.shape[0]
        if name in sizes and size_wh != sizes[name]:
            return f"{name} is {size_wh[0]} x {size_wh[1]} px, its line says {' x '.join(map(str, sizes[name]))}", None
        return None, thumbnail(image)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        seen = list(pool.map(one, names))
    by_split: dict[str, tuple[list[str], list[Thumbnails]]] = {}
    for name, (_, mark) in zip(names, seen, strict=True):
        if mark is not None:
            part = by_split.setdefault(PurePosixPath(name).parts[0], ([], []))
            part[0].append(name)
            part[1].append(mark)
    return [words for words, _ in seen if words is not None], across(by_split)


def across(by_split: Mapping[str, tuple[list[str], list[Thumbnails]]]) -> list[tuple[str, str]]:
    """The same pictures in two splits: pairs of names, that of the later split first.

    Args:
        by_split: split -> names, and the thumbnails of their pictures.
    """
    parts = [(split, *by_split[split]) for split in by_split]
    stacked = [np.array(marks, np.uint8).reshape(-1, SIDE * SIDE) for _, _, marks in parts]
    return [
        (parts[later][1][mine], parts[earlier][1][theirs])
        for later in range(len(parts))
        for earlier in range(later)
        for mine, theirs in near(stacked[later], stacked[earlier])
    ]
