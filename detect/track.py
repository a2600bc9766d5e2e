"""Faces over time: numbers that stay, labels that do not flicker, events.

Source:
    Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every
    Detection Box", ECCV 2022, as implemented by the package trackers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from detect.results import Detections, Event, FaceResult, FrameResult
from maskgen.types import Box
from trainer.bundle import predicted_labels

if TYPE_CHECKING:
    from detect.sources import Frame

SMOOTH_S: Final = 0.4
"""Time constant of the running mean of a track's probabilities."""

HOLD_S: Final = 0.25
"""A new label must last this long before it replaces the old one."""

LOST_S: Final = 1.0
"""A face that was not seen for so long has left."""

HIDE_LOST_S: Final = 0.5
"""Where a face was seen last stays hidden for so long, for ``--blur``."""

LEAST_LOOKS: Final = 3
"""Faces seen less often give no event: most are no faces."""

_NEW_SCORE: Final = 0.5
_HIGH_SCORE: Final = 0.5
_SAME_IOU: Final = 0.1


@dataclass(slots=True)
class _Track:
    """What is known of one face.

    Attributes:
        mean: running mean of its probabilities, in label order.
        label: what it counts as wearing now, since ``since_s``.
        doubt_s: since when the mean says something else; None if it agrees.
        raw_label, raw_since_s: what single looks say, and since when; the
            mean lags behind them.
        velocity: (4,) pixels a second of the box's sides.
    """

    number: int
    mean: NDArray[np.float64]
    label: str
    since_s: float
    seen_s: float
    face: FaceResult
    scores: list[float] = field(default_factory=list)
    looks: int = 0
    doubt_s: float | None = None
    raw_label: str = ""
    raw_since_s: float = 0.0
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))


class FaceTracker:
    """Numbers the faces of one source and smooths their labels."""

    def __init__(self, labels: Sequence[str], threshold: float = 0.5, rate: float = 25.0) -> None:
        """Start with nobody.

        Args:
            labels: the model's, in output order.
            threshold: P(with_mask) from which a face is ``with_mask``.
            rate: frames a second, about.
        """
        from trackers import ByteTrackTracker

        self._labels = tuple(labels)
        self._threshold = threshold
        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(30 * LOST_S),
            frame_rate=max(1.0, rate),
            track_activation_threshold=_NEW_SCORE,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=0.1,
            high_conf_det_threshold=_HIGH_SCORE,
        )
        self._tracks: dict[int, _Track] = {}
        self._unnumbered: tuple[FaceResult, ...] = ()
        self._last_s = -math.inf
        self._looked_s = -math.inf

    def follow(self, frame: Frame, detections: Detections | None) -> FrameResult:
        """The next frame's faces with their numbers and smoothed labels.

        Args:
            frame: later than the one before.
            detections: what was seen; None where nobody looked, and the
                faces are carried along.
        """
        height, width = frame.image.shape[:2]
        time_s = frame.time_s
        if detections is None:
            faces = [self._carried(track, time_s, width, height) for track in self._current(time_s)]
            faces += [replace(face, seen=False) for face in self._unnumbered]
            events: list[Event] = []
        else:
            # Two frames with one time stamp happen; ByteTrack wants time to go on.
            self._last_s = max(time_s, math.nextafter(self._last_s, math.inf))
            before_s, self._looked_s = self._looked_s, time_s
            numbers = self._numbers(detections, self._last_s)
            events = self._gone(time_s)
            faces = []
            for face, number in zip(detections.faces, numbers, strict=True):
                faces.append(face if number is None else self._smoothed(face, number, time_s, before_s, events))
            self._unnumbered = tuple(face for face in faces if face.track_id is None)
        faces = [face for face in faces if face.box.area > 0]
        faces.sort(key=lambda face: (face.box.left, face.box.top))
        return FrameResult(
            frame.index, time_s, frame.image, tuple(faces), tuple(events), self._hidden(time_s, width, height)
        )

    def finish(self) -> tuple[Event, ...]:
        """The events of faces that were there to the end."""
        events = [self._event(track) for track in self._tracks.values()]
        self._tracks.clear()
        return tuple(event for event in events if event is not None)

    def _numbers(self, detections: Detections, time_s: float) -> list[int | None]:
        """ByteTrack's number for each face, from 1; None until it is sure."""
        import supervision as sv

        count = len(detections)
        found = sv.Detections(
            xyxy=np.array([face.box.xyxy for face in detections], dtype=np.float32).reshape(-1, 4),
            confidence=np.array([face.face_score for face in detections], dtype=np.float32),
            data={"index": np.arange(count)},
        )
        tracked: Any = self._tracker.update(found, timestamp=time_s)
        numbers: list[int | None] = [None] * count
        if count:
            for index, number in zip(tracked.data.get("index", []), tracked.tracker_id, strict=True):
                numbers[int(index)] = int(number) + 1 if number >= 0 else None
        return numbers

    def _smoothed(
        self, face: FaceResult, number: int, time_s: float, before_s: float, events: list[Event]
    ) -> FaceResult:
        now = np.array([face.probabilities[label] for label in self._labels])
        track = self._tracks.get(number)
        if track is None:
            # A face gets its number at its second look; it was there at the first.
            was_there = any(face.box.iou(other.box) > _SAME_IOU for other in self._unnumbered)
            since_s = before_s if was_there else time_s
            track = _Track(number, now, face.label, since_s, time_s, face, raw_label=face.label, raw_since_s=since_s)
            self._tracks[number] = track
        else:
            elapsed_s = max(time_s - track.seen_s, 1e-3)
            weight = 1 - math.exp(-elapsed_s / SMOOTH_S)
            track.mean = track.mean + (now - track.mean) * weight
            moved = np.subtract(face.box.xyxy, track.face.box.xyxy) / elapsed_s
            track.velocity = 0.5 * track.velocity + 0.5 * moved
            if face.label != track.raw_label:
                track.raw_label, track.raw_since_s = face.label, time_s
            self._relabel(track, time_s, events)
        track.looks += 1
        track.seen_s = time_s
        by_label = {label: float(p) for label, p in zip(self._labels, track.mean, strict=True)}
        track.scores.append(by_label[track.label])
        if len(track.scores) > 4096:  # a mean of means is near enough, and memory stays flat
            track.scores = [float(np.mean(track.scores))]
        track.face = replace(
            face, label=track.label, score=by_label[track.label], probabilities=by_label, track_id=number
        )
        return track.face

    def _relabel(self, track: _Track, time_s: float, events: list[Event]) -> None:
        label = predicted_labels(track.mean[None], self._labels, self._threshold)[0]
        if label == track.label:
            track.doubt_s = None
            return
        track.doubt_s = time_s if track.doubt_s is None else track.doubt_s
        if time_s - track.doubt_s < HOLD_S:
            return
        changed_s = track.raw_since_s if track.raw_label == label else track.doubt_s
        event = self._event(track, changed_s)
        if event is not None:
            events.append(event)
        track.label, track.since_s, track.doubt_s, track.scores = label, changed_s, None, []

    def _gone(self, time_s: float) -> list[Event]:
        lost = [number for number, track in self._tracks.items() if time_s - track.seen_s > LOST_S]
        events = [self._event(self._tracks.pop(number)) for number in lost]
        return [event for event in events if event is not None]

    def _event(self, track: _Track, end_s: float | None = None) -> Event | None:
        if track.looks < LEAST_LOOKS:
            return None
        score = float(np.mean(track.scores)) if track.scores else 0.0
        return Event(track.number, track.label, track.since_s, track.seen_s if end_s is None else end_s, score)

    def _current(self, time_s: float) -> list[_Track]:
        """Tracks that the last look saw, as long as that is not too long ago."""
        if time_s - self._looked_s > LOST_S:
            return []
        return [track for track in self._tracks.values() if track.seen_s == self._looked_s]

    def _carried(self, track: _Track, time_s: float, width: int, height: int) -> FaceResult:
        # A quarter of a second ahead at most: faces do not move straight for long.
        ahead_s = min(time_s - track.seen_s, 0.25)
        x0, y0, x1, y1 = np.asarray(track.face.box.xyxy) + track.velocity * ahead_s
        box = Box(x0, y0, max(x0, x1), max(y0, y1)).clipped(width, height)
        return replace(track.face, box=box, seen=False)

    def _hidden(self, time_s: float, width: int, height: int) -> tuple[Box, ...]:
        """Where a face was a moment ago and nobody was seen now."""
        boxes = []
        for track in self._tracks.values():
            missed_s = time_s - track.seen_s
            if 0 < missed_s <= HIDE_LOST_S:
                box = self._carried(track, time_s, width, height).box
                boxes.append(box.grown(1.3).clipped(width, height))
        return tuple(boxes)


class Untracked:
    """Passes faces on as they are; stands in for ``FaceTracker``."""

    def __init__(self) -> None:
        self._faces: tuple[FaceResult, ...] = ()

    def follow(self, frame: Frame, detections: Detections | None) -> FrameResult:
        if detections is None:
            faces = tuple(replace(face, seen=False) for face in self._faces)
        else:
            faces = self._faces = detections.faces
        return FrameResult(frame.index, frame.time_s, frame.image, faces)

    def finish(self) -> tuple[Event, ...]:
        return ()
