"""Tracks faces across frames: stable numbers, smoothed labels, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from detect.numbers import NEW_SCORE, FaceNumbers
from detect.plan import Plan, PlannedFace
from detect.results import RECHECK_S, Event, FaceResult, FrameResult, face_result, face_score
from detect.smoothing import LabelSmoother
from detect.veil import Place, Veil
from maskgen.types import Box, Face
from trainer.bundle import predicted_labels

if TYPE_CHECKING:
    from detect.sources.base import Frame

LOST_S: Final = 1.0
"""A face that was not seen for so long has left ..."""

LOST_LOOKS: Final = 2.5
"""... or was not there at so many looks, where they are further apart."""


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
        min_score: float = 0.0,
        sure_score: float = 0.0,
    ) -> None:
        """Start with nobody; arguments as of ``FaceNumbers`` and ``LabelSmoother``."""
        lost_s = max(LOST_S, LOST_LOOKS / max(rate, 1e-3))
        self._numbers = FaceNumbers(rate, lost_s, recheck_s, least_score)
        self._smoother = LabelSmoother(labels, threshold, lost_s, min_score, sure_score)
        self.plan = self._numbers.plan
        self.label = self._smoother.label
        self.finish = self._smoother.finish


class Untracked:
    """Passes faces on as they are; stands in for ``FaceTracker``."""

    def __init__(
        self, labels: Sequence[str], threshold: float = 0.5, min_score: float = 0.0, sure_score: float = 0.0
    ) -> None:
        """Start with nobody; see ``LabelSmoother``."""
        self._labels = tuple(labels)
        self._threshold = threshold
        self._min_score = min_score
        self._sure_score = sure_score
        self._faces: tuple[FaceResult, ...] = ()
        self._veil = Veil()

    def plan(
        self, frame: Frame, found: Sequence[Face] | None, doubtful: Sequence[Box] = (), weak: Sequence[Face] = ()
    ) -> Plan:
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
            everyone = [
                face_result(
                    f.face.box.clipped(width, height),
                    face_score(f.face),
                    label,
                    self._labels,
                    row.tolist(),
                    sure_score=self._sure_score,
                )
                for f, label, row in zip(plan.faces, labels, probabilities, strict=True)
            ]
            faces = self._faces = tuple(face for face in everyone if face.confidence >= self._min_score)
            places = [Place(face.box, reported=face.confidence >= self._min_score) for face in everyone]
            places += [Place(box, reported=False) for box in plan.doubtful]
            self._veil.look(frame.time_s, places)
        hidden = self._veil.hidden(frame.time_s, width, height, looked=looked)
        return FrameResult(frame.index, frame.time_s, frame.image, faces, hidden=hidden)

    def finish(self) -> tuple[Event, ...]:
        return ()
