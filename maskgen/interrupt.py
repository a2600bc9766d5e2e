"""Ctrl-C that gets through."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Let Ctrl-C end what happens here, even where a library makes something else of it.

    A module in C that is being imported, or dlib reading a model, may turn the
    ``KeyboardInterrupt`` of Python's own handler into an ``ImportError`` or
    drop it. Outside the main thread, and where somebody else handles Ctrl-C,
    nothing is changed.

    Raises:
        KeyboardInterrupt: Ctrl-C came, however the block ended.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield
        return
    came = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    except Exception:
        if not came:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
