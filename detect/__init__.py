"""Third stage: a model folder and pictures in, who wears a mask out.

from detect import Detector

for face in Detector.load().detect("street.jpg"):
    print(face.label, face.score)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detect.detector import Detector
    from detect.results import Detections, Event, FaceResult, FrameResult
    from detect.stream import watch

__all__ = ["Detections", "Detector", "Event", "FaceResult", "FrameResult", "watch"]


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line can import detect.commands.app without numpy.
    if name == "Detector":
        from detect.detector import Detector

        return Detector
    if name == "watch":
        from detect.stream import watch

        return watch
    if name in __all__:
        from detect import results

        return getattr(results, name)
    raise AttributeError(f"module 'detect' has no attribute {name!r}")
