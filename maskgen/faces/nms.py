"""Boxes from other libraries, and several boxes on one face."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from maskgen.types import Box, Face

SAME_FACE_IOU: Final = 0.4
"""Two boxes that overlap more lie on one face."""

SAME_FACE_COVERED: Final = 0.65
"""A box that lies within a better one for more than this share is a part of
the same face: a second answer at another scale, a nose taken for a face."""


def from_dlib(rectangle: Any) -> Box:
    """A dlib rectangle, whose right and bottom are inclusive."""
    return Box(
        float(rectangle.left()), float(rectangle.top()), float(rectangle.right() + 1), float(rectangle.bottom() + 1)
    )


def covered(box: Box, other: Box) -> float:
    """The share of the smaller box that lies within the other, 0 to 1."""
    width = min(box.right, other.right) - max(box.left, other.left)
    height = min(box.bottom, other.bottom) - max(box.top, other.top)
    smaller = min(box.area, other.area)
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0


def merged(faces: Iterable[Face], iou: float = SAME_FACE_IOU, covered_share: float = SAME_FACE_COVERED) -> list[Face]:
    """One box a face: the best-scored of each group of overlapping ones.

    Args:
        faces: of one detector, so that their scores compare.
        iou: two boxes that overlap more are one face.
        covered_share: likewise one that lies within another for more than
            this share.

    Returns:
        The faces that stay, best first.
    """
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(face.box.iou(k.box) > iou or covered(face.box, k.box) > covered_share for k in kept):
            kept.append(face)
    return kept
