from __future__ import annotations

import contextlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from maskgen import images
from maskgen.app import app
from maskgen.dataset.check import _faults, _other_files, check, problems, prune
from maskgen.dataset.lines import parse_record, parse_skip
from maskgen.dataset.reader import read_dataset, read_run
from maskgen.errors import DatasetError
from maskgen.scenes.pieces import index

LABELS = ("with_mask", "without_mask")


def line(name: str, label: str, split: str, group: str, **more: Any) -> dict[str, Any]:
    return {
        "file_name": name,
        "label": label,
        "split": split,
        "source": "photo.jpg",
        "source_id": "0" * 16,
        "group": group,
        "face_index": 0,
        "size_wh": [40, 40],
        "box_xyxy": [0, 0, 40, 40],
        "landmarks": [],
        "pose_deg": [10, 0, 0],
        "detector": "hog",
        "seed": 0,
        **more,
    }


def noise(rng: np.random.Generator) -> np.ndarray:
    """A smooth picture: thumbnails of plain noise are all alike."""
    return np.repeat(np.repeat(rng.integers(0, 255, (5, 5, 3)).astype(np.uint8), 8, 0), 8, 1)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "dataset"
    lines = []
    for label in LABELS:
        for number, split in enumerate(("train", "train", "val", "test")):
            name = f"{split}/{label}/{number}_{label}.png"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            images.write(folder / name, noise(rng))
            lines.append(line(name, label, split, f"person{number}"))
    write(folder, lines)
    (folder / "run.json").write_text(json.dumps({"version": "0", "labels": list(LABELS)}))
    return folder


def write(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / "metadata.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in (folder / "metadata.jsonl").read_text().splitlines()]


def test_a_dataset_as_it_was_written(dataset: Path) -> None:
    assert problems(dataset) == []
    found = check(dataset)
    assert (found.lines, found.gone, found.added, found.moved) == (8, (), (), {})


def test_what_people_change_is_said_and_is_no_fault(dataset: Path) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    (dataset / "train/with_mask/1_with_mask.png").rename(dataset / "train/without_mask/1_with_mask.png")
    images.write(dataset / "train/with_mask/mine.jpg", noise(np.random.default_rng(9)))
    (dataset / "train/with_mask/notes.txt").write_text("no picture")
    (dataset / "train/with_mask/.hidden.png").write_bytes(b"")
    found = check(dataset)
    assert found.gone == ("train/with_mask/0_with_mask.png",)
    assert found.moved == {"train/with_mask/1_with_mask.png": "train/without_mask/1_with_mask.png"}
    assert found.added == ("train/with_mask/mine.jpg",)
    assert found.problems == ()
    assert len(problems(dataset)) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": "training"}, "split is one of"),
        ({"label": "without_mask"}, "does not lie under train/without_mask"),
        ({"label": "hat"}, "'hat' is no label"),
        ({"source_id": "xyz"}, "16 hex digits"),
        ({"size_wh": [0, 40]}, "size_wh is positive"),
        ({"box_xyxy": [9, 0, 3, 5]}, "box_xyxy is left"),
        ({"box_xyxy": [0, 0, 9]}, "box_xyxy takes 4"),
        ({"landmarks": [[1, 2]]}, "landmarks 68 pairs"),
        ({"pose_deg": [float("nan"), 0, 0]}, "three finite angles"),
        ({"coverage": [[[1, 2], [3, 4]]]}, "three points"),
        ({"visible": 1.5}, "a share from 0 to 1"),
        ({"covers": {"nose": 2}}, "shares from 0 to 1 of nose"),
        ({"group": ""}, "group is empty"),
        ({"file_name": "../x.png"}, "points outside"),
        ({"wear": 7}, "wear is a word"),
    ],
)
def test_every_field_of_a_line_is_looked_at(dataset: Path, change: dict[str, Any], words: str) -> None:
    lines = read(dataset)
    lines[1] |= change
    write(dataset, lines)
    assert any("line 2: " in one and words in one for one in check(dataset, pictures=False).broken)


def test_file_name_comes_first(dataset: Path) -> None:
    lines = read(dataset)
    lines[0] = {"label": lines[0]["label"], **lines[0]}
    write(dataset, lines)
    assert "file_name comes first" in check(dataset, pictures=False).broken[0]


def test_faults_between_lines(dataset: Path) -> None:
    lines = read(dataset)
    lines[2]["group"] = "person0"
    write(dataset, [*lines, lines[0]])
    broken = check(dataset, pictures=False).broken
    assert any("the group person0 is in train and val" in one for one in broken)
    assert any("stands on two lines" in one for one in broken)


def test_the_files_beside_the_lines(dataset: Path) -> None:
    (dataset / "run.json").write_text("[]")
    (dataset / "skipped.jsonl").write_text('{"source": "x"}\n')
    broken = " ".join(check(dataset, pictures=False).broken)
    assert "run.json: a JSON object expected" in broken
    assert "skipped.jsonl, line 1" in broken
    (dataset / "run.json").unlink()
    assert "no run.json" in " ".join(check(dataset, pictures=False).broken)


def test_pictures_are_opened_and_measured(dataset: Path) -> None:
    (dataset / "train/with_mask/0_with_mask.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    images.write(dataset / "train/with_mask/1_with_mask.png", np.zeros((20, 40, 3), np.uint8))
    unreadable = check(dataset).unreadable
    assert len(unreadable) == 2
    assert "is 40 x 20 px, its line says 40 x 40" in unreadable[1]


def test_the_same_picture_in_two_splits(dataset: Path) -> None:
    image = images.read_rgb(dataset / "train/with_mask/0_with_mask.png")
    images.write(dataset / "test/with_mask/again.jpg", image[::2, ::2], 60)
    assert check(dataset).duplicates == (("test/with_mask/again.jpg", "train/with_mask/0_with_mask.png"),)
    images.write(dataset / "train/with_mask/again.jpg", image)
    (dataset / "test/with_mask/again.jpg").unlink()
    assert check(dataset).duplicates == ()


def test_prune_drops_deleted_pictures_alone(dataset: Path) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    (dataset / "train/with_mask/1_with_mask.png").rename(dataset / "train/without_mask/1_with_mask.png")
    before = read(dataset)
    assert prune(dataset) == 1
    assert read(dataset) == before[1:]
    assert prune(dataset) == 0
    assert check(dataset).gone == ()


def test_prune_writes_whole_or_not_at_all(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    before = (dataset / "metadata.jsonl").read_bytes()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("maskgen.dataset.check.os.fsync", fail)
    with pytest.raises(OSError, match="full"):
        prune(dataset)
    assert (dataset / "metadata.jsonl").read_bytes() == before
    assert not list(dataset.glob(".*.tmp"))
    monkeypatch.undo()
    with (dataset / "metadata.jsonl").open("ab") as file:
        file.write(b"no json\n")
    with pytest.raises(DatasetError, match=r"line 9: no JSON.*nothing was pruned"):
        prune(dataset)
    assert (dataset / "metadata.jsonl").read_bytes() == before + b"no json\n"


def test_command(dataset: Path) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    done = CliRunner().invoke(app, ["check", str(dataset)])
    assert done.exit_code == 0, done.output
    assert "1 deleted (--prune drops their lines)\n  train/with_mask/0_with_mask.png" in done.output
    assert "8 lines: they keep the contract" in done.output
    done = CliRunner().invoke(app, ["check", str(dataset), "--prune", "--json"])
    assert json.loads(done.stdout)["pruned"] == 1
    assert len(read(dataset)) == 7
    (dataset / "run.json").unlink()
    done = CliRunner().invoke(app, ["check", str(dataset), "--lines-only"])
    assert done.exit_code == 1
    assert "1 wrong\n  no run.json" in done.output


def test_a_folder_without_lines(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no metadata\.jsonl"):
        check(tmp_path)


# ---------------------------------------------------------------- what other commands make of an edited dataset


def test_readers_go_on_without_deleted_pictures(dataset: Path, caplog: pytest.LogCaptureFixture) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    shutil.move(dataset / "val", dataset.parent / "val")
    with caplog.at_level(logging.WARNING):
        assert len(list(read_dataset(dataset))) == 5
    assert "3 of the 8 images that" in caplog.text
    gone: list[str] = []
    list(read_dataset(dataset, split="val", gone=gone))
    assert gone == ["val/with_mask/2_with_mask.png", "val/without_mask/2_without_mask.png"]


@pytest.mark.parametrize("form", ["coco", "yolo", "voc", "webdataset", "parquet"])
def test_convert_goes_on(dataset: Path, form: str) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    (dataset / "run.json").unlink()
    done = CliRunner().invoke(app, ["convert", str(dataset), "--to", form])
    assert done.exit_code == 0, done.output
    if form == "coco":
        document = json.loads((dataset.with_name("dataset-coco") / "train.json").read_text())
        names = {image["id"]: image["file_name"] for image in document["images"]}
        assert len(names) == 3
        labels = {category["id"]: category["name"] for category in document["categories"]}
        assert all(labels[a["category_id"]] in names[a["image_id"]] for a in document["annotations"])
        assert len(document["annotations"]) == 3


def test_preview_and_report_go_on(dataset: Path) -> None:
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    (dataset / "train/with_mask/1_with_mask.png").write_bytes(b"broken")
    (dataset / "run.json").unlink()
    done = CliRunner().invoke(app, ["preview", str(dataset)])
    assert done.exit_code == 0, done.output
    assert (dataset / "preview.jpg").is_file()
    assert (dataset / "report.html").is_file()


def test_compose_goes_on(dataset: Path) -> None:
    lines = read(dataset)
    for one in lines:
        one |= {"encoding": {"crop": "scene"}, "landmarks": [[number, number] for number in range(68)]}
    write(dataset, lines)
    (dataset / "train/with_mask/0_with_mask.png").unlink()
    assert [ref.path.name for ref in index([dataset])["train"]["with_mask"]] == ["1_with_mask.png"]


# ---------------------------------------------------------------- lines from elsewhere

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=12,
)


@given(st.binary(max_size=60) | st.builds(lambda value: json.dumps(value).encode(), JSON))
def test_any_bytes_are_a_record_or_refused(raw: bytes) -> None:
    for parse in (parse_record, parse_skip):
        with contextlib.suppress(DatasetError):
            parse(raw)


@settings(max_examples=300)
@given(st.sampled_from(sorted(line("a/b.png", "with_mask", "a", "g"))), JSON)
def test_any_value_of_any_field_is_a_record_or_refused(field: str, value: Any) -> None:
    raw = json.dumps({**line("train/with_mask/b.png", "with_mask", "train", "g"), field: value})
    try:
        record = parse_record(raw)
    except DatasetError:
        return
    assert isinstance(list(_faults(record, json.loads(raw))), list)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000])
def test_nesting_without_end_is_refused(raw: bytes) -> None:
    with pytest.raises(DatasetError, match="no JSON"):
        parse_record(raw)


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.builds(lambda value: json.dumps(value).encode(), JSON))
def test_any_bytes_are_a_run_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "run"
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_bytes(raw)
    with contextlib.suppress(DatasetError):
        assert isinstance(read_run(folder), dict)
    _other_files(folder)
