"""Hair over cheek, mask or brow: loose strands, side locks, a fringe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import hair
from maskgen.drawing.board import Board, FaceFrame, Field, Params
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


ROOTS: Final = 0.3
"""Length over which strands come out of the hair beneath, face widths."""


def draw_params(rng: np.random.Generator) -> Params:
    """Where it falls, how much of it, how wavy."""
    return {
        "style": str(rng.choice(["side", "side", "both", "strands", "fringe"])),
        "rgb": hair.draw_hair_rgb(rng),
        "side": int(rng.choice([-1, 1])),
        "reach": round(float(rng.uniform(0.0, 0.2)), 3),
        "wave": round(float(rng.uniform(0.0, 0.05)), 3),
        "waves": round(float(rng.uniform(0.5, 3.0)), 2),
        "length": round(float(rng.uniform(0.75, 1.7)), 3),
        "thick": round(float(rng.uniform(0.6, 1.2)), 2),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the strands from the parting down."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.0, -1.3, 1.0, 1.4), frame_wh, detail=1.25)
    rng = np.random.default_rng(params["seed"])
    if params["style"] == "fringe":
        paths = _fringe(marks, params, rng)
    else:
        sides = (-1, 1) if params["style"] == "both" else (params["side"],)
        paths = np.concatenate([_lock(marks, params, rng, side) for side in sides])
    coverage, colour = hair.strands(board, paths, params["rgb"], rng)
    coverage = coverage * _rooted(board, paths, params)
    form = board.blur(coverage, 0.03) * np.float32(0.05) + board.noise(params["seed"], 0.02, 6, 85) * np.float32(0.003)
    board.lay(coverage, colour, form)
    return board.layer(follows_face=True, shadow=0.5, lift=0.015 * frame.unit, gloss=0.03)


def _rooted(board: Board, paths: np.ndarray, params: Params) -> Field:
    """How far strands stand out from the hair that they grow from, 0 at the roots: no wig has an upper edge here."""
    ragged = np.float32(0.35) * board.noise(params["seed"] + 2, 0.05)
    out = np.clip((board.y - np.float32(paths[:, 0, 1].min())) / np.float32(ROOTS) + ragged, 0, 1)
    if params["style"] == "fringe":
        left, right = float(paths[..., 0].min()), float(paths[..., 0].max())
        inside = np.minimum(board.x - np.float32(left), np.float32(right) - board.x)
        out = out * np.clip(inside / np.float32(0.16) + ragged, 0, 1)
    return np.asarray(out * out * (3 - 2 * out), np.float32)


def _lock(marks: np.ndarray, params: Params, rng: np.random.Generator, side: int) -> np.ndarray:
    """A lock along one cheek, (strands, 9, 2)."""
    few = params["style"] == "strands"
    count = int((26 if few else 380) * params["thick"])
    brow = float(marks[17:27, 1].mean())
    edge = marks[15 if side > 0 else 1, 0]
    t = np.linspace(0, 1, 11)[None]
    # 0 hangs farthest over the face, 1 outside it.
    depth = rng.beta(1.2, 1.2, count) if not few else rng.choice([0.15, 0.4, 0.55], count) + rng.normal(0, 0.03, count)
    depth = depth[:, None]
    reach = params["reach"]
    top_y = brow - 0.42 - 0.1 * depth
    top_x = edge * 0.35 + side * 0.18 * depth
    low_y = top_y + params["length"] * (0.85 + 0.3 * rng.random((count, 1)))
    inner = edge - side * reach
    outer = edge + side * 0.2
    x_face = inner + (outer - inner) * depth
    swing = np.sin(np.pi * np.clip(t * 1.25, 0, 1) * 0.5) ** 0.7
    x = top_x + (x_face - top_x) * swing + side * 0.05 * t**3
    group = np.round(depth * 9) * 2.1 + rng.normal(0, 0.25, (count, 1))
    x = x + params["wave"] * np.sin(2 * np.pi * params["waves"] * t + group) * t
    x = x + rng.normal(0, 0.006, (count, 1)) * t * 3
    y = top_y + (low_y - top_y) * t
    return np.stack([x, np.broadcast_to(y, x.shape)], 2)


def _fringe(marks: np.ndarray, params: Params, rng: np.random.Generator) -> np.ndarray:
    """Hair over the brow, (strands, 7, 2)."""
    count = int(420 * params["thick"])
    brow = float(marks[17:27, 1].mean())
    left, right = float(marks[0, 0]) - 0.04, float(marks[16, 0]) + 0.04
    t = np.linspace(0, 1, 7)[None]
    x0 = rng.uniform(left, right, (count, 1))
    middle = (left + right) / 2
    top = brow - 0.55 + 0.5 * np.square((x0 - middle) / (right - left)) * 0.9
    end = (
        brow
        + 0.02
        + params["reach"] * 0.25
        + rng.normal(0, 0.025, (count, 1))
        + 0.35 * np.square((x0 - middle) / 0.5) * 0.5
    )
    x = x0 * (1 - 0.1 * (1 - t)) + params["side"] * params["reach"] * 0.6 * t**1.6 + rng.normal(0, 0.02, (count, 1)) * t
    x = x + params["wave"] * 0.6 * np.sin(2 * np.pi * params["waves"] * 0.5 * t + x0 * 9) * t
    return np.stack([x, top + (end - top) * t + 0 * x], 2)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=2.0)
