# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""A clear visor before the face: a band at the brow, reflections, hardly any colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands.hand import unit_rgb

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


def draw_params(rng: np.random.Generator) -> Params:
    """Size, band, how dull and how reflecting the plastic is."""
    return {
        "band_rgb": unit_rgb(rng, str(rng.choice(["white", "light_grey", "royal_blue", "black", "sky"]))),
        "band": round(float(rng.uniform(0.06, 0.17)), 3),
        "foam": bool(rng.random() < 0.5),
        "haze": round(float(rng.uniform(0.02, 0.12)), 3),
        "wide": round(float(rng.uniform(0.56, 0.72)), 3),
        "bottom": round(float(rng.uniform(0.5, 0.85)), 3),
        "glare": [
            [round(float(v), 3) for v in (rng.uniform(-0.55, 0.55), rng.uniform(0.02, 0.12), rng.uniform(0.08, 0.4))]
            for _ in range(int(rng.integers(1, 4)))
        ],
        "lean": round(float(rng.normal(0, 0.02)), 3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the visor's haze, its reflections, its edge and the band."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-0.9, -1.1, 0.9, 1.1), frame_wh)
    brow = float(marks[17:27, 1].mean()) - 0.2
    middle = float(marks[[0, 16], 0].mean()) + 0.1 * frame.turn
    wide, low = params["wide"], float(marks[8, 1]) * 0.4 + params["bottom"] * 0.6
    x = np.linspace(-1, 1, 24)
    top = np.stack([middle + x * wide, brow + params["lean"] * x + 0.05 * (1 - x**2)], 1)
    bottom = curve(
        [
            (middle + wide * 0.96, low - 0.14),
            (middle + wide * 0.7, low - 0.02),
            (middle, low + 0.04),
            (middle - wide * 0.7, low - 0.02),
            (middle - wide * 0.96, low - 0.14),
        ],
        30,
    )
    outline = np.vstack([top, bottom])
    pane = board.fill(outline)
    t = np.asarray((board.x - np.float32(middle)) / np.float32(wide) + 0 * board.y)
    rim = np.clip(np.abs(t) - 0.8, 0, 1) * 2.0
    board.lay(pane * np.asarray(params["haze"] * (1 + rim), np.float32), (0.9, 0.93, 0.96))
    for at, width, strength in params["glare"]:
        bow = np.float32(at) + np.float32(0.05) * np.square(board.y)
        streak = np.exp(-np.square((t - bow) / np.float32(width)))
        streak = streak * np.clip(0.7 + 0.4 * board.noise(params["seed"], 0.3), 0, 1.2)
        board.lay(np.asarray(pane * streak * np.float32(strength), np.float32), (0.97, 0.98, 1.0))
    board.lay(board.lines([np.vstack([outline, outline[:1]])], 0.008) * np.float32(0.5), (0.88, 0.91, 0.94))
    band = board.fill(np.vstack([top - (0, params["band"]), top[::-1]]))
    board.lay(band, params["band_rgb"], np.sqrt(np.clip(1 - t * t, 0, 1)) * np.float32(0.2))
    if params["foam"]:
        strip = board.fill(np.vstack([top - (0, params["band"] * 0.25), (top + (0, params["band"] * 0.4))[::-1]]))
        board.lay(strip * np.float32(0.8), np.asarray((0.9, 0.9, 0.88)), 0.18)
    return board.layer(follows_face=False, shadow=0.15, lift=0.06 * frame.unit)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=0.5)
