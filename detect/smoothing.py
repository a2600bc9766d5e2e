"""Smooths the labels of numbered faces over time, and says when one changed: events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detect.plan import Plan, PlannedFace
from detect.results import Event, FaceResult, FrameResult, face_result, face_score
from detect.veil import Place, Veil, carried
from trainer.bundle import predicted_labels

SMOOTH_S: Final = 0.4
"""Time constant of the running mean of a track's probabilities."""

HOLD_S: Final = 0.25
"""A new label must last this long before it replaces the old one."""

LEAST_LOOKS: Final = 3
"""Faces seen less often give no event: most are no faces."""


@dataclass(slots=True)
class _Track:
    """What is known of one face.

    Attributes:
        mean: running mean of its probabilities, in label order.
        label: what it counts as wearing now, since ``since_s``.
        doubt_s: since when the mean says something else; None if it agrees.
        raw_label, raw_since_s: what single looks say, and since when; the
            mean lags behind them.
        judged_s: when it was last classified.
        velocity: (4,) pixels a second of the box's sides.
    """

    number: int
    mean: NDArray[np.float64]
    label: str
    since_s: float
    seen_s: float
    face: FaceResult
    judged_s: float
    raw_label: str
    raw_since_s: float
    score_sum: float = 0.0
    score_count: int = 0
    looks: int = 0
    doubt_s: float | None = None
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))


class LabelSmoother:
    """What the numbered faces of one source wear."""

    def __init__(
        self, labels: Sequence[str], threshold: float, lost_s: float, min_score: float = 0.0, sure_score: float = 0.0
    ) -> None:
        """Start with nobody.

        Args:
            labels: the model's, in output order.
            threshold: P(with_mask) from which a face is ``with_mask``.
            lost_s: a face that was not seen for so long has left.
            min_score: least confidence of a face that has no number yet.
            sure_score: confidence below which a face is doubtful.
        """
        self._labels = tuple(labels)
        self._threshold = threshold
        self._lost_s = lost_s
        self._min_score = min_score
        self._sure_score = sure_score
        self._looked_s = -math.inf
        self._tracks: dict[int, _Track] = {}
        self._unnumbered: tuple[FaceResult, ...] = ()
        self._veil = Veil()

    def label(self, plan: Plan, probabilities: NDArray[np.float32]) -> FrameResult:
        """The frame's faces with their numbers and smoothed labels.

        Args:
            plan: what ``plan`` gave.
            probabilities: (N, C) of ``plan.to_classify``.
        """
        frame, time_s = plan.frame, plan.frame.time_s
        height, width = frame.image.shape[:2]
        events: list[Event] = []
        hidden_boxes = list(plan.doubtful)
        if plan.faces is None:
            faces = [self._carried(track, time_s, width, height) for track in self._current(time_s)]
            faces += [replace(face, seen=False) for face in self._unnumbered]
        else:
            self._looked_s = time_s
            events += self._gone(time_s)
            rows = iter(np.asarray(probabilities, dtype=np.float64))
            faces = []
            for planned in plan.faces:
                row = next(rows) if planned.classify else None
                faces.append(self._labelled(planned, row, time_s, (width, height), events))
            hidden_boxes += [face.box for face in faces if not self._reported(face)]
            faces = [face for face in faces if self._reported(face)]
            self._unnumbered = tuple(face for face in faces if face.track_id is None)
        faces = [face for face in faces if face.box.area > 0]
        faces.sort(key=lambda face: (face.box.left, face.box.top))
        looked = plan.faces is not None
        if looked:
            self._veil.look(time_s, [*map(self._place, faces), *(Place(box, reported=False) for box in hidden_boxes)])
        hidden = self._veil.hidden(time_s, width, height, looked=looked)
        return FrameResult(frame.index, time_s, frame.image, tuple(faces), tuple(events), hidden)

    def finish(self) -> tuple[Event, ...]:
        """The events of faces that were there to the end."""
        events = [self._event(track) for track in self._tracks.values()]
        self._tracks.clear()
        return tuple(event for event in events if event is not None)

    def _labelled(
        self,
        planned: PlannedFace,
        row: NDArray[np.float64] | None,
        time_s: float,
        size_wh: tuple[int, int],
        events: list[Event],
    ) -> FaceResult:
        box, score = planned.face.box.clipped(*size_wh), face_score(planned.face)
        track = self._tracks.get(planned.number) if planned.number is not None else None
        if track is None:
            # Only after a track was lost here and not yet there could a row be missing: nobody knows then.
            row = np.full(len(self._labels), 1 / len(self._labels)) if row is None else row
            label = predicted_labels(row[None], self._labels, self._threshold)[0]
            face = face_result(box, score, label, self._labels, [float(p) for p in row], sure_score=self._sure_score)
            if planned.number is None:
                return replace(face, confirmed=False)
            track = _Track(planned.number, row, label, planned.first_s, time_s, face, time_s, label, planned.first_s)
            self._tracks[planned.number] = track
        else:
            elapsed_s = max(time_s - track.seen_s, 1e-3)
            moved = np.subtract(box.xyxy, track.face.box.xyxy) / elapsed_s
            track.velocity = 0.5 * track.velocity + 0.5 * moved
            if row is not None:
                self._take_in(track, row, time_s, events)
        track.looks += 1
        track.seen_s = time_s
        by_label = {label: float(p) for label, p in zip(self._labels, track.mean, strict=True)}
        now = by_label[track.label]
        track.score_sum += now
        track.score_count += 1
        doubtful = score * now < self._sure_score
        track.face = FaceResult(
            box, track.label, now, by_label, face_score=score, track_id=track.number, doubtful=doubtful
        )
        return track.face

    def _reported(self, face: FaceResult) -> bool:
        """Whether a face is shown: one that has a number always, so that nobody flickers."""
        return face.track_id is not None or face.confidence >= self._min_score

    def _take_in(self, track: _Track, row: NDArray[np.float64], time_s: float, events: list[Event]) -> None:
        """Move a track's mean towards a new look."""
        weight = 1 - math.exp(-max(time_s - track.judged_s, 1e-3) / SMOOTH_S)
        track.mean = track.mean + (row - track.mean) * weight
        track.judged_s = time_s
        raw = predicted_labels(row[None], self._labels, self._threshold)[0]
        if raw != track.raw_label:
            track.raw_label, track.raw_since_s = raw, time_s
        self._relabel(track, time_s, events)

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
        track.label, track.since_s, track.doubt_s = label, changed_s, None
        track.score_sum, track.score_count = 0.0, 0

    def _gone(self, time_s: float) -> list[Event]:
        lost = [number for number, track in self._tracks.items() if time_s - track.seen_s > self._lost_s]
        events = [self._event(self._tracks.pop(number)) for number in lost]
        return [event for event in events if event is not None]

    def _event(self, track: _Track, end_s: float | None = None) -> Event | None:
        if track.looks < LEAST_LOOKS:
            return None
        score = track.score_sum / track.score_count if track.score_count else 0.0
        return Event(track.number, track.label, track.since_s, track.seen_s if end_s is None else end_s, score)

    def _current(self, time_s: float) -> list[_Track]:
        """Tracks that the last look saw, as long as that is not too long ago."""
        if time_s - self._looked_s > self._lost_s:
            return []
        return [track for track in self._tracks.values() if track.seen_s == self._looked_s]

    def _carried(self, track: _Track, time_s: float, width: int, height: int) -> FaceResult:
        box = carried(track.face.box, track.velocity, time_s - track.seen_s)
        return replace(track.face, box=box.clipped(width, height), seen=False)

    def _place(self, face: FaceResult) -> Place:
        track = self._tracks.get(face.track_id) if face.track_id is not None else None
        return Place(face.box, face.track_id, None if track is None else track.velocity)
