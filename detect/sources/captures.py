"""What a live source reads from: a camera, a network stream, a file that keeps time; each read by one thread."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from detect.sources import pyav
from detect.sources.addresses import shown
from detect.sources.base import MAX_PIXELS
from maskgen.errors import SourceError
from maskgen.types import RGB

if TYPE_CHECKING:
    from detect.sources.animation import Animation
    from detect.sources.video import VideoFile

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
    """An open camera or stream, read by one thread.

    Attributes:
        rate: frames a second, if it says.
        ends: whether it is a recording: what breaks off in one stays broken.
    """

    @property
    def rate(self) -> float | None: ...

    @property
    def ends(self) -> bool: ...

    def grab(self) -> Picture | None:
        """The next frame; None at the end of something that ends.

        Raises:
            SourceError: it broke off.
        """

    def close(self) -> None: ...


class Camera:
    """A camera through OpenCV, which knows every system's own interface."""

    rate = None
    ends = False

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


class Stream:
    """A network stream through PyAV; every packet is decoded, few become RGB.

    Attributes:
        duration_s: how long it is; None where it does not end.
    """

    rate = None  # what a live stream's header says is often far from it
    ends = False

    def __init__(self, address: str, open_timeout_s: float, read_timeout_s: float) -> None:
        from detect.sources.video import duration_s, open_container

        self._name = shown(address)
        options = dict(_STREAM_OPTIONS)
        if not address.lower().startswith("rtsp"):
            del options["rtsp_transport"]
        self._container, self._stream = open_container(address, open_timeout_s, read_timeout_s, options)
        self.duration_s = duration_s(self._container, self._stream) if address.lower().startswith("http") else None
        self._stream.thread_type = "SLICE"  # frame threads would hold frames back
        self._packets = self._container.demux(self._stream)
        self._frames: list[Picture] = []

    def grab(self) -> Picture:
        from detect.sources.video import reason, to_rgb

        av = pyav.load()

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


class Player:
    """A file that keeps time."""

    ends = True

    def __init__(self, video: VideoFile | Animation, loop: bool) -> None:
        self.rate = video.rate
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
