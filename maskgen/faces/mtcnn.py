"""MTCNN: three small networks in a cascade; the extra ``maskgen[mtcnn]``.

Source:
    Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded
    Convolutional Networks", IEEE Signal Processing Letters 23, 2016; weights
    within the package ``mtcnn``.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from maskgen.errors import WeightsError
from maskgen.types import RGB, Box, Face

_MIN_SIDE: Final = 24
"""Smaller pictures than this give the first network nothing to look at."""

# mtcnn's left and right are the image's.
_POINTS: Final = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


class Mtcnn:
    """Faces of 20 px and more, with five points.

    Args:
        min_score: least confidence, 0 to 1.

    Raises:
        WeightsError: the package ``mtcnn`` is not installed.
    """

    name = "mtcnn"

    def __init__(self, min_score: float = 0.9) -> None:
        try:
            from mtcnn import MTCNN
        except ImportError as error:
            raise WeightsError(
                'the detector "mtcnn" needs its extra; run: pip install "maskgen[mtcnn]", or choose --detector auto'
            ) from error
        self.min_score = min_score
        self._network = MTCNN(device="CPU:0")

    def __reduce__(self) -> tuple[type[Mtcnn], tuple[float]]:
        return Mtcnn, (self.min_score,)

    def detect(self, image: RGB) -> list[Face]:
        if min(image.shape[:2]) < _MIN_SIDE:
            return []
        faces = []
        for found in self._network.detect_faces(np.ascontiguousarray(image)) or []:
            x, y, width, height = (float(value) for value in found["box"])
            if found["confidence"] < self.min_score or width <= 0 or height <= 0:
                continue
            points = np.array([found["keypoints"][name] for name in _POINTS], dtype=np.float64)
            box = Box(x, y, x + width, y + height)
            faces.append(Face(box, float(found["confidence"]), self.name, points))
        return sorted(faces, key=lambda face: -face.score)
