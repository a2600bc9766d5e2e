"""Where frames come from: pictures, video files, cameras, streams.

A file gives every frame; a camera or stream gives its newest one (``live``).
``open_source`` tells them apart. A new kind is a class behind ``Source``.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from maskgen.addresses import shown
from maskgen.errors import SourceError
from maskgen.types import RGB

OPEN_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 10.0
GIVE_UP_S: Final = 60.0
"""A stream that stays away for longer has ended."""

MAX_PIXELS: Final = 50_000_000
"""Frames above this are refused; 8K video has 33 million pixels."""

_ADDRESS: Final = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and when it was.

    Attributes:
        index: 0, 1, 2 ... in the source; live sources skip numbers.
        time_s: seconds since the source's first frame.
        image: (H, W, 3) uint8, RGB, upright.
    """

    index: int
    time_s: float
    image: RGB = field(repr=False)


class Source(Protocol):
    """Frames, in order; iterate once, then close.

    Attributes:
        name: for people; addresses without their passwords.
        live: gives the newest frame instead of every one.
        rate: frames a second, on average or by guess.
        duration_s: how long it is; None when nobody knows.
    """

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool: ...

    @property
    def rate(self) -> float: ...

    @property
    def duration_s(self) -> float | None: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...


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
    from detect import live_sources
    from detect.animation import Animation
    from detect.video import VideoFile

    text = os.fspath(spec) if not isinstance(spec, int) else str(spec)
    waits = {"open_timeout_s": open_timeout_s, "read_timeout_s": read_timeout_s}
    if re.fullmatch(r"\d{1,3}", text) and not Path(text).exists():
        return live_sources.camera(int(text), give_up_s=give_up_s, **waits)
    if _ADDRESS.match(text):
        return live_sources.at_address(text, live=live, loop=loop, give_up_s=give_up_s, **waits)
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
        from detect.pictures import files, read
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
    from maskgen import images

    try:
        with path.open("rb") as file:
            return images.sniff(file.read(16)) is not None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
