"""Tracks faces across frames: stable numbers, smoothed labels, events.

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

from detect.results import RECHECK_S, Event, FaceResult, FrameResult, face_result, face_score
from detect.veil import Place, Veil, carried
from maskgen.types import Box, Face
from trainer.bundle import predicted_labels

if TYPE_CHECKING:
    from detect.sources.base import Frame

SMOOTH_S: Final = 0.4
"""Time constant of the running mean of a track's probabilities."""

HOLD_S: Final = 0.25
"""A new label must last this long before it replaces the old one."""

LOST_S: Final = 1.0
"""A face that was not seen for so long has left ..."""

LOST_LOOKS: Final = 2.5
"""... or was not there at so many looks, where they are further apart."""

SURE_LOOKS: Final = 5
"""A face is classified this often before it is left alone for a while."""

LEAST_LOOKS: Final = 3
"""Faces seen less often give no event: most are no faces."""

NEW_SCORE: Final = 0.5
"""A box of this score begins a track; those of less only go on with one, unless less was asked for."""

_SAME_IOU: Final = 0.1


@dataclass(frozen=True, slots=True)
class PlannedFace:
    """A face before it is classified.

    Attributes:
        face: as the detector said.
        number: from 1; None until ByteTrack is sure.
        classify: whether the classifier is to look at it.
        first_s: when it was first seen.
    """

    face: Face
    number: int | None
    classify: bool
    first_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A frame and what is to be done with it.

    Attributes:
        frame: as it came.
        faces: None where nobody looked.
        doubtful: boxes that might be faces.
    """

    frame: Frame
    faces: tuple[PlannedFace, ...] | None
    doubtful: tuple[Box, ...] = ()

    @property
    def to_classify(self) -> list[PlannedFace]:
        return [face for face in self.faces or () if face.classify]


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


@dataclass(slots=True)
class _Checks:
    """How often a face was given to the classifier, and when last."""

    count: int = 0
    last_s: float = -math.inf
    seen_s: float = -math.inf


class FaceTracker:
    """Numbers the faces of one source and smooths their labels.

    ``plan`` and ``label`` may run in two threads, each in the frames' order:
    they share no state, so that the results do not hang on timing.
    """

    def __init__(
        self,
        labels: Sequence[str],
        threshold: float = 0.5,
        rate: float = 25.0,
        recheck_s: float = RECHECK_S,
        least_score: float = NEW_SCORE,
    ) -> None:
        """Start with nobody.

        Args:
            labels: the model's, in output order.
            threshold: P(with_mask) from which a face is ``with_mask``.
            rate: looks a second, about.
            recheck_s: how soon a face that was classified ``SURE_LOOKS``
                times is classified again; 0 for every look.
            least_score: of the faces that are found; a lower bar than
                ``NEW_SCORE`` is one for new tracks too.
        """
        from trackers import ByteTrackTracker

        self._labels = tuple(labels)
        self._threshold = threshold
        self._recheck_s = recheck_s
        self._lost_s = max(LOST_S, LOST_LOOKS / max(rate, 1e-3))
        new_score = max(0.0, min(NEW_SCORE, least_score))
        self._tracker = ByteTrackTracker(
            lost_track_buffer=round(30 * self._lost_s),
            frame_rate=max(1.0, rate),
            track_activation_threshold=new_score,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=0.1,
            high_conf_det_threshold=new_score,
        )
        # plan's own:
        self._last_s = -math.inf
        self._new: tuple[float, list[Box]] = (-math.inf, [])
        self._checks: dict[int, _Checks] = {}
        # label's own:
        self._looked_s = -math.inf
        self._tracks: dict[int, _Track] = {}
        self._unnumbered: tuple[FaceResult, ...] = ()
        self._veil = Veil()

    def plan(self, frame: Frame, found: Sequence[Face] | None, doubtful: Sequence[Box] = ()) -> Plan:
        """Number a frame's faces and choose those that need the classifier.

        Args:
            frame: later than the one before.
            found: what was seen; None where nobody looked.
            doubtful: what might be a face.
        """
        if found is None:
            return Plan(frame, None)
        time_s = frame.time_s
        # Two frames with one time stamp happen; ByteTrack wants time to go on.
        self._last_s = max(time_s, math.nextafter(self._last_s, math.inf))
        numbers = self._numbers(found, self._last_s)
        before_s, boxes = self._new
        planned = []
        for face, number in zip(found, numbers, strict=True):
            # A face gets its number at its second look; it was there at the first.
            was_there = any(face.box.iou(box) > _SAME_IOU for box in boxes)
            planned.append(PlannedFace(face, number, self._due(number, time_s), before_s if was_there else time_s))
        self._new = time_s, [face.box for face, number in zip(found, numbers, strict=True) if number is None]
        self._checks = {n: c for n, c in self._checks.items() if time_s - c.seen_s <= 2 * self._lost_s}
        return Plan(frame, tuple(planned), tuple(doubtful))

    def label(self, plan: Plan, probabilities: NDArray[np.float32]) -> FrameResult:
        """The frame's faces with their numbers and smoothed labels.

        Args:
            plan: what ``plan`` gave.
            probabilities: (N, C) of ``plan.to_classify``.
        """
        frame, time_s = plan.frame, plan.frame.time_s
        height, width = frame.image.shape[:2]
        events: list[Event] = []
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
            self._unnumbered = tuple(face for face in faces if face.track_id is None)
        faces = [face for face in faces if face.box.area > 0]
        faces.sort(key=lambda face: (face.box.left, face.box.top))
        looked = plan.faces is not None
        if looked:
            self._veil.look(time_s, [*map(self._place, faces), *(Place(box, reported=False) for box in plan.doubtful)])
        hidden = self._veil.hidden(time_s, width, height, looked=looked)
        return FrameResult(frame.index, time_s, frame.image, tuple(faces), tuple(events), hidden)

    def finish(self) -> tuple[Event, ...]:
        """The events of faces that were there to the end."""
        events = [self._event(track) for track in self._tracks.values()]
        self._tracks.clear()
        return tuple(event for event in events if event is not None)

    def _numbers(self, found: Sequence[Face], time_s: float) -> list[int | None]:
        """ByteTrack's number for each face, from 1; None until it is sure."""
        import supervision as sv

        detections = sv.Detections(
            xyxy=np.array([face.box.xyxy for face in found], dtype=np.float32).reshape(-1, 4),
            confidence=np.array([face_score(face) for face in found], dtype=np.float32),
            data={"index": np.arange(len(found))},
        )
        tracked: Any = self._tracker.update(detections, timestamp=time_s)
        numbers: list[int | None] = [None] * len(found)
        if found:
            for index, number in zip(tracked.data.get("index", []), tracked.tracker_id, strict=True):
                numbers[int(index)] = int(number) + 1 if number >= 0 else None
        return numbers

    def _due(self, number: int | None, time_s: float) -> bool:
        """Whether a face is to be classified now."""
        if number is None:
            return True
        checks = self._checks.setdefault(number, _Checks())
        checks.seen_s = time_s
        # A quarter of a millisecond short, so that frame times that are rounded do not skip a turn.
        if checks.count < SURE_LOOKS or time_s - checks.last_s >= self._recheck_s - 0.25e-3:
            checks.count += 1
            checks.last_s = time_s
            return True
        return False

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
            face = face_result(box, score, label, self._labels, [float(p) for p in row])
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
        track.face = FaceResult(box, track.label, now, by_label, face_score=score, track_id=track.number)
        return track.face

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


class Untracked:
    """Passes faces on as they are; stands in for ``FaceTracker``."""

    def __init__(self, labels: Sequence[str], threshold: float = 0.5) -> None:
        self._labels = tuple(labels)
        self._threshold = threshold
        self._faces: tuple[FaceResult, ...] = ()
        self._veil = Veil()

    def plan(self, frame: Frame, found: Sequence[Face] | None, doubtful: Sequence[Box] = ()) -> Plan:
        if found is None:
            return Plan(frame, None)
        return Plan(frame, tuple(PlannedFace(face, None, True, frame.time_s) for face in found), tuple(doubtful))

    def label(self, plan: Plan, probabilities: NDArray[np.float32]) -> FrameResult:
        frame = plan.frame
        height, width = frame.image.shape[:2]
        looked = plan.faces is not None
        if plan.faces is None:
            faces = tuple(replace(face, seen=False) for face in self._faces)
        else:
            labels = predicted_labels(probabilities, self._labels, self._threshold)
            faces = self._faces = tuple(
                face_result(f.face.box.clipped(width, height), face_score(f.face), label, self._labels, row.tolist())
                for f, label, row in zip(plan.faces, labels, probabilities, strict=True)
            )
            places = [*(Place(face.box) for face in faces), *(Place(box, reported=False) for box in plan.doubtful)]
            self._veil.look(frame.time_s, places)
        hidden = self._veil.hidden(frame.time_s, width, height, looked=looked)
        return FrameResult(frame.index, frame.time_s, frame.image, faces, hidden=hidden)

    def finish(self) -> tuple[Event, ...]:
        return ()
