"""Faces of every size in a picture: the one place where detect tidies what a face detector says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from maskgen.types import RGB, Box, Face

if TYPE_CHECKING:
    from maskgen.faces import FaceDetector

FULL_PX: Final = 1920
"""Longer side of the copy that is searched; smaller faces want ``small_faces``."""

COARSE_PX: Final = 448
"""Longer side of a second copy, for faces larger than YuNet's 300 px."""

COARSE_FROM_PX: Final = 700
"""Pictures with a longer side above this get that second look."""

PAD_SHARE: Final = 0.25
"""A picture without faces is padded by this share and searched again: tight
portraits need ground around the head (99.8 % found instead of 96 %)."""

LEAST_VISIBLE: Final = 0.3
"""Boxes with a smaller share inside the picture are dropped."""

LEAST_PX: Final = 4.0
"""Boxes with a shorter side are dropped: there is nothing to classify."""


class FindsFaces(Protocol):
    """What detect needs of a face detector; ``maskgen.faces.FaceDetector`` is one."""

    @property
    def name(self) -> str: ...

    def detect(self, image: RGB) -> list[Face]: ...


class FaceSearch:
    """A face detector that finds large, small and cut-off faces alike, each once.

    Attributes:
        name: the detector's.
    """

    def __init__(self, detector: FindsFaces, *, full_px: int | None = FULL_PX) -> None:
        """Wrap a detector.

        Args:
            detector: looks at copies of the picture.
            full_px: longer side of the largest copy; None for the picture
                as it is.
        """
        self.name = detector.name
        self._detector = detector
        self._full_px = full_px

    def find(self, image: RGB, *, pad: bool = False) -> list[Face]:
        """Every face, from left to right.

        Args:
            image: (H, W, 3) uint8, RGB.
            pad: where nothing is found, look again at the padded picture.

        Returns:
            Faces in the picture's pixels; boxes may reach over the edge.
        """
        from maskgen.faces import merged

        height, width = image.shape[:2]
        faces = self._at(image, self._full_px)
        if self.name == "yunet" and max(height, width) > COARSE_FROM_PX:
            faces += self._at(image, COARSE_PX)
        faces = merged(tidy(faces, width, height))
        if not faces and pad:
            faces = merged(tidy(self._padded(image), width, height))
        return sorted(faces, key=lambda face: (face.box.left, face.box.top))

    def _at(self, image: RGB, max_side: int | None) -> list[Face]:
        from maskgen.faces import OnSmallCopy

        if max_side is None or max(image.shape[:2]) <= max_side:
            return list(self._detector.detect(image))
        return OnSmallCopy(self._detector, max_side).detect(image)

    def _padded(self, image: RGB) -> list[Face]:
        height, width = image.shape[:2]
        pad_x, pad_y = round(width * PAD_SHARE), round(height * PAD_SHARE)
        larger = np.pad(image, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), constant_values=128)
        found = self._at(larger, self._full_px)
        return [
            replace(
                face,
                box=face.box.moved(-pad_x, -pad_y),
                points=None if face.points is None else face.points - np.array([pad_x, pad_y]),
            )
            for face in found
        ]


def tidy(faces: list[Face], width: int, height: int) -> list[Face]:
    """Leave out boxes that are too small or hardly inside a picture."""

    def kept(box: Box) -> bool:
        inside = box.clipped(width, height)
        return inside.width >= LEAST_PX and inside.height >= LEAST_PX and inside.area >= LEAST_VISIBLE * box.area

    return [face for face in faces if kept(face.box)]


def load(name: str = "auto", small_faces: bool = False, min_score: float | None = None) -> FaceSearch:
    """A search with one of maskgen's detectors.

    Args:
        name: ``auto`` or a detector's name.
        small_faces: look a second time at enlarged tiles of the full picture.
        min_score: least confidence, in the detector's own unit.

    Raises:
        InputError: no detector has that name.
        WeightsError: its file is missing.
    """
    from maskgen import faces

    detector: FaceDetector = faces.load(name, small_faces=small_faces, min_score=min_score)
    return FaceSearch(detector, full_px=None if small_faces else FULL_PX)
