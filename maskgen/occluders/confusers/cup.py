# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Cups, mugs, glasses, cans and bottles at the mouth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.drawing import patterns
from maskgen.drawing.board import CM, Board, FaceFrame, Field, Params, curve, ellipse
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import grip
from maskgen.occluders.hands.hand import unit_rgb

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

# Radii at rim and foot, height (cm), weight.
STYLES: Final[dict[str, tuple[float, float, float, float]]] = {
    "mug": (4.2, 4.0, 9.5, 4),
    "paper": (4.3, 2.9, 11.5, 3),
    "teacup": (4.6, 2.6, 6.2, 1.5),
    "tumbler": (3.9, 3.2, 12.0, 2),
    "can": (3.2, 3.2, 12.0, 1.5),
    "bottle": (1.5, 3.4, 21.0, 2),
}


def draw_params(rng: np.random.Generator) -> Params:
    """A vessel, its tilt towards the drinker, and the hand on it."""
    names = list(STYLES)
    weights = np.array([STYLES[name][3] for name in names])
    style = str(rng.choice(names, p=weights / weights.sum()))
    side = int(rng.choice([-1, 1]))
    scale = float(rng.normal(1.08, 0.08))
    x, y = float(rng.normal(0, 0.03)), float(rng.normal(0.06, 0.05))
    lean = float(rng.normal(0, 7)) + side * 4
    length = STYLES[style][2] * CM * scale
    params: Params = {
        "style": style,
        "rgb": unit_rgb(rng),
        "second": unit_rgb(rng),
        "band": unit_rgb(rng, str(rng.choice(["brown", "beige", "white", "black"]))),
        "rim_at": [round(x, 4), round(y, 4)],
        "lean_deg": round(lean, 2),
        "scale": round(scale, 3),
        "tip": round(float(rng.uniform(-0.35, 0.55)), 3),
        "side": side,
        "handle": bool(rng.random() < 0.75),
        "print": str(rng.choice(["none", "none", "band", "logo", "stripes", "dots", "floral", "letters"])),
        "seed": int(rng.integers(2**31)),
        "hand": None,
        "other": None,
    }
    if rng.random() < 0.85:
        down = length * (0.48 if style != "bottle" else 0.62)
        at = (x + side * 0.1 - np.sin(np.radians(lean)) * down, y + down)
        params["hand"] = grip.draw_grip(rng, side, at, bend=24)
        if style in ("mug", "paper", "tumbler") and rng.random() < 0.3:
            keep = {k: params["hand"][k] for k in ("tone", "nails", "nail_length", "sleeve", "glove", "fat", "scale")}
            params["other"] = grip.draw_grip(rng, -side, (at[0] - side * 0.2, at[1] + 0.03), bend=24, **keep)
    return params


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the vessel from its rim down, then the hands that hold it."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.2, -0.6, 1.2, 1.7), frame_wh)
    _vessel(board, params)
    grip.grip(board, params["other"], skin_rgb)
    grip.grip(board, params["hand"], skin_rgb)
    return board.layer(follows_face=False, shadow=0.7, lift=0.04 * frame.unit, gloss=0.0)


def _vessel(board: Board, params: Params) -> None:
    style = params["style"]
    cm = CM * params["scale"]
    rim, foot, tall, _ = STYLES[style]
    rim, foot, tall = rim * cm, foot * cm, tall * cm
    at, lean, tip = params["rim_at"], params["lean_deg"], params["tip"]
    if style == "bottle":
        tip = max(tip, 0.0) * 0.5
    tall = tall * (1 - 0.45 * max(tip, 0) ** 2)
    outline_x, rise = _profile(style, rim, foot, tall)
    # Ellipses of rim and foot open as the vessel is tipped.
    open_rim, open_foot = 0.12 - 0.3 * tip, 0.16 + 0.35 * tip
    t = np.linspace(0, np.pi, 15)
    base = np.stack([foot * np.cos(t), tall + foot * open_foot * np.sin(t)], 1)
    lip = np.stack([-rim * np.cos(t), -rim * open_rim * np.sin(t)], 1)
    right = np.stack([outline_x, rise], 1)
    outline = np.vstack([lip, right, base, np.stack([-outline_x, rise], 1)[::-1]])
    part = board.around(grip.placed(outline, at, lean), pad=0.4)
    if part.alpha.size <= 1:
        return
    if style in ("mug", "teacup") and params["handle"]:
        _handle(part, params, rim, tall)
    body = part.fill(grip.placed(outline, at, lean))
    x, y = grip.local(part, at, lean)
    half = np.interp(y, rise, outline_x).astype(np.float32)
    height, square = grip.cylinder(x, np.maximum(half, np.float32(1e-3)))
    colour = _colour(part, params, x, y, half, tall, square)
    edge = 0.62 + 0.38 * np.power(square, 0.6)
    gleam = grip.streak(x / half, -0.45, 0.11, 0.5) + grip.streak(x / half, 0.62, 0.08, 0.22)
    matt = style == "paper"
    colour = colour * edge + gleam * np.float32(0.25 if matt else 0.8)
    part.cast(body, 0.03, 0.35, (0, 0.02))
    opacity = np.float32(0.62) + np.float32(0.3) * (1 - square) if style == "tumbler" else np.float32(1)
    part.lay(body * opacity, np.clip(colour, 0, 1), height * np.float32(0.6))
    _rim(part, params, rim, open_rim)


def _profile(style: str, rim: float, foot: float, tall: float) -> tuple[Any, Any]:
    """Half widths and how far down they are, (24,) each."""
    rise = np.linspace(0, tall, 24)
    t = rise / tall
    if style == "teacup":
        return rim + (foot - rim) * t**2.2, rise
    if style == "bottle":
        neck = 1 / (1 + np.exp(-(t - 0.33) * 22))
        return rim * 0.95 + (foot - rim * 0.95) * neck, rise
    if style == "can":
        return rim * (1 - 0.13 * np.exp(-t * 28) - 0.1 * np.exp(-(1 - t) * 40)), rise
    return rim + (foot - rim) * t, rise


def _colour(board: Board, params: Params, x: Field, y: Field, half: Field, tall: float, square: Field) -> Any:
    """What is printed on the body, (3, h, w)."""
    import cv2

    style = params["style"]
    plain = np.asarray(params["rgb"], np.float32)
    if style == "paper" and sum(params["rgb"]) < 1.6:
        plain = plain * 0.3 + np.asarray((0.65, 0.64, 0.62), np.float32)
    if style == "tumbler":
        plain = plain * 0.12 + 0.78
    rgb = np.repeat(np.broadcast_to(plain[:, None, None], (3, 1, 1)), board.shape[0], 1) + np.zeros(
        (1, *board.shape), np.float32
    )
    down = y / np.float32(tall)
    second = np.asarray(params["second"], np.float32)
    wrap = np.arcsin(np.clip(x / half, -1, 1)) / np.float32(np.pi)
    print_ = params["print"]
    if print_ in ("stripes", "dots", "floral", "letters", "logo") or (style == "can" and print_ != "none"):
        name = print_ if print_ in patterns.NAMES else "letters"
        base = tuple(int(255 * c) for c in plain)
        flat = patterns.render(name, params["seed"], (128, 128), (base[0], base[1], base[2]))
        u = np.clip((wrap + 0.5) * 127, 0, 127).astype(np.float32)
        v = np.clip(down * 127, 0, 127).astype(np.float32)
        rgb = np.stack(cv2.split(cv2.remap(flat, u, np.ascontiguousarray(v), cv2.INTER_LINEAR)))
    elif print_ == "band":
        band = np.clip((0.2 - np.abs(down - np.float32(0.45))) * 30, 0, 1)
        rgb = rgb + (second[:, None, None] - rgb) * band
    if style == "paper":
        sleeve = np.clip((0.22 - np.abs(down - np.float32(0.55))) * 60, 0, 1)
        brown = np.asarray(params["band"], np.float32)
        rgb = rgb + (brown[:, None, None] * (1 + 0.05 * np.cos(wrap * 260)) - rgb) * sleeve
        lid = np.clip((0.09 - down) * 60, 0, 1)
        colour = np.asarray((0.95, 0.95, 0.94) if sum(params["second"]) > 1.2 else (0.12, 0.1, 0.1), np.float32)
        rgb = rgb + (colour[:, None, None] - rgb) * lid
        rgb = rgb * (1 - 0.3 * np.exp(-np.square((down - np.float32(0.095)) / np.float32(0.008))))
    elif style == "tumbler":
        drink = np.clip((down - np.float32(0.35)) * 50, 0, 1)
        rgb = rgb + (second[:, None, None] * 0.9 - rgb) * drink * np.float32(0.8)
    elif style == "bottle":
        label = np.clip((0.13 - np.abs(down - np.float32(0.66))) * 60, 0, 1)
        rgb = rgb + (second[:, None, None] - rgb) * label
    elif style == "can":
        metal = np.clip((0.05 - np.minimum(down, 1 - down)) * 60, 0, 1)
        rgb = rgb + (np.float32(0.74) - rgb) * metal
    return rgb


def _rim(board: Board, params: Params, rim: float, open_rim: float) -> None:
    """The lip, and the inside when the viewer looks into it."""
    style, at, lean = params["style"], params["rim_at"], params["lean_deg"]
    if style == "paper":
        # A lid stands up a little inside the rim.
        return
    ring = grip.placed(ellipse(0, 0, rim * 0.97, max(abs(rim * open_rim), 0.002)), at, lean)
    pale = np.clip(np.asarray(params["rgb"], np.float32) * 0.6 + 0.38, 0, 1)
    if open_rim > 0.05 and style in ("mug", "teacup", "tumbler"):
        inside = board.fill(ring)
        board.lay(inside * np.float32(0.3 if style == "tumbler" else 1), pale * 0.55)
    if style != "bottle":
        board.lay(board.lines([ring], 0.012 if style == "can" else 0.016, closed=True) * 0.8, pale)


def _handle(board: Board, params: Params, rim: float, tall: float) -> None:
    """An ear on the side of the hand."""
    side = params["side"]
    loop = curve(
        [
            (side * rim * 0.9, tall * 0.2),
            (side * rim * 1.5, tall * 0.24),
            (side * rim * 1.62, tall * 0.5),
            (side * rim * 1.4, tall * 0.74),
            (side * rim * 0.9, tall * 0.8),
        ],
        20,
    )
    path = grip.placed(loop, params["rim_at"], params["lean_deg"])
    ear = board.lines([path], 0.09 * params["scale"])
    board.lay(ear, np.asarray(params["rgb"], np.float32) * 0.92, board.puff(ear, 0.045, 0.045))
    shine = board.lines([path + (-0.012, -0.012)], 0.014)
    board.lay(board.blur(shine, 0.005) * np.float32(0.4), (0.98, 0.98, 0.98))


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=1.5, place="held")
