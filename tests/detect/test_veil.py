"""What ``--blur`` hides besides the faces that are reported."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.veil import LOST_LOOKS, Place, Veil, carried
from maskgen.types import Box

SIZE = (640, 480)
A, B = Box(100, 100, 180, 200), Box(400, 100, 480, 200)


def hidden(veil: Veil, time_s: float, looked: bool = True) -> list[Box]:
    return list(veil.hidden(time_s, *SIZE, looked=looked))


def test_a_doubtful_box_is_hidden_and_stays_so_for_a_while() -> None:
    veil = Veil()
    veil.look(0.0, [Place(A), Place(B, reported=False)])
    assert hidden(veil, 0.0) == [B]
    for index in range(1, 13):
        veil.look(index / 25, [Place(A)])
        (box,) = hidden(veil, index / 25)
        assert box.iou(B.grown(1.3)) > 0.99
    veil.look(13 / 25, [Place(A)])
    assert hidden(veil, 13 / 25) == []


def test_slow_looks_hide_for_three_of_them() -> None:
    veil = Veil()
    veil.look(0.0, [Place(A)])
    for index in range(1, LOST_LOOKS + 2):
        veil.look(2.0 * index, [])
        assert len(hidden(veil, 2.0 * index)) == (index <= LOST_LOOKS)


def test_a_face_that_is_seen_again_is_hidden_once() -> None:
    veil = Veil()
    for index in range(10):
        veil.look(index / 25, [Place(A.moved(4 * index, 0), reported=False)])
    assert len(hidden(veil, 9 / 25)) == 1
    # A number goes with its face however far it jumps.
    veil = Veil()
    veil.look(1.0, [Place(A, number=3)])
    veil.look(1.04, [Place(B, number=3)])
    assert hidden(veil, 1.04) == []


def test_a_neighbour_does_not_stand_for_a_face_that_was_lost() -> None:
    near = A.moved(50, 0)
    assert A.iou(near) > 0.2
    veil = Veil()
    veil.look(0.0, [Place(A, number=1), Place(near, number=2)])
    veil.look(0.04, [Place(near, number=2)])
    (box,) = hidden(veil, 0.04)
    assert box.iou(A.grown(1.3)) > 0.99


def test_between_looks_everything_of_the_last_look_stays_hidden() -> None:
    veil = Veil()
    veil.look(0.0, [Place(A), Place(B, reported=False)])
    assert len(hidden(veil, 0.04, looked=False)) == 2


def test_a_moving_face_is_hidden_ahead_for_a_quarter_of_a_second() -> None:
    velocity = np.array([100.0, 0, 100, 0])
    assert carried(A, velocity, 0.1).left == pytest.approx(110)
    assert carried(A, velocity, 9.0).left == pytest.approx(125)
    assert carried(A, np.array([0, 0, -1000.0, 0]), 1.0).width == 0
    veil = Veil()
    veil.look(0.0, [Place(A, number=1, velocity=velocity)])
    veil.look(0.2, [])
    (box,) = hidden(veil, 0.2)
    assert box.center_xy == pytest.approx((160, 150))


places = st.builds(
    lambda x, y, side, number, reported: Place(
        Box(x, y, x + side, y + side), number, None if number is None else np.full(4, side), reported
    ),
    st.floats(-50, 640),
    st.floats(-50, 480),
    st.floats(0, 200),
    st.none() | st.integers(1, 3),
    st.booleans(),
)


@given(st.lists(st.lists(places, max_size=4), max_size=8), st.floats(0.001, 3))
def test_what_is_hidden_lies_within_the_picture_and_is_bounded(looks: list[list[Place]], step_s: float) -> None:
    veil = Veil()
    for index, look in enumerate(looks):
        veil.look(index * step_s, look)
        for looked in (True, False):
            for box in hidden(veil, index * step_s, looked):
                assert 0 <= box.left < box.right <= SIZE[0]
                assert 0 <= box.top < box.bottom <= SIZE[1]
        inside = [p.box.clipped(*SIZE) for p in look if not p.reported]
        assert all(box in hidden(veil, index * step_s) for box in inside if box.area > 0)
