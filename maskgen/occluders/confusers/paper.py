"""Paper before the mouth: a sheet, a leaflet, a book, a tissue, a card, a fan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.drawing.palette import PALETTE, jitter
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import grip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


REACHES_OUT: Final = 1.1
"""Paper that ends lower than this, in face widths below the nose, is held below the picture."""


def draw_params(rng: np.random.Generator) -> Params:
    """What it is, how large, how turned, what is on it, and whether a hand is seen."""
    style = str(rng.choice(["sheet", "sheet", "leaflet", "book", "tissue", "tissue", "card"]))
    width, height = {
        "sheet": (rng.uniform(0.9, 1.5), rng.uniform(0.9, 1.6)),
        "leaflet": (rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1)),
        "book": (rng.uniform(0.8, 1.4), rng.uniform(0.9, 1.4)),
        "tissue": (rng.uniform(0.45, 0.85), rng.uniform(0.4, 0.7)),
        "card": (rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.5)),
    }[style]
    bright = style in ("sheet", "tissue") or rng.random() < 0.3
    name = "white" if bright else str(rng.choice(list(PALETTE)))
    side = int(rng.choice([-1, 1]))
    top = round(float(rng.uniform(-0.3, 0.22)), 3)
    x = round(float(rng.normal(0.08 * side, 0.16)), 3)
    # What ends within the picture would float without a hand.
    seen = rng.random() < 0.5 or top + height < REACHES_OUT
    hand = (
        grip.draw_grip(rng, side, (x + side * width * 0.3, top + float(rng.uniform(0.55, 0.9)) * height))
        if seen
        else None
    )
    return {
        "style": style,
        "rgb": list(jitter(rng, PALETTE[name])),
        "ink": list(jitter(rng, PALETTE[str(rng.choice(list(PALETTE)))])),
        "printed": style in ("leaflet", "book", "card") or (style == "sheet" and bool(rng.random() < 0.5)),
        "size": [round(float(width), 3), round(float(height), 3)],
        "at": [x, top],
        "angle_deg": round(float(rng.normal(0, 16)), 2),
        "taper": round(float(rng.normal(0, 0.1)), 3),
        "curl": round(float(rng.normal(0, 0.05)), 3),
        "creases": int(rng.integers(0, 4)),
        "hand": hand,
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the sheet, its creases and print, and the hand."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.4, -0.9, 1.4, 2.0), frame_wh)
    rng = np.random.default_rng(params["seed"])
    (_tissue if params["style"] == "tissue" else _sheet)(board, params, rng)
    grip.grip(board, params["hand"], skin_rgb)
    return board.layer(follows_face=False, shadow=0.7, lift=0.05 * frame.unit, gloss=0.03)


def _sheet(board: Board, params: Params, rng: np.random.Generator) -> None:
    width, height = params["size"]
    angle = params["angle_deg"]
    half, taper, curl = width / 2, 1 + params["taper"], params["curl"]
    t = np.linspace(-1, 1, 12)
    top = np.stack([t * half, curl * (1 - t**2)], 1)
    bottom = np.stack([t[::-1] * half * taper, height + curl * (1 - t**2)], 1)
    coverage = board.fill(grip.placed(np.vstack([top, bottom]), params["at"], angle))
    x, y = grip.local(board, params["at"], angle)
    form: Any = np.asarray(np.float32(curl * 0.8) * np.square(x / np.float32(half)), np.float32)
    tone = np.ones(board.shape, np.float32)
    for _ in range(params["creases"]):
        lean, at = rng.normal(0, 0.5), rng.uniform(-half, half)
        away = x - np.float32(at) - np.float32(lean) * (y - np.float32(height / 2))
        form = form + np.abs(away) * np.float32(rng.normal(0, 0.12))
        tone -= np.float32(0.1) * np.exp(-np.square(away / np.float32(0.008)))
    board.cast(coverage, 0.03, 0.3)
    paper = np.asarray(params["rgb"], np.float32)[:, None, None] / 255
    board.lay(coverage, np.clip(paper * tone, 0, 1), form)
    if not params["printed"]:
        return
    ink = np.asarray(params["ink"], np.float32) / 255
    if params["style"] != "sheet":
        # A picture or a title over part of it.
        low, high = np.sort(rng.uniform(0.05, 0.95, 2)) * height
        block = np.array([(-0.85 * half, low), (0.85 * half, low), (0.85 * half, high), (-0.85 * half, high)])
        board.lay(board.fill(grip.placed(block, params["at"], angle)) * coverage * np.float32(0.85), ink)
    row = 0.06 * height + 0.02
    while row < height * 0.92:
        end = half * rng.uniform(0.2, 0.85)
        line = grip.placed([(-0.85 * half, row), (end, row)], params["at"], angle)
        board.lay(board.lines([line], 0.012) * coverage * np.float32(0.6), (0.2, 0.2, 0.22))
        row += 0.05


def _tissue(board: Board, params: Params, rng: np.random.Generator) -> None:
    width, height = params["size"]
    knots = 16
    t = np.linspace(0, 2 * np.pi, knots, endpoint=False)
    r = 1 + rng.normal(0, 0.13, knots)
    outline = np.stack([width / 2 * r * np.cos(t), height / 2 + height / 2 * r * np.sin(t)], 1)
    coverage = board.fill(grip.placed(curve(outline, 96, closed=True), params["at"], params["angle_deg"]))
    form: Any = board.puff(coverage, 0.05, 0.15)
    for k, turn in enumerate(rng.uniform(0, 180, 3)):
        form = form + np.abs(board.noise(params["seed"] + k, 0.12, 3, float(turn))) * np.float32(0.025)
    paper = np.asarray(params["rgb"], np.float32)[:, None, None] / 255
    deep = np.clip((board.blur(form, 0.03) - form) * 9, -0.1, 0.3)
    board.cast(coverage, 0.03, 0.35)
    board.lay(coverage, np.clip(paper * (1 - deep), 0, 1), form)


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=1.0, place="held")
