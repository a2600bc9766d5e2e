"""YuNet: 75,000 parameters, five points for every face, and quick; run by onnxruntime, or by OpenCV without it.

Source:
    Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine
    Intelligence Research 20, 2023; files by libfacedetection.train and
    OpenCV's model zoo.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import WeightsError
from maskgen.types import RGB, Box, Face

_NMS_IOU: Final = 0.3
_TOP_K: Final = 5000

_MIN_SIDE: Final = 64
"""Smaller pictures get a black rim on the right and below. Where a side has 32
px or less, the network's coarsest map is one cell wide and OpenCV's (4.14) answer
hangs on what lies in memory beside it: faces in uniform grey, now and then."""


Runtime = Literal["onnxruntime", "opencv"]


class YuNet:
    """Faces of about 10 px to 300 px, masked ones and profiles too.

    Args:
        model: the network's file; by default wherever ``weights`` finds it.
        min_score: least confidence, 0 to 1.
        runtime: what runs the network; None for onnxruntime where it is
            installed. Both give the same boxes.

    Raises:
        WeightsError: the file is missing or no YuNet.
    """

    name = "yunet"

    def __init__(self, model: Path | None = None, min_score: float = 0.6, runtime: Runtime | None = None) -> None:
        from maskgen import weights

        self.model = model or weights.find("yunet")
        self.min_score = min_score
        self.runtime: Runtime = runtime or ("opencv" if find_spec("onnxruntime") is None else "onnxruntime")
        self._network = _network(self.model, self.runtime)

    def __reduce__(self) -> tuple[type[YuNet], tuple[Path, float, Runtime]]:
        return YuNet, (self.model, self.min_score, self.runtime)

    def detect(self, image: RGB) -> list[Face]:
        import cv2

        bgr = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        height, width = image.shape[:2]
        if min(height, width) < _MIN_SIDE:
            below, right = max(0, _MIN_SIDE - height), max(0, _MIN_SIDE - width)
            bgr = np.asarray(cv2.copyMakeBorder(bgr, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)
        # x, y, w, h, then x and y of five points in Face's own order, score.
        faces = [
            Face(
                Box(float(row[0]), float(row[1]), float(row[0] + row[2]), float(row[1] + row[3])),
                float(row[14]),
                self.name,
                row[4:14].reshape(5, 2),
            )
            for row in self._network.rows(bgr, self.min_score, _NMS_IOU, _TOP_K)
            if np.isfinite(row).all() and row[2] > 0 and row[3] > 0
        ]
        return sorted(faces, key=lambda face: -face.score)


class _Network(Protocol):
    def rows(self, bgr: NDArray[np.uint8], min_score: float, iou: float, most: int) -> NDArray[np.float64]: ...


def _network(path: Path, runtime: Runtime) -> _Network:
    if runtime == "opencv":
        return _OpenCV(path)
    from maskgen.faces.yunet_onnx import network

    return network(path)


class _OpenCV:
    """The network in OpenCV's ``FaceDetectorYN``."""

    def __init__(self, path: Path) -> None:
        import cv2

        try:
            self._network = cv2.FaceDetectorYN.create(str(path), "", (320, 320))
        except cv2.error as error:
            raise WeightsError(f"{path} is no YuNet that OpenCV can read; fetch it again") from error
        self._size_wh = (320, 320)

    def rows(self, bgr: NDArray[np.uint8], min_score: float, iou: float, most: int) -> NDArray[np.float64]:
        """As ``YuNetNetwork.rows``."""
        size_wh = (bgr.shape[1], bgr.shape[0])
        if size_wh != self._size_wh:
            self._network.setInputSize(size_wh)
            self._size_wh = size_wh
        self._network.setScoreThreshold(min_score)
        self._network.setNMSThreshold(iou)
        self._network.setTopK(most)
        _, rows = self._network.detect(bgr)
        return np.asarray(rows, np.float64) if rows is not None else np.empty((0, 15))
