"""What the commands share: how they print, and how many threads they take."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Final

_EVERY_S: Final = 0.25


def say(text: str = "") -> None:
    """A line of results on stdout, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for people on stderr."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def default_threads() -> int:
    """As many as there are processors for this process, at most four."""
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        available = os.cpu_count() or 1
    return max(1, min(4, available))


class Ticker:
    """A line of progress on stderr that overwrites itself; silent where nobody looks."""

    def __init__(self) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._due = 0.0
        self._width = 0

    def show(self, text: str) -> None:
        now = time.monotonic()
        if not self._shows or now < self._due:
            return
        self._due = now + _EVERY_S
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("\r" + text.ljust(self._width))
            sys.stderr.flush()
        self._width = len(text)

    def clear(self) -> None:
        if self._width:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write("\r" + " " * self._width + "\r")
                sys.stderr.flush()
            self._width = 0


@contextlib.contextmanager
def ticking() -> Iterator[Ticker]:
    """A ``Ticker`` that leaves its line empty."""
    ticker = Ticker()
    try:
        yield ticker
    finally:
        ticker.clear()
