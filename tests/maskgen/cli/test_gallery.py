"""The gallery's rows, drawn on the two portraits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from maskgen import images
from maskgen.cli import gallery
from maskgen.faces.landmarks import FaceFinder
from maskgen.render.camera import CameraParams
from maskgen.templates.reader import load_wardrobe
from maskgen.types import WEARS


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


PICTURES = Path(__file__).resolve().parents[3] / "docs" / "images" / "gallery"


def test_every_kind_has_its_picture_and_no_other_has() -> None:
    """``make gallery`` draws them."""
    kinds = gallery.kinds(load_wardrobe())
    files = sorted(path.name for path in PICTURES.iterdir())
    assert files == sorted(f"{kind.group}-{kind.name}.jpg" for kind in kinds)
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 3_000_000
    page = (PICTURES.parents[1] / "gallery.md").read_text(encoding="utf-8")
    for kind in kinds:
        assert f"(images/gallery/{kind.group}-{kind.name}.jpg)" in page
        assert f"[`{kind.name}`](../{kind.source})" in page
        assert (PICTURES.parents[2] / kind.source).is_file(), kind.source
        assert kind.words, kind.name


@pytest.mark.parametrize("name", ["sponge", "one_ear", "phone", "hard_hat", "balaclava", "surgical_cap", "vignette"])
def test_the_pictures_are_what_is_drawn_today(name: str, subjects: list[gallery.Subject]) -> None:
    """Loosely: other versions of OpenCV and other finders of faces move pixels, not pictures."""
    wardrobe = load_wardrobe()
    (kind,) = (kind for kind in gallery.kinds(wardrobe) if kind.name == name)
    drawn = gallery.picture(kind, subjects, wardrobe)
    shown = images.read_rgb(PICTURES / f"{kind.group}-{kind.name}.jpg")
    assert drawn.shape == shown.shape
    assert np.abs(coarse(drawn) - coarse(shown)).mean() < 4
    # As far from another's picture as two kinds are.
    other = images.read_rgb(PICTURES / "templates-kn95.jpg")
    assert np.abs(coarse(drawn) - coarse(other)).mean() > 6


def coarse(image: images.RGB) -> np.ndarray:
    import cv2

    return cv2.resize(image, (32, 16), interpolation=cv2.INTER_AREA).astype(float)


def test_every_number_of_the_camera_has_a_fault() -> None:
    plain = CameraParams()
    shown = {
        field.name
        for _, params in gallery.CAMERA.values()
        for field in dataclasses.fields(plain)
        if getattr(params, field.name) != getattr(plain, field.name)
    }
    # How it is enlarged and reduced shows in none alone.
    assert {field.name for field in dataclasses.fields(plain)} - shown == {"down", "up"}


def test_a_new_kind_moves_no_other_picture(subjects: list[gallery.Subject]) -> None:
    wardrobe = load_wardrobe()
    (kind,) = (kind for kind in gallery.kinds(wardrobe) if kind.name == "kn95")
    few = {"kn95": wardrobe["kn95"]}
    assert np.array_equal(gallery.picture(kind, subjects, wardrobe), gallery.picture(kind, subjects, few))
