"""Scenes: boxes and points where the faces really are, whoever is hidden told from whoever is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskgen.scenes import clothes, compose, layout
from maskgen.scenes.backgrounds import Places
from maskgen.scenes.boxes import annotated_box
from maskgen.scenes.crowd import person
from maskgen.scenes.layout import Stand
from maskgen.scenes.painting import MIN_VISIBLE, Painting, SceneFace, seen_in
from maskgen.scenes.photographs import hang
from maskgen.scenes.pieces import Person, Piece, draw_pool, index
from maskgen.types import Box, Label, Points

DOTS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))


def landmarks() -> Points:
    """A face of about 100 pixels, level, in a picture of 200 x 200."""
    points = np.full((68, 2), 100.0)
    points[:17, 0] = np.linspace(50, 150, 17)
    points[:17, 1] = 150 - np.abs(np.linspace(-60, 60, 17))
    points[17:27] = [[x, 55] for x in np.linspace(60, 140, 10)]
    points[36:42], points[42:48] = (75, 72), (125, 72)
    points[30], points[48], points[54] = (100, 100), (80, 126), (120, 126)
    return points


def dotted(label: Label = "without_mask", background: int = 0) -> Piece:
    """A grey face with a dot of its own colour at each of the five points."""
    photo = np.full((200, 200, 3), background, np.uint8)
    photo[30:165, 40:160] = 120
    for (x, y), colour in zip([(75, 72), (125, 72), (100, 100), (80, 126), (120, 126)], DOTS, strict=True):
        photo[y - 5 : y + 5, x - 5 : x + 5] = colour
    alpha = np.zeros((200, 200), np.uint8)
    alpha[30:165, 40:160] = 255
    level = np.dstack([photo, alpha])
    person = Person(label, landmarks().astype(np.float32))
    return Piece((level, level[::2, ::2].copy()), (person,), np.full(3, 120, np.float32), None, 0.4, 0.4)


def painting(width: int = 240, height: int = 180) -> Painting:
    image = np.full((height, width, 3), 60, np.uint8)
    return Painting(image, np.zeros((height, width), np.int16), [])


def found(scene: Painting) -> list[SceneFace]:
    return [face for face in map(seen_in(scene), scene.faces) if face is not None]


def dots(image: np.ndarray) -> list[np.ndarray]:
    """Where each dot's middle is."""
    shares = image.astype(float) / np.maximum(image.astype(float).max(axis=2, keepdims=True), 60)
    places = []
    for colour in DOTS:
        near = np.abs(shares - np.array(colour) / 255).max(axis=2) < 0.35
        y, x = np.nonzero(near)
        places.append(np.array([x.mean() + 0.5, y.mean() + 0.5]) if len(x) else np.full(2, np.nan))
    return places


@pytest.mark.parametrize("seed", range(12))
def test_points_and_boxes_follow_a_head_that_is_scaled_turned_and_mirrored(seed: int) -> None:
    rng, scene = np.random.default_rng(seed), painting()
    cloths = [np.full((8, 8, 3), 90, np.uint8)]
    stand = Stand(120, 80, float(rng.uniform(40, 90)), float(rng.uniform(-20, 20)))
    person(rng, scene, stand, dotted(), cloths, 0.0, 0.0)
    (face,) = found(scene)
    where = np.array(dots(scene.image))
    if scene.faces[0].mirrored:
        where = where[[1, 0, 2, 4, 3]]
    assert np.abs(where - face.points).max() < 1.5
    assert face.box.width == pytest.approx(stand.width, rel=0.25)
    assert (face.box.left + face.box.right) / 2 == pytest.approx(120, abs=0.15 * stand.width)
    assert face.visible > 0.9
    assert not face.ignored


@pytest.mark.parametrize("seed", range(6))
def test_a_photo_that_hangs_keeps_its_points(seed: int) -> None:
    rng, scene = np.random.default_rng(seed), painting()
    frame = Box(30.3, 10.7, 30.3 + 150, 10.7 + 150)
    hang(rng, scene, dotted(), frame, Box(0, 0, 240, 180))
    (face,) = found(scene)
    where = np.array(dots(scene.image))
    if scene.faces[0].mirrored:
        where = where[[1, 0, 2, 4, 3]]
    assert np.abs(where - face.points).max() < 1.5
    assert face.visible > 0.95


def test_who_stands_behind_another_is_ignored() -> None:
    rng, scene = np.random.default_rng(0), painting()
    cloths = [np.full((8, 8, 3), 90, np.uint8)]
    person(rng, scene, Stand(120, 80, 40, 0.0), dotted(), cloths, 0.0, 0.0)
    assert not found(scene)[0].ignored
    person(rng, scene, Stand(124, 84, 60, 0.0), dotted(), cloths, 0.0, 0.0)
    hidden = [face for face in found(scene) if face.box.width < 55]
    assert all(face.ignored for face in hidden)
    assert [face.ignored for face in found(scene) if face.box.width >= 55] == [False]


def test_who_is_cut_off_by_the_edge_is_partly_visible() -> None:
    rng, scene = np.random.default_rng(0), painting()
    cloths = [np.full((8, 8, 3), 90, np.uint8)]
    person(rng, scene, Stand(0, 80, 60, 0.0), dotted(), cloths, 0.0, 0.0)
    (face,) = found(scene)
    assert 0.35 < face.visible < 0.65
    assert face.box.left == 0
    assert face.box.right == pytest.approx(30, abs=3)


def test_nobody_can_see_what_a_hidden_lower_half_wears() -> None:
    rng, scene = np.random.default_rng(0), painting()
    cloths = [np.full((8, 8, 3), 90, np.uint8)]
    person(rng, scene, Stand(120, 80, 80, 0.0), dotted("with_mask"), cloths, 0.0, 0.0)
    box = annotated_box(scene.faces[0].landmarks, "with_mask")
    scene.owner[round((box.top + box.bottom) / 2) :] = 0
    (face,) = found(scene)
    assert face.visible > MIN_VISIBLE
    assert face.ignored


def test_scenes_are_the_same_for_the_same_chance_and_their_faces_lie_inside(pieces_folder: Path) -> None:
    people = index([pieces_folder])
    assert set(people["train"]) == {"with_mask", "without_mask", "incorrect_mask"}
    pool = draw_pool(np.random.default_rng(1), people["train"], 12)
    cloths = clothes.draw_cloths(np.random.default_rng(2), 4)
    kinds, labels = set(), set()
    for seed in range(40):
        scene = compose.compose(np.random.default_rng(seed), 208, pool, cloths, Places())
        height, width = scene.image.shape[:2]
        assert max(height, width) == 208
        kinds.add(scene.kind)
        for face in scene.faces:
            labels.add(face.label)
            part = face.box.clipped(width, height)
            assert part.area > 0
            assert 0.03 <= face.visible <= 1
        if scene.kind == "empty":
            assert not scene.faces
        if seed < 6:
            again = compose.compose(np.random.default_rng(seed), 208, pool, cloths, Places())
            assert np.array_equal(again.image, scene.image)
            assert [f.box for f in again.faces] == [f.box for f in scene.faces]
    assert kinds == {kind for kind, _ in layout.KINDS}
    assert labels == {"with_mask", "without_mask", "incorrect_mask"}


def test_a_crowd_is_painted_from_the_back_and_spans_many_sizes() -> None:
    sizes = []
    for seed in range(200):
        crowd = layout.crowd(np.random.default_rng(seed), (416, 312))
        widths = [stand.width for stand in crowd]
        assert widths == sorted(widths)
        sizes += widths
    assert 5 < np.percentile(sizes, 5) < 12
    assert 12 < np.median(sizes) < 32
    assert np.percentile(sizes, 98) > 70
