"""Copies a video's sound into an MP4."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from detect.sources import pyav
from detect.sources.video import reason

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

logger = logging.getLogger(__name__)

_SOUND_IN_MP4: Final = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})

_SEEK_FROM_S: Final = 5.0
"""Sound that begins later is looked up rather than read from its beginning."""


class Sound:
    """Copies a video's sound along, packet by packet where MP4 can hold its codec, else as AAC."""

    def __init__(self, source: InputContainer, target: OutputContainer, start_s: float) -> None:
        self._source = source
        self._target = target
        self._start_s = start_s
        stream = source.streams.audio[0]
        self._copies = stream.codec_context.name in _SOUND_IN_MP4
        if self._copies:
            self._stream: Any = target.add_stream_from_template(stream)
        else:
            self._stream = target.add_stream("aac", rate=stream.codec_context.sample_rate)
        if start_s > _SEEK_FROM_S:
            source.seek(int((start_s - 1) * 1_000_000))
        self._pieces = self._packets(stream)
        self._next: tuple[float, Any] | None = None

    @classmethod
    def of(cls, address: str, target: OutputContainer, start_s: float) -> Sound | None:
        """The sound of a video; None where it has none that can be read."""
        av = pyav.load()
        try:
            source = pyav.open_to_read(address, (10.0, 10.0))
        except (av.FFmpegError, OSError) as error:
            logger.warning("no sound: %s", reason(error))
            return None
        if not source.streams.audio or source.streams.audio[0].codec_context is None:
            source.close()
            return None
        try:
            return cls(source, target, start_s)
        except (av.FFmpegError, ValueError) as error:
            logger.warning("no sound: %s", reason(error))
            source.close()
            return None

    def copy_until(self, time_s: float) -> None:
        """Write what sounds before a moment of the video."""
        while True:
            if self._next is None:
                self._next = next(self._pieces, None)
            if self._next is None or self._next[0] > time_s:
                return
            self._target.mux(self._next[1])
            self._next = None

    def close(self) -> None:
        av = pyav.load()
        try:
            if not self._copies:
                self._target.mux(self._stream.encode(None))
        except (av.FFmpegError, ValueError):
            logger.debug("the last samples of the sound are lost")
        finally:
            self._source.close()

    def _packets(self, stream: Any) -> Iterator[tuple[float, Any]]:
        """(time in the video, packet for the target)."""
        av = pyav.load()
        packets = self._source.demux(stream)
        while True:
            try:
                packet = next(packets)
                decoded = [] if self._copies else packet.decode()
            except StopIteration:
                return
            except av.FFmpegError as error:
                logger.warning("the sound ends early: %s", reason(error))
                return
            if self._copies:
                yield from self._copied(packet)
            else:
                yield from self._encoded(decoded)

    def _copied(self, packet: Any) -> Iterator[tuple[float, Any]]:
        if packet.dts is None or packet.pts is None:
            return
        shift = round(self._start_s / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        if packet.pts >= 0:
            packet.stream = self._stream
            yield float(packet.dts * packet.time_base), packet

    def _encoded(self, frames: list[Any]) -> Iterator[tuple[float, Any]]:
        for frame in frames:
            if frame.pts is None:
                continue
            frame.pts -= round(self._start_s / frame.time_base)
            if frame.pts < 0:
                continue
            moment_s = float(frame.pts * frame.time_base)
            for packet in self._stream.encode(frame):
                yield moment_s, packet
