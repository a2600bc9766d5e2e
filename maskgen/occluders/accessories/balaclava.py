"""Balaclavas and hoods drawn tight: cloth round the whole head, the face open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing.board import Board, FaceFrame, Params, ellipse
from maskgen.occluders.accessories.hood import opening, ring
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


def draw_params(rng: np.random.Generator) -> Params:
    """Cloth and how tight the opening is."""
    return {
        "cloth": cloth.draw_cloth(
            rng, 0.08, ("camouflage", "heather"), ("plain", "ribbed", "fleece", "knit"), _sober(rng)
        ),
        "open": round(float(rng.uniform(-0.08, 0.01)), 3),
        "brow": round(float(rng.uniform(-0.1, 0.04)), 3),
        "below": round(float(rng.uniform(-0.06, 0.05)), 3),
        "thick": round(float(rng.uniform(0.12, 0.2)), 3),
        "lean": round(float(rng.normal(0, 0.015)), 3),
        "seed": int(rng.integers(2**31)),
    }


def _sober(rng: np.random.Generator) -> tuple[str, ...]:
    from maskgen.drawing.palette import PALETTE

    dark = tuple(name for name, rgb in PALETTE.items() if sum(rgb) < 330)
    return dark if dark and rng.random() < 0.8 else tuple(PALETTE)


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the cloth, close to the head."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.4, -1.6, 1.4, 1.6), frame_wh)
    inner = opening(marks, params["open"], params["brow"], params["lean"], params["below"])
    coverage, away = ring(board, inner, params["thick"], 0.0)
    half = float(marks[16, 0] - marks[0, 0]) / 2
    brow = float(marks[17:27, 1].mean())
    crown = board.fill(ellipse(float(marks[[0, 16], 0].mean()), brow - 0.05, half * 1.12 + 0.04, 0.66))
    coverage = np.maximum(coverage, crown * (1 - board.fill(inner)))
    centre = inner.mean(0)
    angle = np.arctan2(board.y - np.float32(centre[1]), board.x - np.float32(centre[0]))
    form = np.float32(0.03) * np.sqrt(np.clip(away / np.float32(0.05), 0, 1)) - np.clip(
        away - np.float32(0.05), 0, 1
    ) * np.float32(0.5)
    form = form + cloth.folds(board, params["seed"], 0.1, 3, 60, 0.008 * params["cloth"]["folds"])
    u = np.asarray(angle * np.float32(0.6) + np.float32(4), np.float32)
    cloth.drape(board, params["cloth"], coverage, u, away, np.asarray(form, np.float32))
    return board.layer(follows_face=False, shadow=0.5, lift=0.015 * frame.unit)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=0.7, family="headgear")
