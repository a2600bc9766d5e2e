"""Keeping what C++ libraries write to file descriptor 2 off the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_stderr_lock = threading.RLock()


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep the runtime's "Created TensorFlow Lite XNNPACK delegate" off stderr.

    It is written by C++ to file descriptor 2 and has no switch.
    """
    with _stderr_lock:
        if sys.stderr is not None:  # Windows programs without a console have none
            sys.stderr.flush()
        try:
            saved = os.dup(2)
        except OSError:  # no stderr at all
            yield
            return
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(sink)
