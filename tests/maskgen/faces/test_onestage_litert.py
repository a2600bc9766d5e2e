from __future__ import annotations

import numpy as np
import pytest

from maskgen.errors import BundleError, ShapeError
from maskgen.faces.onestage_litert import INTERPRETERS, PAD_VALUE, OneStage, Raw, decode, fitted, suppress


def maps(side: int = 64, labels: int = 2) -> list[np.ndarray]:
    """Maps of a picture on which nothing was found."""
    out = [np.zeros((side // s, side // s, labels + 14), np.float32) for s in (8, 16, 32)]
    for values in out:
        values[..., :labels] = -9
    return out


def raw(boxes: list[list[float]], scores: list[float]) -> Raw:
    boxes_array = np.array(boxes, np.float64).reshape(-1, 4)
    return Raw(boxes_array, np.array(scores, np.float64).reshape(-1, 1), np.zeros((len(boxes_array), 5, 2)))


def test_decoding_a_cell_by_hand() -> None:
    said = maps()
    # Row 1, column 2 of the map of stride 16: its centre is at x 40, y 24.
    said[1][1, 2, :2] = (0.0, 2.0)
    said[1][1, 2, 2:6] = (0.5, -0.25, 0.0, np.log(2))  # centre moved by 8 and -4 px; sides 2 and 4 strides
    said[1][1, 2, 6:16] = (-1, 0, 1, 0, 0, 0.5, -1, 1, 1, 1)
    found = decode(said, 2, 0.5)
    np.testing.assert_allclose(found.boxes, [[48 - 16, 20 - 32, 48 + 16, 20 + 32]], atol=1e-5)
    np.testing.assert_allclose(found.scores, [[0.5, 1 / (1 + np.exp(-2))]])
    np.testing.assert_allclose(found.points, [[[24, 24], [56, 24], [40, 32], [24, 40], [56, 40]]])


def test_decoding_puts_the_best_first_and_leaves_out_the_rest() -> None:
    said = maps()
    said[0][0, 0, 0], said[2][1, 1, 1], said[1][0, 0, 0] = 0.5, 3.0, -0.5
    found = decode(said, 2, 0.5)
    assert len(found) == 2
    assert found.scores[0, 1] > found.scores[1, 0] > 0.5
    assert len(decode(maps(), 2, 0.5)) == 0


def test_a_huge_size_is_clipped() -> None:
    said = maps()
    said[0][0, 0, :6] = (5, -9, 0, 0, 1000, -1000)
    box = decode(said, 2, 0.5).boxes[0]
    assert np.isfinite(box).all()
    assert box[2] - box[0] == pytest.approx(16 * np.exp(3.5))


def test_of_overlapping_boxes_the_best_stays() -> None:
    found = suppress(raw([[0, 0, 10, 10], [1, 0, 11, 10], [40, 0, 50, 10]], [0.9, 0.8, 0.3]))
    np.testing.assert_array_equal(found.boxes, [[0, 0, 10, 10], [40, 0, 50, 10]])


def test_half_overlapping_neighbours_both_stay() -> None:
    # IoU 1/3: two people side by side.
    assert len(suppress(raw([[0, 0, 10, 10], [5, 0, 15, 10]], [0.9, 0.8]))) == 2


def test_a_box_within_another_is_the_same_face_unless_much_smaller() -> None:
    assert len(suppress(raw([[0, 0, 20, 20], [4, 4, 16, 16]], [0.9, 0.8]))) == 1  # 0.36 of its area
    assert len(suppress(raw([[0, 0, 20, 20], [8, 8, 12, 12]], [0.9, 0.8]))) == 2  # a face behind, on a shirt


def test_suppressing_nothing_and_at_most() -> None:
    assert len(suppress(raw([], []))) == 0
    apart = [[20 * n, 0, 20 * n + 10, 10] for n in range(9)]
    assert len(suppress(raw(apart, [0.5] * 9), most=4)) == 4


def test_a_picture_is_padded_to_whole_cells() -> None:
    pixels, scale = fitted(np.full((50, 70, 3), 7, np.uint8))
    assert pixels.shape == (64, 96, 3)
    assert scale == 1
    assert (pixels[:50, :70] == 7).all()
    assert (pixels[50:] == PAD_VALUE).all()
    assert (pixels[:, 70:] == PAD_VALUE).all()


def test_a_picture_is_scaled_to_its_longer_side() -> None:
    pixels, scale = fitted(np.zeros((100, 200, 3), np.uint8), 96)
    assert pixels.shape == (64, 96, 3)
    assert scale == pytest.approx(0.48)
    assert fitted(np.zeros((1, 1, 3), np.uint8))[0].shape == (32, 32, 3)


def test_a_file_that_is_no_model(tmp_path) -> None:
    with pytest.raises(BundleError, match="no model file"):
        OneStage(tmp_path / "model.tflite", 2)
    (tmp_path / "model.tflite").write_bytes(b"nothing")
    with pytest.raises(BundleError, match="not a model that LiteRT can run"):
        OneStage(tmp_path / "model.tflite", 2)


def test_another_network_is_refused() -> None:
    from pathlib import Path

    tiny = Path(__file__).parents[2] / "detect" / "data" / "tiny.tflite"
    with pytest.raises(BundleError):
        OneStage(tiny, 2)


def test_sides_must_be_whole_cells() -> None:
    runner = OneStage.__new__(OneStage)
    with pytest.raises(ShapeError, match="multiples of 32"):
        runner.maps(np.zeros((33, 64, 3), np.uint8))


def test_pictures_of_many_sizes_share_two_interpreters_and_change_nothing() -> None:
    from maskgen import weights

    path = weights.find("detector") / "model.tflite"
    shared = OneStage(path, 2)
    rng = np.random.default_rng(0)
    for height, width in ((64, 96), (96, 64), (128, 32), (64, 96), (32, 32), (96, 64)):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for ours, fresh in zip(shared.maps(pixels), OneStage(path, 2).maps(pixels), strict=True):
            np.testing.assert_allclose(ours, fresh, rtol=1e-4, atol=1e-4)
        assert len(shared._runners) <= INTERPRETERS
