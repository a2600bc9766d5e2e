"""H.264 in MP4, as every browser plays it, with the source's sound."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detect.outputs.growing_file import GrowingFile
from detect.outputs.sound import Sound
from detect.sources import pyav
from detect.sources.video import reason
from maskgen.errors import InputError
from maskgen.types import RGB

if TYPE_CHECKING:
    from av.container import OutputContainer

CLOCK: Final = 90_000
"""Ticks a second; fine enough for every frame rate."""

ENCODERS: Final = ("libx264", "h264_videotoolbox", "libopenh264", "h264_mf")
"""Tried in turn; PyAV's own wheels carry the first."""

_SMPTE170M: Final = 6
_SLOW_RATE: Final = 5.0
"""At this rate and below frames are written as they come: x264 holds a dozen back otherwise, which here are seconds."""

_FRAGMENTS: Final = {
    "movflags": "+hybrid_fragmented+negative_cts_offsets",
    "frag_duration": "1000000",
    "flush_packets": "1",
}
"""Fragments of a second while it grows, a plain MP4 when it is closed."""


class Mp4Writer:
    """Writes frames with their own times to a file that plays at any moment.

    While it grows it is called ``NAME.part.mp4`` and consists of fragments of
    a second, so that all but the last seconds play after the process was
    killed or the disk is full. When it is closed it becomes a plain MP4 and
    gets its name, after an error too.

    Attributes:
        path: the file.
        frames: how many were written.
        end_s: when the last one is shown.
    """

    def __init__(
        self,
        path: Path,
        rate: float,
        sound_from: str | None = None,
        overwrite: bool = False,
        preset: str = "veryfast",
        crf: int = 23,
    ) -> None:
        """Prepare; the file begins with the first frame.

        Args:
            path: a name that ends in ``.mp4``.
            rate: frames a second, about; players show the times given.
            sound_from: address of a video whose sound goes along.
            overwrite: replace a file that exists.
            preset, crf: x264's speed and quality.

        Raises:
            InputError: the file exists, or cannot be written there.
        """
        self.path = path
        self.frames = 0
        self.end_s = 0.0
        if path.suffix.lower() != ".mp4":
            raise InputError(f"video is written as .mp4, got {path.name}; choose another --output")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists; pass --overwrite or choose another --output")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {path.parent}: {error.strerror or error}") from None
        if not os.access(path.parent, os.W_OK):
            raise InputError(f"cannot write to {path.parent}: not allowed")
        self._overwrite = overwrite
        self._rate = Fraction(min(max(rate, 1.0), 240.0)).limit_denominator(1001)
        self._sound_from = sound_from
        self._options = {"preset": preset, "crf": str(crf)}
        if rate <= _SLOW_RATE:
            self._options["tune"] = "zerolatency"
        self._file: GrowingFile | None = None
        self._container: OutputContainer | None = None
        self._stream: Any = None
        self._sound: Sound | None = None
        self._size_wh = (0, 0)
        self._last_pts = -1

    def write(self, image: RGB, time_s: float, sound_start_s: float = 0.0) -> None:
        """Add a frame.

        Args:
            image: (H, W, 3) uint8, RGB; the first one's size is the video's,
                others are fitted into it.
            time_s: when it is shown; later than the frame before.
            sound_start_s: the sound's own time at ``time_s`` 0.

        Raises:
            InputError: the file cannot be written (the disk is full); what
                was written before plays once it is closed.
        """
        import cv2

        av = pyav.load()
        try:
            if self._container is None:
                self._open(image.shape[1], image.shape[0], sound_start_s)
            assert self._container is not None
            assert self._file is not None
            fitted = _fitted(image, self._size_wh)
            planes = np.asarray(cv2.cvtColor(fitted, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.colorspace = _SMPTE170M
            frame.pts = self._last_pts = max(round(time_s * CLOCK), self._last_pts + 1)
            frame.time_base = Fraction(1, CLOCK)
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
            if self._sound is not None:
                self._sound.copy_until(time_s)
            self._file.check()
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"cannot write {self.path}: {reason(error)}") from None
        self.frames += 1
        self.end_s = time_s

    def close(self) -> None:
        """Finish the file and give it its name; without frames there is none.

        Raises:
            InputError: the file cannot be finished; it has its name and
                plays as far as it was written.
        """
        av = pyav.load()
        container, self._container = self._container, None
        file, self._file = self._file, None
        if container is None or file is None:
            return
        try:
            try:
                for packet in self._stream.encode(None):
                    container.mux(packet)
                if self._sound is not None:
                    self._sound.copy_until(self._last_pts / CLOCK + 1 / float(self._rate))
            finally:
                if self._sound is not None:
                    self._sound.close()
                container.close()
            file.check()
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"cannot finish {self.path}: {reason(error)}") from None
        finally:
            file.close()
            self._name(file)

    def _name(self, file: GrowingFile) -> None:
        """Give a closed file its name, if it holds anything."""
        if not self.frames:
            file.path.unlink(missing_ok=True)
        elif self.path.exists() and not self._overwrite:
            raise InputError(f"{self.path} has come to be meanwhile; the video is {file.path}")
        else:
            file.path.replace(self.path)

    def _open(self, width: int, height: int, sound_start_s: float) -> None:
        av = pyav.load()
        self._size_wh = width + width % 2, height + height % 2
        name = next((name for name in ENCODERS if _can_encode(name)), None)
        if name is None:
            raise InputError("this PyAV cannot write H.264; install the one from PyPI: pip install av")
        self._file = GrowingFile(self.path)
        self._container = av.open(self._file, "w", format="mp4", options=_FRAGMENTS)
        stream: Any = self._container.add_stream(
            name, rate=self._rate, options=self._options if name == "libx264" else {}
        )
        stream.width, stream.height = self._size_wh
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, CLOCK)
        stream.codec_context.colorspace = _SMPTE170M
        stream.codec_context.color_range = 1
        self._stream = stream
        if self._sound_from is not None:
            self._sound = Sound.of(self._sound_from, self._container, sound_start_s)


def _fitted(image: RGB, size_wh: tuple[int, int]) -> RGB:
    """A picture at the video's size: an odd edge repeated, another size shrunk or grown with bars."""
    import cv2

    height, width = image.shape[:2]
    if (width, height) == size_wh:
        return np.ascontiguousarray(image)
    if 0 <= size_wh[0] - width <= 1 and 0 <= size_wh[1] - height <= 1:
        return np.pad(image, ((0, size_wh[1] - height), (0, size_wh[0] - width), (0, 0)), mode="edge")
    factor = min(size_wh[0] / width, size_wh[1] / height)
    inner = max(1, round(width * factor)), max(1, round(height * factor))
    canvas = np.zeros((size_wh[1], size_wh[0], 3), dtype=np.uint8)
    left, top = (size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    return canvas


def _can_encode(name: str) -> bool:
    av = pyav.load()
    try:
        av.Codec(name, "w")
    except Exception:  # the class of error differs between PyAV's versions
        return False
    return True
