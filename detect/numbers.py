"""Numbers faces across frames (ByteTrack) and chooses which of them the classifier looks at.

Source:
    Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every
    Detection Box", ECCV 2022, as implemented by the package trackers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detect.plan import Plan, PlannedFace
from detect.results import face_score
from maskgen.types import Box, Face

if TYPE_CHECKING:
    from detect.sources.base import Frame

SURE_LOOKS: Final = 5
"""A face is classified this often before it is left alone for a while."""

NEW_SCORE: Final = 0.5
"""A box of this score begins a track; those of less only go on with one, unless less was asked for."""

_SAME_IOU: Final = 0.1


@dataclass(slots=True)
class _Checks:
    """How often a face was given to the classifier, and when last."""

    count: int = 0
    last_s: float = -math.inf
    seen_s: float = -math.inf


class FaceNumbers:
    """Gives each face of one source a number that stays."""

    def __init__(self, rate: float, lost_s: float, recheck_s: float, least_score: float) -> None:
        """Start with nobody.

        Args:
            rate: looks a second, about.
            lost_s: a face that was not seen for so long has left.
            recheck_s: how soon a face that was classified ``SURE_LOOKS``
                times is classified again; 0 for every look.
            least_score: with which a face begins, ``NEW_SCORE`` at most.
        """
        self._rate = rate
        self._lost_s = lost_s
        self._recheck_s = recheck_s
        self._new_score = max(0.0, min(NEW_SCORE, least_score))
        self._tracker: Any = None
        self._last_s = -math.inf
        self._new: tuple[float, list[Box]] = (-math.inf, [])
        self._checks: dict[int, _Checks] = {}

    def plan(
        self, frame: Frame, found: Sequence[Face] | None, doubtful: Sequence[Box] = (), weak: Sequence[Face] = ()
    ) -> Plan:
        """Number a frame's faces and choose those that need the classifier.

        Args:
            frame: later than the one before.
            found: what was seen; None where nobody looked.
            doubtful: what might be a face.
            weak: of that, what is a face where it goes on with one that is
                known (ByteTrack's second stage).
        """
        if found is None:
            return Plan(frame, None)
        time_s = frame.time_s
        # Two frames with one time stamp happen; ByteTrack wants time to go on.
        self._last_s = max(time_s, math.nextafter(self._last_s, math.inf))
        scores = [face_score(face) for face in found]
        scores += [min(face_score(face), math.nextafter(self._new_score, -1)) for face in weak]
        numbers = self._numbers([*found, *weak], scores, self._last_s)
        known = [(face, number) for face, number in zip(weak, numbers[len(found) :], strict=True) if number is not None]
        before_s, boxes = self._new
        planned = []
        for face, number in [*zip(found, numbers[: len(found)], strict=True), *known]:
            # A face gets its number at its second look; it was there at the first.
            was_there = any(face.box.iou(box) > _SAME_IOU for box in boxes)
            planned.append(PlannedFace(face, number, self._due(number, time_s), before_s if was_there else time_s))
        self._new = time_s, [face.face.box for face in planned if face.number is None]
        self._checks = {n: c for n, c in self._checks.items() if time_s - c.seen_s <= 2 * self._lost_s}
        return Plan(frame, tuple(planned), tuple(doubtful))

    def _new_tracker(self) -> Any:
        from trackers import ByteTrackTracker

        return ByteTrackTracker(
            lost_track_buffer=round(30 * self._lost_s),
            frame_rate=max(1.0, self._rate),
            track_activation_threshold=self._new_score,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=0.1,
            high_conf_det_threshold=self._new_score,
        )

    def _numbers(self, found: Sequence[Face], scores: Sequence[float], time_s: float) -> list[int | None]:
        """ByteTrack's number for each face, from 1; None until it is sure."""
        # Its packages take two seconds to load: a start waits for them only where somebody is seen.
        if self._tracker is None and not found:
            return []
        import supervision as sv

        if self._tracker is None:
            self._tracker = self._new_tracker()
        detections = sv.Detections(
            xyxy=np.array([face.box.xyxy for face in found], dtype=np.float32).reshape(-1, 4),
            confidence=np.array(scores),
            data={"index": np.arange(len(found))},
        )
        tracked = self._tracker.update(detections, timestamp=time_s)
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
