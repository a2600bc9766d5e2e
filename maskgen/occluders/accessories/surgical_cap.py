"""Caps of theatres and kitchens: tied surgical caps, bouffants and hair nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

COLOURS: Final = ((150, 200, 220), (120, 180, 160), (70, 130, 180), (240, 242, 242), (60, 110, 90), (40, 60, 110))


def draw_params(rng: np.random.Generator) -> Params:
    """Which cap, what cloth, how low."""
    style = str(rng.choice(["tied", "bouffant", "net"], p=[0.45, 0.4, 0.15]))
    fabric = cloth.draw_cloth(rng, 0.2 if style == "tied" else 0.0, ("dots", "floral", "stripes"), ("plain",))
    if rng.random() < 0.85:
        fabric["rgb"] = [int(np.clip(v + rng.normal(0, 12), 0, 255)) for v in COLOURS[int(rng.integers(len(COLOURS)))]]
    return {
        "style": style,
        "cloth": fabric,
        "low": round(float(rng.uniform(-0.1, 0.1)), 3),
        "tall": round(float(rng.uniform(0.76, 0.98)), 3),
        "puff": round(float(rng.uniform(1.06, 1.3)), 3),
        "tilt": round(float(rng.normal(0, 0.03)), 3),
        "sheer": round(float(rng.uniform(0.3, 0.6)), 3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the cap over the hair, gathered at its edge."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.2, -1.8, 1.2, 0.4), frame_wh)
    left, right = float(marks[0, 0]) - 0.04, float(marks[16, 0]) + 0.04
    middle, half = (left + right) / 2, (right - left) / 2
    line = float(marks[17:27, 1].mean()) - 0.17 + params["low"]
    tied = params["style"] == "tied"
    puff, tall = (1.14 if tied else params["puff"]), params["tall"]
    x = np.linspace(-1, 1, 24)
    low = np.stack([middle + x * half * 1.07, line + (0.14 if tied else 0.24) * x**2 + params["tilt"] * x], 1)
    angle = np.linspace(0.25, np.pi - 0.25, 9)
    # A little squarer than a half circle, as hair lifts the cloth.
    crown = np.stack([puff * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.85, np.sin(angle) ** 0.9], 1)
    up = curve([low[-1], *((middle + half * a, line - tall * b) for a, b in crown), low[0]], 48)
    coverage = board.fill(np.vstack([low, up[1:-1]]))
    dx = np.clip((board.x - np.float32(middle)) / np.float32(half * puff), -1, 1)
    away = np.clip((np.float32(line) - board.y) / np.float32(tall), 0, 1)
    dome = np.sqrt(np.clip(1.08 - dx * dx - np.float32(0.85) * away * away, 0.01, 1)) * np.float32(0.42)
    gathers = np.cos(dx * np.float32(40) + board.noise(params["seed"], 0.2)) * np.exp(-away * np.float32(5))
    form = dome + gathers * np.float32(0.0 if tied else 0.012) + cloth.folds(board, params["seed"], 0.12, 2, 30, 0.01)
    if params["style"] == "net":
        coverage = coverage * np.float32(params["sheer"])
    u = np.asarray(np.arcsin(dx) * np.float32(half) + 0 * board.y + np.float32(2.3), np.float32)
    v = np.asarray(board.y + 0 * board.x + np.float32(3), np.float32)
    cloth.drape(board, params["cloth"], coverage, u, v, np.asarray(form, np.float32), hollow=0.3)
    hem = board.blur(board.lines([low], 0.03), 0.006)
    board.tint(np.asarray(1 - np.float32(0.22) * hem * coverage, np.float32))
    return board.layer(follows_face=False, shadow=0.5, lift=0.02 * frame.unit)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=1.5, family="headgear")
