"""Coverage to polygons: the area is right to the pixel's fraction, holes stay holes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from maskgen.render.polygons import Polygon, polygons


def area(found: tuple[Polygon, ...]) -> float:
    total = 0.0
    for polygon in found:
        x, y = np.array(polygon).T
        total += float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return total


def disc(side: int, radius: float, x: float, y: float) -> NDArray[np.float32]:
    """A disc with a soft edge: its values add up to its area."""
    rows, columns = np.mgrid[0:side, 0:side] + 0.5
    return np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1).astype(np.float32)


def filled(found: tuple[Polygon, ...], shape: tuple[int, ...]) -> Any:
    """The polygons drawn again, sixteen times as fine, as shares of pixels."""
    canvas = np.zeros((shape[0] * 16, shape[1] * 16), np.uint8)
    for polygon in found:
        # OpenCV's own pixel centres lie on whole numbers.
        cv2.fillPoly(canvas, [np.rint(np.array(polygon) * 16 - 0.5).astype(np.int32)], 1)
    return cv2.resize(canvas.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(("side", "off"), [(64, 0.01), (224, 0.002)])
def test_the_area_is_that_of_what_is_covered(side: int, off: float) -> None:
    coverage = disc(side, side * 0.3, side * 0.47, side * 0.52)
    assert area(polygons(coverage)) == pytest.approx(float(coverage.sum()), rel=off)


def test_a_square_of_whole_pixels_by_hand() -> None:
    coverage = np.zeros((8, 8), np.float32)
    coverage[2:6, 3:7] = 1
    (polygon,) = polygons(coverage)
    points = np.array(polygon)
    assert points.min(0) == pytest.approx((3, 2))
    assert points.max(0) == pytest.approx((7, 6))
    # Marching squares cuts the corners, an eighth of a pixel each.
    assert area((polygon,)) == pytest.approx(16 - 4 / 8, abs=0.01)


def test_what_fills_the_picture_goes_to_its_edges() -> None:
    (polygon,) = polygons(np.ones((6, 9), np.float32))
    assert np.array(polygon).min(0) == pytest.approx((0, 0))
    assert np.array(polygon).max(0) == pytest.approx((9, 6))


def test_holes_are_left_open() -> None:
    side = 96
    coverage = disc(side, 40, 48, 48) * (1 - disc(side, 9, 38, 46)) * (1 - disc(side, 7, 62, 50))
    found = polygons(coverage)
    assert len(found) == 1
    assert area(found) == pytest.approx(float(coverage.sum()), rel=0.01)
    again = filled(found, coverage.shape)
    assert np.abs(again - coverage).mean() < 0.01
    assert again[46, 38] == again[50, 62] == 0


def test_specks_are_left_out_and_the_largest_comes_first() -> None:
    side = 96
    coverage = np.maximum(disc(side, 12, 20, 20), disc(side, 22, 66, 60))
    coverage[90, 5] = 1
    found = polygons(coverage)
    assert len(found) == 2
    assert area(found[:1]) > area(found[1:])


def test_an_island_in_a_hole_is_its_own_polygon() -> None:
    side = 128
    coverage = disc(side, 60, 64, 64) * (1 - disc(side, 40, 64, 64)) + disc(side, 20, 64, 64)
    found = polygons(coverage)
    assert len(found) == 2
    assert area(found) == pytest.approx(float(coverage.sum()), rel=0.01)


def test_the_origin_moves_them() -> None:
    coverage = disc(40, 12, 20, 20)
    here, there = polygons(coverage), polygons(coverage, (100, 7))
    assert np.allclose(np.array(there[0]) - np.array(here[0]), (100, 7), atol=0.011)


def test_nothing_covered_gives_nothing() -> None:
    assert polygons(np.zeros((5, 7), np.float32)) == ()
    assert polygons(np.full((5, 7), 0.5, np.float32)) == ()
    assert polygons(np.zeros((0, 0), np.float32)) == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.integers(2, 9))
def test_any_coverage_comes_back_when_it_is_drawn(seed: int, height: int, width: int, cell: int) -> None:
    rough = np.random.default_rng(seed).random((height // cell + 2, width // cell + 2), np.float32)
    coverage = cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR)
    found = polygons(coverage)
    for polygon in found:
        points = np.array(polygon)
        assert len(points) >= 3
        assert (points >= 0).all()
        assert (points <= (width, height)).all()
    wrong = np.abs(filled(found, coverage.shape) - (coverage > 0.5))
    # Only edges and specks differ.
    assert wrong.sum() < 0.5 * sum(cv2.arcLength(np.array(p, np.float32), True) for p in found) + 0.05 * wrong.size + 60
