"""A second look at enlarged, overlapping tiles, for faces far away."""

from __future__ import annotations

from typing import Final

import numpy as np

from maskgen.faces.base import FaceDetector, scaled
from maskgen.faces.nms import merged
from maskgen.types import RGB, Face

TILE: Final = 320
"""Side of a tile in the photo's pixels."""

OVERLAP: Final = 0.25
"""Neighbouring tiles share this part of their side. A face of up to a quarter
of a tile, 80 px, is then whole in one of them; larger ones need no second look."""

ENLARGE: Final = 2.0
"""A tile is enlarged by this before the detector sees it."""


def detect_small(
    detector: FaceDetector, image: RGB, tile: int = TILE, overlap: float = OVERLAP, enlarge: float = ENLARGE
) -> list[Face]:
    """Faces of the whole picture and of its enlarged tiles, each once.

    Args:
        detector: looks at the picture and at every tile.
        image: (H, W, 3) uint8 RGB.
        tile: side of a tile in the picture's pixels.
        overlap: the part of its side that a tile shares with the next.
        enlarge: what a tile is multiplied by.

    Returns:
        Faces in the picture's pixels, best first.
    """
    import cv2

    faces = detector.detect(image)
    height, width = image.shape[:2]
    for top in _starts(height, tile, overlap):
        for left in _starts(width, tile, overlap):
            part = image[top : top + tile, left : left + tile]
            size_wh = (round(part.shape[1] * enlarge), round(part.shape[0] * enlarge))
            larger = np.asarray(cv2.resize(part, size_wh, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
            for face in detector.detect(larger):
                if not _cut_off(face, larger, left > 0, top > 0, left + tile < width, top + tile < height):
                    faces.append(scaled(face, part.shape[1] / size_wh[0], part.shape[0] / size_wh[1], left, top))
    return merged(faces)


class OnTiles:
    """A detector that looks a second time, at enlarged tiles."""

    def __init__(self, detector: FaceDetector, tile: int = TILE, enlarge: float = ENLARGE) -> None:
        self.detector = detector
        self.tile = tile
        self.enlarge = enlarge

    @property
    def name(self) -> str:
        return self.detector.name

    def detect(self, image: RGB) -> list[Face]:
        return detect_small(self.detector, image, self.tile, enlarge=self.enlarge)


def _starts(length: int, tile: int, overlap: float) -> list[int]:
    """Where tiles begin so that they cover the length evenly."""
    if length <= tile:
        return [0]
    count = int(np.ceil((length - tile) / (tile * (1 - overlap)))) + 1
    return [round(start) for start in np.linspace(0, length - tile, count)]


def _cut_off(face: Face, tile: RGB, left: bool, top: bool, right: bool, bottom: bool) -> bool:
    """Whether a face touches an inner edge of its tile (the flags: which are inner)."""
    height, width = tile.shape[:2]
    box = face.box
    return (
        (left and box.left <= 1)
        or (top and box.top <= 1)
        or (right and box.right >= width - 1)
        or (bottom and box.bottom >= height - 1)
    )
