"""What a face detector is, and looking for faces on a small copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from maskgen import images
from maskgen.types import RGB, Face


@runtime_checkable
class FaceDetector(Protocol):
    """Finds faces.

    A detector loads its model when it is made, can be pickled (the copy loads
    the model again), and serves one thread at a time.

    Attributes:
        name: the word it is asked for by, and what its faces carry.
    """

    @property
    def name(self) -> str: ...

    def detect(self, image: RGB) -> list[Face]:
        """Every face in a picture, best first.

        Args:
            image: (H, W, 3) uint8 RGB of any size, 1 x 1 included.

        Returns:
            Faces in the picture's pixels. A box may reach over the edge.
        """
        ...


def scaled(face: Face, factor_x: float, factor_y: float, dx: float = 0.0, dy: float = 0.0) -> Face:
    """A face in a picture scaled by the factors, then moved by (dx, dy) px."""
    box = type(face.box)(
        face.box.left * factor_x + dx,
        face.box.top * factor_y + dy,
        face.box.right * factor_x + dx,
        face.box.bottom * factor_y + dy,
    )
    points = None if face.points is None else face.points * np.array([factor_x, factor_y]) + np.array([dx, dy])
    return replace(face, box=box, points=points)


class OnSmallCopy:
    """A detector that looks at a reduced copy and answers in full size.

    Args:
        detector: the one that looks.
        max_side: longer side of the copy in pixels. Faces smaller than the
            detector's least size there are not found.
    """

    def __init__(self, detector: FaceDetector, max_side: int) -> None:
        self.detector = detector
        self.max_side = max_side

    @property
    def name(self) -> str:
        return self.detector.name

    def detect(self, image: RGB) -> list[Face]:
        small = images.shrink(image, self.max_side)
        found = self.detector.detect(small)
        if small is image:
            return found
        factor_x, factor_y = image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]
        return [scaled(face, factor_x, factor_y) for face in found]
