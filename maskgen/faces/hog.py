"""dlib's frontal face detector: HOG and a linear SVM, part of dlib itself.

Source:
    King, "Max-Margin Object Detection", 2015, arXiv:1502.00046.
"""

from __future__ import annotations

import numpy as np

from maskgen.faces.nms import from_dlib
from maskgen.types import RGB, Face


class Hog:
    """Frontal faces of 80 px and more; 40 px after one upsampling.

    Args:
        upsample: how often to double the picture first. Each time costs four
            times as long.
        min_score: margin of the classifier; 0 is dlib's own threshold.
    """

    name = "hog"

    def __init__(self, upsample: int = 0, min_score: float = 0.0) -> None:
        import dlib

        self.upsample = upsample
        self.min_score = min_score
        self._detector = dlib.get_frontal_face_detector()

    def __reduce__(self) -> tuple[type[Hog], tuple[int, float]]:
        return Hog, (self.upsample, self.min_score)

    def detect(self, image: RGB) -> list[Face]:
        rectangles, scores, _ = self._detector.run(np.ascontiguousarray(image), self.upsample, self.min_score)
        faces = [Face(from_dlib(r), float(s), self.name) for r, s in zip(rectangles, scores, strict=True)]
        return sorted(faces, key=lambda face: -face.score)
