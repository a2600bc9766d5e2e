"""A bandana tied behind the head, its point hanging over the throat."""

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


def draw_params(rng: np.random.Generator) -> Params:
    """Colours that bandanas come in, mostly paisley."""
    colours = (
        "red",
        "navy",
        "black",
        "red",
        "royal_blue",
        "white",
        "forest",
        "purple",
        "orange",
        "burgundy",
        "pink",
        "teal",
    )
    printed = cloth.draw_cloth(
        rng,
        0.85,
        ("paisley", "paisley", "paisley", "dots", "floral", "checks", "camouflage"),
        ("plain", "plain", "coarse"),
        colours,
    )
    printed["swatch"] = round(float(rng.uniform(0.6, 1.2)), 3)
    return {
        "cloth": printed,
        "level": round(float(rng.uniform(0.06, 0.45)), 3),
        "lift": round(float(rng.uniform(0.02, 0.09)), 3),
        "point": [round(float(rng.normal(0, 0.08)), 3), round(float(rng.uniform(0.3, 0.75)), 3)],
        "slack": round(float(rng.uniform(0.02, 0.16)), 3),
        "border": bool(rng.random() < 0.6),
        "lean": round(float(rng.normal(0, 0.03)), 3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the triangle: taut from ear to ear, loose below."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-0.9, -0.7, 0.9, 1.7), frame_wh)
    marks = frame.to_face(face.landmarks)
    rng = np.random.default_rng(params["seed"])
    top = cloth.over_face(marks, params["level"], params["lift"], params["level"] * 0.4)
    top = top + np.stack([np.zeros(len(top)), params["lean"] * (top[:, 0] - top[:, 0].mean()) / 0.5], 1)
    top = cloth.ragged(top, rng, 0.006)
    chin = marks[8]
    point = chin + params["point"]
    left, right = top[0], top[-1]
    jaw = [marks[3] - (params["slack"] * 0.6 + 0.03, 0), marks[13] + (params["slack"] * 0.6 + 0.03, 0)]
    low = [left * 0.15 + jaw[0] * 0.85 + (0, 0.1), right * 0.15 + jaw[1] * 0.85 + (0, 0.1)]
    wave = rng.normal(0, 0.025, (2, 2))
    outline = np.vstack(
        [
            top,
            curve([right, low[1], point * 0.5 + low[1] * 0.5 + (0.02, 0.06) + wave[0], point], 24)[1:],
            curve([point, point * 0.5 + low[0] * 0.5 + (-0.02, 0.06) + wave[1], low[0], left], 24)[1:-1],
        ]
    )
    coverage = board.fill(outline)
    middle = float(top[:, 0].mean())
    across = np.asarray(board.x - np.float32(middle) + 0 * board.y, np.float32)
    form = np.sqrt(np.clip(1 - np.square(across / np.float32(0.6)), 0, 1)) * np.float32(0.05)
    # Taut folds leave both knots; soft ones hang below the nose.
    depth, seed = 0.013 * params["cloth"]["folds"], params["seed"]
    for k, (end, sign) in enumerate(((left, 1), (right, -1))):
        dx, dy = board.x - np.float32(end[0]), board.y - np.float32(end[1])
        away = np.sqrt(dx * dx + dy * dy)
        angle = np.arctan2(dy, dx * sign)
        swing = (
            angle * np.float32(13 + 3 * rng.random())
            + np.float32(rng.uniform(0, 6))
            + board.noise(seed + k, 0.2) * np.float32(0.8)
        )
        form = form + np.cos(swing) * np.float32(depth) * np.exp(-away * np.float32(2.6)) * np.clip(away * 6, 0, 1)
    below = np.clip((board.y - np.float32(marks[33, 1])) * 2.5, 0, 1)
    form = form + cloth.folds(board, seed + 5, 0.13, 3.0, 84, depth * 1.1) * below
    turn = np.float32(np.sqrt(0.5))
    u, v = (across + board.y) * turn + np.float32(3.1), (board.y - across) * turn + np.float32(2.3)
    cloth.drape(board, params["cloth"], coverage, u, v, np.asarray(form, np.float32))
    edge = outline[len(top) :]
    centre = outline.mean(0)
    if params["border"] and params["cloth"]["pattern"] is not None:
        ink = (0.93, 0.92, 0.9) if sum(params["cloth"]["rgb"]) < 480 else (0.15, 0.15, 0.18)
        for inset, width in ((0.93, 0.014), (0.885, 0.006)):
            board.lay(board.lines([(edge - centre) * inset + centre], width) * coverage * 0.8, ink)
    hem = board.lines([np.vstack([outline, outline[:1]])], 0.014)
    board.tint(1 - np.float32(0.22) * board.blur(hem, 0.006) * coverage)
    return board.layer(follows_face=True, shadow=0.6, lift=0.015 * frame.unit, translucency=0.04)


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=0.1, family="scarf")
