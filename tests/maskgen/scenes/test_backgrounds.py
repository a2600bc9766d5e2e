from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from maskgen.errors import DatasetError, InputError
from maskgen.images import write
from maskgen.scenes import backgrounds

EVERYTHING = (1.0, 0.0, 0.0)


def annotated(folder: Path) -> Path:
    """A grey picture with a red person, annotated."""
    image = np.full((300, 400, 3), 128, np.uint8)
    image[100:160, 180:230] = (255, 0, 0)
    (folder / "images").mkdir()
    write(folder / "images" / "street.png", image)
    document = {
        "images": [{"id": 1, "file_name": "street.png", "width": 400, "height": 300}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [180, 100, 50, 60]}],
        "categories": [{"id": 1, "name": "face"}],
    }
    (folder / "boxes.json").write_text(json.dumps(document))
    return folder / "boxes.json"


def test_regions_keep_clear_of_boxes(tmp_path: Path) -> None:
    places = backgrounds.find_places([], [annotated(tmp_path)], "train", EVERYTHING)
    assert [place.taken.tolist() for place in places.regions] == [[[180, 100, 230, 160]]]
    only = backgrounds.Places(regions=places.regions)
    plain = 0
    for seed in range(60):
        image = backgrounds.draw(np.random.default_rng(seed), (120, 90), only)
        assert image.shape == (90, 120, 3)
        plain += int((image == 128).all())
        red = (image[..., 0] > 200) & (image[..., 1] < 30) & (image[..., 2] < 30)
        assert not red.all(axis=None)
        # A region of the picture is plain grey or not of the picture at all.
        assert (image == 128).all() or not (image == 128).all(axis=2).mean() > 0.5
    assert plain > 5


def test_drawn_places_are_many_and_hang_on_chance_alone() -> None:
    seen = set()
    for seed in range(20):
        image = backgrounds.draw(np.random.default_rng(seed), (96, 72), backgrounds.Places())
        again = backgrounds.draw(np.random.default_rng(seed), (96, 72), backgrounds.Places())
        assert image.dtype == np.uint8
        assert image.shape == (72, 96, 3)
        assert np.array_equal(image, again)
        seen.add(image.tobytes())
    assert len(seen) == 20


def test_a_picture_serves_one_split(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path / f"{number}.png", np.zeros((8, 8, 3), np.uint8))
    train, val = (backgrounds.find_places([tmp_path], [], s, (0.5, 0.5, 0.0)).pictures for s in ("train", "val"))
    assert len(train) + len(val) == 60
    assert not {place.path for place in train} & {place.path for place in val}


def test_what_cannot_serve_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no picture"):
        backgrounds.find_places([tmp_path], [], "train", EVERYTHING)
    with pytest.raises(InputError, match="missing"):
        backgrounds.find_places([], [tmp_path / "no.json"], "train", EVERYTHING)
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(DatasetError, match="no COCO file"):
        backgrounds.find_places([], [tmp_path / "no.json"], "train", EVERYTHING)
