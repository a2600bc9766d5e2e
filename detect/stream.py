"""A video or live source through a detector, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from detect.parallel import OrderedMap
from detect.results import RECHECK_S, Event, FrameResult
from maskgen.errors import InputError
from maskgen.types import RGB, Box, Face

if TYPE_CHECKING:
    from detect.detector import Detector
    from detect.plan import Plan
    from detect.sight import Sight
    from detect.sources.base import Frame, Source


def watch(
    detector: Detector,
    source: Source | str | int | Path,
    *,
    every: int = 1,
    max_fps: float | None = None,
    track: bool = True,
    recheck_s: float = RECHECK_S,
) -> Watch:
    """Every frame of a video, or the newest frames of a live source, with tracked faces.

    Reading, detection and whatever the caller does with a frame overlap; a
    bounded number of frames is held.

    Args:
        detector: finds and labels the faces.
        source: what ``detect.sources.open_source`` understands, or a source
            that is open already; closed at the end.
        every: look for faces in every n-th frame only; in between they are
            carried along.
        max_fps: drop frames beyond this rate.
        track: number the faces and smooth their labels over time.
        recheck_s: how soon a face that was classified several times is
            classified again; 0 for every look. Untracked faces always are.

    Returns:
        An iterator over ``FrameResult``.

    Raises:
        SourceError: the source cannot be opened, or breaks off.
        InputError: ``every`` or ``max_fps`` makes no sense.
    """
    from detect.sources import open_source
    from detect.tracker import FaceTracker, Untracked

    if every < 1:
        raise InputError(f"every must be 1 or more, got {every}")
    if max_fps is not None and not 0 < max_fps < math.inf:
        raise InputError(f"max_fps must be above 0, got {max_fps}")
    opened = open_source(source) if isinstance(source, (str, int, Path)) else source
    looks_a_second = min(opened.rate, max_fps or math.inf) / every
    scores = {"min_score": detector.min_score, "sure_score": detector.sure_score}
    follower: Follows = (
        FaceTracker(
            detector.labels, rate=looks_a_second, recheck_s=recheck_s, least_score=detector.least_score, **scores
        )
        if track
        else Untracked(detector.labels, **scores)
    )
    return Watch(
        detector.look, detector.classify, opened, follower, detector.threads, every, max_fps, detector.found_by
    )


class Follows(Protocol):
    """Gives faces their numbers over time; ``FaceTracker`` or ``Untracked``."""

    def plan(
        self, frame: Frame, found: Sequence[Face] | None, doubtful: Sequence[Box] = (), weak: Sequence[Face] = ()
    ) -> Plan:
        """Number a frame's faces and say which are to be classified; called in order, in one thread."""

    def label(self, plan: Plan, probabilities: NDArray[np.float32]) -> FrameResult:
        """Finish a frame with the classified faces' probabilities; called in order, in another thread."""

    def finish(self) -> tuple[Event, ...]:
        """The events that are still open."""


class Watch:
    """Iterates over a source's frames with their faces; close it, or use it in a ``with`` block.

    A plain ``for`` loop that runs to the end needs neither. The last frame of
    a file carries the events that were open until then; a loop that is left
    early finds them in what ``finish`` returns.

    Attributes:
        source: where the frames come from.
    """

    def __init__(
        self,
        search: Callable[[RGB], Sight],
        classify: Callable[[RGB, Sequence[Face]], NDArray[np.float32]],
        source: Source,
        follower: Follows,
        threads: int = 1,
        every: int = 1,
        max_fps: float | None = None,
        found_by: str = "",
    ) -> None:
        """Start reading and looking; see ``watch``."""
        self.source = source
        self._follower = follower
        self._closed = False

        def look(numbered: tuple[int, Frame]) -> Sight | None:
            number, frame = numbered
            return search(frame.image) if number % every == 0 else None

        def plan(frame: Frame, sight: Sight | None) -> Plan:
            if sight is None:
                return follower.plan(frame, None)
            return follower.plan(frame, sight.faces, sight.doubtful, sight.weak)

        def judge(plan: Plan) -> NDArray[np.float32]:
            return classify(plan.frame.image, [face.face for face in plan.to_classify])

        # Two stages side by side: which faces need the classifier is known only when they have their numbers.
        self._looked = OrderedMap(look, enumerate(limited(source, max_fps)), threads)
        plans = (plan(frame, sight) for (_, frame), sight in self._looked)
        self._judged = OrderedMap(judge, plans, threads, waiting=1)
        self._frames = _followed(self._judged, source, follower, found_by)

    def __iter__(self) -> Iterator[FrameResult]:
        return self

    def __next__(self) -> FrameResult:
        try:
            return next(self._frames)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(self) -> tuple[Event, ...]:
        """End it and return the events that were still open."""
        self.close()
        return self._follower.finish()

    def close(self) -> None:
        """End every thread and close the source; harmless when done twice."""
        if self._closed:
            return
        self._closed = True
        if self.source.live:
            self.source.close()  # wakes the thread that waits for a frame
        unread = self._looked.close()
        self._judged.close()
        if unread and not self.source.live:
            self.source.close()

    def __del__(self) -> None:
        # A loop that was left early holds threads and a file until nobody can come back to it.
        if not getattr(self, "_closed", True):
            self.close()


def _followed(
    judged: OrderedMap[Plan, NDArray[np.float32]], source: Source, follower: Follows, found_by: str
) -> Iterator[FrameResult]:
    # A function of its own: a generator that knew its Watch would keep it alive.
    held: FrameResult | None = None
    for plan, probabilities in judged:
        result = replace(follower.label(plan, probabilities), found_by=found_by)
        if source.live:
            yield result
            continue
        # Of a file one frame is held back, so that the last can carry the last events.
        if held is not None:
            yield held
        held = result
    if held is not None:
        yield replace(held, events=held.events + follower.finish())


def limited(frames: Iterable[Frame], max_fps: float | None) -> Iterator[Frame]:
    """Drop frames that come sooner than 1 / ``max_fps`` after the last one due."""
    due = -math.inf
    for frame in frames:
        if max_fps is not None:
            if frame.time_s < due - 1e-6:
                continue
            step = 1 / max_fps
            # Keeps the rate over uneven frames without catching up after a gap.
            due = frame.time_s + step if frame.time_s > due + step else due + step
        yield frame
