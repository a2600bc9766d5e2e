"""Lines of a dataset: records and skips, there and back."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path

import pytest
from fake_worker import picture, record
from hypothesis import given
from hypothesis import strategies as st

from maskgen.dataset.engines.base import Task
from maskgen.dataset.lines import parse_record, parse_skip, record_line, skip_line
from maskgen.dataset.names import encode_path, image_name
from maskgen.dataset.record import Record, Skip
from maskgen.dataset.settings import Settings
from maskgen.errors import DatasetError, InputError

ID = "0123456789abcdef"


def a_record(source: str = "in/a.jpg", label: str = "with_mask") -> Record:
    return record(Settings("out"), Task(0, source), ID, label)


def a_dataset(folder: Path, *records: Record) -> Path:
    for one in records:
        path = folder / one.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(ID, one.label))
    (folder / "metadata.jsonl").write_text("".join(record_line(r) + "\n" for r in records), encoding="ascii")
    (folder / "run.json").write_text('{"labels": ["with_mask", "without_mask"]}')
    return folder


def test_a_line_gives_the_record_back() -> None:
    line = record_line(a_record())
    assert parse_record(line) == a_record()
    assert next(iter(json.loads(line))) == "file_name"
    for name in [
        "label",
        "split",
        "source",
        "source_id",
        "group",
        "face_index",
        "box_xyxy",
        "landmarks",
        "pose_deg",
        "detector",
    ]:
        assert name in json.loads(line)
    for name in ["template", "wear", "colour", "pattern", "params", "coverage", "seed"]:
        assert name in json.loads(line)


def test_a_scene_keeps_all_its_faces() -> None:
    one = a_record()
    small = dataclasses.replace(one.faces[0], face_index=1, label="without_mask", box_xyxy=(0.0, 0.0, 2.0, 2.0))
    scene = dataclasses.replace(one, faces=(small, one.faces[0]), encoding={"crop": "scene"})
    again = parse_record(record_line(scene))
    assert again == scene
    assert again.face.face_index == 0, "the largest stands for the image"


@given(st.binary(min_size=1, max_size=30).filter(lambda b: b"\0" not in b))
def test_any_name_survives_a_line(raw: bytes) -> None:
    path = os.fsdecode(raw)
    text, quoted = encode_path(path)
    line = skip_line(Skip(text, "no_face", source_bytes=quoted))
    assert line.isascii()
    assert "\n" not in line
    json.loads(line)["source"].encode("utf-8")
    assert parse_skip(line).source_path() == path
    name = image_name("train", "with_mask", path, ID, 0, 0, "jpg")
    assert name.isascii()
    assert name.count("/") == 2
    assert not any(c in name for c in "\n\\ '\"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=8,
)


"""Anything that a line may hold; NaN and infinities too, which Python reads."""


@given(st.data())
def test_a_line_with_anything_in_a_field_is_a_record_or_one_clear_error(data: st.DataObject) -> None:
    line = json.loads(record_line(a_record()))
    for name in data.draw(
        st.lists(st.sampled_from([*line, "rejected", "faces", "source_bytes"]), min_size=1, max_size=3)
    ):
        line[name] = data.draw(JSON)
    with contextlib.suppress(DatasetError):
        parse_record(json.dumps(line)).source_path()


@given(st.dictionaries(st.sampled_from(["source", "reason", "detail", "source_id", "source_bytes", "rejected"]), JSON))
def test_a_skip_with_anything_in_a_field_is_a_skip_or_one_clear_error(line: dict[str, object]) -> None:
    with contextlib.suppress(DatasetError):
        parse_skip(json.dumps(line)).source_path()


@given(st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(Settings)]), JSON))
def test_settings_of_any_kind_are_settings_or_one_clear_error(values: dict[str, object]) -> None:
    with contextlib.suppress(InputError):
        Settings.from_json({"output": "out"} | values)


def test_a_line_may_be_nested_too_deep() -> None:
    with pytest.raises(DatasetError, match="no JSON"):
        parse_record("[" * 100_000)
