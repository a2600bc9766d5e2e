"""The dataset folder's contract: what a line says, how it is written, read and split.

    dataset/
      train/ val/ test/     each: with_mask/ without_mask/ [incorrect_mask/]
      metadata.jsonl        one line per written image; ``file_name`` first
      skipped.jsonl         one line per input that gave nothing, and why
      run.json              version, command, seed, settings, counts, seconds

The lines are plain ASCII JSON. A source whose name is no UTF-8 is stored with
its odd bytes as ``\\xff`` for people, and as ``source_bytes`` (percent-encoded)
for programs: a lone surrogate in JSON is legal for Python and for nobody else.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from maskgen.errors import DatasetError
from maskgen.types import LABELS, Label

logger = logging.getLogger(__name__)

METADATA: Final = "metadata.jsonl"
SKIPPED: Final = "skipped.jsonl"
RUN: Final = "run.json"
SPLITS: Final[tuple[str, ...]] = ("train", "val", "test")

Pairs = tuple[tuple[float, float], ...]

_IDENTITY = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class SourceFace:
    """A face in the photo it came from; with ``params`` it is all that drawing needs.

    Attributes:
        box_xyxy: the detector's own box, in the decoded photo's pixels.
        score: the detector's confidence.
        landmarks: 68 pairs in the decoded photo's pixels.
        points: the detector's five points, or empty.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    landmarks: Pairs
    points: Pairs = ()


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One face of a written image. Pixels are the written image's unless said.

    Attributes:
        label: what this face wears; in a scene it may differ from the image's.
        face_index: its place among the photo's faces, left to right.
        box_xyxy: the face box.
        landmarks: 68 pairs.
        pose_deg: yaw, pitch, roll of the head in the written image, a turn included.
        detector: what found it.
        template: the mask's name, or None.
        wear: how it is worn, or None.
        colour: the palette's name, or None.
        pattern: the pattern's name, or None.
        params: everything drawn by chance (``ImageParams.to_json``).
        coverage: polygons of the visible mask, each a list of pairs; holes are cut open to the outline.
        visible: share of the mask that lies inside the image.
        attempt: how many draws before this one were turned down.
        source_face: the face as it lies in the photo.
    """

    label: Label
    face_index: int
    box_xyxy: tuple[float, float, float, float]
    landmarks: Pairs
    pose_deg: tuple[float, float, float]
    detector: str
    template: str | None = None
    wear: str | None = None
    colour: str | None = None
    pattern: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    coverage: tuple[Pairs, ...] = ()
    visible: float = 0.0
    attempt: int = 0
    source_face: SourceFace | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One written image: a line of ``metadata.jsonl``.

    Attributes:
        file_name: path below the dataset folder, with forward slashes.
        label: the class the image counts as, and the folder it lies in.
        split: ``train``, ``val`` or ``test``.
        source: the photo's path as given.
        source_id: first 16 hex digits of the sha256 of the photo's bytes.
        group: what may not be torn apart by the split.
        copy: which of the ``--per-face`` copies.
        seed: the run's seed.
        size_wh: width and height of the written image.
        encoding: how the photo was read and the image written.
        faces: at least one; one for a face image, all of them for a scene.
        source_bytes: see ``encode_path``.
        rejected: on a photo's last line, how many of its faces gave no image,
            by reason; empty elsewhere.
    """

    file_name: str
    label: Label
    split: str
    source: str
    source_id: str
    group: str
    copy: int
    seed: int
    size_wh: tuple[int, int]
    encoding: dict[str, Any]
    faces: tuple[FaceRecord, ...]
    source_bytes: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise DatasetError(f"{self.label!r} is no label; one of {', '.join(LABELS)} expected")
        if not self.faces:
            raise DatasetError(f"{self.file_name}: a record needs at least one face")
        if not _IDENTITY.fullmatch(self.source_id):
            raise DatasetError(f"source_id takes 16 hex digits, got {self.source_id!r}")

    @property
    def face(self) -> FaceRecord:
        """The image's face; the largest one of a scene."""
        return max(self.faces, key=lambda f: (f.box_xyxy[2] - f.box_xyxy[0]) * (f.box_xyxy[3] - f.box_xyxy[1]))

    def source_path(self) -> str:
        """The photo's path as the operating system knows it."""
        return decode_path(self.source, self.source_bytes)


@dataclass(frozen=True, slots=True)
class Skip:
    """One input that gave nothing: a line of ``skipped.jsonl``; ``rejected`` counts the faces left out, by reason."""

    source: str
    reason: str
    detail: str = ""
    source_id: str | None = None
    source_bytes: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source_id is not None and not _IDENTITY.fullmatch(self.source_id):
            raise DatasetError(f"source_id takes 16 hex digits, got {self.source_id!r}")

    def source_path(self) -> str:
        return decode_path(self.source, self.source_bytes)


# ---------------------------------------------------------------- names


def encode_path(path: str) -> tuple[str, str | None]:
    """A path for a JSON line: readable text, and the exact bytes where text cannot hold them.

    >>> encode_path("a/photo.jpg")
    ('a/photo.jpg', None)
    >>> encode_path("caf\\udce9.jpg")
    ('caf\\\\xe9.jpg', 'caf%E9.jpg')
    """
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raw = os.fsencode(path)
        return raw.decode("utf-8", "backslashreplace"), quote_from_bytes(raw)
    return path, None


def decode_path(text: str, quoted: str | None) -> str:
    """Undo ``encode_path``."""
    return text if quoted is None else os.fsdecode(unquote_to_bytes(quoted))


def clean_stem(path: str, limit: int = 40) -> str:
    """A file's name without ending, fit for every file system and shell.

    >>> clean_stem("photos/Anna Müller\\n(1).jpeg")
    'Anna-M-ller-1'
    """
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:limit].strip("-") or "photo"


def image_name(split: str, label: Label, source: str, source_id: str, face_index: int, copy: int, ext: str) -> str:
    """Where an image lies below the dataset folder. The last part is unique by itself.

    >>> image_name("train", "with_mask", "in/me.png", "00ff", 0, 1, "jpg")
    'train/with_mask/me_00ff_0_1_with.jpg'
    """
    word = label.removesuffix("_mask")
    return f"{split}/{label}/{clean_stem(source)}_{source_id}_{face_index}_{copy}_{word}.{ext}"


_DRAWN = re.compile(r".+_([0-9a-f]{16})_\d+_\d+_(?:with|without|incorrect)\.(?:jpg|png|webp)")


def drawn_from(file_name: str) -> str | None:
    """The ``source_id`` in an image's name, or None where ``image_name`` did not make it.

    >>> drawn_from("train/with_mask/me_0123456789abcdef_0_1_with.jpg")
    '0123456789abcdef'
    >>> drawn_from("train/with_mask/holiday.jpg")
    """
    match = _DRAWN.fullmatch(file_name.rsplit("/", 1)[-1])
    return match[1] if match else None


# ---------------------------------------------------------------- split


# ---------------------------------------------------------------- lines

_FACE_FIELDS = tuple(f.name for f in dataclasses.fields(FaceRecord))


_SOURCE_FIELDS = tuple(f.name for f in dataclasses.fields(SourceFace))
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def dumps(value: Any) -> str:
    """One line of ASCII JSON."""
    return _ENCODER.encode(value)


def record_line(record: Record) -> str:
    """The record as a line of ``metadata.jsonl``, without the line's end.

    The fields of the (largest) face stand on the line itself; a scene's faces
    follow under ``faces``.
    """
    face = _face_dict(record.face)
    line: dict[str, Any] = {
        "file_name": record.file_name,
        "label": record.label,
        "split": record.split,
        "source": record.source,
        "source_id": record.source_id,
        "group": record.group,
        "face_index": face.pop("face_index"),
        "copy": record.copy,
        "size_wh": list(record.size_wh),
    }
    face.pop("label")
    params, source_face = face.pop("params"), face.pop("source_face")
    line |= face
    line |= {"seed": record.seed, "encoding": record.encoding, "params": params, "source_face": source_face}
    if record.source_bytes is not None:
        line["source_bytes"] = record.source_bytes
    if record.rejected:
        line["rejected"] = dict(record.rejected)
    if record.encoding.get("crop") == "scene":
        line["faces"] = [_face_dict(f) for f in record.faces]
    return dumps(line)


def _face_dict(face: FaceRecord) -> dict[str, Any]:
    data = {name: getattr(face, name) for name in _FACE_FIELDS}
    if face.source_face is not None:
        data["source_face"] = {name: getattr(face.source_face, name) for name in _SOURCE_FIELDS}
    return data


def with_rejected(line: str, rejected: Mapping[str, int]) -> str:
    """A line of ``metadata.jsonl`` that also says which of its photo's faces were left out."""
    return dumps(_object(line) | {"rejected": dict(sorted(rejected.items()))}) if rejected else line


def parse_record(line: str | bytes) -> Record:
    """A line of ``metadata.jsonl`` as a record.

    Raises:
        DatasetError: it is no JSON object, or a field is missing or wrong.
    """
    data = _object(line)
    try:
        label = data["label"]
        faces = data.get("faces") or [{**{k: v for k, v in data.items() if k in _FACE_FIELDS}, "label": label}]
        return Record(
            file_name=_inside(str(data["file_name"])),
            label=label,
            split=str(data["split"]),
            source=str(data["source"]),
            source_id=str(data["source_id"]),
            group=str(data["group"]),
            copy=int(data.get("copy", 0)),
            seed=int(data["seed"]),
            size_wh=(int(data["size_wh"][0]), int(data["size_wh"][1])),
            encoding=dict(data.get("encoding") or {}),
            faces=tuple(_face(face) for face in faces),
            source_bytes=_text(data.get("source_bytes")),
            rejected=_numbers(data.get("rejected")),
        )
    except KeyError as error:
        raise DatasetError(f"no field {error.args[0]!r}") from error
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise DatasetError(f"a field has the wrong form: {error}") from error


def _text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError(f"text expected, got {value!r}")
    return value


def _numbers(data: Any) -> dict[str, int]:
    return {str(word): int(number) for word, number in dict(data or {}).items()}


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise DatasetError(f"file_name {name!r} points outside the folder")
    return name


def _face(data: dict[str, Any]) -> FaceRecord:
    source = data.get("source_face")
    box, pose = data["box_xyxy"], data["pose_deg"]
    if len(box) != 4 or len(data["landmarks"]) not in (0, 68):
        raise DatasetError("box_xyxy takes 4 numbers and landmarks 68 pairs")
    if data["label"] not in LABELS:
        raise DatasetError(f"{data['label']!r} is no label; one of {', '.join(LABELS)} expected")
    return FaceRecord(
        label=data["label"],
        face_index=int(data["face_index"]),
        box_xyxy=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        landmarks=_pairs(data["landmarks"]),
        pose_deg=(float(pose[0]), float(pose[1]), float(pose[2])),
        detector=str(data["detector"]),
        template=data.get("template"),
        wear=data.get("wear"),
        colour=data.get("colour"),
        pattern=data.get("pattern"),
        params=dict(data.get("params") or {}),
        coverage=tuple(_pairs(polygon) for polygon in data.get("coverage") or ()),
        visible=float(data.get("visible") or 0.0),
        attempt=int(data.get("attempt") or 0),
        source_face=None
        if source is None
        else SourceFace(
            tuple(map(float, source["box_xyxy"])),  # type: ignore[arg-type]
            float(source["score"]),
            _pairs(source["landmarks"]),
            _pairs(source.get("points") or ()),
        ),
    )


def _pairs(values: Iterable[Iterable[float]]) -> Pairs:
    return tuple((float(x), float(y)) for x, y in values)


def skip_line(skip: Skip) -> str:
    """The skip as a line of ``skipped.jsonl``; fields that say nothing are left out."""
    return dumps({f.name: v for f in dataclasses.fields(Skip) if (v := getattr(skip, f.name)) not in (None, "", {})})


def parse_skip(line: str | bytes) -> Skip:
    """A line of ``skipped.jsonl``.

    Raises:
        DatasetError: it is no JSON object, says no source or reason, or a field has the wrong form.
    """
    data = _object(line)
    if not isinstance(data.get("source"), str) or not isinstance(data.get("reason"), str):
        raise DatasetError("a skipped line needs source and reason")
    try:
        words = {name: _text(data.get(name)) for name in ("source_id", "source_bytes")}
        rejected = _numbers(data.get("rejected"))
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"a field has the wrong form: {error}") from error
    return Skip(data["source"], data["reason"], str(data.get("detail", "")), rejected=rejected, **words)


def _object(line: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"no JSON: {error}") from error
    if not isinstance(data, dict):
        raise DatasetError(f"a JSON object expected, got {type(data).__name__}")
    return data


# ---------------------------------------------------------------- reading a folder


def read_dataset(
    folder: Path, *, split: str | None = None, check_files: bool = True, gone: list[str] | None = None
) -> Iterator[Record]:
    """The records of a dataset folder, one at a time, in the order they were written.

    People delete pictures they do not like, so a line whose image is missing is passed over and counted.

    Args:
        folder: what ``maskgen generate`` wrote.
        split: only this one.
        check_files: leave out lines whose image is not there.
        gone: takes the names of those images; None to have their number logged.

    Raises:
        DatasetError: no ``metadata.jsonl``, or a line that breaks the contract (with its number).
    """
    listed = 0
    missing: list[str] = [] if gone is None else gone
    for _, record in _numbered(folder):
        if split is not None and record.split != split:
            continue
        listed += 1
        if check_files and not (folder / record.file_name).is_file():
            missing.append(record.file_name)
        else:
            yield record
    if missing and gone is None:
        logger.warning(
            "%d of the %d images %sthat %s lists are gone; went on without them (maskgen check %s says which)",
            len(missing),
            listed,
            f"of {split} " if split else "",
            folder / METADATA,
            folder,
        )


def _numbered(folder: Path) -> Iterator[tuple[int, Record]]:
    """Every line's number and record."""
    path = folder / METADATA
    if not path.is_file():
        raise DatasetError(f'no {METADATA} in {folder}; "maskgen generate" writes one')
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield number, parse_record(line)
            except DatasetError as error:
                raise DatasetError(f"{path}, line {number}: {error}") from error


def read_skipped(folder: Path) -> Iterator[Skip]:
    """The skips of a dataset folder; none where there is no ``skipped.jsonl``.

    Raises:
        DatasetError: a line breaks the contract.
    """
    path = folder / SKIPPED
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield parse_skip(line)
                except DatasetError as error:
                    raise DatasetError(f"{path}, line {number}: {error}") from error


def read_run(folder: Path) -> dict[str, Any]:
    """``run.json``.

    Raises:
        DatasetError: it is missing or no JSON object.
    """
    path = folder / RUN
    try:
        return _object(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(f'no {RUN} in {folder}; "maskgen generate" writes one') from error
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
