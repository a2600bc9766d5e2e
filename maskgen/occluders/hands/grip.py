"""Shading and small parts that cups, telephones, microphones and food share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maskgen.drawing.board import Board, Field, Params, curve
from maskgen.occluders.hands import skinned
from maskgen.occluders.hands.hand import draw_hand_params

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def local(board: Board, at: ArrayLike, angle_deg: float) -> tuple[Field, Field]:
    """Coordinates of a thing lying at ``at``, turned clockwise: x across it, y down it."""
    x, y = np.asarray(at, np.float64)
    cos, sin = np.float32(np.cos(np.radians(angle_deg))), np.float32(np.sin(np.radians(angle_deg)))
    dx, dy = board.x - np.float32(x), board.y - np.float32(y)
    return np.asarray(dx * cos + dy * sin), np.asarray(dy * cos - dx * sin)


def placed(points: ArrayLike, at: ArrayLike, angle_deg: float) -> NDArray[np.float64]:
    """Points of a thing's own frame, in face widths; the inverse of ``local``."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    p = np.asarray(points, np.float64)
    return np.asarray(np.stack([p[:, 0] * cos - p[:, 1] * sin, p[:, 0] * sin + p[:, 1] * cos], 1) + np.asarray(at))


def cylinder(x: Field, half: Field | float) -> tuple[Field, Field]:
    """Height (in units of ``x``) of a round body, and how squarely it faces the viewer."""
    t = np.clip(x / half, -1, 1)
    square = np.sqrt(1 - t * t)
    return np.asarray(square * half, np.float32), np.asarray(square, np.float32)


def streak(x: Field, at: float, width: float, strength: float) -> Field:
    """A highlight along a body."""
    return np.asarray(np.float32(strength) * np.exp(-np.square((x - np.float32(at)) / np.float32(width))), np.float32)


def draw_grip(
    rng: np.random.Generator, side: int, at: tuple[float, float], turn: float = -86, bend: float = 20, **fixed: Any
) -> Params:
    """A hand that holds something: fingers across its front, thumb behind it.

    Args:
        rng: where chance comes from.
        side: 1 when the hand comes from the image's right.
        at: where the middle of the fingers lies, face widths.
        turn: where the fingers point; -90 straight across.
        bend: how far they close round the thing.
        **fixed: values that replace drawn ones.
    """
    curl = [
        [
            round(float(rng.normal(bend, 5)), 2),
            round(float(rng.normal(bend * 1.6, 6)), 2),
            round(float(rng.normal(bend, 5)), 2),
        ]
        for _ in range(4)
    ]
    own = {
        "at": [round(at[0], 4), round(at[1], 4)],
        "anchor": "fingers",
        "turn_deg": round(turn + float(rng.normal(0, 6)), 2),
        "curl": curl,
        "roll_deg": round(float(rng.normal(-8, 8)), 2),
        "pitch_deg": round(float(rng.normal(4, 6)), 2),
        "spread_deg": round(float(rng.uniform(0, 1.5)), 2),
        "thumb": [30.0, 30.0, 10.0],
    }
    return draw_hand_params(rng, "flat", side, **(own | fixed))


def grip(board: Board, params: Params | None, skin_rgb: ArrayLike, thumb: bool = False) -> None:
    """Draw the hand that holds the thing, if there is one."""
    if params is not None:
        skinned.draw_hand(board, params, skin_rgb, skip=() if thumb else (4,))


def lump(
    board: Board,
    rng: np.random.Generator,
    at: ArrayLike,
    size: float,
    rough: float,
    squash: float = 1,
    angle_deg: float = 0,
) -> tuple[Field, NDArray[np.float64]]:
    """Coverage and outline of a potato-shaped thing."""
    t = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    r = size * (1 + rng.normal(0, rough, 14))
    outline = curve(placed(np.stack([r * np.cos(t), squash * r * np.sin(t)], 1), at, angle_deg), 72, closed=True)
    return board.fill(outline), outline
