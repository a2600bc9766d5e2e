"""Near-duplicate pictures, by the root-mean-square difference of grey thumbnails.

A copy that was saved again, or shrunk, is found; one that was cropped, mirrored or recoloured is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import RGB

SIDE: Final = 16
"""Of a thumbnail, pixels."""

NEAR: Final = 0.15
"""Share of its own contrast (standard deviation) by which a picture's thumbnail differs from that of its copy at most.

Measured on real faces and street photographs: copies (down to half the size, JPEG quality 40 to 85) differ by less than
0.12, of pictures under 50 px by up to 0.33; two people by 0.34 and more, neighbouring pictures of one person by 0.08 to
0.3. Pictures without contrast must be alike."""

_AT_ONCE: Final = 2048
"""Thumbnails that are compared with all others in one step."""

Thumbnails = NDArray[np.uint8]


def thumbnail(image: RGB) -> Thumbnails:
    """(256,) uint8: the picture in grey, 16 x 16 pixels.

    Args:
        image: (H, W, 3) uint8.
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8).ravel()


def near(some: Thumbnails, others: Thumbnails) -> Iterator[tuple[int, int]]:
    """Pairs (index in ``some``, index in ``others``) of pictures that are the same; at most one for each of ``some``.

    Args:
        some: (N, 256), as ``thumbnail`` gives them.
        others: (M, 256).

    >>> ramp = np.arange(256, dtype=np.uint8)
    >>> list(near(np.array([ramp[::-1], ramp]), np.array([ramp // 2 * 2])))
    [(1, 0)]
    """
    if not len(some) or not len(others):
        return
    length = some.shape[1]
    for start in range(0, len(some), _AT_ONCE):
        mine = some[start : start + _AT_ONCE].astype(np.float32)
        least = np.full(len(mine), np.inf, np.float32)
        nearest = np.zeros(len(mine), np.int64)
        for first in range(0, len(others), _AT_ONCE):
            theirs = others[first : first + _AT_ONCE].astype(np.float32)
            squares = (mine**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None] - 2 * mine @ theirs.T
            best = squares.argmin(axis=1)
            value = squares[np.arange(len(mine)), best]
            closer = value < least
            least[closer], nearest[closer] = value[closer], first + best[closer]
        allowed = length * (NEAR * mine.std(axis=1)) ** 2
        for row in np.flatnonzero(least <= allowed + 0.5):
            yield start + int(row), int(nearest[row])
