from dataclasses import replace

import numpy as np
import pytest

from detect.outputs import draw
from detect.results import FaceResult
from maskgen.types import Box


def face(box: Box, label: str = "with_mask", score: float = 0.98, track_id: int | None = None) -> FaceResult:
    other = "without_mask" if label == "with_mask" else "with_mask"
    return FaceResult(box, label, score, {label: score, other: 1 - score}, track_id=track_id)


def test_the_picture_given_keeps_its_values() -> None:
    picture = np.full((80, 120, 3), 90, dtype=np.uint8)
    drawn = draw.draw(picture, [face(Box(20, 30, 60, 70))])
    assert (picture == 90).all()
    assert drawn.shape == picture.shape
    assert (drawn != 90).any()


def test_no_faces_no_change() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (draw.draw(picture, []) == picture).all()


@pytest.mark.parametrize("size", [(1, 1), (8, 5), (30, 20), (64, 48), (640, 480), (4000, 300)])
@pytest.mark.parametrize("box", [(0.0, 0.0, 1.0, 1.0), (0.8, 0.9, 1.0, 1.0), (0.0, 0.4, 0.1, 0.6)])
def test_a_label_never_leaves_the_picture(
    size: tuple[int, int], box: tuple[float, float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    width, height = size
    placed: list[tuple[int, int, int, int]] = []
    original = draw._inside

    def recording(*args: int) -> tuple[int, int, int, int]:
        placed.append(original(*args))
        return placed[-1]

    monkeypatch.setattr(draw, "_inside", recording)
    scaled = Box(box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    draw.draw(np.zeros((height, width, 3), np.uint8), [face(scaled, "without_mask", 0.5, track_id=12345)])
    for left, top, right, bottom in placed:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_two_labels_do_not_cover_each_other() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    drawn = draw.draw(picture, [face(Box(100, 80, 150, 140)), face(Box(105, 84, 155, 144), "without_mask")])
    for label in ("with_mask", "without_mask"):
        assert (drawn == draw.colour_of(label)).all(axis=2).sum() > 400


def test_a_hidden_face_keeps_nothing_but_patches() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    box = Box(60, 60, 140, 140)
    hidden = draw.hide(picture, [box])
    inside = hidden[60:140, 60:140].astype(float)
    assert np.abs(np.diff(inside, axis=0)).max() < 8  # noise of +-255 is gone
    assert (hidden[:40] == picture[:40]).all()
    # Another face with the same patches' means would look the same: detail cannot come back.
    assert inside.std() < 20


def test_hiding_takes_hair_and_chin_too_and_leaves_the_picture_given_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    before = picture.copy()
    hidden = draw.hide(picture, [Box(60, 60, 140, 140)])
    assert (picture == before).all()
    # A sixth of the box on every side.
    for strip in (hidden[48:60, 60:140], hidden[140:152, 60:140], hidden[60:140, 48:60], hidden[60:140, 140:152]):
        assert np.abs(np.diff(strip.astype(int), axis=0)).max() < 12
    assert (hidden[:44] == picture[:44]).all()


@pytest.mark.parametrize("box", [Box(-50, -50, 10, 10), Box(195, 195, 400, 400), Box(5, 5, 5, 5), Box(300, 0, 310, 10)])
def test_hiding_at_the_edge(box: Box) -> None:
    assert draw.hide(np.zeros((200, 200, 3), np.uint8), [box]).shape == (200, 200, 3)


def test_ink_reads_on_every_colour() -> None:
    assert draw.ink_on(draw.colour_of("with_mask")) == (255, 255, 255)
    assert draw.ink_on(draw.colour_of("incorrect_mask")) == (0, 0, 0)


def test_a_doubtful_faces_box_has_gaps() -> None:
    """Seen along its left side."""
    box = Box(60, 60, 260, 260)
    solid = draw.draw(np.full((400, 400, 3), 90, np.uint8), [face(box)])[60:260, 60]
    dashed = draw.draw(np.full((400, 400, 3), 90, np.uint8), [replace(face(box), doubtful=True)])[60:260, 60]
    assert (solid != 90).any(axis=1).all()
    drawn = (dashed != 90).any(axis=1)
    assert 0.4 < drawn.mean() < 0.8
    assert drawn[0]
    assert drawn[-1]
