"""Sheet of a classifier's worst mistakes: the wrong answers it was surest of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from maskgen.types import RGB
    from trainer.metrics.evaluation import Evaluation

MISTAKES: Final = 64
_TILE: Final = 112
_STRIP: Final = 30
"""Pixels below a tile for its words."""


def worst(result: Evaluation, count: int = MISTAKES) -> list[int]:
    """Indices of wrong answers, the surest first."""
    given = result.probabilities[np.arange(len(result.truth)), result.truth]
    wrong = np.flatnonzero(result.truth != result.predicted)
    return [int(index) for index in wrong[np.argsort(given[wrong], kind="stable")][:count]]


def sheet(result: Evaluation) -> RGB | None:
    """Up to 64 wrong answers as one picture; None when there are none."""
    import cv2

    indices = worst(result)
    if not indices:
        return None
    columns = min(8, len(indices))
    rows = -(-len(indices) // columns)
    drawn = np.full((rows * (_TILE + _STRIP), columns * (_TILE + 4), 3), 255, np.uint8)
    for place, index in enumerate(indices):
        top, left = place // columns * (_TILE + _STRIP), place % columns * (_TILE + 4)
        drawn[top : top + _TILE, left : left + _TILE] = cv2.resize(
            result.faces.pixels[index], (_TILE, _TILE), interpolation=cv2.INTER_AREA
        )
        label = result.labels[result.truth[index]].removesuffix("_mask")
        lines = (
            f"{label} {result.probabilities[index, result.truth[index]]:.2f}",
            result.samples[index].path.stem[-15:],
        )
        for number, line in enumerate(lines):
            ascii_line = line.encode("ascii", "replace").decode()
            cv2.putText(
                drawn,
                ascii_line,
                (left + 2, top + _TILE + 12 + 13 * number),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.34,
                (40, 40, 40),
                1,
                cv2.LINE_AA,
            )
    return drawn
