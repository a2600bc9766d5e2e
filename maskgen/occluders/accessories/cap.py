"""Hats: baseball cap, woollen hat, brimmed hat, helmet."""

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
    """Which hat, how low, what cloth."""
    style = str(rng.choice(["baseball", "baseball", "beanie", "beanie", "brim", "helmet"]))
    weaves = {
        "baseball": ("plain", "coarse"),
        "beanie": ("ribbed", "knit", "fleece"),
        "brim": ("plain", "coarse"),
        "helmet": ("plain",),
    }
    printed = {"baseball": 0.2, "beanie": 0.2, "brim": 0.25, "helmet": 0.0}[style]
    return {
        "style": style,
        "cloth": cloth.draw_cloth(
            rng, printed, ("camouflage", "stripes", "heather", "checks", "floral"), weaves[style]
        ),
        "second": cloth.draw_cloth(rng, 0.0, weaves=("plain",)),
        "same": bool(rng.random() < 0.6),
        "low": round(float(rng.uniform(-0.04, 0.12)), 3),
        "tilt": round(float(rng.normal(0, 0.03)), 3),
        "peak": round(float(rng.uniform(0.1, 0.24)), 3),
        "wide": round(float(rng.uniform(0.1, 0.4)), 3),
        "badge": bool(rng.random() < 0.5),
        "turn_up": round(float(rng.uniform(0.14, 0.26)), 3),
        "bobble": bool(rng.random() < 0.3),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw crown and brim; the brim's shadow falls on the brow."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.1, -1.9, 1.1, 0.1), frame_wh)
    brow = float(marks[17:27, 1].mean())
    left, right = float(marks[0, 0]) - 0.05, float(marks[16, 0]) + 0.05
    middle = (left + right) / 2 + 0.12 * frame.turn * 0.3
    half = (right - left) / 2
    line = brow - 0.17 + params["low"]
    {"baseball": _baseball, "beanie": _beanie, "brim": _brim, "helmet": _helmet}[params["style"]](
        board, params, middle, half, line, frame.turn
    )
    lift = 0.05 if params["style"] in ("baseball", "brim") else 0.02
    return board.layer(
        follows_face=False, shadow=0.8, lift=lift * frame.unit, gloss=0.25 if params["style"] == "helmet" else 0.0
    )


def _crown(
    board: Board, params: Params, middle: float, half: float, line: float, tall: float, bow: float = 0.1
) -> None:
    """The round part from ``line`` up."""
    x = np.linspace(-1, 1, 24)
    low = np.stack([middle + x * half, line + bow * x**2 + params["tilt"] * x], 1)
    up = curve(
        [
            low[-1],
            (middle + half * 1.0, line - tall * 0.45),
            (middle + half * 0.66, line - tall * 0.88),
            (middle, line - tall),
            (middle - half * 0.66, line - tall * 0.88),
            (middle - half * 1.0, line - tall * 0.45),
            low[0],
        ],
        40,
    )
    coverage = board.fill(np.vstack([low, up[1:-1]]))
    dx = np.asarray((board.x - np.float32(middle)) / np.float32(half))
    dy = np.asarray((board.y - np.float32(line)) / np.float32(tall))
    dome = np.sqrt(np.clip(1.1 - dx * dx - np.square(np.clip(-dy, 0, 1)) * 0.85, 0.01, 1)) * np.float32(0.45)
    form = dome + cloth.folds(board, params["seed"], 0.14, 2, 20, 0.006 * params["cloth"]["folds"])
    if params["style"] == "baseball":
        for seam in (-0.42, 0.0, 0.42):
            at = np.float32(middle + seam * half) * 1 + np.float32(seam * 0.12) * dy
            form = form - np.float32(0.006) * np.exp(-np.square((board.x - at) / np.float32(0.008)))
    u = np.asarray(np.arcsin(np.clip(dx, -1, 1)) * np.float32(half) + 0 * board.y + np.float32(2.3), np.float32)
    v = np.asarray(board.y + 0 * board.x + np.float32(3), np.float32)
    cloth.drape(board, params["cloth"], coverage, u, v, np.asarray(form, np.float32), hollow=0.4)


def _baseball(board: Board, params: Params, middle: float, half: float, line: float, turn: float) -> None:
    _crown(board, params, middle, half, line, 0.72, 0.06)
    if params["badge"]:
        rng = np.random.default_rng(params["seed"])
        ink = np.asarray(params["second"]["rgb"], np.float32) / 255
        t = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        r = 0.13 * np.where(np.arange(14) % 2, rng.uniform(0.5, 1), 1)
        board.lay(board.fill(np.stack([middle + r * np.cos(t) * 1.2, line - 0.3 + r * np.sin(t)], 1)), ink, None)
    peak, shift = params["peak"], 0.22 * turn
    x = np.linspace(-1, 1, 24)
    reach = half * 0.92
    back = np.stack([middle + x * reach, line + 0.05 * x**2 + params["tilt"] * x - 0.02], 1)
    front = np.stack(
        [middle + shift + x * reach * 1.02, line + peak - 0.75 * peak * np.abs(x) ** 2.6 + params["tilt"] * x], 1
    )
    front[[0, -1]] = back[[0, -1]]
    coverage = board.fill(np.vstack([back, front[::-1]]))
    v, _ = cloth.between(board, back, front)
    dx = (board.x - np.float32(middle)) / np.float32(reach)
    form = np.asarray(np.float32(0.55) + np.float32(0.12) * (1 - dx * dx) - np.float32(0.06) * v, np.float32)
    use = params["cloth"] if params["same"] else params["second"]
    cloth.drape(board, use, coverage, np.asarray(dx + 2 + 0 * board.y), np.asarray(v), form, hollow=0.1)
    rows = np.exp(-np.square((np.mod(v * 5, 1) - 0.5) / np.float32(0.12)))
    board.tint(1 - coverage * (np.float32(0.08) * rows + np.float32(0.12) + np.float32(0.22) * np.clip(v - 0.6, 0, 1)))


def _beanie(board: Board, params: Params, middle: float, half: float, line: float, turn: float) -> None:
    _crown(board, params, middle, half * 1.02, line - 0.05, 0.78, 0.14)
    if params["bobble"]:
        t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        r = 0.16 * (1 + 0.07 * np.random.default_rng(params["seed"]).normal(size=40))
        ball = board.fill(np.stack([middle + r * np.cos(t), line - 0.88 + r * np.sin(t)], 1))
        fluff = board.noise(params["seed"] + 4, 0.02)
        wool = np.asarray(params["second"]["rgb"], np.float32)[:, None, None] / 255 * (1 + 0.12 * fluff)
        board.lay(ball, np.clip(wool, 0, 1), board.puff(ball, 0.15, 0.16) + 0.4)
    x = np.linspace(-1, 1, 24)
    low = np.stack([middle + x * half * 1.07, line + 0.1 * x**2 + params["tilt"] * x], 1)
    top = low - (0, params["turn_up"])
    coverage = board.fill(np.vstack([top, low[::-1]]))
    v, _ = cloth.between(board, top, low)
    dx = np.clip((board.x - np.float32(middle)) / np.float32(half * 1.07), -1, 1)
    form = np.sqrt(1 - dx * dx * 0.95) * np.float32(0.46) + np.sqrt(np.clip(4 * v * (1 - v), 0, 1)) * np.float32(0.03)
    use = params["cloth"] if params["same"] else params["second"] | {"weave": "ribbed"}
    u = np.asarray(np.arcsin(dx) * np.float32(half) + 0 * board.y + np.float32(2), np.float32)
    cloth.drape(
        board, use, coverage, u, np.asarray(v * np.float32(params["turn_up"])), np.asarray(form, np.float32), hollow=0.4
    )


def _brim(board: Board, params: Params, middle: float, half: float, line: float, turn: float) -> None:
    _crown(board, params, middle, half * 0.98, line - 0.02, 0.55, 0.03)
    band = np.linspace(-1, 1, 16)
    ribbon = np.stack([middle + band * half * 0.97, line - 0.09 + 0.03 * band**2], 1)
    board.lay(board.lines([ribbon], 0.1) * board.alpha, np.asarray(params["second"]["rgb"], np.float32) / 255)
    x = np.linspace(-1, 1, 30)
    wide = half * (1.25 + params["wide"] * 1.6)
    droop = 0.09 * x**2 * (1 if params["wide"] < 0.3 else -0.6)
    up = np.stack([middle + x * wide, line - 0.05 * (1 - x**2) + droop], 1)
    low = np.stack([middle + x * wide, line + params["peak"] * 0.7 * (1 - x**2) ** 0.7 + droop + params["tilt"] * x], 1)
    coverage = board.fill(np.vstack([up, low[::-1]]))
    v, _ = cloth.between(board, up, low)
    form = np.asarray(np.float32(0.6) - np.float32(0.1) * v + 0 * board.x, np.float32)
    cloth.drape(
        board,
        params["cloth"],
        coverage,
        np.asarray(board.x + 2 + 0 * board.y),
        np.asarray(v * np.float32(0.3)),
        form,
        hollow=0.2,
    )
    board.tint(1 - coverage * np.float32(0.3) * np.clip(v * 1.2 - 0.2, 0, 1))


def _helmet(board: Board, params: Params, middle: float, half: float, line: float, turn: float) -> None:
    cloth_ = params["cloth"] | {"folds": 0.0, "pattern": None}
    _crown(board, params | {"cloth": cloth_}, middle, half * 1.12, line - 0.02, 0.7, 0.1)
    x = np.linspace(-1, 1, 24)
    rim = np.stack([middle + x * half * 1.12, line + 0.1 * x**2 - 0.01], 1)
    board.lay(board.lines([rim], 0.045), np.asarray(cloth_["rgb"], np.float32) / 255 * 0.85, 0.5)
    for k in (-0.5, 0.0, 0.5):
        ridge = curve(
            [
                (middle + k * half * 1.0, line - 0.06),
                (middle + k * half * 0.85, line - 0.4),
                (middle + k * half * 0.4, line - 0.64),
            ],
            12,
        )
        board.tint(1 + np.float32(0.14) * board.blur(board.lines([ridge], 0.03), 0.01) * board.alpha)
    for side in (-1, 1):
        strap = curve(
            [
                (middle + side * half * 1.04, line + 0.1),
                (middle + side * half * 0.98, line + 0.5),
                (middle + side * half * 0.75, line + 0.95),
            ],
            16,
        )
        board.lay(board.lines([strap], 0.03), (0.1, 0.1, 0.11), 0.02)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=3.0, family="headgear")
