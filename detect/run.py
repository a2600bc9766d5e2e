"""A watched source into sinks, closed properly whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detect.outputs import draw
from detect.outputs.base import Sink, StopWatching
from detect.results import FrameResult
from detect.stream import Watch
from maskgen import interrupt
from maskgen.types import RGB


@dataclass(slots=True)
class Summary:
    """What a run came to.

    Attributes:
        frames: frames given to the sinks.
        time_s: the last one's time.
        faces: faces that were given a number.
        elapsed_s: how long it took.
    """

    frames: int = 0
    time_s: float = 0.0
    faces: int = 0
    elapsed_s: float = 0.0


def run(
    watch: Watch,
    sinks: Sequence[Sink],
    summary: Summary,
    *,
    blur: bool = False,
    seconds: float | None = None,
    on_frame: Callable[[FrameResult], None] | None = None,
) -> None:
    """Give every frame to every sink until the source or the user ends it.

    Args:
        watch: closed at the end.
        sinks: closed at the end, each of them, also after an error or Ctrl-C.
        summary: kept up to date, so that it holds after an error too.
        blur: hide every face in the pictures.
        seconds: stop after this much of the source's time.
        on_frame: called last, for progress.

    Raises:
        MaskgenError: the source broke off, or a sink cannot go on.
    """
    start_s = time.monotonic()
    pictures = any(sink.wants_picture for sink in sinks)
    try:
        for frame in watch:
            picture = composed(frame, blur=blur) if pictures else None
            for sink in sinks:
                sink.write(frame, picture)
            summary.frames += 1
            summary.time_s = frame.time_s
            summary.faces = max([summary.faces, *(face.track_id or 0 for face in frame.faces)])
            summary.elapsed_s = time.monotonic() - start_s
            if on_frame is not None:
                on_frame(frame)
            if seconds is not None and frame.time_s >= seconds:
                break
    except StopWatching:
        pass
    finally:
        with interrupt.held():
            _close(watch, sinks)
        summary.elapsed_s = time.monotonic() - start_s


def composed(frame: FrameResult, *, blur: bool) -> RGB:
    """A frame as it may leave the program: faces hidden where asked for, boxes drawn."""
    image = frame.image
    if blur:
        image = draw.hide(image, [*(face.box for face in frame.faces), *frame.hidden])
    return draw.draw(image, frame.faces)


def _close(watch: Watch, sinks: Sequence[Sink]) -> None:
    events = watch.finish()
    errors: list[Exception] = []
    for sink in sinks:
        try:
            sink.close(events)
        except Exception as error:  # the other sinks must be closed all the same
            errors.append(error)
    if errors:
        raise errors[0]
