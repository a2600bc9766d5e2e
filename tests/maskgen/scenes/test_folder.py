"""A folder of scenes: the same bytes however it came about."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from maskgen.errors import DatasetError, InputError
from maskgen.scenes import block, folder


@pytest.fixture
def settings(pieces_folder: Path, monkeypatch: pytest.MonkeyPatch) -> folder.Settings:
    return folder.Settings((str(pieces_folder),), scenes=6, size=128, split=(1.0, 0.0, 0.0), seed=4)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "BLOCK", 2)
    monkeypatch.setattr(block, "POOL", 6)
    monkeypatch.setattr(block, "CLOTHS", 4)


def contents(output: Path) -> dict[str, str]:
    return {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != "run.json" and ".maskgen" not in path.parts
    } | {"run.json": json.dumps({**json.loads((output / "run.json").read_bytes()), "seconds": 0})}


def test_a_run_leaves_a_coco_folder(settings: folder.Settings, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    summary = folder.make(settings, tmp_path / "s", command=("maskgen",), progress=lambda *at: told.append(at))
    document = json.loads((tmp_path / "s" / "train.json").read_text())
    assert [category["name"] for category in document["categories"]] == ["with_mask", "without_mask", "incorrect_mask"]
    assert len(document["images"]) == summary.counts["scenes"] == 6
    for image in document["images"]:
        assert (tmp_path / "s" / image["file_name"]).is_file()
        assert max(image["width"], image["height"]) == 128
    sizes = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    assert [annotation["id"] for annotation in document["annotations"]] == list(
        range(1, len(document["annotations"]) + 1)
    )
    for annotation in document["annotations"]:
        x, y, width, height = annotation["bbox"]
        wide, high = sizes[annotation["image_id"]]
        assert 0 <= x < x + width <= wide + 0.01
        assert 0 <= y < y + height <= high + 0.01
        assert len(annotation["keypoints"]) == 15
        assert set(annotation["keypoints"][2::3]) <= {0, 2}
    run = json.loads((tmp_path / "s" / "run.json").read_text())
    assert run["seed"] == 4
    assert run["command"] == ["maskgen"]
    assert run["counts"]["scenes"] == 6
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)


def test_a_killed_run_goes_on_to_the_same_bytes(settings: folder.Settings, tmp_path: Path) -> None:
    folder.make(settings, tmp_path / "whole")
    done: list[int] = []

    def stop(at: int, _: int) -> None:
        done.append(at)
        if at == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.make(settings, tmp_path / "cut", progress=stop)
    assert not (tmp_path / "cut" / "train.json").exists()
    (tmp_path / "cut" / "train" / ".0f.part").write_bytes(b"half")
    # As a kill in the middle of a block leaves it: a picture without a record.
    (tmp_path / "cut" / "train" / "000002.jpg").write_bytes(b"half")
    again: list[tuple[int, int]] = []
    folder.make(settings, tmp_path / "cut", progress=lambda *at: again.append(at))
    assert again[0] == (1, 3)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_other_seeds_draw_other_scenes(settings: folder.Settings, tmp_path: Path) -> None:
    folder.make(settings, tmp_path / "a")
    folder.make(replace(settings, seed=5), tmp_path / "b")
    first, second = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert not {first[name] for name in first if name.endswith(".jpg")} & set(second.values())


def test_other_settings_are_refused_until_told(settings: folder.Settings, tmp_path: Path) -> None:
    folder.make(settings, tmp_path / "s")
    more = replace(settings, scenes=2)
    with pytest.raises(InputError, match="other settings"):
        folder.make(more, tmp_path / "s")
    folder.make(more, tmp_path / "s", overwrite=True)
    assert len(list((tmp_path / "s" / "train").iterdir())) == 2


def test_what_is_not_ours_is_left_alone(settings: folder.Settings, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        folder.make(settings, tmp_path, overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        folder.make(settings, tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_split_without_faces_is_named(settings: folder.Settings, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no face in the split val"):
        folder.make(replace(settings, split=(0.5, 0.5, 0.0)), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_no_dataset_no_scenes(settings: folder.Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dataset folder"):
        folder.make(replace(settings, datasets=(str(tmp_path),)), tmp_path / "s")


@pytest.mark.parametrize(("name", "value"), [("scenes", 0), ("size", 10), ("camera", "vhs")])
def test_settings_that_make_no_sense(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"--{name}"):
        folder.Settings(("x",), **{name: value})  # type: ignore[arg-type]


def test_scenes_are_composed_with_one_thread(
    settings: folder.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    compose = block.compose

    def watched(*words: Any) -> Any:
        seen.append(cv2.getNumThreads())
        return compose(*words)

    monkeypatch.setattr(block, "compose", watched)
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    folder.make(replace(settings, scenes=1), tmp_path / "s")
    after = cv2.getNumThreads()
    cv2.setNumThreads(before)
    assert (seen, after) == ([1], 2)


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("step", range(0, 12, 2))
def test_killed_while_it_deletes_the_old_scenes(
    settings: folder.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, overwrite: bool
) -> None:
    folder.make(settings, tmp_path / "whole")
    folder.make(replace(settings, seed=5), tmp_path / "s")
    count = iter(range(1000))
    unlink = os.unlink

    def fatal(*words: Any, **more: Any) -> None:
        if next(count) >= step:
            raise KeyboardInterrupt
        unlink(*words, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", fatal)
        with pytest.raises(KeyboardInterrupt):
            folder.make(settings, tmp_path / "s", overwrite=True)
    finished = (tmp_path / "s" / "run.json").exists() and (tmp_path / "s" / "train.json").exists()
    whole = {path.name for path in (tmp_path / "s" / "train").glob("*.jpg")}
    assert len(whole) == 6 or not finished, "what is half deleted counts as finished"
    folder.make(settings, tmp_path / "s", overwrite=overwrite)
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")


def test_overwrite_begins_anew(settings: folder.Settings, tmp_path: Path) -> None:
    folder.make(settings, tmp_path / "s")
    (tmp_path / "s" / "train" / "000001.jpg").write_bytes(b"damaged")
    folder.make(settings, tmp_path / "s", overwrite=True)
    folder.make(settings, tmp_path / "t")
    assert contents(tmp_path / "s") == contents(tmp_path / "t")


def test_two_workers_compose_what_one_composes(
    settings: folder.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block, "POOL", 80)  # as in the processes, which know nothing of this test's blocks
    monkeypatch.setattr(block, "CLOTHS", 24)
    monkeypatch.setattr(folder, "BLOCK", 1)
    for workers in (1, 2):
        folder.make(replace(settings, scenes=2), tmp_path / str(workers), workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
