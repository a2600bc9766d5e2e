"""OpenCV's res10 SSD: the face detector of its ``dnn`` samples.

Source:
    Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016; model
    ``res10_300x300_ssd_iter_140000.caffemodel`` by OpenCV's team.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from maskgen.errors import WeightsError
from maskgen.types import RGB, Box, Face

_SIDE: Final = 300
_MEAN_BGR: Final = (104.0, 177.0, 123.0)
"""As the model was trained: OpenCV ``samples/dnn/face_detector``."""


class Ssd:
    """Faces that take a tenth of the picture and more: it sees 300 x 300 px.

    Args:
        model: the network's file; by default wherever ``weights`` finds it.
        prototxt: its description; likewise.
        min_score: least confidence, 0 to 1.
    """

    name = "ssd"

    def __init__(self, model: Path | None = None, prototxt: Path | None = None, min_score: float = 0.5) -> None:
        import cv2

        from maskgen import weights

        self.model = model or weights.find("ssd_caffemodel")
        self.prototxt = prototxt or weights.find("ssd_prototxt")
        self.min_score = min_score
        try:
            self._network = cv2.dnn.readNetFromCaffe(str(self.prototxt), str(self.model))
        except cv2.error as error:
            raise WeightsError(
                f"{self.prototxt} and {self.model} make no network that OpenCV can read; fetch them again"
            ) from error

    def __reduce__(self) -> tuple[type[Ssd], tuple[Path, Path, float]]:
        return Ssd, (self.model, self.prototxt, self.min_score)

    def detect(self, image: RGB) -> list[Face]:
        import cv2

        height, width = image.shape[:2]
        self._network.setInput(cv2.dnn.blobFromImage(image, 1.0, (_SIDE, _SIDE), _MEAN_BGR, swapRB=True))
        # image, class, score, then left, top, right, bottom as fractions.
        rows = np.asarray(self._network.forward(), dtype=np.float64).reshape(-1, 7)
        rows = rows[(rows[:, 2] >= self.min_score) & np.isfinite(rows).all(axis=1)]
        rows = rows[(rows[:, 5] > rows[:, 3]) & (rows[:, 6] > rows[:, 4])]
        rows = rows[np.argsort(-rows[:, 2], kind="stable")]
        return [
            Face(Box(*(row[3:7] * (width, height, width, height)).tolist()), float(row[2]), self.name) for row in rows
        ]
