"""Face detectors: one protocol, one file each.

A new detector is a class behind ``FaceDetector`` and a line in ``DETECTORS``, or a plug-in (``maskgen.faces``).
"""

from __future__ import annotations

from inspect import signature
from typing import Any, Final

from maskgen.faces.base import FaceDetector, OnSmallCopy, detect_enlarged, detect_padded
from maskgen.faces.nms import merged
from maskgen.faces.tiles import OnTiles, detect_small
from maskgen.io.registry import Registry

__all__ = [
    "DETECTORS",
    "FaceDetector",
    "OnSmallCopy",
    "OnTiles",
    "detect_enlarged",
    "detect_padded",
    "detect_small",
    "least_score",
    "load",
    "merged",
    "names",
]


def _wrong(name: str, found: Any) -> str | None:
    if name == "auto":
        return "auto stands for the best there is; rename it"
    if not callable(found):
        return f"it is a {type(found).__name__}, not a class of face detectors"
    return None if "min_score" in signature(found).parameters else "it takes no min_score"


DETECTORS: Final[Registry[Any]] = Registry(
    "maskgen.faces",
    "face detector",
    {
        "yunet": "maskgen.faces.yunet:YuNet",
        "onestage": "maskgen.faces.onestage:OneStageFaces",
        "hog": "maskgen.faces.hog:Hog",
        "cnn": "maskgen.faces.cnn:Cnn",
        "haar": "maskgen.faces.haar:Haar",
        "ssd": "maskgen.faces.ssd:Ssd",
        "mtcnn": "maskgen.faces.mtcnn:Mtcnn",
    },
    _wrong,
)
"""Classes of face detectors, by name."""


def names() -> tuple[str, ...]:
    """What ``load`` and ``--detector`` understand."""
    return ("auto", *DETECTORS.names)


def least_score(name: str) -> float:
    """A detector's own least score of a face, in its own unit; 0.6 for YuNet.

    Raises:
        InputError: no detector has that name.
    """
    return float(signature(DETECTORS.load(name)).parameters["min_score"].default)


def load(
    name: str = "auto",
    *,
    max_side: int | None = None,
    small_faces: bool = False,
    min_score: float | None = None,
    **options: Any,
) -> FaceDetector:
    """A detector, ready.

    Args:
        name: one of ``names()``; ``auto`` takes the best whose file is present.
        max_side: look at a copy whose longer side is this, in pixels.
        small_faces: look a second time, at enlarged tiles.
        min_score: least score, in the detector's own unit; None for its own
            default.
        options: more of the detector's own arguments.

    Raises:
        InputError: no detector has that name.
        WeightsError: its file or package is missing or damaged.
    """
    if name == "auto":
        from maskgen.faces import auto

        name = auto.choose()
    new_detector = DETECTORS.load(name)
    if min_score is not None:
        options["min_score"] = min_score
    detector: FaceDetector = new_detector(**options)
    if small_faces:
        detector = OnTiles(detector)
    return detector if max_side is None else OnSmallCopy(detector, max_side)
