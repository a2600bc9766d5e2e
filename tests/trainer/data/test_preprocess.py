from __future__ import annotations

import numpy as np
import pytest

from maskgen.errors import ShapeError
from trainer.data.preprocess import cut, cut_rois, fit, shrink_to


def _ramp(width: int, height: int) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    return image


def test_cut_rois_copies_a_box_of_the_right_size() -> None:
    image = _ramp(20, 10)
    rois = cut_rois(image, [[4, 2, 8, 6]], (4, 4), margin=1)
    np.testing.assert_array_equal(rois, image[None, 2:6, 4:8])


def test_width_and_height_can_grow_by_their_own_factors() -> None:
    image = _ramp(20, 12)
    rois = cut_rois(image, [[8, 4, 12, 8]], (8, 4), margin=(2.0, 1.0))
    assert np.array_equal(rois[0], image[4:8, 6:14])


def test_margin_grows_about_the_centre() -> None:
    image = _ramp(20, 20)
    np.testing.assert_array_equal(cut(image, [8, 8, 12, 12], 2), image[6:14, 6:14])


def test_edges_are_repeated_beyond_the_picture() -> None:
    image = _ramp(4, 4)
    part = cut(image, [-2, -2, 2, 2], 1)
    np.testing.assert_array_equal(part[0, :, 0], [0, 0, 0, 1])
    np.testing.assert_array_equal(part[:, 0, 1], [0, 0, 0, 1])


@pytest.mark.parametrize("box", [[-900, -900, -800, -800], [2, 2, 2, 2], [0, 0, 1e9, 1e9], [3.4, 3.4, 3.5, 3.5]])
def test_odd_boxes_still_give_a_roi(box: list[float]) -> None:
    assert cut_rois(_ramp(6, 6), [box], (5, 3), margin=1.15).shape == (1, 3, 5, 3)


def test_no_boxes_give_no_rois() -> None:
    assert cut_rois(_ramp(6, 6), [], (5, 3), margin=1).shape == (0, 3, 5, 3)
    assert cut_rois(_ramp(6, 6), np.empty((0, 4)), (5, 3), margin=1).shape == (0, 3, 5, 3)


@pytest.mark.parametrize("boxes", [[[0, 0, float("nan"), 1]], [[0, 0, 1]], [0, 0, 1, 1]])
def test_wrong_boxes_are_refused(boxes: list[object]) -> None:
    with pytest.raises(ShapeError):
        cut_rois(_ramp(6, 6), boxes, (5, 3), margin=1)  # type: ignore[arg-type]


def test_fit_averages_areas_when_shrinking() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[::2] = 200
    np.testing.assert_array_equal(fit(image, (2, 2)), np.full((2, 2, 3), 100))


def test_fit_returns_a_new_array() -> None:
    image = _ramp(4, 4)
    fit(image, (4, 4))[:] = 9
    assert image.max() == 3


def test_shrink_to_keeps_the_proportions_and_small_faces() -> None:
    assert shrink_to(_ramp(40, 20), 20).shape == (10, 20, 3)
    assert shrink_to(_ramp(4, 2), 20).shape == (2, 4, 3)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        fit(image, (2, 2))
