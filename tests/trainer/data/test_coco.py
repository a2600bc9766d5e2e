from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgen.errors import DatasetError
from maskgen.images import write
from trainer.data import coco

if TYPE_CHECKING:
    from pathlib import Path


def document(**changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "with_mask"}, {"id": 2, "name": "no mask"}, {"id": 3, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [1, 2, 10, 12], "keypoints": [21, 3, 2, 24, 3, 0] + [0] * 9},
            {"image_id": 7, "category_id": 2, "bbox": [1, 2, 10, 12], "iscrowd": 1},
            {"image_id": 7, "category_id": 2, "bbox": [1, 2, 0, 12]},
            {"image_id": 7, "category_id": 3, "bbox": [1, 2, 10, 12]},
        ],
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "a.png", np.zeros((30, 40, 3), np.uint8))
    return tmp_path


def read(folder: Path, value: Any) -> tuple[coco.Picture, ...]:
    (folder / "annotations.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return coco.read_folder(folder)[""]


def test_the_rules(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (picture,) = read(folder, document())
    assert picture.size_wh == (40, 30)
    assert [(face.label, face.ignored) for face in picture.faces] == [
        ("with_mask", False),
        ("without_mask", True),
        ("without_mask", True),
        (None, True),
    ]
    assert picture.faces[0].box_xyxy == (1, 2, 11, 14)
    assert picture.faces[0].points[:2] == ((21, 3, True), (24, 3, False))
    assert "ignored: dog" in caplog.text


def test_a_size_that_is_not_said_is_looked_up(folder: Path) -> None:
    assert read(folder, document(images=[{"id": 7, "file_name": "a.png"}]))[0].size_wh == (40, 30)


def test_deleted_pictures(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = [{"id": n, "file_name": f"{name}.png", "width": 40, "height": 30} for n, name in ((7, "a"), (8, "b"))]
    assert len(read(folder, document(images=images))) == 1
    assert "1 of the 2 pictures" in caplog.text
    (folder / "a.png").unlink()
    with pytest.raises(DatasetError, match="none of the 2 pictures"):
        read(folder, document(images=images))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (document(categories=[{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]), "'cat' is unknown, and none is"),
        (document(annotations=[{"image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1]}]), "no such entry"),
        (document(annotations=[{"image_id": 7, "category_id": 1, "bbox": [0, 0, 1]}]), "no COCO file"),
        (document(annotations=[{"image_id": 7, "category_id": 1, "bbox": [0, 0, float("nan"), 1]}]), "no rectangle"),
        ("[" * 100_000, "no COCO file"),
        ("", "no COCO file"),
    ],
)
def test_what_is_damaged(folder: Path, value: Any, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read(folder, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
ENTRY = st.dictionaries(
    st.sampled_from(
        ["id", "name", "file_name", "width", "height", "image_id", "category_id", "bbox", "keypoints", "iscrowd"]
    ),
    JSON | st.sampled_from([7, 1, "a.png", "with_mask", [1, 2, 3, 4]]),
    max_size=6,
)


@settings(max_examples=200)
@given(st.sampled_from(["images", "categories", "annotations"]), st.lists(ENTRY, max_size=3) | JSON)
def test_any_document_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, part: str, value: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    write(folder / "a.png", np.zeros((30, 40, 3), np.uint8))
    with contextlib.suppress(DatasetError):
        read(folder, document(**{part: value}))


@settings(max_examples=60)
@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "bytes"
    folder.mkdir(exist_ok=True)
    (folder / "train.json").write_bytes(raw)
    with contextlib.suppress(DatasetError):
        coco.read_folder(folder)
