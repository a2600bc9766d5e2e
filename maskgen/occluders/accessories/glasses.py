# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Spectacles: rims over the eyes, a bridge, and temples that run back to the ears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing.board import Board, FaceFrame, Params, curve, ellipse
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace, Points

SHAPES: Final[dict[str, dict[str, Any]]] = {
    # half width and height of a lens in eye distances, roundness, slant in degrees
    "round": {"size": (0.36, 0.35), "power": 2.0, "slant": 0},
    "oval": {"size": (0.40, 0.29), "power": 2.1, "slant": 3},
    "panto": {"size": (0.39, 0.35), "power": 2.4, "slant": 5},
    "square": {"size": (0.42, 0.31), "power": 4.0, "slant": 3},
    "narrow": {"size": (0.41, 0.22), "power": 4.0, "slant": 3},
    "browline": {"size": (0.42, 0.33), "power": 3.0, "slant": 4},
    "cat_eye": {"size": (0.43, 0.30), "power": 2.6, "slant": 9},
    "aviator": {"size": (0.46, 0.41), "power": 2.4, "slant": -9},
    "wrap": {"size": (0.47, 0.27), "power": 3.0, "slant": -2},
    "large": {"size": (0.47, 0.43), "power": 3.2, "slant": 4},
}
_RIMS = (
    (0.05, 0.05, 0.06),
    (0.2, 0.12, 0.07),
    (0.42, 0.25, 0.12),
    (0.72, 0.7, 0.68),
    (0.8, 0.64, 0.36),
    (0.1, 0.14, 0.3),
    (0.5, 0.06, 0.1),
    (0.86, 0.84, 0.8),
    (0.36, 0.36, 0.38),
    (0.62, 0.42, 0.5),
)


def draw_params(rng: np.random.Generator) -> Params:
    """Reading glasses: clear lenses, sometimes a reflection."""
    shape = str(rng.choice([name for name in SHAPES if name != "wrap"]))
    return draw_frame(rng, shape) | {
        "lens": [0.82, 0.88, 0.9],
        "lens_low": [0.88, 0.9, 0.9],
        "opacity": round(float(rng.uniform(0.02, 0.12)), 3),
        "glare": round(float(rng.choice([0.0, rng.uniform(0.1, 0.6)])), 3),
        "shine": [0.95, 0.97, 1.0],
    }


def draw_frame(rng: np.random.Generator, shape: str) -> Params:
    """What every pair has: shape, rim, fit."""
    rim = np.clip(np.asarray(_RIMS[rng.integers(len(_RIMS))]) * np.exp(rng.normal(0, 0.1, 3)), 0, 1)
    thick = float(rng.choice([rng.uniform(0.009, 0.018), rng.uniform(0.02, 0.05)]))
    return {
        "shape": shape,
        "rim": [round(float(c), 3) for c in rim],
        "thick": round(thick, 4),
        "rimless": bool(rng.random() < 0.1),
        "size": round(float(rng.normal(0.94, 0.06)), 3),
        "low": round(float(rng.normal(0.05, 0.05)), 3),
        "tilt_deg": round(float(rng.normal(0, 1.5)), 2),
        "glare_at": round(float(rng.uniform(-0.5, 0.5)), 3),
        "seed": int(rng.integers(2**31)),
    }


def lens_outline(shape: str, centre: ArrayLike, half: float, side: int, size: float) -> Points:
    """One lens, (48, 2) face widths; ``half`` is half the eyes' distance times two, ``side`` -1 or 1."""
    about = SHAPES[shape]
    a, b = about["size"]
    outline = ellipse(0, 0, a * half * size, b * half * size, 0, about["power"])
    if shape == "aviator":
        # A drop: full below on the outer side, cut towards the nose.
        outline[:, 0] *= np.where(outline[:, 1] > 0, 0.92, 1.0)
        outline[:, 1] += -0.1 * half * size * (outline[:, 0] / (a * half * size)) * (outline[:, 1] > 0)
    elif shape in ("panto", "browline", "cat_eye", "wrap"):
        outline[:, 0] *= 1 - 0.12 * np.clip(outline[:, 1] / (b * half * size), 0, 1)
    slant = np.radians(about["slant"]) * -1
    turned = outline.copy()
    turned[:, 1] += outline[:, 0] * np.tan(slant)
    turned[:, 0] *= side
    return np.asarray(turned + np.asarray(centre))


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw a pair of glasses, clear or dark."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    eyes = [marks[36:42].mean(0), marks[42:48].mean(0)]
    apart = max(float(eyes[1][0] - eyes[0][0]), 0.25)
    y = (eyes[0][1] + eyes[1][1]) / 2
    board = Board(frame, (-0.9, y - 0.4, 0.9, y + 0.4), frame_wh, detail=1.3)
    # Lenses sit a little outside the pupils; the far one narrows as the head turns.
    bridge_x = float(marks[27, 0])
    low = params["low"] * apart
    outlines, centres = [], []
    for side, eye in ((-1, eyes[0]), (1, eyes[1])):
        reach = abs(float(eye[0]) - bridge_x) / (apart / 2)
        centre = np.array([bridge_x + (eye[0] - bridge_x) * 1.06, eye[1] + low])
        outline = lens_outline(params["shape"], centre, apart, side, params["size"])
        outline[:, 0] = centre[0] + (outline[:, 0] - centre[0]) * np.clip(reach, 0.55, 1.15)
        outlines.append(outline)
        centres.append(centre)
    spin = np.radians(params["tilt_deg"])
    pivot = np.array([bridge_x, y])
    turn = np.array([[np.cos(spin), -np.sin(spin)], [np.sin(spin), np.cos(spin)]])

    def tilted(points: ArrayLike) -> NDArray[np.float64]:
        return np.asarray((np.asarray(points) - pivot) @ turn.T + pivot)

    outlines = [tilted(outline) for outline in outlines]
    lens = np.clip(board.fill(outlines[0]) + board.fill(outlines[1]), 0, 1)
    _glass(board, params, lens, outlines)
    rim, thick = np.asarray(params["rim"], np.float32), params["thick"]
    sheen = 1 + 0.25 * board.noise(params["seed"], 0.05)
    colour = np.clip(rim[:, None, None] * sheen, 0, 1)
    inner = [outline[np.argmax(-side * outline[:, 0])] for side, outline in ((-1, outlines[0]), (1, outlines[1]))]
    drop = 0.03 * apart
    bridge = curve([inner[0] - (0, drop), (inner[0] + inner[1]) / 2 - (0, 0.11 * apart), inner[1] - (0, drop)], 12)
    temples = []
    for k, side in enumerate((-1, 1)):
        jaw = marks[16 if side > 0 else 0]
        outer = outlines[k][np.argmax(side * outlines[k][:, 0])]
        hinge = outer - (0, 0.1 * apart)
        reach = side * (jaw[0] - hinge[0])
        # Hidden on the side that the head turns away.
        if reach > 0.015:
            temples.append(curve([hinge, hinge * 0.5 + jaw * 0.5 - (0, 0.05), jaw - (0, 0.03)], 8))
    pieces: list[ArrayLike] = [bridge]
    if temples:
        board.lay(board.lines(list(temples), max(thick * 0.8, 0.012)), colour * 0.85, 0.01)
    board.lay(board.lines(pieces, max(thick, 0.012)), colour, 0.02)
    if params["shape"] == "aviator":
        bar = curve(
            [
                outlines[0][np.argmin(outlines[0][:, 1])],
                pivot - (0, 0.3 * apart * params["size"]),
                outlines[1][np.argmin(outlines[1][:, 1])],
            ],
            10,
        )
        board.lay(board.lines([bar], max(thick * 0.8, 0.01)), colour, 0.02)
    if not params["rimless"]:
        board.lay(board.lines(list(outlines), thick, closed=True), colour, 0.02)
        if params["shape"] == "browline":
            brows = [outline[outline[:, 1] < outline[:, 1].mean() - 0.02] for outline in outlines]
            brows = [brow[np.argsort(brow[:, 0])] for brow in brows]
            board.lay(board.lines(list(brows), thick + 0.02), colour * 0.8, 0.02)
        lit = board.lines([outline + (-0.002, -thick * 0.25) for outline in outlines], 0.004, closed=True)
        board.lay(lit * board.alpha * 0.35, np.clip(rim + 0.35, 0, 1))
    return board.layer(follows_face=False, shadow=0.35, lift=0.03 * frame.unit)


def _glass(board: Board, params: Params, lens: NDArray[np.float32], outlines: list[NDArray[np.float64]]) -> None:
    """Tint from top to bottom, and what the lenses mirror."""
    top = min(float(outline[:, 1].min()) for outline in outlines)
    bottom = max(float(outline[:, 1].max()) for outline in outlines)
    fall = np.clip((board.y - np.float32(top)) / np.float32(max(bottom - top, 1e-3)), 0, 1) + 0 * board.x
    high, low = (np.asarray(params[key], np.float32)[:, None, None] for key in ("lens", "lens_low"))
    opacity = params["opacity"] + (params.get("opacity_low", params["opacity"]) - params["opacity"]) * fall
    board.lay(lens * np.asarray(opacity, np.float32), high + (low - high) * fall)
    if params["glare"] <= 0:
        return
    for outline in outlines:
        centre = outline.mean(0)
        width = float(np.ptp(outline[:, 0]))
        across = (board.x - np.float32(centre[0])) + (board.y - np.float32(centre[1])) * np.float32(0.6)
        at = np.float32(params["glare_at"] * width)
        streak = np.exp(-np.square((across - at) / np.float32(0.13 * width)))
        streak += 0.6 * np.exp(-np.square((across - at - np.float32(0.3 * width)) / np.float32(0.05 * width)))
        streak *= np.clip(board.noise(params["seed"] + 3, 0.12) * 0.3 + 0.8, 0, 1.2) * board.fill(outline)
        board.lay(np.clip(streak * np.float32(params["glare"]), 0, 1), params["shine"])


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=4.0, family="glasses")
