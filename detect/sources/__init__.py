"""Opens what can be watched: pictures, video files, streams, cameras."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from detect.sources.addresses import shown
from detect.sources.base import _ADDRESS, GIVE_UP_S, OPEN_TIMEOUT_S, READ_TIMEOUT_S, Frame, Source
from maskgen.errors import SourceError
from maskgen.io.registry import Registry


class OpenAddress(Protocol):
    """Opens what is at an address; ``detect.sources.live.at_address`` says what each argument means."""

    def __call__(
        self,
        address: str,
        /,
        *,
        live: bool | None,
        loop: bool,
        open_timeout_s: float,
        read_timeout_s: float,
        give_up_s: float,
    ) -> Source: ...


SOURCES: Final[Registry[OpenAddress]] = Registry(
    "detect.sources",
    "kind of address",
    dict.fromkeys(
        ("rtsp", "rtsps", "rtmp", "rtp", "http", "https", "udp", "tcp", "srt"), "detect.sources.live:at_address"
    ),
    lambda _name, found: None if callable(found) else f"it is a {type(found).__name__}, not a function of an address",
)
"""What opens an address, by what stands before its ``://``; plug-ins register theirs under ``detect.sources``."""


def open_source(
    spec: str | int | Path,
    *,
    live: bool | None = None,
    loop: bool = False,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    read_timeout_s: float = READ_TIMEOUT_S,
    give_up_s: float = GIVE_UP_S,
) -> Source:
    """Open whatever ``spec`` names.

    Args:
        spec: a camera's number; an address (rtsp, http, https, udp, tcp, srt
            ...); a video file or animated picture; a picture, a folder or pattern of pictures;
            ``-`` for a picture on stdin.
        live: play a video file at its own pace, newest frame only, as if it
            were a camera; None for what suits the kind.
        loop: begin a file again at its end; only with ``live``.
        open_timeout_s: longest wait for the answer of a camera or stream.
        read_timeout_s: longest silence of a stream before it counts as dropped.
        give_up_s: how long a camera or stream is tried again that dropped or
            does not answer at first.

    Raises:
        SourceError: no such file or camera, or not a video.
    """
    from detect.sources import live as live_sources
    from detect.sources.animation import Animation
    from detect.sources.video import VideoFile

    text = os.fspath(spec) if not isinstance(spec, int) else str(spec)
    waits = {"open_timeout_s": open_timeout_s, "read_timeout_s": read_timeout_s}
    if re.fullmatch(r"\d{1,3}", text) and not Path(text).exists():
        return live_sources.camera(int(text), give_up_s=give_up_s, **waits)
    if _ADDRESS.match(text):
        scheme = text.partition(":")[0].lower()
        # FFmpeg knows more of them than are listed.
        open_address = SOURCES.load(scheme) if scheme in SOURCES else live_sources.at_address
        return open_address(text, live=live, loop=loop, give_up_s=give_up_s, **waits)
    if text == "-" or Path(text).is_dir() or (glob.has_magic(text) and not Path(text).exists()):
        return Pictures([text])
    if not Path(text).exists():
        raise SourceError(
            f"no file, camera or address is called {shown(text)}; cameras have numbers, addresses begin rtsp://"
        )
    moving = Animation.if_animated(Path(text))
    if moving is None and _is_picture(Path(text)):
        return Pictures([text])
    video = moving or VideoFile(text, **waits)
    return live_sources.played(video, loop=loop) if live else video


class Pictures:
    """Picture files as frames, one a second; files that are no pictures are left out.

    Raises:
        SourceError: while iterating, when no file was a picture.
    """

    live = False
    rate = 1.0
    duration_s = None

    def __init__(self, inputs: Sequence[str]) -> None:
        self.name = ", ".join(map(shown, inputs))
        self._inputs = inputs

    def __iter__(self) -> Iterator[Frame]:
        from detect.sources.pictures import files, read
        from maskgen.errors import ImageError

        index, reason = 0, "nothing there"
        for found in files(self._inputs):
            try:
                if found.problem is not None:
                    raise ImageError("unreadable", found.problem)
                image = read(found.path)
            except ImageError as error:
                reason = str(error)
                continue
            yield Frame(index, float(index), image)
            index += 1
        if not index:
            raise SourceError(f"no picture in {self.name}: {reason}")

    def close(self) -> None:
        pass


def _is_picture(path: Path) -> bool:
    from maskgen.io import codecs

    try:
        with path.open("rb") as file:
            return codecs.sniff(file.read(16)) is not None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
