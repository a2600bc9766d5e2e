"""Shares of nose, mouth and chin that something covers."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_face import SIDE, turned_landmarks

from maskgen.render.covers import COVERED, Covers, measure


def below(y: float, side: int = SIDE) -> np.ndarray:
    """All below a level, its edge at a fraction of a pixel."""
    rows = np.arange(side, dtype=np.float32)[:, None] + 1 - np.float32(y)
    return np.clip(np.broadcast_to(rows, (side, side)), 0, 1).astype(np.float32)


@pytest.mark.parametrize("yaw_deg", [-40.0, 0.0, 30.0])
def test_what_lies_below_an_edge_is_covered(yaw_deg: float) -> None:
    marks = turned_landmarks(yaw_deg)
    assert measure(below(marks[29, 1]), marks).whole
    lips = measure(below(marks[33, 1] + 1), marks)
    assert lips.nose < 0.35
    assert lips.mouth == pytest.approx(1)
    assert not lips.whole
    chin = measure(below(marks[57, 1] + 1), marks)
    assert chin.nose == 0
    assert chin.mouth < 0.15
    assert chin.chin > COVERED
    assert not measure(np.zeros((SIDE, SIDE), np.float32), marks).whole
    bare_chin = measure(1 - below(marks[57, 1] + 3), marks)
    assert bare_chin.mouth > 0.9
    assert not bare_chin.whole


def test_half_of_the_alpha_covers_half() -> None:
    half = measure(np.full((SIDE, SIDE), 0.5, np.float32), turned_landmarks(0))
    assert (half.nose, half.mouth, half.chin) == pytest.approx((0.5, 0.5, 0.5), abs=1e-4)


def test_a_tiny_face_is_measured_like_a_large_one() -> None:
    marks = turned_landmarks(0)
    large, small = measure(below(marks[33, 1] - 4), marks), measure(below((marks[33, 1] - 4) * 0.1, 24), marks * 0.1)
    assert abs(large.nose - small.nose) < 0.2
    assert abs(large.chin - small.chin) < 0.05


@pytest.mark.parametrize("shift", [(-300.0, 0.0), (0.0, 400.0), (500.0, 500.0)])
def test_parts_outside_the_picture_count_as_bare(shift: tuple[float, float]) -> None:
    assert measure(np.ones((SIDE, SIDE), np.float32), turned_landmarks(0) + np.array(shift)) == Covers()


def test_parts_cut_off_by_the_edge_count_as_bare_for_what_is_cut() -> None:
    marks = turned_landmarks(0)
    half = measure(np.ones((SIDE, SIDE), np.float32), marks - (marks[33, 0], 0))
    assert 0.4 < half.nose < 0.6
    assert 0.4 < half.mouth < 0.6


def test_landmarks_on_one_point_cover_nothing() -> None:
    assert 0 <= measure(np.ones((9, 9), np.float32), np.full((68, 2), 4.0)).nose <= 1
