from __future__ import annotations

import numpy as np
import pytest

from maskgen.faces.landmarks import face_box
from maskgen.scenes.boxes import annotated_box, five_points
from maskgen.types import LABELS, Label, Points


def landmarks() -> Points:
    """A face whose jaw is 100 wide, with its brows at 50 and its chin at 150."""
    points = np.full((68, 2), 100.0)
    points[:17, 0] = np.linspace(50, 150, 17)
    points[:17, 1] = 150 - np.abs(np.linspace(-60, 60, 17))
    points[17:27] = [[x, 50] for x in np.linspace(60, 140, 10)]
    points[36:42], points[42:48] = (75, 70), (125, 70)
    points[30], points[48], points[54] = (100, 100), (80, 125), (120, 125)
    return points


@pytest.mark.parametrize("label", LABELS)
def test_people_draw_boxes_from_the_brows_to_below_the_chin(label: Label) -> None:
    ours, detectors = annotated_box(landmarks(), label), face_box(landmarks())
    assert detectors.top + 10 < ours.top < 50
    assert ours.bottom > max(150, detectors.bottom)
    assert (ours.left, ours.right) == pytest.approx((50, 150), abs=3)
    assert ours.width < 1.1 * detectors.width


def test_a_masks_box_reaches_lower() -> None:
    with_mask, without = (annotated_box(landmarks(), label) for label in ("with_mask", "without_mask"))
    assert with_mask.bottom > without.bottom + 5


def test_the_box_moves_and_grows_with_its_face() -> None:
    box = annotated_box(landmarks(), "with_mask")
    moved = annotated_box(landmarks() * 0.25 + (7, -3), "with_mask")
    assert moved.xyxy == pytest.approx(box.scaled(0.25).moved(7, -3).xyxy)


def test_five_points_change_sides_in_a_mirror() -> None:
    points = five_points(landmarks())
    assert points.tolist() == [[75, 70], [125, 70], [100, 100], [80, 125], [120, 125]]
    mirrored = landmarks() * (-1, 1) + (200, 0)
    assert five_points(mirrored, mirrored=True).tolist() == points.tolist()
    assert five_points(mirrored).tolist() != points.tolist()
