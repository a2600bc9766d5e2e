"""Which of nose, mouth and chin something covers: shares of their areas, measured on its alpha."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import Points

COVERED: Final = 0.75
"""Share of a part's area from which it counts as covered; an edge that crosses the nostrils leaves them bare."""

_FINE: Final = 4
"""Places a pixel in which a part's outline is filled, each way: faces of 20 px have nostrils of one."""


@dataclass(frozen=True, slots=True)
class Covers:
    """Shares covered, 0 to 1.

    Attributes:
        nose: of the nostrils; the bridge may be bare.
        mouth: of the lips.
        chin: of the chin's front, between the lower lip and the jaw.
    """

    nose: float = 0.0
    mouth: float = 0.0
    chin: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether all three are covered, as under ``with_mask``."""
        return min(self.nose, self.mouth, self.chin) >= COVERED


BARE: Final = Covers()


def measure(alpha: NDArray[np.float32], landmarks: Points) -> Covers:
    """What a thing covers.

    Args:
        alpha: (h, w) float32 in [0, 1], its coverage in the picture.
        landmarks: (68, 2) in the picture's pixels. Parts outside the picture count as bare.
    """
    up = 0.5 * (landmarks[30] - landmarks[33])
    nostrils = np.concatenate([landmarks[31:36], landmarks[35:30:-1] + up])
    lip, chin = landmarks[57], landmarks[8]
    jaw = landmarks[6:11]
    front = np.concatenate([jaw, jaw[::-1] + 0.6 * (lip - chin)])
    return Covers(*(_share(alpha, ring) for ring in (nostrils, landmarks[48:60], front)))


def _share(alpha: NDArray[np.float32], ring: Points) -> float:
    """How much of a polygon's area is covered."""
    import cv2

    low = np.floor(ring.min(axis=0)).astype(int)
    width, height = (np.ceil(ring.max(axis=0)).astype(int) - low + 1).tolist()
    canvas = np.zeros((height * _FINE, width * _FINE), np.uint8)
    cv2.fillPoly(canvas, [np.round(((ring - low) * _FINE - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    weight = np.asarray(cv2.resize(canvas.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA))
    x0, y0 = max(-int(low[0]), 0), max(-int(low[1]), 0)
    right, bottom = max(int(low[0]) + width, 0), max(int(low[1]) + height, 0)
    seen = alpha[int(low[1]) + y0 : bottom, int(low[0]) + x0 : right]
    total = float(weight.sum())
    return float((seen * weight[y0 : y0 + seen.shape[0], x0 : x0 + seen.shape[1]]).sum()) / total if total > 0 else 0.0
