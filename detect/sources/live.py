"""Live sources: a thread reads a camera or stream and keeps only the newest frame.

A stream that drops, or does not answer at first, is opened again, after half a
second, one, two ... up to eight; after ``give_up_s`` without a frame it has
ended. Nothing here waits without a limit, not even for a driver that hangs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from detect.sources.addresses import shown
from detect.sources.base import Frame, Source
from detect.sources.captures import Camera, Capture, Picture, Player, Stream
from maskgen.errors import SourceError

if TYPE_CHECKING:
    from detect.sources.animation import Animation
    from detect.sources.video import VideoFile

logger = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 8.0
_POLL_S: Final = 0.2
_JOIN_S: Final = 2.0


class LiveSource:
    """The newest frame of a camera or stream; see ``detect.sources.base.Source``.

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
            connect: opens it; called in the reader thread, again after a drop
                or when it did not work.
            rate: frames a second, by guess.
            open_timeout_s: longest wait for an answer.
            read_timeout_s: longest silence before the stream counts as dropped.
            give_up_s: longest time without a frame before it has ended, also
                before the first.

        Raises:
            SourceError: it cannot be opened, or no frame comes.
        """
        self.name = shown(name)
        self.rate = rate
        self.drops = 0
        self._connect = connect
        self._read_timeout_s = read_timeout_s
        self._give_up_s = give_up_s
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._newest: tuple[int, float, Picture] | None = None
        self._grabbed = 0
        self._trying = False
        self._ended = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="maskgen-reader", daemon=True)
        self._thread.start()
        limit_s = min(open_timeout_s + read_timeout_s + give_up_s, threading.TIMEOUT_MAX)
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._ended, limit_s)
                if self._newest is None:
                    raise self._error or SourceError(f"{self.name} gave no frame in {limit_s:.0f} s")
        except BaseException:
            self._stop.set()
            raise

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
                self.rate = capture.rate or self.rate
                if self._trying:
                    logger.warning("%s is %s", self.name, "back" if self._grabbed else "there")
                    self._trying = False
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
            if away_s >= self._give_up_s or (capture is not None and capture.ends):
                self._finish(error)
                return
            if wait_s == _FIRST_WAIT_S:
                self.drops += bool(self._grabbed)
                self._trying = True
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
        lambda: Camera(number),
        rate=30.0,
        open_timeout_s=open_timeout_s,
        read_timeout_s=read_timeout_s,
        give_up_s=give_up_s,
    )


def at_address(
    address: str,
    *,
    live: bool | None = None,
    loop: bool = False,
    open_timeout_s: float,
    read_timeout_s: float,
    give_up_s: float,
) -> Source:
    """A camera or stream at an address, or the video file that a web server has there; a camera is opened once.

    Args:
        live: play a file at its own pace; None for every frame of it, and for
            one attempt to find out which of the two it is.
        loop: begin a played file again at its end.

    Raises:
        SourceError: nothing answers there, or what answers is no video.
    """
    from detect.sources.video import VideoFile

    waits = {"open_timeout_s": open_timeout_s, "read_timeout_s": read_timeout_s}
    opened: list[Stream] = []
    if address.lower().startswith("http") and not live:
        first = Stream(address, **waits)
        if first.duration_s:
            first.close()
            return VideoFile(address, **waits)
        opened.append(first)

    def connect() -> Capture:
        capture = opened.pop() if opened else Stream(address, **waits)
        if not capture.duration_s:
            return capture
        capture.close()
        return Player(VideoFile(address, **waits), loop)

    return LiveSource(address, connect, give_up_s=give_up_s, **waits)


def played(video: VideoFile | Animation, *, loop: bool = False) -> LiveSource:
    """A video file shown at its own pace, as if it were a camera.

    Raises:
        SourceError: it cannot be decoded.
    """
    unused = [video]
    return LiveSource(
        video.name,
        lambda: Player(unused.pop() if unused else video.again(), loop),
        rate=video.rate,
        open_timeout_s=10.0,
        read_timeout_s=10.0,
        give_up_s=0.0,
    )
