"""Microphones before the mouth: mesh ball, foam, box of a broadcaster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.drawing.board import CM, Board, FaceFrame, Params, curve, ellipse
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import grip
from maskgen.occluders.hands.hand import unit_rgb

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


def draw_params(rng: np.random.Generator) -> Params:
    """Head, handle, and who holds it: a hand, a stand, or nobody in sight."""
    style = str(rng.choice(["mesh", "mesh", "foam", "foam", "flag", "studio"]))
    side = int(rng.choice([-1, 1]))
    lean = float(rng.normal(16, 14)) * side
    head = [float(rng.normal(0.03, 0.06)) * side, float(rng.normal(0.16, 0.06))]
    scale = float(rng.normal(1.1, 0.12))
    params: Params = {
        "style": style,
        "at": [round(v, 4) for v in head],
        "lean_deg": round(lean, 2),
        "scale": round(scale, 3),
        "side": side,
        "head_rgb": unit_rgb(
            rng,
            str(
                rng.choice(
                    ["grey", "charcoal", "light_grey", "light_grey", "beige"]
                    if style in ("mesh", "studio")
                    else ["black", "black", "charcoal", "red", "royal_blue", "yellow", "forest", "orange"]
                )
            ),
        ),
        "body_rgb": unit_rgb(rng, str(rng.choice(["black", "charcoal", "black", "grey", "navy"]))),
        "flag_rgb": unit_rgb(rng),
        "long": round(float(rng.uniform(1.0, 1.35)), 2),
        "seed": int(rng.integers(2**31)),
        "stand": bool(style == "studio" or rng.random() < 0.25),
        "hand": None,
    }
    if not params["stand"]:
        down = 0.62 * scale
        turn = np.radians(lean)
        at = (head[0] - np.sin(turn) * down + side * 0.07, head[1] + np.cos(turn) * down)
        params["hand"] = grip.draw_grip(rng, side, at, turn=-86 + side * lean * 0.6, bend=42)
    return params


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw handle, head, and the hand round the handle."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.2, -0.6, 1.2, 1.7), frame_wh)
    _handle(board, params)
    _head(board, params)
    grip.grip(board, params["hand"], skin_rgb)
    return board.layer(follows_face=False, shadow=0.7, lift=0.05 * frame.unit, gloss=0.0)


def _handle(board: Board, params: Params) -> None:
    cm = CM * params["scale"]
    at, lean = params["at"], params["lean_deg"]
    top, bottom = (1.75, 1.25) if params["style"] != "foam" else (1.5, 1.2)
    half = [top * cm, bottom * cm, (0.5 if params["stand"] else bottom) * cm]
    down = [1.0 * cm, 9 * cm, 26 * cm]
    if params["stand"]:
        half, down = [1.4 * cm, 1.3 * cm, 1.3 * cm, 0.6 * cm, 0.6 * cm], [cm, 2 * cm, 5 * cm, 5.2 * cm, 30 * cm]
    outline = np.vstack([np.stack([half, down], 1), np.stack([-np.array(half), down], 1)[::-1]])
    part = board.around(grip.placed(outline, at, lean), pad=0.06)
    x, y = grip.local(part, at, lean)
    width = np.interp(y, down, half).astype(np.float32)
    height, square = grip.cylinder(x, np.maximum(width, np.float32(1e-3)))
    tone = 0.55 + 0.45 * np.power(square, 0.7)
    shine = grip.streak(x / width, -0.4, 0.12, 0.28) + grip.streak(x / width, 0.6, 0.08, 0.1)
    rgb = np.asarray(params["body_rgb"], np.float32)[:, None, None] * tone + shine
    coverage = part.fill(grip.placed(outline, at, lean))
    part.cast(coverage, 0.03, 0.3)
    part.lay(coverage, np.clip(rgb, 0, 1), height)
    if params["style"] == "flag":
        # The box with the broadcaster's name.
        w, high, tall = 3.4 * cm, 3.6 * cm, 9.6 * cm
        box = grip.placed([(-w, high), (w, high), (w, tall), (-w, tall)], at, lean)
        part = board.around(box, pad=0.05)
        cover = part.fill(box)
        part.cast(cover, 0.03, 0.35)
        x, y = grip.local(part, at, lean)
        crease = 1 - 0.22 * (x > 0.45 * w)
        base = np.asarray(params["flag_rgb"], np.float32)
        part.lay(
            cover,
            np.clip(base[:, None, None] * crease, 0, 1),
            np.minimum(x, 0.45 * w) * np.float32(0.3) + np.float32(0.1),
        )
        rng = np.random.default_rng(params["seed"])
        bars: list[Any] = []
        ink = (0.96, 0.96, 0.95) if base.mean() < 0.6 else (0.1, 0.12, 0.3)
        for k in range(int(rng.integers(2, 4))):
            left = -0.75 * w + k * 0.42 * w
            bars.append(
                grip.placed(
                    [
                        (left, 5.4 * cm),
                        (left + 0.28 * w, 5.4 * cm),
                        (left + 0.28 * w * rng.uniform(0.3, 1), 7.8 * cm),
                        (left, 7.8 * cm),
                    ],
                    at,
                    lean,
                )
            )
        part.lay(part.fill(*bars), ink)


def _head(board: Board, params: Params) -> None:
    cm, style = CM * params["scale"], params["style"]
    at, lean = params["at"], params["lean_deg"]
    radius = {"mesh": 2.6, "foam": 3.1, "flag": 3.0, "studio": 2.9}[style] * cm
    tall = radius * (params["long"] if style != "mesh" else 1.04) * (1.35 if style == "studio" else 1)
    shape = ellipse(0, 0, radius, tall, 0, 4.0 if style == "studio" else 2.15)
    if style == "mesh":
        # A ball above, a cone into the collar below.
        low = shape[:, 1] > 0
        shape[low, 0] *= 1 - 0.32 * (shape[low, 1] / tall) ** 2
    outline = grip.placed(shape, at, lean)
    part = board.around(outline, pad=0.15)
    if part.alpha.size <= 1:
        return
    coverage = part.fill(outline)
    x, y = grip.local(part, at, lean)
    away = np.square(x / np.float32(radius)) + np.square(y / np.float32(tall))
    dome = np.sqrt(np.clip(1 - away, 0, 1))
    height = dome * np.float32(radius)
    base = np.asarray(params["head_rgb"], np.float32)[:, None, None]
    part.cast(coverage, 0.05, 0.4, (0, 0.03))
    if style in ("mesh", "studio"):
        # A woven wire grille, seen at a slant towards the rim.
        u = np.arcsin(np.clip(x / np.float32(radius * 1.05), -1, 1)) * np.float32(radius)
        v = np.arcsin(np.clip(y / np.float32(tall * 1.05), -1, 1)) * np.float32(tall)
        cell = np.float32(max(0.4 * cm, 3.0 / part.px))
        turn = np.float32(2 * np.pi)
        wires = np.maximum(
            np.cos((u + v) / cell * turn * np.float32(0.7)), np.cos((u - v) / cell * turn * np.float32(0.7))
        )
        shine = np.exp(-(np.square(x / np.float32(radius) + 0.35) + np.square(y / np.float32(tall) + 0.4)) * 5)
        rgb = base * (0.5 + 0.5 * dome) * (0.62 + 0.42 * wires) + 0.35 * shine * (wires > 0)
        part.lay(coverage, np.clip(rgb, 0, 1), height)
        if style == "mesh":
            band = part.lines(
                [
                    grip.placed(
                        curve([(-radius * 1.0, 0.1 * radius), (0, 0.22 * radius), (radius * 1.0, 0.1 * radius)], 16),
                        at,
                        lean,
                    )
                ],
                0.5 * cm,
            )
            part.lay(band * coverage, np.clip(base * (0.8 + 0.5 * shine), 0, 1) * np.ones((3, *part.shape), np.float32))
        else:
            band = np.clip((0.18 * radius - np.abs(y - np.float32(tall * 0.72))) * part.px, 0, 1) * coverage
            part.lay(np.asarray(band, np.float32), np.asarray(params["body_rgb"], np.float32))
        return
    grain = part.noise(params["seed"], 0.011) * np.float32(0.1) + part.noise(params["seed"] + 1, 0.05) * np.float32(
        0.04
    )
    part.lay(
        coverage, np.clip(base * (1 + grain) * (0.72 + 0.28 * dome) + 0.02, 0, 1), height + grain * np.float32(0.02)
    )


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=1.0, place="held")
