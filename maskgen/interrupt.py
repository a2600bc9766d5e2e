"""Ctrl-C and SIGTERM that get through, and the exit code that says which of them it was."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

CTRL_C: Final = 130
"""What a shell calls the end by SIGINT: 128 + 2."""

TOLD_TO_STOP: Final = 143
"""Likewise by SIGTERM, 128 + 15: ``docker stop``, ``systemctl stop``, ``timeout``."""

_told_to_stop = threading.Event()


class _Handler:
    """Raises ``KeyboardInterrupt``, and remembers that it did.

    Attributes:
        came: whether a signal came.
    """

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        remember(number)
        raise KeyboardInterrupt


def remember(number: int) -> None:
    """Note which signal ends this process; for handlers of one's own."""
    if number == signal.SIGTERM:
        _told_to_stop.set()


def exit_code() -> int:
    """The code of a command that a signal has ended: 143 after SIGTERM, else Ctrl-C's 130."""
    return TOLD_TO_STOP if _told_to_stop.is_set() else CTRL_C


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end what happens here the way Ctrl-C does: what is open is finished and closed.

    Outside the main thread, and where SIGTERM is ignored or handled already, nothing is changed.
    """
    _told_to_stop.clear()
    if not _in_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    before = signal.signal(signal.SIGTERM, _Handler())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM set ``stop``, so that work in hand is finished, and the second end it at once.

    Outside the main thread nothing is changed.
    """
    if not _in_main_thread():
        yield
        return

    def handle(number: int, _: object) -> None:
        remember(number)
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end what happens here, even where a library makes something else of them.

    A module in C that is being imported, or dlib reading a model, may turn the
    ``KeyboardInterrupt`` of a handler into an ``ImportError`` or drop it.
    Outside the main thread, and where somebody else handles the signals,
    nothing is changed.

    Raises:
        KeyboardInterrupt: a signal came, however the block ended.
    """
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(number)) is signal.default_int_handler or isinstance(handler, _Handler)
    }
    if not _in_main_thread() or not before:
        yield
        return
    mine = _Handler()
    for number in before:
        signal.signal(number, mine)
    try:
        yield
    except Exception:
        if not mine.came:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if mine.came:
        raise KeyboardInterrupt


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Keep a second Ctrl-C or SIGTERM from spoiling what is being finished."""
    if not _in_main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
