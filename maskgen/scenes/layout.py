"""Scene layout: number, size and order of faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

Kind = Literal["crowd", "photo", "mosaic", "empty"]
KINDS: Final[tuple[tuple[Kind, float], ...]] = (("crowd", 0.72), ("photo", 0.13), ("mosaic", 0.07), ("empty", 0.08))
"""Shares of the kinds of scenes."""

SIZES: Final = (
    (1, 0.26, 0.09, 0.42),
    (3, 0.2, 0.05, 0.3),
    (7, 0.24, 0.035, 0.2),
    (15, 0.18, 0.027, 0.13),
    (40, 0.12, 0.018, 0.1),
)
"""Most faces, share of the crowds, and between which shares of the longer side
the nearest face lies. In 454 street photographs (Kaggle face-mask-detection)
39 % show one face, whose size is 0.13 to 0.35 of the longer side (10th and 90th
of a hundred); 8 to 15 faces are 0.03 to 0.10, more are 0.02 to 0.07."""

ASPECTS: Final = ((4, 3), (4, 3), (3, 4), (1, 1), (16, 9), (16, 9))

MIN_FACE: Final = 4.0
"""Nobody is drawn smaller, in pixels of face width."""

MAX_HIDDEN: Final = 0.55
"""How much of a face box a nearer one may cover when places are chosen."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where one person stands.

    Attributes:
        x, y: the middle of the face, in pixels.
        width: of the face, in pixels.
        roll_deg: how far the head leans.
        away: whether it is turned away, so that no face is seen.
    """

    x: float
    y: float
    width: float
    roll_deg: float
    away: bool = False


def draw_size(rng: np.random.Generator, size: int) -> tuple[int, int]:
    """Width and height of a scene whose longer side is ``size``."""
    across, down = ASPECTS[rng.integers(len(ASPECTS))]
    longer = max(across, down)
    return max(1, round(size * across / longer)), max(1, round(size * down / longer))


def draw_kind(rng: np.random.Generator) -> Kind:
    names, weights = zip(*KINDS, strict=True)
    return KINDS[int(rng.choice(len(names), p=np.array(weights) / sum(weights)))][0]


def crowd(rng: np.random.Generator, size_wh: tuple[int, int]) -> list[Stand]:
    """Places in a crowd, farthest first: the order to paint them in.

    Sizes follow perspective: seen from eye level all faces lie at one height,
    seen from above the nearer lie lower. Whoever finds no place where enough
    of the faces around stays in sight is left out.
    """
    width, height = size_wh
    longer = max(size_wh)
    weights = np.array([row[1] for row in SIZES])
    row = int(rng.choice(len(SIZES), p=weights / weights.sum()))
    most, _, low, high = SIZES[row]
    least = SIZES[row - 1][0] + 1 if row else 1
    count = round(float(np.exp(rng.uniform(np.log(least), np.log(most + 0.49)))))
    near = longer * float(np.exp(rng.uniform(np.log(low), np.log(high))))
    depth = float(np.exp(rng.uniform(0, np.log(3.5)))) if count > 1 else 1.0
    horizon = height * float(rng.uniform(0.1, 0.45) if count > 1 else rng.normal(0.42, 0.13))
    tilt = height * float(rng.uniform(0.0, 0.8) if count > 7 or rng.random() < 0.3 else rng.uniform(0, 0.15))
    away = float(rng.uniform(0, 0.35)) if rng.random() < 0.5 else 0.0
    wobble = float(rng.uniform(0.1, 0.8))
    placed: list[Stand] = []
    for number in range(count):
        share = float(rng.beta(1.0, 1.3)) if number else 1.0
        face = max(MIN_FACE, near * depth ** (share - 1) * float(np.exp(rng.normal(0, 0.07))))
        for _ in range(8):
            x = float(rng.uniform(0.02, 0.98)) * width if count > 1 else float(rng.normal(0.5, 0.17)) * width
            y = horizon + tilt * share + float(rng.normal(0, wobble)) * face
            if -0.2 * face < y < height - 0.1 * face and not _in_the_way(x, y, face, placed):
                roll = float(np.clip(rng.normal(0, 9), -25, 25))
                placed.append(Stand(x, y, face, roll, number > 0 and rng.random() < away))
                break
    return sorted(placed, key=lambda stand: stand.width)


def _in_the_way(x: float, y: float, face: float, placed: list[Stand]) -> bool:
    """Whether the smaller of two faces would be hidden by the nearer one's head."""
    for other in placed:
        small = min(face, other.width)
        reach = 0.62 * max(face, other.width)
        over_x = min(x + small / 2, other.x + reach) - max(x - small / 2, other.x - reach)
        over_y = min(y + small * 0.6, other.y + reach * 1.2) - max(y - small * 0.6, other.y - reach * 1.2)
        if face >= other.width:
            over_x = min(other.x + small / 2, x + reach) - max(other.x - small / 2, x - reach)
            over_y = min(other.y + small * 0.6, y + reach * 1.2) - max(other.y - small * 0.6, y - reach * 1.2)
        if over_x > 0 and over_y > 0 and over_x * over_y > MAX_HIDDEN * 1.2 * small * small:
            return True
    return False
