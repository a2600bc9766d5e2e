# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Beards and moustaches, hair by hair, on the jaw they grow from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace, Points

HAIR: Final = {
    "black": (0.09, 0.08, 0.08),
    "dark": (0.19, 0.14, 0.11),
    "brown": (0.32, 0.22, 0.15),
    "auburn": (0.42, 0.22, 0.12),
    "ginger": (0.62, 0.34, 0.15),
    "blond": (0.7, 0.56, 0.36),
    "grey": (0.5, 0.49, 0.48),
    "white": (0.84, 0.83, 0.81),
}
STYLES: Final = {
    # weight, hairs, length in face widths, how much of the base is covered
    "full": (4, 850, (0.06, 0.13), 0.8),
    "long": (2, 1300, (0.14, 0.4), 0.9),
    "stubble": (2, 1100, (0.012, 0.025), 0.4),
    "goatee": (2, 420, (0.04, 0.11), 0.8),
    "moustache": (2, 260, (0.04, 0.08), 0.75),
    "chinstrap": (1, 480, (0.025, 0.05), 0.7),
}


def draw_params(rng: np.random.Generator) -> Params:
    """A style, a colour, a density."""
    names = list(STYLES)
    weights = np.array([STYLES[name][0] for name in names], float)
    style = str(rng.choice(names, p=weights / weights.sum()))
    hair = str(rng.choice(list(HAIR), p=[0.25, 0.2, 0.17, 0.06, 0.06, 0.08, 0.1, 0.08]))
    tint = np.asarray(HAIR[hair]) * np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.03, 3))
    return {
        "style": style,
        "hair": hair,
        "rgb": [round(float(c), 3) for c in np.clip(tint, 0, 1)],
        "length": round(float(rng.uniform(*STYLES[style][2])), 4),
        "density": round(float(rng.uniform(0.65, 1.1)), 2),
        "base": round(STYLES[style][3] * float(rng.uniform(0.75, 1.05)), 3),
        "wavy": round(float(rng.uniform(0, 1)), 2),
        "cheek": round(float(rng.normal(0, 0.05)), 3),
        "grey": round(float(rng.choice([0.0, rng.uniform(0, 0.5)])), 2),
        "moustache": bool(style in ("full", "long", "stubble", "moustache") or rng.random() < 0.6),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Grow the beard: a shadow of short hair first, then strokes from light to dark."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-0.8, -0.4, 0.8, 1.3), frame_wh, detail=1.25)
    zones, mouth = _zones(marks, params)
    grown = np.zeros(board.shape, np.float32)
    for zone in zones:
        grown = np.maximum(grown, board.fill(zone))
    lips = board.fill(mouth)
    bare = grown * (1 - lips)
    # Beards thin out towards cheeks and lips.
    soft = board.blur(bare, 0.018 if params["style"] in ("goatee", "moustache", "chinstrap") else 0.03)
    soft = np.clip(soft * 2 - 0.75, 0, 1) * (1 - 0.9 * lips)
    patchy = np.clip(0.9 + 0.22 * board.noise(params["seed"], 0.05), 0, 1.2)
    rgb = np.asarray(params["rgb"], np.float32)
    stubble = params["style"] == "stubble"
    speckle = board.noise(params["seed"] + 1, 0.012, 1 if stubble else 2.5, 90)
    base = np.clip(soft * patchy * np.float32(params["base"]) * (1 + (0.35 if stubble else 0.12) * speckle), 0, 1)
    under = rgb * 0.8 + np.asarray(skin_rgb, np.float32) * 0.12
    tone = 1 + 0.16 * speckle
    board.lay(
        base,
        np.clip(under[:, None, None] * tone, 0, 1),
        board.noise(params["seed"] + 2, 0.035, 2, 80) * np.float32(0.004),
    )
    _strokes(board, params, marks, soft, rgb)
    return board.layer(follows_face=True, shadow=0.25, lift=0.01 * frame.unit)


def _zones(marks: Points, params: Params) -> tuple[list[Points], Points]:
    """Where hair grows (outlines in face widths) and the lips, where it does not."""
    style, up = params["style"], params["cheek"]
    chin, mouth = marks[8], marks[48:60]
    jaw = marks[1:16]
    grow = 0.02 if style in ("full", "long", "stubble") else 0.0
    out = jaw + np.sign(jaw - jaw.mean(0)) * [grow, grow]
    lips = mouth.mean(0) + (mouth - mouth.mean(0)) * (1.02, 0.95)
    width = max(float(mouth[6, 0] - mouth[0, 0]), 0.15)
    zones: list[Points] = []
    left, right = mouth[0], mouth[6]
    nose = marks[33]
    if style in ("full", "long", "stubble"):
        inner_left = left * 0.45 + marks[3] * 0.55 + (0, -0.02 + up)
        inner_right = right * 0.45 + marks[13] * 0.55 + (0, -0.02 + up)
        top_left, top_right = marks[1] * 0.82 + marks[31] * 0.18, marks[15] * 0.82 + marks[35] * 0.18
        zones.append(
            np.vstack(
                [
                    out,
                    curve(
                        [top_right, marks[14] * 0.72 + right * 0.28 + (0, up), inner_right, right + (0.03, -0.02)], 12
                    ),
                    curve([left - (0.03, 0.02), inner_left, marks[2] * 0.72 + left * 0.28 + (0, up), top_left], 12),
                ]
            )
        )
    elif style == "chinstrap":
        inner = chin + (jaw - chin) * [0.88, 0.9] - (0, 0.06)
        zones.append(np.vstack([out, inner[::-1]]))
    elif style == "goatee":
        zones.append(
            curve(
                [
                    left - (0.03, 0.0),
                    left + (-0.03, 0.12),
                    chin + (-width * 0.42, -0.03),
                    chin + (0, 0.03),
                    chin + (width * 0.42, -0.03),
                    right + (0.03, 0.12),
                    right + (0.03, 0.0),
                    (mouth[9] + (0, 0.03)),
                ],
                40,
                closed=True,
            )
        )
    if params["moustache"]:
        reach = 0.05 if style != "moustache" else 0.03 + 0.06 * params["wavy"]
        zones.append(
            curve(
                [
                    left + (-reach, 0.05),
                    left + (-reach * 0.7, -0.02),
                    nose + (-width * 0.3, 0.035),
                    nose + (0, 0.03),
                    nose + (width * 0.3, 0.035),
                    right + (reach * 0.7, -0.02),
                    right + (reach, 0.05),
                    mouth[4] + (0.02, 0.0),
                    mouth[3],
                    mouth[2] - (0.02, 0.0),
                ],
                48,
                closed=True,
            )
        )
    return zones, lips


def _strokes(board: Board, params: Params, marks: Points, soft: NDArray[np.float32], rgb: NDArray[np.float32]) -> None:
    """Curved hairs from light to dark; where they start follows the density."""
    rng = np.random.default_rng(params["seed"] + 5)
    count = int(STYLES[params["style"]][1] * params["density"])
    # Throw darts over the whole lower face: the draw does not depend on what is cut off.
    low, high = marks[1:16].min(0) - 0.05, marks[1:16].max(0) + 0.05
    roots = rng.uniform(low, high, (count * 4, 2))
    keep = rng.random(count * 4)
    look = np.array([rng.normal(0, 1, count * 4) for _ in range(4)])
    at = board.to_board(roots).astype(int)
    inside = (at >= 0).all(1) & (at[:, 0] < board.shape[1]) & (at[:, 1] < board.shape[0])
    at = np.clip(at, 0, (board.shape[1] - 1, board.shape[0] - 1))
    density = soft[at[:, 1], at[:, 0]]
    grows = np.flatnonzero(inside & (keep < density))[:count]
    if not len(grows):
        return
    roots, look = roots[grows], look[:, grows]
    chin, mouth = marks[8], marks[51]
    side = (roots[:, 0] - chin[0]) / 0.5
    # Down and outwards on the cheeks, outwards on the upper lip, straight down at the chin.
    upper = roots[:, 1] < mouth[1] + 0.01
    nearby = np.abs(roots[:, 0] - mouth[0]) < 0.26
    angle = np.where(upper & nearby, np.pi / 2 - np.clip(side * 4, -1.25, 1.25), np.pi / 2 - side * 0.35)
    angle = angle + look[0] * (0.1 + 0.2 * params["wavy"])
    length = params["length"] * np.exp(look[1] * 0.3)
    down = np.clip((roots[:, 1] - mouth[1]) / 0.35, 0, 1)
    length = np.where(upper & nearby, np.minimum(length, 0.08), length * (0.25 + 0.95 * down**1.3))
    t = np.linspace(0, 1, 5)
    bend = look[2] * 0.5 * (0.3 + params["wavy"])
    turn = angle[:, None] + bend[:, None] * t + (params["wavy"] * 0.5) * np.sin(5 * t + look[3][:, None] * 3)
    steps = np.stack([np.cos(turn), np.sin(turn)], 2) * (length / 4)[:, None, None]
    paths = roots[:, None] + np.concatenate([np.zeros((len(roots), 1, 2)), np.cumsum(steps[:, 1:], 1)], 1)
    # Hairs of a long beard come together below the chin.
    pull = np.clip(paths[..., 1] - chin[1], 0, 0.5) * 0.9
    paths[..., 0] += (chin[0] - paths[..., 0]) * np.clip(pull, 0, 0.5)
    shades = np.array_split(np.arange(len(paths)), 7)
    tones = np.array([0.5, 1.35, 0.7, 1.15, 0.85, 1.5, 1.0]) * np.exp(rng.normal(0, 0.1, 7))
    inks = []
    for k, (part, tone) in enumerate(zip(shades, tones, strict=True)):
        colour = rgb * tone + (0.02 * tone)
        if params["grey"] > 0 and k % 2 and rng.random() < params["grey"] * 2:
            colour = np.asarray((0.7, 0.69, 0.67)) * (0.8 + 0.2 * tone)
        inks.append((paths[part], colour))
    width = 1 if params["style"] != "long" or board.px < 150 else 2
    board.lay(*board.strokes(inks, width, opacity=0.84))


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=2.0)
