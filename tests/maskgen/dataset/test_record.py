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

from maskgen.dataset import check, split
from maskgen.dataset.engines.base import Task
from maskgen.dataset.lines import parse_record, parse_skip, record_line, skip_line
from maskgen.dataset.names import drawn_from, encode_path, image_name
from maskgen.dataset.reader import read_dataset, read_run, read_skipped
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


def test_the_split_hangs_on_the_group_alone() -> None:
    groups = [f"person {i}" for i in range(3000)]
    fractions = split.parse_fractions("80/10/10")
    before = {group: split.split_of(group, fractions) for group in groups}
    assert before == {group: split.split_of(group, fractions) for group in reversed(groups)}
    share = sum(split == "train" for split in before.values()) / len(groups)
    assert 0.77 < share < 0.83
    assert set(before.values()) == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("text", "shares"), [("80/10/10", (0.8, 0.1, 0.1)), ("3,1", (0.75, 0.25, 0)), ("1", (1, 0, 0))]
)
def test_fractions(text: str, shares: tuple[float, float, float]) -> None:
    assert split.parse_fractions(text) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["", "a/b", "0/0", "-1/2", "1/1/1/1", "nan"])
def test_odd_fractions_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="80/10/10"):
        split.parse_fractions(text)


@pytest.mark.parametrize(
    ("group_by", "group"),
    [
        (None, ID),
        ("folder", "anna"),
        (r"(\w+)_\d+\.jpg", "b"),
        (r"(?P<group>an)", "an"),
        ("zzz", ID),
        ("(z)?anna", ID),
    ],
)
def test_groups(group_by: str | None, group: str) -> None:
    assert split.group_of("faces/anna/b_01.jpg", ID, group_by) == group


def test_a_dataset_is_read_back(tmp_path: Path) -> None:
    records = [a_record(), a_record(label="without_mask")]
    folder = a_dataset(tmp_path, *records)
    assert list(read_dataset(folder)) == records
    assert check.problems(folder) == []


def test_what_breaks_the_contract_is_said_with_its_line(tmp_path: Path) -> None:
    folder = a_dataset(tmp_path, a_record())
    with pytest.raises(DatasetError, match=r"no metadata\.jsonl"):
        list(read_dataset(tmp_path / "nowhere"))
    with (folder / "metadata.jsonl").open("a") as file:
        file.write('{"file_name": "train/with_mask/b.jpg"}\n')
    with pytest.raises(DatasetError, match="line 2: no field 'label'"):
        list(read_dataset(folder))
    (folder / "metadata.jsonl").write_text("{}\nnot json\n")
    with pytest.raises(DatasetError, match="line 1"):
        list(read_dataset(folder))
    (folder / "metadata.jsonl").write_text("[]\n")
    with pytest.raises(DatasetError, match="object"):
        list(read_dataset(folder))


def test_a_missing_image_is_passed_over(tmp_path: Path) -> None:
    folder = a_dataset(tmp_path, a_record())
    (folder / a_record().file_name).rename(folder / "train" / "stray.jpg")
    assert list(read_dataset(folder, gone=[])) == []
    assert len(list(read_dataset(folder, check_files=False))) == 1


def test_a_line_cannot_point_outside(tmp_path: Path) -> None:
    folder = a_dataset(tmp_path, a_record())
    line = record_line(dataclasses.replace(a_record(), file_name="../x.jpg"))
    (folder / "metadata.jsonl").write_text(line + "\n")
    with pytest.raises(DatasetError, match="outside"):
        list(read_dataset(folder))


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


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_of_any_kind_are_no_dataset(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("raw")
    for name in ("metadata.jsonl", "skipped.jsonl", "run.json"):
        (folder / name).write_bytes(raw)
    with contextlib.suppress(DatasetError):
        list(read_dataset(folder))
    with contextlib.suppress(DatasetError):
        list(read_skipped(folder))
    with contextlib.suppress(DatasetError):
        assert isinstance(read_run(folder), dict)
    assert isinstance(check.problems(folder), list)


@given(st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(Settings)]), JSON))
def test_settings_of_any_kind_are_settings_or_one_clear_error(values: dict[str, object]) -> None:
    with contextlib.suppress(InputError):
        Settings.from_json({"output": "out"} | values)


def test_a_line_may_be_nested_too_deep() -> None:
    with pytest.raises(DatasetError, match="no JSON"):
        parse_record("[" * 100_000)


def test_an_image_is_known_by_its_name() -> None:
    assert drawn_from(a_record().file_name) == ID
    for name in (
        "train/with_mask/mine.jpg",
        f"train/with_mask/a_{ID}.jpg",
        f"a_{ID}_0_0_with.jpg.txt",
        f"a_{ID}_x_0_with.jpg",
    ):
        assert drawn_from(name) is None
