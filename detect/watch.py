"""A video or live source through a detector, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from detect.parallel import OrderedMap
from detect.results import Detections, Event, FrameResult
from maskgen.types import RGB

if TYPE_CHECKING:
    from detect.sources import Frame, Source


class Follows(Protocol):
    """Gives faces their numbers over time; ``FaceTracker`` or ``Untracked``."""

    def follow(self, frame: Frame, detections: Detections | None) -> FrameResult: ...

    def finish(self) -> tuple[Event, ...]: ...


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
        look: Callable[[RGB], Detections],
        source: Source,
        follower: Follows,
        threads: int = 1,
        every: int = 1,
        max_fps: float | None = None,
    ) -> None:
        """Start reading and looking; see ``Detector.watch``."""
        self.source = source
        self._follower = follower
        self._closed = False

        def work(numbered: tuple[int, Frame]) -> Detections | None:
            number, frame = numbered
            return look(frame.image) if number % every == 0 else None

        self._map = OrderedMap(work, enumerate(limited(source, max_fps)), threads)
        self._frames = _followed(self._map, source, follower)

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
        if self._map.close() and not self.source.live:
            self.source.close()

    def __del__(self) -> None:
        # A loop that was left early holds threads and a file until nobody can come back to it.
        if not getattr(self, "_closed", True):
            self.close()


def _followed(
    looked: OrderedMap[tuple[int, Frame], Detections | None], source: Source, follower: Follows
) -> Iterator[FrameResult]:
    # A function of its own: a generator that knew its Watch would keep it alive.
    held: FrameResult | None = None
    for (_, frame), detections in looked:
        result = follower.follow(frame, detections)
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
