"""A face's upright square: level, steady under turning, and the same for all that is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_face import face, turned_landmarks

from maskgen.drawing.board import FaceFrame
from maskgen.errors import ShapeError
from maskgen.faces import frame
from maskgen.faces.frame import face_frame
from maskgen.render.wear.edges import face_axes
from maskgen.templates.anchors import typical_landmarks

FACE = typical_landmarks(200, (300, 250))


def test_of_a_level_face() -> None:
    square = face_frame(FACE)
    assert square.right == pytest.approx([1, 0])
    assert square.down == pytest.approx([0, 1])
    assert square.width == pytest.approx(200)
    assert square.height == pytest.approx(0.979 * 200)
    assert square.centre == pytest.approx((FACE[33] + FACE[48:68].mean(axis=0)) / 2)


@pytest.mark.parametrize("yaw_deg", [-50.0, -35.0, 20.0, 50.0])
def test_a_head_keeps_its_size_when_it_turns(yaw_deg: float) -> None:
    ahead = face_frame(turned_landmarks(0)).width
    assert face_frame(turned_landmarks(yaw_deg)).width == pytest.approx(ahead, rel=0.08)


@pytest.mark.parametrize("yaw_deg", [-50.0, 0.0, 50.0])
def test_masks_and_what_else_is_drawn_measure_by_the_same_square(yaw_deg: float) -> None:
    subject = face(yaw_deg)
    square, board, axes = face_frame(subject.landmarks), FaceFrame.of(subject), face_axes(subject)
    assert board.unit == axes.width == square.width
    assert np.array_equal(board.axes, np.stack([square.right, square.down]))
    assert np.array_equal(board.axes, np.stack([axes.x, axes.y]))
    assert np.array_equal(board.origin, square.centre)
    assert np.array_equal(axes.centre, square.centre)


def test_skin_is_sampled_by_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskgen.faces import skin

    asked = []
    monkeypatch.setattr(skin, "face_frame", lambda marks: asked.append(marks) or frame.face_frame(marks))
    skin.skin_rgb(np.zeros((240, 240, 3), np.uint8), turned_landmarks(50))
    assert len(asked) == 1


def test_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match="68 landmarks"):
        face_frame(np.zeros((5, 2)))


def test_coinciding_eyes_stay_finite() -> None:
    square = face_frame(np.zeros((68, 2)))
    assert square.right == pytest.approx([1, 0])
    assert square.width > 0
