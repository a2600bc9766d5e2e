"""The gallery's rows, drawn on the two portraits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from maskgen import images
from maskgen.cli import gallery
from maskgen.faces.landmarks import FaceFinder
from maskgen.templates.reader import load_wardrobe
from maskgen.types import WEARS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def subjects(portraits: Path) -> list[gallery.Subject]:
    finder = FaceFinder()
    photos = [images.read_rgb(path) for path in sorted(portraits.iterdir())]
    return [(photo, finder.find(photo).faces[0]) for photo in photos]


def test_every_row(subjects: list[gallery.Subject]) -> None:
    wardrobe = load_wardrobe()
    few = {name: wardrobe[name] for name in sorted(wardrobe)[:3]} | {"surgical": wardrobe["surgical"]}
    rows = {row.name: row for row in gallery.rows(subjects, few, count=3)}
    assert list(rows) == ["masks", "wears", "light", "camera", "confusers"]
    assert {picture.caption for picture in rows["masks"].pictures} == {template.title for template in few.values()}
    assert [picture.caption for picture in rows["wears"].pictures] == [wear for wear in WEARS for _ in subjects]
    assert len(rows["light"].pictures) == len(rows["camera"].pictures) == 3
    for row in rows.values():
        for picture in row.pictures:
            assert picture.image.shape == (gallery.PICTURE_PX, gallery.PICTURE_PX, 3)
            assert picture.image.dtype == np.uint8
    # One thing differs in a row, and it does.
    for name in ("light", "camera"):
        first, second, *_ = rows[name].pictures
        assert np.abs(first.image.astype(int) - second.image).mean() > 1


def test_the_same_seed_draws_the_same(subjects: list[gallery.Subject]) -> None:
    wardrobe = {"surgical": load_wardrobe()["surgical"]}
    once, again = (
        [p.image for row in gallery.rows(subjects, wardrobe, count=2) for p in row.pictures] for _ in range(2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
