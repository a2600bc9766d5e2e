# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Hard hats of building sites: shell, peak, chin strap, ear muffs, lamp, raised visor, a high-visibility vest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing.board import Board, FaceFrame, Field, Params, curve, ellipse
from maskgen.drawing.palette import jitter
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace, Points

SHELLS: Final[tuple[tuple[tuple[int, int, int], float], ...]] = (
    ((238, 238, 234), 0.28),
    ((242, 194, 22), 0.24),
    ((28, 92, 178), 0.14),
    ((196, 28, 34), 0.13),
    ((236, 120, 24), 0.09),
    ((196, 222, 40), 0.05),
    ((40, 120, 70), 0.04),
    ((44, 46, 50), 0.03),
)
"""Colours of shells and how often each is met; by eye, of photographs."""

VESTS: Final = ((210, 232, 48), (246, 120, 36))


def draw_params(rng: np.random.Generator) -> Params:
    """Colour, how low it sits, and what hangs on it."""
    weights = np.array([weight for _, weight in SHELLS])
    shell = SHELLS[int(rng.choice(len(SHELLS), p=weights / weights.sum()))][0]
    return {
        "rgb": list(jitter(rng, shell)),
        "low": round(float(rng.uniform(-0.1, 0.09)), 3),
        "tilt": round(float(rng.normal(0, 0.035)), 3),
        "tall": round(float(rng.uniform(0.56, 0.74)), 3),
        "wide": round(float(rng.uniform(1.06, 1.24)), 3),
        "peak": round(float(rng.uniform(0.05, 0.15)), 3),
        "ridges": int(rng.integers(0, 4)),
        "logo": bool(rng.random() < 0.45),
        "logo_rgb": [int(v) for v in rng.integers(0, 256, 3)],
        "strap": bool(rng.random() < 0.6),
        "strap_rgb": [int(v) for v in (rng.integers(15, 60, 3) if rng.random() < 0.75 else rng.integers(120, 220, 3))],
        "strap_width": round(float(rng.uniform(0.014, 0.032)), 3),
        "muffs": bool(rng.random() < 0.16),
        "muffs_rgb": [int(v) for v in (rng.integers(15, 60, 3) if rng.random() < 0.5 else (230, 190, 30))],
        "lamp": bool(rng.random() < 0.07),
        "visor": bool(rng.random() < 0.1),
        "vest": bool(rng.random() < 0.5),
        "vest_rgb": list(jitter(rng, VESTS[int(rng.integers(2))])),
        "gloss": round(float(rng.uniform(0.1, 0.5)), 2),
        "dirt": round(float(rng.uniform(0, 0.12)), 3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the hat from the vest up to the shell; its peak shades the brow."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.4, -1.9, 1.4, 1.9), frame_wh)
    brow = float(marks[17:27, 1].mean())
    left, right = float(marks[0, 0]) - 0.05, float(marks[16, 0]) + 0.05
    middle, half = (left + right) / 2 + 0.03 * frame.turn, (right - left) / 2 * params["wide"]
    line = brow - 0.2 + params["low"]
    if params["vest"]:
        _vest(board, params, marks)
    if params["strap"]:
        _strap(board, params, marks, line, frame.turn)
    if params["muffs"]:
        _muffs(board, params, marks, line, frame.turn)
    _shell(board, params, middle, half, line)
    if params["visor"]:
        _visor(board, middle, half, line)
    _peak(board, params, middle, half, line, frame.turn)
    if params["lamp"]:
        _lamp(board, middle + 0.12 * frame.turn, line - 0.2)
    return board.layer(follows_face=False, shadow=0.8, lift=0.05 * frame.unit, gloss=params["gloss"])


def _rgb(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, np.float32) / 255


def _shell(board: Board, params: Params, middle: float, half: float, line: float) -> None:
    tall, x = params["tall"], np.linspace(-1, 1, 24)
    low = np.stack([middle + x * half, line + 0.09 * x**2 + params["tilt"] * x], 1)
    crown = [(1.0, 0.42), (0.72, 0.84), (0.0, 1.0), (-0.72, 0.84), (-1.0, 0.42)]
    up = curve([low[-1], *((middle + half * a, line - tall * b) for a, b in crown), low[0]], 40)
    coverage = board.fill(np.vstack([low, up[1:-1]]))
    dx = (board.x - np.float32(middle)) / np.float32(half)
    dy = np.clip((np.float32(line) - board.y) / np.float32(tall), 0, 1)
    dome = np.sqrt(np.clip(1.1 - dx * dx - 0.85 * dy * dy, 0.01, 1)) * np.float32(0.45)
    board.lay(coverage, _dirty(board, params), np.asarray(dome, np.float32))
    for number in range(params["ridges"]):
        at = (number - (params["ridges"] - 1) / 2) * 0.3
        ridge = curve(
            [(middle + at * half * a, line - tall * b) for a, b in ((1.0, 0.12), (0.9, 0.55), (0.45, 0.93))], 12
        )
        board.tint(1 + np.float32(0.16) * board.blur(board.lines([ridge], 0.03), 0.008) * coverage)
    if params["logo"]:
        rng = np.random.default_rng(params["seed"])
        sides = rng.uniform(0.04, 0.16, 2)
        mark = ellipse(middle + rng.normal(0, 0.05), line - 0.42 * tall, sides[0], sides[1], power=rng.uniform(2, 6))
        board.lay(board.fill(mark), _rgb(params["logo_rgb"]))


def _dirty(board: Board, params: Params) -> Field:
    """The shell's colour with dust on it, (3, h, w)."""
    dust = params["dirt"] * np.clip(board.noise(params["seed"] + 1, 0.12), 0, 2)
    return np.asarray(np.clip(_rgb(params["rgb"])[:, None, None] * (1 - dust), 0, 1), np.float32)


def _peak(board: Board, params: Params, middle: float, half: float, line: float, turn: float) -> None:
    """The rim all round and the short peak, which looks where the face looks."""
    x = np.linspace(-1, 1, 30)
    shift = 0.4 * turn
    back = np.stack([middle + x * half * 1.02, line + 0.09 * x**2 + params["tilt"] * x - 0.03], 1)
    out = np.exp(-(((x - shift) / 0.62) ** 2))
    front = back + np.stack([0.32 * turn * out * half, 0.045 + params["peak"] * out], 1)
    coverage = board.fill(np.vstack([back, front[::-1]]))
    board.cast(coverage, 0.02, 0.35, (0, 0.03))
    board.lay(coverage, _rgb(params["rgb"]) * np.float32(0.94), 0.55)
    board.tint(1 - np.float32(0.25) * board.blur(board.lines([front], 0.02), 0.006) * coverage)


def _strap(board: Board, params: Params, marks: Points, line: float, turn: float) -> None:
    """Two bands from the shell join before the ear and run under the chin."""
    chin = marks[8] + (0, 0.03)
    for side, ear, cheek, jaw in ((-1, marks[0], marks[3], marks[6]), (1, marks[16], marks[13], marks[10])):
        if side * turn > 0.55:
            continue
        knot = cheek + (side * 0.03, -0.02)
        under = curve([knot, jaw + (side * 0.02, 0.02), chin], 16)
        before = curve([(ear[0] + side * 0.01, line + 0.05), ear + (side * 0.015, 0.08), knot], 12)
        behind = curve([(ear[0] + side * 0.14, line + 0.06), ear + (side * 0.12, 0.16), knot], 12)
        bands = board.lines([under, before, behind], params["strap_width"])
        board.cast(bands, 0.008, 0.3, (0.004, 0.008))
        board.lay(bands, _rgb(params["strap_rgb"]), 0.03)


def _muffs(board: Board, params: Params, marks: Points, line: float, turn: float) -> None:
    for side, ear in ((-1, marks[0]), (1, marks[16])):
        if side * turn > 0.55:
            continue
        x, y = float(ear[0]) + side * 0.07, float(ear[1]) + 0.1
        arm = board.lines([np.array([(x, y), (x + side * 0.01, line)])], 0.03)
        board.lay(arm, (0.2, 0.2, 0.2), 0.1)
        wide = 0.1 + 0.07 * max(0.0, -side * turn)
        cup = board.fill(ellipse(x, y, wide, 0.2, power=2.6))
        board.cast(cup, 0.02, 0.35)
        board.lay(cup, _rgb(params["muffs_rgb"]), board.puff(cup, 0.12, 0.08) + np.float32(0.1))


def _visor(board: Board, middle: float, half: float, line: float) -> None:
    """A clear visor, pushed up before the shell."""
    x = np.linspace(-1, 1, 24)
    low = np.stack([middle + x * half * 1.05, line - 0.03 + 0.1 * x**2], 1)
    up = np.stack([middle + x * half * 0.98, line - 0.62 + 0.3 * x**2], 1)
    pane = board.fill(np.vstack([up, low[::-1]]))
    board.lay(pane * np.float32(0.3), (0.88, 0.92, 0.95))
    board.lay(board.lines([np.vstack([up, low[::-1], up[:1]])], 0.014) * np.float32(0.7), (0.5, 0.53, 0.56))


def _lamp(board: Board, x: float, y: float) -> None:
    body, glass = board.fill(ellipse(x, y, 0.11, 0.1, power=3)), board.fill(ellipse(x, y, 0.075, 0.07))
    board.lay(body, (0.12, 0.12, 0.13), 0.6)
    board.lay(glass, (0.92, 0.93, 0.86), 0.62)


def _vest(board: Board, params: Params, marks: Points) -> None:
    """Shoulders of a high-visibility vest with grey stripes, open at the neck."""
    x, chin = float(marks[8, 0]) * 0.5, float(marks[8, 1])
    for side in (-1, 1):
        neck = (x + side * 0.3, chin + 0.18)
        outline = [neck, (x + side * 0.75, chin + 0.34), (x + side * 1.35, chin + 0.5), (x + side * 1.4, chin + 2)]
        coverage = board.fill(np.array([*outline, (x + side * 0.02, chin + 2), (x + side * 0.04, chin + 0.75)]))
        shade = 1 + np.float32(0.06) * board.noise(params["seed"] + 3, 0.15)
        cloth = np.clip(_rgb(params["vest_rgb"])[:, None, None] * shade, 0, 1)
        board.lay(coverage, np.asarray(cloth, np.float32), board.puff(coverage, 0.05, 0.2))
        stripe = np.array([(x + side * 0.52, chin + 0.2), (x + side * 0.5, chin + 2)])
        board.lay(board.lines([stripe], 0.12) * coverage, (0.75, 0.77, 0.78))


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=6.0, family="headgear")
