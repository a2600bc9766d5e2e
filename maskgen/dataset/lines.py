"""Lines of ``metadata.jsonl`` and ``skipped.jsonl``: records written and parsed.

The lines are plain ASCII JSON. A source whose name is no UTF-8 is stored with
its odd bytes as ``\\xff`` for people, and as ``source_bytes`` (percent-encoded)
for programs: a lone surrogate in JSON is legal for Python and for nobody else.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from maskgen.dataset.record import FaceRecord, Pairs, Record, Skip, SourceFace
from maskgen.errors import DatasetError
from maskgen.types import LABELS

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
    return dumps(parse_object(line) | {"rejected": dict(sorted(rejected.items()))}) if rejected else line


def parse_record(line: str | bytes) -> Record:
    """A line of ``metadata.jsonl`` as a record.

    Raises:
        DatasetError: it is no JSON object, or a field is missing or wrong.
    """
    data = parse_object(line)
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
    data = parse_object(line)
    if not isinstance(data.get("source"), str) or not isinstance(data.get("reason"), str):
        raise DatasetError("a skipped line needs source and reason")
    try:
        words = {name: _text(data.get(name)) for name in ("source_id", "source_bytes")}
        rejected = _numbers(data.get("rejected"))
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"a field has the wrong form: {error}") from error
    return Skip(data["source"], data["reason"], str(data.get("detail", "")), rejected=rejected, **words)


def parse_object(line: str | bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        DatasetError: it is none.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"no JSON: {error}") from error
    if not isinstance(data, dict):
        raise DatasetError(f"a JSON object expected, got {type(data).__name__}")
    return data
