# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""A collar turned up against the wind, or a jacket zipped over the mouth."""

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
    """A coat's two flanks, or a zipped stand-up collar."""
    style = str(rng.choice(["coat", "coat", "zip"]))
    colours = (
        "black",
        "charcoal",
        "navy",
        "brown",
        "beige",
        "olive",
        "grey",
        "burgundy",
        "mustard",
        "forest",
        "red",
        "white",
    )
    return {
        "style": style,
        "cloth": cloth.draw_cloth(
            rng,
            0.2,
            ("checks", "heather", "tartan", "camouflage"),
            ("plain", "coarse", "fleece") if style == "coat" else ("plain", "plain", "fleece"),
            colours,
        ),
        "height": round(float(rng.uniform(0.3, 0.75)), 3),
        "gap": round(float(rng.uniform(-0.04, 0.3)), 3),
        "flare": round(float(rng.uniform(0.04, 0.2)), 3),
        "fold": round(float(rng.uniform(-0.1, 0.12)), 3),
        "level": round(float(rng.uniform(0.25, 0.72)), 3),
        "quilt": bool(rng.random() < 0.4),
        "metal": bool(rng.random() < 0.5),
        "open": round(float(rng.choice([0.0, rng.uniform(0.03, 0.12)])), 3),
        "uneven": round(float(rng.normal(0, 0.06)), 3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the collar over cheeks, chin or mouth."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.4, -0.7, 1.4, 1.8), frame_wh)
    marks = frame.to_face(face.landmarks)
    (_coat if params["style"] == "coat" else _zip)(board, marks, params)
    return board.layer(follows_face=False, shadow=0.8, lift=0.035 * frame.unit, gloss=0.05)


def _coat(board: Board, marks: np.ndarray, params: Params) -> None:
    chin, strength = marks[8], params["cloth"]["folds"]
    for k, side in enumerate((-1, 1)):
        jaw = marks[16 if side > 0 else 0]
        cheek = marks[14 if side > 0 else 2]
        rise = params["height"] + side * params["uneven"]
        tip_y = chin[1] + 0.12 - rise
        outer = jaw[0] + side * params["flare"]
        inner = chin[0] + side * (params["gap"] + 0.02)
        tip = np.array([cheek[0] * 0.75 + inner * 0.25, tip_y - 0.04 + params["fold"]])
        # The back edge stands beside the neck; the front edge falls from a corner to the throat.
        back = np.array([outer - side * 0.01, tip_y + 0.06])
        front = tip + (side * 0.04, 0.0)
        outline = np.vstack(
            [
                curve(
                    np.array(
                        [(outer + side * 0.16, chin[1] + 0.5), (outer + side * 0.06, chin[1] + 0.14), tuple(back)]
                    ),
                    20,
                ),
                curve(np.stack([back, back * 0.5 + front * 0.5 + (0, 0.035), front]), 12)[1:],
                curve(
                    [
                        tuple(front),
                        tuple(front * 0.45 + np.array([inner, chin[1] + 0.24]) * 0.55 - (side * 0.03, 0)),
                        (inner, chin[1] + 0.24),
                        (chin[0] - side * 0.06, chin[1] + 0.62),
                        (chin[0] - side * 0.1, 2.0),
                    ],
                    30,
                )[1:],
                curve(
                    [
                        (side * 0.7, 2.0),
                        (side * 1.6, 2.0),
                        (side * 1.5, chin[1] + 0.62),
                        (outer + side * 0.4, chin[1] + 0.42),
                        (outer + side * 0.16, chin[1] + 0.36),
                    ],
                    20,
                ),
            ]
        )
        coverage = board.fill(outline)
        lean = np.abs(board.x - np.float32(inner)) / np.float32(abs(outer - inner) + 1e-3)
        form = np.sqrt(np.clip(lean * (1.6 - lean * 0.8), 0, 1.2)) * np.float32(0.1)
        form = (
            form
            + board.puff(coverage, 0.022, 0.05)
            + cloth.folds(board, params["seed"] + k, 0.16, 3, 80, 0.011 * strength)
        )
        u = np.asarray(board.x * np.float32(1) + board.y * np.float32(0.25 * side) + np.float32(2 + k))
        v = np.asarray(board.y - board.x * np.float32(0.25 * side))
        cloth.drape(board, params["cloth"], coverage, u, v, np.asarray(form, np.float32), hollow=0.5)
        # A row of stitches runs inside the edge.
        inset = outline * 0.955 + outline.mean(0) * 0.045
        line = board.lines([inset[16:52]], 0.006) * coverage
        board.tint(1 - np.float32(0.3) * line)


def _zip(board: Board, marks: np.ndarray, params: Params) -> None:
    rng = np.random.default_rng(params["seed"])
    top = cloth.over_face(marks, params["level"], 0.0, min(params["level"] + 0.02, 0.9))
    flare = params["flare"] * 0.6
    middle = float(marks[8, 0] * 0.5 + marks[33, 0] * 0.5)
    dip = params["open"] * np.exp(-np.square((top[:, 0] - middle) / 0.1))
    top = top + np.stack([np.zeros(len(top)), dip + 0.02], 1)
    left, right = top[0] - (flare, -0.02), top[-1] + (flare, 0.02)
    top = cloth.ragged(np.vstack([left, top[2:-2], right]), rng, 0.004)
    neck = float(marks[8, 1]) + 0.22
    sides = [
        np.array([end, (end[0] + s * 0.02, neck - 0.12), (s * 0.68, neck + 0.1), (s * 1.5, neck + 0.4), (s * 1.6, 2.1)])
        for s, end in ((1, right), (-1, left))
    ]
    coverage = board.fill(np.vstack([top, curve(sides[0], 32)[1:], curve(sides[1], 32)[:0:-1]]))
    _, gap = cloth.between(board, top, np.array([(-1.6, 1.9), (1.6, 1.9)]))
    below, across = np.asarray(board.y - (1.9 - gap), np.float32), np.asarray(board.x - np.float32(middle), np.float32)
    form = np.sqrt(np.clip(1 - np.square(across / np.float32(0.66)), 0, 1)) * np.float32(0.2)
    form = form + cloth.folds(board, params["seed"], 0.12, 2.6, 8, 0.012 * params["cloth"]["folds"])
    if params["quilt"]:
        # Down channels: cushions between level seams.
        wave = np.abs(np.sin(below * np.float32(np.pi / 0.21)))
        form = form + np.sqrt(wave) * np.float32(0.03)
        seam = np.exp(-np.square(wave / np.float32(0.12)))
    else:
        seam = np.exp(-np.square((below - np.float32(0.03)) / np.float32(0.006)))
    u = np.asarray(np.broadcast_to(across + np.float32(2.4), board.shape), np.float32)
    cloth.drape(board, params["cloth"], coverage, u, below, np.asarray(form, np.float32))
    board.tint(1 - np.float32(0.25) * np.asarray(seam) * coverage)
    lit = params["open"]
    flap = np.clip((0.028 - np.abs(across)) * board.px + 0.5, 0, 1) * coverage * (below > lit * 0.2)
    board.tint(1 - np.float32(0.3) * flap)
    teeth = np.clip((0.011 - np.abs(across)) * board.px + 0.5, 0, 1) * coverage
    gleam = 0.6 + 0.4 * np.cos(below * np.float32(2 * np.pi / 0.016))
    metal = (0.72, 0.7, 0.66) if params["metal"] else tuple(0.75 * c / 255 for c in params["cloth"]["rgb"])
    board.lay(np.asarray(teeth, np.float32), np.asarray(metal, np.float32)[:, None, None] * gleam)
    y = float(np.interp(middle, top[:, 0], top[:, 1])) + 0.05
    for grow, colour in ((1.0, (0.25, 0.25, 0.26)), (0.7, (0.7, 0.69, 0.66))):
        pull = np.array([(-0.02, 0), (0.02, 0), (0.013, 0.1), (-0.013, 0.1)]) * grow + (middle, y)
        board.lay(board.fill(pull), colour)


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=1.0)
