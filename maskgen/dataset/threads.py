"""Thread limits: OpenCV and BLAS draw with one thread, so that the same sums come in the same order.

Matrix products come out a little different with the number of BLAS threads,
and small equations take several times as long on several threads of a busy
machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped,unused-ignore]

_CARRY_BLAS: Final = ("numpy", "scipy.linalg", "cv2", "dlib")


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let OpenCV and BLAS use one thread inside, and give them back their own number afterwards."""
    import cv2

    before = cv2.getNumThreads()
    with _controller(tuple(name in sys.modules for name in _CARRY_BLAS)).limit(limits=1, user_api="blas"):
        cv2.setNumThreads(1)
        try:
            yield
        finally:
            cv2.setNumThreads(before)


@lru_cache(maxsize=8)
def _controller(_: tuple[bool, ...]) -> ThreadpoolController:
    """The libraries of this process; looking for them takes 4 ms, so only when another may have been loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
