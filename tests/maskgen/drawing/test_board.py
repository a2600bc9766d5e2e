"""The drawing board: the face's frame, painting, and the way into the photo."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_face import face, turned_landmarks

from maskgen.drawing.board import Board, FaceFrame, along, curve, ellipse

FLAT = FaceFrame(np.array([50.0, 40.0]), np.eye(2), 100.0, 0.0)


def test_frame_goes_there_and_back() -> None:
    frame = FaceFrame.of(face(20))
    points = np.array([(0.0, 0.0), (0.3, -0.4), (-1.0, 2.0)])
    assert np.allclose(frame.to_face(frame.to_photo(points)), points)


def test_frame_sits_between_mouth_and_nose_and_measures_the_face() -> None:
    marks = turned_landmarks(0)
    frame = FaceFrame.of(face())
    assert np.allclose(frame.to_photo([(0, 0)])[0], (marks[33] + marks[48:68].mean(0)) / 2)
    assert frame.unit >= np.hypot(*(marks[16] - marks[0])) - 1e-9
    assert frame.turn == pytest.approx(0, abs=0.05)


def test_a_turned_head_keeps_its_size() -> None:
    straight, turned = FaceFrame.of(face(0)), FaceFrame.of(face(45))
    assert turned.unit > 0.85 * straight.unit
    assert turned.turn > 0.2


def test_frame_follows_a_tilted_head() -> None:
    marks = turned_landmarks(0)
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    frame = FaceFrame.of(face(landmarks=marks @ turn.T))
    assert np.allclose(frame.axes[0], (np.cos(angle), np.sin(angle)), atol=0.02)
    assert np.allclose(frame.axes @ frame.axes.T, np.eye(2))


def test_what_is_filled_lands_where_it_should() -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    square = [(0.0, 0.0), (0.2, 0.0), (0.2, 0.1), (0.0, 0.1)]
    board.lay(board.fill(square), (1.0, 0.5, 0.25), 0.1)
    layer = board.layer()
    alpha = np.zeros((90, 110))
    x, y = layer.origin_xy
    h, w = layer.rgba.shape[:2]
    alpha[y + 5 : y + 5 + h, x + 5 : x + 5 + w] = layer.rgba[..., 3]
    rows, columns = np.nonzero(alpha > 0.5)
    # 20 by 10 pixels from (50, 40), five pixels of border.
    assert abs(rows.min() - 45) <= 1
    assert abs(columns.min() - 55) <= 1
    # OpenCV smooths an outline outwards, by about half a pixel.
    assert 195 < alpha.sum() < 250
    assert np.allclose(layer.rgba[..., :3].max(axis=(0, 1)), (1.0, 0.5, 0.25), atol=0.01)
    assert layer.height is not None
    assert layer.height.max() == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("unit", [12.0, 40.0, 150.0, 700.0])
def test_coverage_does_not_hang_on_the_resolution(unit: float) -> None:
    frame = FaceFrame(np.array([unit, unit]), np.eye(2), unit, 0.0)
    board = Board(frame, (-0.6, -0.6, 0.6, 0.6), (int(2 * unit), int(2 * unit)))
    board.lay(board.fill(ellipse(0, 0, 0.4, 0.4)), (1, 1, 1))
    assert board.layer().rgba[..., 3].sum() / unit**2 == pytest.approx(np.pi * 0.16, rel=0.06)


def test_layer_is_premultiplied_and_in_range() -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    board.lay(board.fill(ellipse(0, 0, 0.2, 0.2)) * 0.5, (0.8, 0.8, 0.8))
    rgba = board.layer().rgba
    assert rgba.dtype == np.float32
    assert (rgba >= 0).all()
    assert (rgba <= 1).all()
    assert (rgba[..., :3] <= rgba[..., 3:] + 1e-5).all()


@pytest.mark.parametrize("under", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.9, 0.2, 0.4)])
def test_paint_lies_over_what_was_there(under: tuple[float, float, float]) -> None:
    """Porter and Duff's over, worked by hand: half of 0.6 over a quarter of something else."""
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    whole = np.ones(board.shape, np.float32)
    board.lay(whole * 0.25, under)
    board.lay(whole * 0.5, (0.6, 0.6, 0.6))
    rgba = board.layer().rgba
    middle = rgba[rgba.shape[0] // 2, rgba.shape[1] // 2]
    assert middle[3] == pytest.approx(0.5 + 0.5 * 0.25, abs=1e-5)
    assert np.allclose(middle[:3], 0.5 * 0.6 + 0.5 * 0.25 * np.array(under), atol=1e-5)


@pytest.mark.parametrize("opacity", [1.0, 0.84])
def test_strokes_bring_no_colour_but_their_own(opacity: float) -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    fan = np.stack([[(0.0, 0.0), (0.3 * np.cos(t), 0.3 * np.sin(t))] for t in np.linspace(0, 6, 40)])
    coverage, colour = board.strokes([(fan, (1, 1, 1)), (fan + 0.01, (1, 1, 1))], 1, opacity)
    assert coverage.max() == pytest.approx(opacity, abs=0.01)
    drawn = coverage > 0.1
    assert drawn.any()
    assert colour[:, drawn].min() > 0.95
    board.lay(coverage, colour)
    assert np.abs(board.rgb - board.alpha).max() < 0.01


def test_later_strokes_lie_over_earlier_ones() -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    level = np.array([[(-0.3, 0.0), (0.3, 0.0)]])
    _, colour = board.strokes([(level, (1, 0, 0)), (level, (0, 1, 0))], 3)
    x, y = board.to_board([(0.0, 0.0)])[0].astype(int)
    assert np.allclose(colour[:, y, x], (0, 1, 0), atol=0.02)


def test_the_edge_of_a_flat_thing_is_no_cliff() -> None:
    """A step in height at an outline would be lit from above and dark below, as no mask's edge is."""
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    board.lay(board.fill(ellipse(0, 0, 0.2, 0.2)), (0.8, 0.8, 0.8), 0.05)
    layer = board.layer()
    assert layer.height is not None
    seen = layer.rgba[..., 3] > 0.2
    assert np.allclose(layer.height[seen], 5, atol=0.3)


def test_lightening_stays_within_the_coverage() -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    board.lay(board.fill(ellipse(0, 0, 0.2, 0.2)) * 0.5, (0.8, 0.8, 0.8))
    board.tint(np.full(board.shape, 2.0, np.float32))
    rgba = board.layer().rgba
    assert rgba[..., :3].max() == pytest.approx(0.5, abs=0.01)
    assert (rgba[..., :3] <= rgba[..., 3:] + 1e-5).all()


def test_painting_in_a_window_paints_the_board() -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    shape = ellipse(0.1, 0.05, 0.06, 0.04)
    part = board.around(shape)
    part.lay(part.fill(shape), (1, 0, 0))
    whole = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    whole.lay(whole.fill(shape), (1, 0, 0))
    assert part.alpha.size < board.alpha.size
    assert np.array_equal(board.alpha, whole.alpha)


def test_a_window_beside_the_board_paints_nothing() -> None:
    board = Board(FLAT, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    part = board.around([(5.0, 5.0), (6.0, 6.0)])
    part.lay(np.ones((1, 1), np.float32), (1, 1, 1))
    assert not board.alpha.any()


def test_noise_is_the_same_wherever_the_board_is_cut() -> None:
    wide = Board(FLAT, (-0.5, -0.4, 0.5, 0.4), (100, 80))
    narrow = Board(FLAT, (0.0, -0.4, 0.5, 0.4), (100, 80))
    ours = wide.noise(3, 0.05)[:, narrow.left - wide.left :]
    assert np.allclose(ours, narrow.noise(3, 0.05)[:, : ours.shape[1]], atol=0.12)


def test_a_face_outside_the_photo_gives_an_empty_layer() -> None:
    frame = FaceFrame(np.array([900.0, 900.0]), np.eye(2), 100.0, 0.0)
    board = Board(frame, (-0.4, -0.3, 0.4, 0.3), (100, 80))
    board.lay(board.fill(ellipse(0, 0, 0.2, 0.2)), (1, 1, 1))
    assert board.layer().rgba[..., 3].sum() == 0


def test_curve_passes_through_its_points() -> None:
    knots = [(0.0, 0.0), (1.0, 2.0), (3.0, 1.0)]
    line = curve(knots, 21)
    for knot in knots:
        assert np.min(np.hypot(*(line - knot).T)) < 1e-9


def test_along_reads_a_line_at_every_column() -> None:
    x = np.array([[0.0, 0.5, 1.0, 3.0]], np.float32)
    assert np.allclose(along([(0, 0), (1, 1)], x), [[0, 0.5, 1, 1]])
