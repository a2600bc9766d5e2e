"""dlib's convolutional face detector: slow on a CPU, finds some profiles.

Source:
    King, "Max-Margin Object Detection", 2015, arXiv:1502.00046; model file
    ``mmod_human_face_detector.dat``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskgen.errors import WeightsError
from maskgen.faces.nms import from_dlib
from maskgen.types import RGB, Face


class Cnn:
    """Faces of 80 px and more; 40 px after one upsampling. 450 ms at 640 x 480 on one core.

    Args:
        model: the network's file; by default wherever ``weights`` finds it.
        upsample: how often to double the picture first.
        min_score: least confidence.
    """

    name = "cnn"

    def __init__(self, model: Path | None = None, upsample: int = 0, min_score: float = 0.0) -> None:
        import dlib

        from maskgen import weights

        self.model = model or weights.find("dlib_cnn")
        self.upsample = upsample
        self.min_score = min_score
        try:
            self._detector = dlib.cnn_face_detection_model_v1(str(self.model))
        except RuntimeError as error:
            raise WeightsError(f"{self.model} is no face detector that dlib can read; fetch it again") from error

    def __reduce__(self) -> tuple[type[Cnn], tuple[Path, int, float]]:
        return Cnn, (self.model, self.upsample, self.min_score)

    def detect(self, image: RGB) -> list[Face]:
        found = self._detector(np.ascontiguousarray(image), self.upsample)
        faces = [Face(from_dlib(d.rect), float(d.confidence), self.name) for d in found]
        return sorted((f for f in faces if f.score >= self.min_score), key=lambda face: -face.score)
