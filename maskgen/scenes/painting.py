"""A scene while it is painted: whose head is at a pixel, which faces are in sight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.scenes.boxes import annotated_box, five_points
from maskgen.types import RGB, Box, Label, Points

MIN_VISIBLE: Final = 0.35
"""A face of which less is in sight is neither right nor wrong to find."""

MIN_BELOW: Final = 0.3
"""Nor is one of whose lower half less is in sight: nobody can see what it wears."""

MIN_PX: Final = 6.0
"""Nor is a face smaller than this, square root of its box's area."""


@dataclass(frozen=True, slots=True)
class SceneFace:
    """A face of a scene, in its pixels.

    Attributes:
        label: what it wears.
        box: as ``boxes.annotated_box`` has it, clipped to the picture that shows it.
        points: (5, 2), the order of ``types.Face``.
        visible: share of the face in sight: not covered, not beyond the edge.
        below: the same of its lower half, where a mask would be.
    """

    label: Label
    box: Box
    points: Points
    visible: float
    below: float = 1.0

    @property
    def ignored(self) -> bool:
        """Whether finding it is neither right nor wrong."""
        return self.visible < MIN_VISIBLE or self.below < MIN_BELOW or self.box.area < MIN_PX**2


@dataclass(frozen=True, slots=True)
class Painted:
    """A face as painted; ``cell`` is what of the scene may show it."""

    number: int
    label: Label
    landmarks: Points
    mirrored: bool
    cell: Box


@dataclass(slots=True)
class Painting:
    """A scene while it is painted. ``owner`` says whose head, from 1, is to be seen at a pixel; 0 nobody's."""

    image: RGB
    owner: NDArray[np.int16]
    faces: list[Painted]

    @property
    def frame(self) -> Box:
        """The whole picture as a box."""
        return Box(0, 0, self.image.shape[1], self.image.shape[0])


def seen_in(painting: Painting) -> Callable[[Painted], SceneFace | None]:
    """How to turn what was painted into what is to be seen."""
    height, width = painting.owner.shape

    def seen(face: Painted) -> SceneFace | None:
        box = annotated_box(face.landmarks, face.label)
        # A face is an ellipse in its box; the corners belong to the background.
        x, y = box.center_xy
        left, top = max(0, int(box.left)), max(0, int(box.top))
        right, bottom = min(width, int(np.ceil(box.right))), min(height, int(np.ceil(box.bottom)))
        if right <= left or bottom <= top or box.area <= 0:
            return None
        dx = (np.arange(left, right) + 0.5 - x) / (box.width / 2 * 0.9)
        dy = (np.arange(top, bottom) + 0.5 - y) / (box.height / 2 * 0.9)
        inside = dx[None] ** 2 + dy[:, None] ** 2 <= 1
        area = 0.81 * np.pi / 4 * box.area
        own = inside & (painting.owner[top:bottom, left:right] == face.number)
        visible = float(own.sum()) / max(area, 1.0)
        if visible < 0.03:
            return None
        cell = face.cell
        clipped = Box(
            min(max(box.left, cell.left), cell.right),
            min(max(box.top, cell.top), cell.bottom),
            min(max(box.right, cell.left), cell.right),
            min(max(box.bottom, cell.top), cell.bottom),
        )
        points = five_points(face.landmarks, mirrored=face.mirrored)
        below = float(own[max(0, round(y) - top) :].sum()) / max(area / 2, 1.0)
        return SceneFace(face.label, clipped, points, min(1.0, visible), below)

    return seen
