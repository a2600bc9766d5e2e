"""OpenCV's Haar cascade for frontal faces: old, fast, many false alarms.

Source:
    Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple
    Features", CVPR 2001; cascade by Lienhart.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskgen.errors import WeightsError
from maskgen.types import RGB, Box, Face


class Haar:
    """Frontal faces of 30 px and more.

    Args:
        model: the cascade's file; by default wherever ``weights`` finds it.
        min_score: least level weight of the last stage. 2.0 drops most of
            the false alarms that the cascade's own threshold lets through.
        min_side: least side of a face in pixels.
    """

    name = "haar"

    def __init__(self, model: Path | None = None, min_score: float = 2.0, min_side: int = 30) -> None:
        import cv2

        from maskgen import weights

        self.model = model or weights.find("haar")
        self.min_score = min_score
        self.min_side = min_side
        try:
            self._cascade = cv2.CascadeClassifier(str(self.model))
            readable = not self._cascade.empty()
        except (cv2.error, SystemError):  # OpenCV's binding lets either through
            readable = False
        if not readable:
            raise WeightsError(f"{self.model} is no Haar cascade that OpenCV can read; fetch it again")

    def __reduce__(self) -> tuple[type[Haar], tuple[Path, float, int]]:
        return Haar, (self.model, self.min_score, self.min_side)

    def detect(self, image: RGB) -> list[Face]:
        import cv2

        if min(image.shape[:2]) < self.min_side:
            return []
        grey = cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        boxes, _, scores = self._cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(self.min_side, self.min_side), outputRejectLevels=True
        )
        faces = [
            Face(Box(float(x), float(y), float(x + w), float(y + h)), float(score), self.name)
            for (x, y, w, h), score in zip(boxes, np.ravel(scores), strict=True)
            if score >= self.min_score
        ]
        return sorted(faces, key=lambda face: -face.score)
