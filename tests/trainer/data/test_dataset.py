from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from maskgen import images
from maskgen.errors import DatasetError, InputError
from trainer.data.dataset import Dataset, load, scan
from trainer.data.faces import Crop, decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = ("with_mask", "without_mask")


def _line(name: str, label: str, split: str, group: str, **more: Any) -> dict[str, Any]:
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
        "template": "surgical" if label == "with_mask" else None,
        "seed": 0,
        "params": {"camera": {"noise": 0.5}},
        **more,
    }


def _generated(folder: Path, splits: tuple[str, ...] = ("train", "train", "val", "test")) -> Path:
    rng = np.random.default_rng(0)
    lines = []
    for label in LABELS:
        for number, split in enumerate(splits):
            name = f"{split}/{label}/{number}.png"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            images.write(folder / name, rng.integers(0, 255, (40, 40, 3)).astype(np.uint8))
            lines.append(_line(name, label, split, f"person{number}"))
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def _names(found: Dataset) -> tuple[set[str], set[str]]:
    return {sample.name for sample in found.train}, {sample.name for sample in found.val}


def test_a_generated_folder_keeps_its_splits(tmp_path: Path) -> None:
    found = load(_generated(tmp_path))
    assert [len(found.train), len(found.val), len(found.test)] == [4, 2, 2]
    sample = found.train[0]
    assert sample.group == "person0"
    assert sample.record["template"] == "surgical"
    assert sample.record["params.camera.noise"] == 0.5
    assert found.digest["counts"]["train"] == {"with_mask": 2, "without_mask": 2}


def test_a_scene_gives_one_sample_a_face(tmp_path: Path) -> None:
    folder = _generated(tmp_path)
    line = _line("train/with_mask/0.png", "with_mask", "train", "p", encoding={"crop": "scene"})
    face = {key: line[key] for key in ("face_index", "box_xyxy", "landmarks", "pose_deg", "detector", "label")}
    line["faces"] = [face, {**face, "label": "without_mask", "box_xyxy": [0, 0, 10, 10]}]
    (folder / "metadata.jsonl").write_text(json.dumps(line) + "\n")
    samples = scan(folder)
    assert [sample.label for sample in samples] == ["with_mask", "without_mask"]
    assert samples[1].box == (0, 0, 10, 10)
    assert decode(samples, LABELS, Crop((8, 8))).pixels.shape == (2, 8, 8, 3)


def test_plain_folders_are_split_by_a_seeded_hash(folders: Callable[..., Path]) -> None:
    folder = folders(with_mask=30, without_mask=30)
    first, again, other = load(folder), load(folder), load(folder, seed=1)
    assert _names(first) == _names(again) != _names(other)
    assert 4 <= len(first.val) <= 22
    assert not {s.group for s in first.train} & {s.group for s in first.val}


def test_adding_photos_moves_nobody_from_training_to_validation(folders: Callable[..., Path]) -> None:
    folder = folders(with_mask=20, without_mask=20)
    before = load(folder)
    images.write(folder / "with_mask" / "new.png", np.full((9, 9, 3), 7, np.uint8))
    after = load(folder)
    assert {s.name for s in before.train} <= {s.name for s in after.train}


def test_copies_of_a_file_share_a_split(folders: Callable[..., Path]) -> None:
    folder = folders(with_mask=20, without_mask=20)
    for path in sorted((folder / "with_mask").iterdir()):
        shutil.copy(path, path.with_name(f"copy_{path.name}"))
    found = load(folder)
    train, val = (
        {s.path.name.removeprefix("copy_") for s in part if s.label == "with_mask"} for part in (found.train, found.val)
    )
    assert train
    assert val
    assert not train & val


def test_group_by_keeps_people_together(folders: Callable[..., Path]) -> None:
    found = load(folders(with_mask=20, without_mask=20), group_by=r"p(\d)")
    assert {s.group for s in found.train} | {s.group for s in found.val} == {"0", "1"}
    assert not {s.group for s in found.train} & {s.group for s in found.val}
    with pytest.raises(InputError, match="no regular expression"):
        load(found.train[0].path.parents[1], group_by="(")


def test_one_person_is_split_by_image_and_says_so(
    folders: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    found = load(folders(), group_by="p")
    assert len(found.train) == 16
    assert len(found.val) == 4
    assert "say nothing about other people" in caplog.text


def test_incorrectly_worn_masks_are_dropped_counted_or_a_class(folders: Callable[..., Path]) -> None:
    folder = folders(with_mask=6, without_mask=6, incorrect_mask=6)
    assert len(load(folder).train + load(folder).val) == 12
    found = load(folder, incorrect="without_mask")
    assert sum(s.label == "without_mask" for s in found.train + found.val) == 12
    assert load(folder, classes=3).labels == ("with_mask", "without_mask", "incorrect_mask")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"with_mask": 5}, "no without_mask images"),
        ({"with_mask": 5, "without_mask": 0}, "no without_mask images"),
        ({"with_mask": 5, "without_mask": 1}, "one without_mask image only"),
        ({"with_mask": 5, "without_mask": 5, "hat": 2}, "hat, which is no label"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    folders: Callable[..., Path], counts: dict[str, int], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        load(folders(**counts))


def test_three_classes_need_three(folders: Callable[..., Path]) -> None:
    with pytest.raises(DatasetError, match="no incorrect_mask"):
        load(folders(), classes=3)


def test_empty_and_absent_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="neither metadata"):
        load(tmp_path)
    with pytest.raises(DatasetError, match="no dataset folder"):
        load(tmp_path / "absent")


def test_deleted_pictures_are_gone_on_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = _generated(tmp_path)
    (folder / "train/with_mask/0.png").unlink()
    found = load(folder)
    assert [len(found.train), len(found.val), len(found.test)] == [3, 2, 2]
    assert "1 of the 8 images of" in caplog.text
    assert found.digest["gone"] == 1
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(DatasetError, match="none of the 8 images that"):
        load(folder)


def test_pictures_beside_the_drawn_ones_count_under_their_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _generated(tmp_path)
    rng = np.random.default_rng(5)
    for name in ("train/with_mask/mine.jpg", "val/without_mask/anna/1.png", "test/incorrect_mask/x.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(folder / name, rng.integers(0, 255, (40, 40, 3)).astype(np.uint8))
    (folder / "train/with_mask/notes.txt").write_text("no picture")
    found = load(folder, group_by=r"without_mask/(\w+)/")
    names = {sample.name: sample for sample in (*found.train, *found.val, *found.test)}
    assert (names["train/with_mask/mine.jpg"].label, names["train/with_mask/mine.jpg"].split) == ("with_mask", "train")
    assert names["val/without_mask/anna/1.png"].group == "anna"
    assert names["val/without_mask/anna/1.png"] in found.val
    assert len(names) == 10
    assert len(load(folder, incorrect="without_mask").test) == 3
    assert "3 pictures in" in caplog.text
    assert "stand on no line" in caplog.text
    assert found.digest["beside"] == 3


def test_a_moved_picture_counts_where_it_lies_and_keeps_its_person(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _generated(tmp_path)
    (folder / "train/with_mask/0.png").rename(folder / "train/without_mask/0_was.png")
    (folder / "train/with_mask/1.png").rename(folder / "train/without_mask/unique.png")
    text = (folder / "metadata.jsonl").read_text().replace("train/with_mask/1.png", "train/with_mask/unique.png")
    (folder / "metadata.jsonl").write_text(text)
    names = {sample.name: sample for sample in scan(folder)}
    assert names["train/without_mask/unique.png"].label == "without_mask"
    assert names["train/without_mask/unique.png"].group == "person1"
    assert "template" not in names["train/without_mask/unique.png"].record
    assert names["train/without_mask/0_was.png"].group not in {"person0", "person1"}
    assert "1 images of" in caplog.text
    assert "were moved" in caplog.text


def test_pictures_beside_scenes_have_no_boxes_and_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _generated(tmp_path)
    line = _line("train/with_mask/0.png", "with_mask", "train", "p", encoding={"crop": "scene"})
    line["faces"] = [
        {key: line[key] for key in ("face_index", "box_xyxy", "landmarks", "pose_deg", "detector", "label")}
    ]
    (folder / "metadata.jsonl").write_text(json.dumps(line) + "\n")
    assert [sample.name for sample in scan(folder)] == ["train/with_mask/0.png"]
    assert "need their boxes" in caplog.text
