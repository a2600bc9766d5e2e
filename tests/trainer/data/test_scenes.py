from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import DatasetError, InputError
from maskgen.images import write
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import KIND, ignoring_small, load

LABELS = ("with_mask", "without_mask")


def document(**changes: Any) -> dict[str, Any]:
    base = {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [
            {"id": 1, "name": "with_mask"},
            {"id": 2, "name": "without_mask"},
            {"id": 3, "name": "mask_weared_incorrect"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "bbox": [1, 2, 10, 12]},
            {
                "id": 2,
                "image_id": 7,
                "category_id": 3,
                "bbox": [20, 2, 5, 8],
                "keypoints": [21, 3, 2, 24, 3, 1] + [0] * 9,
            },
            {"id": 3, "image_id": 7, "category_id": 1, "bbox": [30, 2, 5, 8], "ignore": 1},
        ],
    }
    return {**base, **changes}


def folder(root: Path, name: str = "annotations.json", place: str = "images", **changes: Any) -> Path:
    (root / place).mkdir(parents=True, exist_ok=True)
    write(root / place / "a.png", np.zeros((30, 40, 3), np.uint8))
    (root / name).write_text(json.dumps(document(**changes)))
    return root


def test_reading_a_foreign_folder(tmp_path: Path) -> None:
    found = load(folder(tmp_path), LABELS, val_fraction=0.0)
    (scene,) = found.parts["train"]
    assert scene.path.name == "a.png"
    assert scene.faces[:, : KIND + 1].tolist() == [
        [1, 2, 11, 14, 1, 1],
        [20, 2, 25, 10, 1, 1],
        [30, 2, 35, 10, 0, -1],
    ]
    assert scene.faces[1, 6:12].tolist() == [21, 3, 1, 24, 3, 1]
    assert scene.faces[1, 12:].max() == 0
    assert len(scene.real) == 2
    assert found.digest["train"] == {"pictures": 1, "faces": {"without_mask": 2}}


def test_incorrect_masks(tmp_path: Path) -> None:
    root = folder(tmp_path)
    assert load(root, LABELS, incorrect="with_mask", val_fraction=0.0).parts["train"][0].faces[1, 4] == 0
    ignored = load(root, LABELS, incorrect="ignore", val_fraction=0.0).parts["train"][0]
    assert ignored.faces[1, KIND] == -1
    own = load(root, (*LABELS, "incorrect_mask"), val_fraction=0.0).parts["train"][0]
    assert own.faces[1, 4] == 2


def test_splits_of_its_own(tmp_path: Path) -> None:
    folder(tmp_path, "train.json", "train")
    folder(tmp_path, "val.json", "val", annotations=[])
    found = load(tmp_path, LABELS)
    assert {split: len(scenes) for split, scenes in found.parts.items()} == {"train": 1, "val": 1}
    assert len(found.parts["val"][0].faces) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"categories": [{"id": 1, "name": "cat"}]}, "category 'cat' is unknown"),
        ({"images": [{"id": 7, "file_name": "b.png", "width": 4, "height": 3}]}, "holds none of the 1 pictures"),
        ({"annotations": [{"id": 1, "image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1]}]}, "no COCO file of boxes"),
        ({"annotations": [{"id": 1, "image_id": 7, "category_id": 1}]}, "no COCO file of boxes: KeyError 'bbox'"),
    ],
)
def test_damaged_annotations(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        load(folder(tmp_path, **changes), LABELS)


def test_small_faces_are_ignored(tmp_path: Path) -> None:
    (scene,) = load(folder(tmp_path), LABELS, val_fraction=0.0).parts["train"]
    assert ignoring_small(scene, 6).faces[:, KIND].tolist() == [1, -1, -1]
    assert scene.faces[:, KIND].tolist() == [1, 1, -1]


def test_settings_go_to_json_and_back() -> None:
    config = DetectorConfig(classes=3, sizes=(320, 416), zoom=(0.7, 2.0))
    assert DetectorConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert config.labels[2] == "incorrect_mask"


@pytest.mark.parametrize(
    "wrong", [{"sizes": (300,)}, {"sizes": ()}, {"zoom": (2.0, 1.0)}, {"classes": 4}, {"freeze": 15}, {"lr": 0.0}]
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        DetectorConfig(**wrong)
