"""Recordings: one file or a row of segments, what happens when the disk is full, and the sink that makes them."""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from detect.outputs.mp4 import Mp4Writer
from detect.results import Event, FrameResult
from maskgen.errors import InputError
from maskgen.types import RGB

logger = logging.getLogger(__name__)

_WAITING: Final = 8
_POLL_S: Final = 0.2

LEAST_SEGMENT_S: Final = 1.0
_UNITS_S: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Recording:
    """Writes frames to a file, or to segments of a length; goes on where one cannot be written.

    A file that cannot be written any more (the disk is full) is closed: what
    it holds plays. The next segment is tried anew, and without segments the
    recording has ended; the caller's work goes on.

    Attributes:
        problem: what kept frames from being written, for people; None when
            all were.
        files: what was written, in order.
    """

    def __init__(self, new_writer: Callable[[], Mp4Writer], length_s: float | None = None) -> None:
        """Prepare; the first file begins with the first frame.

        Args:
            new_writer: opens the next file.
            length_s: seconds a segment; None for one file.
        """
        self.problem: str | None = None
        self.files: list[Path] = []
        self._new_writer = new_writer
        self._length_s = length_s
        self._writer: Mp4Writer | None = new_writer()  # what cannot be written at all shows before the first frame
        self._began_s: float | None = None
        self._slot = 0

    @classmethod
    def of(cls, writer: Mp4Writer) -> Recording:
        """A recording that is one file."""
        return cls(lambda: writer)

    def write(self, image: RGB, time_s: float, sound_start_s: float = 0.0) -> None:
        """Add a frame; see ``Mp4Writer.write``.

        Raises:
            InputError: nothing at all can be written.
        """
        if self._began_s is None:
            self._began_s = time_s if self._length_s is not None else 0.0
        elif self._length_s is not None and (slot := int(time_s // self._length_s)) != self._slot:
            self._slot, self._began_s = slot, time_s
            self._end_file()
            self._begin_file()
        if self._writer is None:
            return
        try:
            self._writer.write(image, time_s - self._began_s, sound_start_s + self._began_s)
        except InputError as error:
            if not self._writer.frames and not self.files:
                raise
            self._stopped(error, time_s)
            self._end_file(told=True)

    def close(self) -> None:
        """Finish the file in hand."""
        self._end_file()

    def _begin_file(self) -> None:
        try:
            self._writer = self._new_writer()
        except InputError as error:
            self._stopped(error, self._began_s or 0.0)

    def _end_file(self, *, told: bool = False) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        except InputError as error:
            if not told:
                self._stopped(error, (self._began_s or 0.0) + writer.end_s)
        if writer.frames:
            self.files.append(writer.path)

    def _stopped(self, error: InputError, time_s: float) -> None:
        again = "the next segment is tried anew" if self._length_s is not None else "what was written until then plays"
        logger.warning("the recording stops at %.1f s: %s; %s", time_s, error, again)
        self.problem = self.problem or f"the recording stopped at {time_s:.1f} s: {error}"


class Mp4Sink:
    """Records in a thread of its own, so that encoding overlaps with looking.

    Attributes:
        recording: used by this sink's thread alone until it is closed.
    """

    wants_picture = True

    def __init__(self, recording: Recording | Mp4Writer, start_s: Any = None) -> None:
        """Begin.

        Args:
            recording: what to write; a single file counts as a recording.
            start_s: called at the first frame for the sound's own time at 0.
        """
        self.recording = recording if isinstance(recording, Recording) else Recording.of(recording)
        self._start_s = start_s
        self._queue: queue.Queue[tuple[RGB, float] | None] = queue.Queue(maxsize=_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="maskgen-encoder", daemon=True)
        self._thread.start()

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        if picture is None:
            return
        while self._thread.is_alive():
            self._raise()
            try:
                self._queue.put((picture, frame.time_s), timeout=_POLL_S)
            except queue.Full:
                continue
            return
        self._raise()

    def close(self, events: Sequence[Event] = ()) -> None:
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=_POLL_S)
                break
            except queue.Full:
                continue
        self._thread.join()
        self.recording.close()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        try:
            while (entry := self._queue.get()) is not None:
                image, time_s = entry
                start_s = self._start_s() if self._start_s is not None else 0.0
                self.recording.write(image, time_s, start_s)
        except BaseException as error:  # raised again where frames come from
            self._error = error


def segments(path: Path, new_writer: Callable[[Path], Mp4Writer]) -> Callable[[], Mp4Writer]:
    """Opens ``NAME-0001.mp4``, ``NAME-0002.mp4`` ..., each with a number that no file has yet."""

    def next_writer() -> Mp4Writer:
        pattern = re.compile(re.escape(path.stem) + r"-(\d{4,})(?:\.part(?:-\d+)?)?\.mp4")
        names = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        taken = [int(match[1]) for name in names if (match := pattern.fullmatch(name))]
        return new_writer(path.with_name(f"{path.stem}-{max(taken, default=0) + 1:04d}.mp4"))

    return next_writer


def length_s(text: str) -> float:
    """Seconds of ``90``, ``30s``, ``10m`` or ``1h``.

    >>> length_s("10m")
    600.0

    Raises:
        InputError: it is none of these, or shorter than a second.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if seconds < LEAST_SEGMENT_S:
        raise InputError(f"--segment takes a length of a second or more such as 30s, 10m or 1h, got {text!r}")
    return seconds
