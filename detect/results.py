"""What detect says about a picture or a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from maskgen.errors import ShapeError
from maskgen.types import RGB, Box, Face

RECHECK_S: Final = 0.15
"""A face that was classified several times is classified again this soon."""

_SCORED: Final = frozenset({"yunet", "ssd", "mtcnn", "onestage", "fused"})
"""Detectors whose scores are probabilities; others' count as certain."""


@dataclass(frozen=True, slots=True)
class FaceResult:
    """One face and what it wears.

    Attributes:
        box: in the picture's pixels, inside the picture.
        label: one of the model's labels.
        score: the probability of ``label``; 0.5 or more where that is
            ``with_mask``.
        probabilities: label -> probability, adding up to 1, rescaled so that
            the model's threshold reads 0.5.
        face_score: the face detector's confidence; comparable within one
            detector only.
        doubtful: whether ``confidence`` is below the detector's usual cut.
        track_id: the face's number in a video, from 1; None in a single
            picture and until a face was seen twice.
        seen: False where the box was carried over from an earlier frame.
        confirmed: False in a video until the face was seen twice; many boxes
            that come once are none, so nobody counts them.
    """

    box: Box
    label: str
    score: float
    probabilities: Mapping[str, float]
    face_score: float = 1.0
    track_id: int | None = None
    seen: bool = True
    confirmed: bool = True
    doubtful: bool = False

    @property
    def confidence(self) -> float:
        """How sure it is that here is a face that wears ``label``: ``face_score`` times ``score``. Rank by it."""
        return self.face_score * self.score

    def __post_init__(self) -> None:
        if self.label not in self.probabilities:
            raise ShapeError(f"no probability for label {self.label!r} in {dict(self.probabilities)}")

    def to_json(self) -> dict[str, Any]:
        """The face as a line of JSON holds it; boxes to a tenth of a pixel."""
        line: dict[str, Any] = {
            "box_xyxy": [round(float(side), 1) for side in self.box.xyxy],
            "label": self.label,
            "score": round(float(self.score), 4),
            "probabilities": {label: round(float(p), 4) for label, p in self.probabilities.items()},
            "face_score": round(float(self.face_score), 4),
            "confidence": round(float(self.confidence), 4),
        }
        if self.track_id is not None:
            line["track"] = self.track_id
        return line


def face_score(face: Face) -> float:
    """A face detector's confidence as a number from 0 to 1."""
    return min(max(float(face.score), 0.0), 1.0) if face.detector in _SCORED else 1.0


def face_result(
    box: Box,
    score: float,
    label: str,
    labels: Sequence[str],
    probabilities: Sequence[float],
    *,
    sure_score: float = 0.0,
) -> FaceResult:
    """Put a result together from the classifier's row.

    Args:
        score: the face detector's confidence, 0 to 1.
        labels: the model's, in the order of ``probabilities``.
        sure_score: confidence below which the face is doubtful.
    """
    by_label = {name: float(p) for name, p in zip(labels, probabilities, strict=True)}
    doubtful = score * by_label[label] < sure_score
    return FaceResult(box, label, by_label[label], by_label, face_score=score, doubtful=doubtful)


@dataclass(frozen=True, slots=True)
class Detections:
    """Every face of one picture; reads like a sequence of ``FaceResult``.

    Attributes:
        width, height: the picture's size in pixels, upright.
        faces: from left to right.
        doubtful: boxes that might be faces, for who hides faces.
        found_by: the face detector's name.
    """

    width: int
    height: int
    faces: tuple[FaceResult, ...] = ()
    doubtful: tuple[Box, ...] = ()
    found_by: str = ""

    def __iter__(self) -> Iterator[FaceResult]:
        return iter(self.faces)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> FaceResult:
        return self.faces[index]

    def count(self, label: str) -> int:
        """How many faces carry a label."""
        return sum(face.label == label for face in self.faces)

    def to_json(self) -> dict[str, Any]:
        line: dict[str, Any] = {"width": self.width, "height": self.height}
        if self.found_by:
            line["found_by"] = self.found_by
        return {**line, "faces": [face.to_json() for face in self.faces]}


@dataclass(frozen=True, slots=True)
class Event:
    """A face wore one label for a while.

    Attributes:
        track_id: the face's number.
        label: what it wore.
        start_s, end_s: first and last moment, in seconds of the source.
        score: mean probability of ``label`` in between.
    """

    track_id: int
    label: str
    start_s: float
    end_s: float
    score: float

    def __str__(self) -> str:
        return f"face {self.track_id}: {self.label} from {self.start_s:.1f} s to {self.end_s:.1f} s"

    def to_json(self) -> dict[str, Any]:
        return {
            "track": self.track_id,
            "label": self.label,
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One frame of a video or live source and the faces in it.

    Attributes:
        index: 0, 1, 2 ... in the source; live sources skip numbers.
        time_s: seconds since the source's first frame.
        image: (H, W, 3) uint8, RGB, upright.
        faces: from left to right, labels smoothed over each face's track.
        events: what ended at this frame.
        hidden: boxes to hide besides ``faces`` when faces are to be hidden:
            what might be a face, and where one was a moment ago and may still be.
        found_by: the face detector's name.
    """

    index: int
    time_s: float
    image: RGB = field(repr=False)
    faces: tuple[FaceResult, ...] = ()
    events: tuple[Event, ...] = ()
    hidden: tuple[Box, ...] = ()
    found_by: str = ""

    def to_json(self) -> dict[str, Any]:
        height, width = self.image.shape[:2]
        line: dict[str, Any] = {
            "frame": self.index,
            "time_s": round(self.time_s, 3),
            "width": width,
            "height": height,
            **({"found_by": self.found_by} if self.found_by else {}),
            "faces": [face.to_json() for face in self.faces],
        }
        if self.events:
            line["events"] = [event.to_json() for event in self.events]
        return line
