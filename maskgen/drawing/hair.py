"""Colours of hats, and hair as a flow of strands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from maskgen.drawing.board import Board, Field

HAIR = (
    (0.08, 0.07, 0.07),
    (0.14, 0.1, 0.08),
    (0.24, 0.16, 0.11),
    (0.36, 0.24, 0.15),
    (0.46, 0.26, 0.14),
    (0.62, 0.36, 0.18),
    (0.72, 0.57, 0.36),
    (0.82, 0.72, 0.52),
    (0.5, 0.49, 0.48),
    (0.82, 0.81, 0.79),
    (0.5, 0.12, 0.3),
    (0.2, 0.3, 0.55),
)
"""sRGB of natural hair, and two dyes."""


def draw_hair_rgb(rng: np.random.Generator) -> list[float]:
    """A hair colour; dyes are rare."""
    weights = np.array([6, 5, 5, 4, 2, 1.5, 2.5, 2, 1.5, 1, 0.4, 0.3])
    rgb = np.asarray(HAIR[rng.choice(len(HAIR), p=weights / weights.sum())]) * np.exp(rng.normal(0, 0.12))
    return [round(float(c), 3) for c in np.clip(rgb, 0, 1)]


def strands(
    board: Board,
    paths: NDArray[np.float64],
    rgb: ArrayLike,
    rng: np.random.Generator,
    width: float = 0.006,
    tones: int = 8,
) -> tuple[Field, NDArray[np.float32]]:
    """Many strands, dark ones beneath light ones.

    Args:
        board: what they are drawn for.
        paths: (strands, points, 2) face widths.
        rgb: (3,) sRGB in [0, 1].
        rng: where the strands' tones come from.
        width: of a strand, face widths; never under a pixel.
        tones: how many tones there are.

    Returns:
        Coverage (h, w) and straight colour (3, h, w).
    """
    colour = np.asarray(rgb, np.float64)
    parts = np.array_split(rng.permutation(len(paths)), tones)
    levels = np.linspace(0.5, 1.55, tones) * np.exp(rng.normal(0, 0.08, tones))
    inks = [(paths[part], colour * level + 0.03 * max(level - 1, 0)) for part, level in zip(parts, levels, strict=True)]
    return board.strokes(inks, max(round(width * board.px), 1))
