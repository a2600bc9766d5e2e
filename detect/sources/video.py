"""Video files: every frame, upright, with the time it is shown at."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detect.sources import pyav
from detect.sources.addresses import shown
from detect.sources.base import MAX_PIXELS, OPEN_TIMEOUT_S, READ_TIMEOUT_S, Frame
from maskgen.errors import SourceError
from maskgen.types import RGB

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

_SHORT_BY_S: Final = 1.5
"""A file that ends this much before its header says was cut off."""

_GUESSED_RATE: Final = 25.0

_OUT_OF_ORDER_S: Final = 0.5
"""A stamp that is further behind the one before begins a new count."""

_LONGEST_PIXEL: Final = 4
"""Anamorphic film has pixels of 2 to 1; what says more than this is wrong."""


class VideoFile:
    """A recorded video; see ``detect.sources.base.Source``.

    Attributes:
        address: the path or address it was opened by.
        start_s: the time stamp of its first frame, in the file's own clock.
    """

    live = False

    def __init__(
        self, address: str, *, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Open a file and read its header.

        Raises:
            SourceError: it is no video, or one that cannot be decoded here.
        """
        self.address = address
        self.name = shown(address)
        self.start_s = 0.0
        self._container, self._stream = open_container(address, open_timeout_s, read_timeout_s)
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate else _GUESSED_RATE
        self.duration_s = duration_s(self._container, self._stream)
        self._aspect = self._stream.sample_aspect_ratio

    @property
    def size_wh(self) -> tuple[int, int]:
        """As stored; a turned phone video's frames come out the other way round."""
        return self._stream.codec_context.width, self._stream.codec_context.height

    def __iter__(self) -> Iterator[Frame]:
        """Every frame that can be decoded.

        Raises:
            SourceError: none can, or the file ends before its header says.
        """
        clock = _Clock(1 / self.rate)
        index = damaged = 0
        for frame in self._decoded():
            if frame is None:
                damaged += 1
                continue
            time_s = clock.time_s(
                float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else None
            )
            self.start_s = clock.start_s
            yield Frame(index, time_s, to_rgb(frame, self._aspect))
            index += 1
        if not index:
            raise SourceError(f"{self.name} holds no frame that can be decoded ({self.codec})")
        length_s = time_s + 1 / self.rate
        if self.duration_s is not None and length_s < self.duration_s - _SHORT_BY_S:
            raise SourceError(
                f"{self.name} ends after {length_s:.1f} s of {self.duration_s:.1f} s: it was cut off or is damaged"
            )
        if damaged:
            logger.warning("%s: %d damaged pieces were left out", self.name, damaged)

    @property
    def codec(self) -> str:
        return str(self._stream.codec_context.name)

    def again(self) -> VideoFile:
        """The same file, from its beginning."""
        return VideoFile(self.address)

    def close(self) -> None:
        self._container.close()

    def _decoded(self) -> Iterator[av.VideoFrame | None]:
        """Frames; None for a piece that cannot be decoded."""
        av = pyav.load()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                logger.warning("%s: %s", self.name, reason(error))
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                yield None


def open_container(
    address: str, open_timeout_s: float, read_timeout_s: float, options: dict[str, str] | None = None
) -> tuple[InputContainer, VideoStream]:
    """Open a file or stream and choose its video.

    Raises:
        SourceError: it cannot be opened, holds no video, or one of an unknown
            codec or absurd size.
    """
    av = pyav.load()
    name = shown(address)
    began_s = time.monotonic()
    try:
        container = pyav.open_to_read(address, (open_timeout_s, read_timeout_s), options)
    except av.FFmpegError as error:
        # FFmpeg calls a server's silence anything, "invalid data" too.
        late = time.monotonic() - began_s >= 0.95 * open_timeout_s
        raise SourceError(
            f"{name} cannot be opened as video: {'no answer in time' if late else reason(error)}"
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened as video: {error}") from None
    try:
        stream = next((s for s in container.streams.video if not s.disposition & s.disposition.attached_pic), None)
        if stream is None:
            raise SourceError(f"{name} holds no video")
        context: Any = stream.codec_context
        if context is None:
            raise SourceError(f"{name} is in a codec that this PyAV does not know; convert it to H.264")
        width, height = context.width, context.height
        if width * height > MAX_PIXELS:
            raise SourceError(f"{name} has frames of {width} x {height} px, more than {MAX_PIXELS} pixels; shrink it")
    except BaseException:
        container.close()
        raise
    return container, stream


class _Clock:
    """The time of frames, from their stamps: begins at 0 and never goes back.

    A stamp far behind the one before (videos joined to one, a camera that set
    its clock) begins a new count, and time goes on from where it was; one
    that is a little behind is a frame out of order.

    Attributes:
        start_s: the first stamp.
        last_s: the newest stamp.
    """

    def __init__(self, frame_s: float) -> None:
        self.start_s = self.last_s = 0.0
        self._frame_s = frame_s
        self._zero_s: float | None = None
        self._time_s = 0.0

    def time_s(self, stamp_s: float | None) -> float:
        """The time of the next frame, in seconds; of one without a stamp a frame after the last."""
        if stamp_s is None:
            stamp_s = self.last_s + self._frame_s if self._zero_s is not None else 0.0
        if self._zero_s is None:
            self._zero_s = self.start_s = stamp_s
        elif stamp_s < self.last_s - _OUT_OF_ORDER_S:
            self._zero_s = stamp_s - (self._time_s + self._frame_s)
        self.last_s = stamp_s
        self._time_s = max(self._time_s, stamp_s - self._zero_s)
        return self._time_s


def duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the video is, as its header says; None where it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if not container.duration:
        return None
    length_s = float(Fraction(container.duration, 1_000_000))
    start_s = float(Fraction(container.start_time or 0, 1_000_000))
    # Matroska's length is counted from 0 by most programs, and not from the first frame.
    return length_s - start_s if "matroska" in container.format.name and 0 < start_s < length_s else length_s


def to_rgb(frame: av.VideoFrame, aspect: Fraction | None = None) -> RGB:
    """A decoded frame as upright (H, W, 3) uint8 RGB with square pixels.

    Args:
        aspect: width by height of a stored pixel, as its stream says; None
            for square. Frames only grow; absurd shapes are passed over.
    """
    image = _square(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8), aspect or Fraction(1))
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns) if turns else image, dtype=np.uint8)


def _square(image: RGB, aspect: Fraction) -> RGB:
    if aspect == 1 or not 1 / _LONGEST_PIXEL <= aspect <= _LONGEST_PIXEL:
        return image
    import cv2

    height, width = image.shape[:2]
    size_wh = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    if size_wh[0] * size_wh[1] > MAX_PIXELS:
        return image
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def reason(error: Exception) -> str:
    """What FFmpeg says happened, in words."""
    av = pyav.load()
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    text = str(getattr(error, "strerror", None) or error)
    return "it is no video, or its end is missing" if "Invalid data" in text else text
