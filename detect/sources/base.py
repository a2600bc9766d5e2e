"""Where frames come from: pictures, video files, cameras, streams.

A file gives every frame; a camera or stream gives its newest one (``live``).
``open_source`` tells them apart. A new kind is a class behind ``Source``, registered
under what stands before ``://`` in its addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

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
