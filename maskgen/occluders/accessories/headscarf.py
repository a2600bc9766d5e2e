"""A headscarf round hair and neck, face open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.accessories.hood import opening, ring
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


def draw_params(rng: np.random.Generator) -> Params:
    """Cloth, how close it sits, how it is laid."""
    return {
        "cloth": cloth.draw_cloth(
            rng, 0.3, ("floral", "stripes", "dots", "paisley", "heather"), ("plain", "plain", "coarse")
        ),
        "open": round(float(rng.uniform(-0.05, 0.04)), 3),
        "brow": round(float(rng.uniform(-0.04, 0.12)), 3),
        "thick": round(float(rng.uniform(0.26, 0.42)), 3),
        "under": bool(rng.random() < 0.3),
        "chin": round(float(rng.uniform(0.0, 0.08)), 3),
        "side": int(rng.choice([-1, 1])),
        "lean": round(float(rng.normal(0, 0.02)), 3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the cloth, with folds that gather under the chin."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.4, -1.5, 1.4, 1.7), frame_wh)
    inner = opening(marks, params["open"], params["brow"], params["lean"], params["chin"])
    coverage, away = ring(board, inner, params["thick"], 0.1)
    seed, strength = params["seed"], params["cloth"]["folds"]
    middle = inner.mean(0)
    gather = np.array([float(marks[8, 0]) + params["side"] * 0.1, float(marks[8, 1]) + 0.2])
    dx, dy = board.x - np.float32(gather[0]), board.y - np.float32(gather[1])
    angle = np.arctan2(dy, dx)
    round_face = np.arctan2(board.y - np.float32(middle[1]), board.x - np.float32(middle[0]))
    drift = board.noise(seed, 0.25)
    form = np.float32(0.04) * np.sqrt(np.clip(away / np.float32(0.05), 0, 1)) - np.square(
        np.clip(away, 0, 1)
    ) * np.float32(0.8)
    # Above, folds run round the face; below the chin they fan out.
    below = np.clip(dy * 3 + 0.3, 0, 1)
    ringed = np.cos(away * np.float32(46) + drift * np.float32(1.3)) * np.float32(0.006 * strength)
    fan = (
        np.cos(angle * np.float32(15) + drift * np.float32(1.2))
        * np.float32(0.016 * strength)
        * np.clip(np.hypot(dx, dy) * 5, 0, 1)
    )
    form = form + ringed * (1 - below) + fan * below
    u, v = np.asarray(round_face * np.float32(0.6) + 4, np.float32), away
    cloth.drape(board, params["cloth"], coverage, u, v, np.asarray(form, np.float32))
    if params["under"]:
        # The cap beneath shows at the brow.
        band = np.clip((0.05 - away) * board.px, 0, 1) * coverage * (board.y < marks[27, 1] - 0.1)
        board.lay(np.asarray(band, np.float32), np.asarray(params["cloth"]["rgb"], np.float32) / 255 * 0.55)
    side = params["side"]
    wrap = curve(
        [
            (side * 0.55, marks[8, 1] - 0.25),
            (side * 0.25, marks[8, 1] + 0.18),
            (-side * 0.3, marks[8, 1] + 0.42),
            (-side * 0.9, marks[8, 1] + 0.55),
        ],
        24,
    )
    edge = board.lines([wrap], 0.02) * coverage
    board.tint(1 - np.float32(0.3) * board.blur(np.asarray(edge, np.float32), 0.014))
    return board.layer(follows_face=False, shadow=0.7, lift=0.02 * frame.unit)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=1.0, family="headgear")
