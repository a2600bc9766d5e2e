"""What a search saw in a picture: faces, and what might be one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from maskgen.types import RGB, Box, Face

LEAST_VISIBLE: Final = 0.3
"""Boxes with a smaller share inside the picture are dropped."""

LEAST_PX: Final = 4.0
"""Boxes with a shorter side are dropped: there is nothing to classify."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a search saw.

    Attributes:
        faces: from left to right; boxes may reach over the edge.
        doubtful: boxes that might be faces besides, to be hidden with them.
        weak: the doubtful ones with their scores, each once: a face that is
            known already may be one of them.
    """

    faces: list[Face]
    doubtful: tuple[Box, ...] = ()
    weak: tuple[Face, ...] = ()


class Search(Protocol):
    """Finds every face of a picture once; ``FaceSearch`` or ``FusedSearch``.

    Attributes:
        name: the detector's.
        least: least score of a face.
        cut: least confidence of a face that is reported, 0 to 1.
        begins: least score of a face that is new in a video.
    """

    name: str
    least: float
    cut: float
    begins: float

    def look(self, image: RGB, *, thorough: bool = False) -> Sight: ...


def parted(seen: list[Face], least: float) -> tuple[list[Face], tuple[Face, ...]]:
    """Faces from left to right, and what has a lower score."""
    faces = [face for face in seen if face.score >= least]
    faces.sort(key=lambda face: (face.box.left, face.box.top))
    return faces, tuple(face for face in seen if face.score < least)


def might_be(seen: Iterable[Box], faces: list[Face], width: int, height: int) -> tuple[Box, ...]:
    """Boxes, also those that hardly reach into the picture, that do not lie on one of the faces."""
    boxes = (box for box in seen if box.clipped(width, height).area > 0)
    return tuple(box for box in boxes if not any(_within(box, face.box.grown(1.2)) for face in faces))


def _within(box: Box, other: Box) -> bool:
    return other.left <= box.left and other.top <= box.top and box.right <= other.right and box.bottom <= other.bottom


def tidy(faces: list[Face], width: int, height: int) -> list[Face]:
    """Leave out boxes that are too small or hardly inside a picture."""

    def kept(box: Box) -> bool:
        inside = box.clipped(width, height)
        return inside.width >= LEAST_PX and inside.height >= LEAST_PX and inside.area >= LEAST_VISIBLE * box.area

    return [face for face in faces if kept(face.box)]
