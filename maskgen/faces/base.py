"""What a face detector is, and looking for faces on a smaller, larger or padded copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

import numpy as np

from maskgen import images
from maskgen.types import RGB, Face

PAD_SHARE: Final = 0.25
"""A picture that shows nothing is searched again with a rim of this share of
its longer side: a face that fills its picture wants ground around it."""

_RIM: Final = 128
"""Grey. Of 229 tight crops of portraits that HOG saw no face in, it finds 120 with
a grey rim and 46 where the rim repeats the picture's edge; YuNet does not mind."""


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


def detect_enlarged(detector: FaceDetector, image: RGB, side: int, at_most: float) -> list[Face]:
    """Faces of a copy whose longer side is ``side`` px, in the picture's own pixels.

    Args:
        detector: the one that looks.
        image: (H, W, 3) uint8 RGB, smaller than that.
        side: of the copy.
        at_most: the largest enlargement.
    """
    import cv2

    height, width = image.shape[:2]
    factor = min(side / max(height, width), at_most)
    size_wh = (max(1, round(width * factor)), max(1, round(height * factor)))
    larger = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_CUBIC), np.uint8)
    return [scaled(face, width / size_wh[0], height / size_wh[1]) for face in detector.detect(larger)]


def detect_padded(detector: FaceDetector, image: RGB) -> list[Face]:
    """Faces of a picture with a grey rim around it, in the picture's own pixels.

    Args:
        detector: the one that looks.
        image: (H, W, 3) uint8 RGB.
    """
    pad = round(PAD_SHARE * max(image.shape[:2]))
    wide = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), constant_values=_RIM)
    return [scaled(face, 1.0, 1.0, -pad, -pad) for face in detector.detect(wide)]
