"""Live sources: a thread reads a camera or stream and keeps only the newest frame.

A stream that drops is opened again, after half a second, one, two ... up to
eight; after ``give_up_s`` without a frame it has ended. Nothing here waits
without a limit, not even for a driver that hangs.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from detect.sources import MAX_PIXELS, Frame, shown
from maskgen.errors import SourceError
from maskgen.types import RGB

if TYPE_CHECKING:
    from detect.animation import Animation
    from detect.video import VideoFile

logger = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 8.0
_POLL_S: Final = 0.2
_JOIN_S: Final = 2.0
_STREAM_OPTIONS: Final = {
    "rtsp_transport": "tcp",
    "fflags": "nobuffer",
    "flags": "low_delay",
    "analyzeduration": "2000000",
    "probesize": "1000000",
}

Picture = Callable[[], RGB]
"""A captured frame; called only for those that are looked at."""


class Capture(Protocol):
    """An open camera or stream, read by one thread."""

    def grab(self) -> Picture | None:
        """The next frame; None at the end of something that ends.

        Raises:
            SourceError: it broke off.
        """

    def close(self) -> None: ...


class LiveSource:
    """The newest frame of a camera or stream; see ``detect.sources.Source``.

    Attributes:
        drops: how often the stream broke off and came back.
    """

    live = True
    duration_s = None

    def __init__(
        self,
        name: str,
        connect: Callable[[], Capture],
        *,
        rate: float = 25.0,
        open_timeout_s: float,
        read_timeout_s: float,
        give_up_s: float,
    ) -> None:
        """Connect and wait for the first frame.

        Args:
            name: for people.
            connect: opens it; called in the reader thread, again after a drop.
            rate: frames a second, by guess.
            open_timeout_s: longest wait for the first frame.
            read_timeout_s: longest silence before the stream counts as dropped.
            give_up_s: longest time without a frame before it has ended.

        Raises:
            SourceError: it cannot be opened, or no frame comes.
        """
        self.name = name
        self.rate = rate
        self.drops = 0
        self._connect = connect
        self._read_timeout_s = read_timeout_s
        self._give_up_s = give_up_s
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._newest: tuple[int, float, Picture] | None = None
        self._grabbed = 0
        self._ended = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="maskgen-reader", daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._ended, open_timeout_s + read_timeout_s)
            if self._newest is None:
                self._stop.set()
                raise self._error or SourceError(f"{name} gave no frame in {open_timeout_s + read_timeout_s:.0f} s")

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame, each at most once, for as long as there are any.

        Raises:
            SourceError: it dropped and did not come back in time.
        """
        start_s: float | None = None
        last = -1
        while not self._stop.is_set():
            with self._changed:
                limit_s = self._give_up_s + 2 * self._read_timeout_s
                waited_s = 0.0
                while not self._stop.is_set() and not self._ended and (self._newest is None or self._newest[0] == last):
                    self._changed.wait(_POLL_S)
                    waited_s += _POLL_S
                    if waited_s > limit_s:
                        raise SourceError(f"{self.name} has been silent for {waited_s:.0f} s")
                newest = self._newest
                if newest is None or newest[0] == last or self._stop.is_set():
                    break
            last, stamp_s, picture = newest
            start_s = stamp_s if start_s is None else start_s
            yield Frame(last, stamp_s - start_s, picture())
        if self._error is not None and not self._stop.is_set():
            raise self._error

    def close(self) -> None:
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(_JOIN_S)

    def _read(self) -> None:
        """The reader thread: connect, grab, connect again."""
        last_seen_s = time.monotonic()
        wait_s = _FIRST_WAIT_S
        while not self._stop.is_set():
            capture: Capture | None = None
            error: Exception
            try:
                capture = self._connect()
                if self._grabbed:
                    logger.warning("%s is back", self.name)
                while not self._stop.is_set():
                    picture = capture.grab()
                    if picture is None:
                        self._finish(None)
                        return
                    last_seen_s, wait_s = time.monotonic(), _FIRST_WAIT_S
                    with self._changed:
                        self._newest = self._grabbed, last_seen_s, picture
                        self._grabbed += 1
                        self._changed.notify_all()
                return
            except SourceError as caught:
                error = caught
            except Exception as caught:  # a driver's surprise must reach the one who waits
                self._finish(caught)
                return
            finally:
                if capture is not None:
                    capture.close()
            away_s = time.monotonic() - last_seen_s
            if not self._grabbed or away_s >= self._give_up_s:
                self._finish(error)
                return
            if wait_s == _FIRST_WAIT_S:
                self.drops += 1
                logger.warning("%s; trying again for %.0f s", error, self._give_up_s)
            self._stop.wait(min(wait_s, max(self._give_up_s - away_s, 0.01)))
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _finish(self, error: Exception | None) -> None:
        with self._changed:
            self._error = error
            self._ended = True
            self._changed.notify_all()


def camera(number: int, *, open_timeout_s: float, read_timeout_s: float, give_up_s: float) -> LiveSource:
    """A camera of this machine.

    Raises:
        SourceError: there is none of that number, or it gives no frame.
    """
    return LiveSource(
        f"camera {number}",
        lambda: _Camera(number),
        rate=30.0,
        open_timeout_s=open_timeout_s,
        read_timeout_s=read_timeout_s,
        give_up_s=give_up_s,
    )


def stream(address: str, *, open_timeout_s: float, read_timeout_s: float, give_up_s: float) -> LiveSource:
    """A stream at an address.

    Raises:
        SourceError: nothing answers there, or what answers is no video.
    """
    return LiveSource(
        shown(address),
        lambda: _Stream(address, open_timeout_s, read_timeout_s),
        open_timeout_s=open_timeout_s,
        read_timeout_s=read_timeout_s,
        give_up_s=give_up_s,
    )


def played(video: VideoFile | Animation, *, loop: bool = False) -> LiveSource:
    """A video file shown at its own pace, as if it were a camera.

    Raises:
        SourceError: it cannot be decoded.
    """
    unused = [video]
    return LiveSource(
        video.name,
        lambda: _Player(unused.pop() if unused else video.again(), loop),
        rate=video.rate,
        open_timeout_s=10.0,
        read_timeout_s=10.0,
        give_up_s=0.0,
    )


class _Camera:
    """A camera through OpenCV, which knows every system's own interface."""

    def __init__(self, number: int) -> None:
        import cv2

        # OpenCV's own story about a missing camera is ten lines on stderr.
        with contextlib.suppress(AttributeError):
            cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._number = number
        backend = cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY
        self._camera = cv2.VideoCapture(number, backend)
        if not self._camera.isOpened():
            self._camera.release()
            raise SourceError(
                f"no camera {number} on this machine, or another program has it; the first camera is number 0"
            )
        # Fewer waiting frames, where the driver lets us.
        self._camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def grab(self) -> Picture:
        import cv2

        done, image = self._camera.read()
        if not done or image is None:
            raise SourceError(f"camera {self._number} stopped giving frames")
        if image.shape[0] * image.shape[1] > MAX_PIXELS:
            raise SourceError(f"camera {self._number} gives frames of {image.shape[1]} x {image.shape[0]} px")
        return lambda: np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def close(self) -> None:
        self._camera.release()


class _Stream:
    """A network stream through PyAV; every packet is decoded, few become RGB."""

    def __init__(self, address: str, open_timeout_s: float, read_timeout_s: float) -> None:
        from detect.video import open_container

        self._name = shown(address)
        options = dict(_STREAM_OPTIONS)
        if not address.startswith("rtsp"):
            del options["rtsp_transport"]
        self._container, self._stream = open_container(address, open_timeout_s, read_timeout_s, options)
        self._stream.thread_type = "SLICE"  # frame threads would hold frames back
        self._packets = self._container.demux(self._stream)
        self._frames: list[Picture] = []

    def grab(self) -> Picture:
        import av

        from detect.video import reason, to_rgb

        while not self._frames:
            try:
                packet = next(self._packets)
            except StopIteration:
                raise SourceError(f"{self._name} ended") from None
            except av.FFmpegError as error:
                raise SourceError(f"{self._name} broke off: {reason(error)}") from None
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                continue  # a lost packet's picture; the next one may be whole
            self._frames = [partial(to_rgb, frame, self._stream.sample_aspect_ratio) for frame in decoded]
        return self._frames.pop(0)

    def close(self) -> None:
        self._container.close()


class _Player:
    """A file that keeps time."""

    def __init__(self, video: VideoFile | Animation, loop: bool) -> None:
        self._video = video
        self._loop = loop
        self._frames = iter(video)
        self._start_s = time.monotonic()

    def grab(self) -> Picture | None:
        frame = next(self._frames, None)
        if frame is None:
            if not self._loop:
                return None
            self._video.close()
            self._video = self._video.again()
            self._frames = iter(self._video)
            self._start_s = time.monotonic()
            frame = next(self._frames, None)
            if frame is None:
                return None
        early_s = self._start_s + frame.time_s - time.monotonic()
        if early_s > 0:
            time.sleep(min(early_s, 5.0))
        image = frame.image
        return lambda: image

    def close(self) -> None:
        self._video.close()
