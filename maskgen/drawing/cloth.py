# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Cloth for scarves, shirts, collars and bandanas: colour, print, knit, and where it lies on a face."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing import patterns
from maskgen.drawing.board import Board, Field, Params, along, curve
from maskgen.drawing.palette import PALETTE, RGBTriple, jitter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgen.types import Points

WEAVES: Final = ("plain", "knit", "ribbed", "fleece", "coarse")
_SWATCH_PX = 192


def draw_cloth(
    rng: np.random.Generator,
    printed: float = 0.35,
    prints: Sequence[str] = ("stripes", "checks", "tartan", "dots", "floral", "paisley", "heather", "camouflage"),
    weaves: Sequence[str] = WEAVES,
    colours: Sequence[str] = tuple(PALETTE),
) -> Params:
    """A cloth's colour, print and weave.

    Args:
        rng: where chance comes from.
        printed: chance of a print.
        prints: names from ``patterns.NAMES`` to choose from.
        weaves: names from ``WEAVES`` to choose from.
        colours: names from the palette to choose from.
    """
    name = str(rng.choice(list(colours)))
    pattern = str(rng.choice(list(prints))) if rng.random() < printed else None
    return {
        "colour": name,
        "rgb": list(jitter(rng, PALETTE[name])),
        "pattern": pattern,
        "pattern_seed": int(rng.integers(2**31)),
        "swatch": round(float(rng.uniform(0.45, 1.1)), 3),
        "weave": str(rng.choice(list(weaves))),
        "gauge": round(float(rng.uniform(0.014, 0.04)), 4),
        "folds": round(float(rng.uniform(0.5, 1.5)), 2),
        "seed": int(rng.integers(2**31)),
    }


@lru_cache(maxsize=16)
def _swatch(name: str, seed: int, rgb: RGBTriple) -> NDArray[np.float32]:
    return patterns.render(name, seed, (_SWATCH_PX, _SWATCH_PX), rgb)


def colour(board: Board, cloth: Params, u: Field, v: Field) -> tuple[NDArray[np.float32], Field]:
    """The cloth's flat colour and the relief of its weave.

    Args:
        board: what it is drawn on; only its size and resolution count.
        cloth: from ``draw_cloth``.
        u: (h, w) along the cloth, face widths.
        v: (h, w) across it.

    Returns:
        (3, h, w) sRGB in [0, 1], and (h, w) height in face widths.
    """
    import cv2

    base = np.asarray(cloth["rgb"], np.float32) / 255
    if cloth["pattern"] is not None:
        red, green, blue = cloth["rgb"]
        step = np.float32(_SWATCH_PX / cloth["swatch"])
        swatch = _swatch(cloth["pattern"], cloth["pattern_seed"], (red, green, blue))
        # Mirrored at its ends, so that no seam shows.
        at = [np.abs(np.mod(np.asarray(k, np.float32) * step, 2 * _SWATCH_PX) - _SWATCH_PX) for k in (u, v)]
        x, y = (np.ascontiguousarray(np.broadcast_to(k, board.shape), np.float32) for k in at)
        flat = cv2.remap(swatch, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        rgb = np.stack(cv2.split(flat))
    else:
        rgb = np.repeat(base[:, None, None], board.shape[0], 1)
    weave, gauge, seed = cloth["weave"], np.float32(cloth["gauge"]), cloth["seed"]
    # Below about two pixels a stitch is no longer seen.
    fade = np.float32(np.clip(gauge * board.px / 2 - 0.5, 0, 1))
    turn = np.float32(2 * np.pi)
    if weave == "knit":
        # Columns of V-shaped stitches.
        lean = np.abs(np.mod(u / gauge, 1) - np.float32(0.5))
        stitch = np.cos(turn * (v / gauge * np.float32(1.3) + lean * np.float32(1.6))) * np.float32(0.5)
        relief = (stitch + np.cos(turn * u / gauge) * np.float32(0.7)) * fade
        depth, shade = gauge * np.float32(0.16), np.float32(0.11)
    elif weave == "ribbed":
        relief = np.cos(turn * u / (gauge * np.float32(1.2))) * fade + np.zeros(board.shape, np.float32)
        depth, shade = gauge * np.float32(0.22), np.float32(0.1)
    elif weave == "fleece":
        relief = board.noise(seed + 7, 0.014)
        depth, shade = np.float32(0.0016), np.float32(0.045)
    elif weave == "coarse":
        relief = board.noise(seed + 7, 0.012, 3.0) + board.noise(seed + 8, 0.012, 3.0, 90)
        depth, shade = np.float32(0.0008), np.float32(0.045)
    else:
        relief = board.noise(seed + 7, 0.008)
        depth, shade = np.float32(0.0002), np.float32(0.015)
    relief = np.broadcast_to(relief, board.shape)
    tone = 1 + shade * relief + np.float32(0.025) * board.noise(seed + 9, 0.25)
    return np.asarray(rgb * tone, np.float32), np.asarray(relief * depth, np.float32)


def drape(board: Board, cloth: Params, coverage: Field, u: Field, v: Field, form: Field, hollow: float = 0.7) -> None:
    """Paint cloth: its colour, its weave, and the dark in its folds.

    Args:
        board: painted on.
        cloth: from ``draw_cloth``.
        coverage: (h, w) in [0, 1].
        u: along the cloth, face widths.
        v: across it.
        form: (h, w) height of folds and body, face widths.
        hollow: how dark the valleys are.
    """
    rgb, weave = colour(board, cloth, u, v)
    deep = np.clip((board.blur(form, 0.05) - form) * np.float32(hollow * 11), -0.12, 0.55)
    board.cast(coverage, 0.03, 0.4, (0, 0.02))
    board.lay(coverage, np.clip(rgb * (1 - deep), 0, 1), form + weave)


def folds(board: Board, seed: int, cell: float, stretch: float, angle_deg: float, depth: float) -> Field:
    """Soft-ridged folds along an angle: sharper on their crests than in their valleys."""
    field = board.noise(seed, cell, stretch, angle_deg)
    ridge = 1 - np.abs(np.clip(field, -2.2, 2.2)) * np.float32(0.9)
    return np.asarray((ridge * np.float32(0.6) + field * np.float32(0.4)) * np.float32(depth))


def over_face(marks: Points, level: float, lift: float = 0.0, side_level: float | None = None) -> Points:
    """The line in which cloth crosses a face, ear to ear.

    Args:
        marks: (68, 2) landmarks in face widths.
        level: 0 at the bridge of the nose, about 0.45 at the upper lip, 1 at the chin.
        lift: how much farther than the cheeks the nose holds the cloth up, face widths.
        side_level: the same at the jaw; None follows ``level``.

    Returns:
        (48, 2) face widths, left to right, without the parts beside the head.
    """
    side = level if side_level is None else side_level
    top, bottom = marks[28], marks[8]
    middle = top + (bottom - top) * level
    index = 1.2 + 3.8 * side
    low = int(index)
    part = index - low
    left = marks[low] * (1 - part) + marks[low + 1] * part
    right = marks[16 - low] * (1 - part) + marks[15 - low] * part
    out = 0.035
    left, right = left - (out, 0), right + (out, 0)
    middle = np.array([np.clip(middle[0], left[0] + 0.12, right[0] - 0.12), middle[1] - lift * 0.5])
    near = [a * 0.45 + middle * 0.55 + (0, lift * 0.35 + 0.02) for a in (left, right)]
    return curve([left, near[0], middle, near[1], right], 48)


def between(board: Board, top: Points, bottom: Points) -> tuple[Field, Field]:
    """Where a pixel lies between two left-to-right lines: 0 at the top, 1 at the bottom; and the gap."""
    upper, lower = along(top, board.x), along(bottom, board.x)
    gap = np.maximum(lower - upper, np.float32(1e-3))
    return np.asarray((board.y - upper) / gap, np.float32), gap


def ragged(line: Points, rng: np.random.Generator, amount: float, knots: int = 9) -> Points:
    """A line with a wobble across it; its ends stay."""
    wave = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, knots), rng.normal(0, amount, knots))
    wave *= np.sin(np.linspace(0, np.pi, len(line))) ** 0.5
    return np.asarray(line + np.stack([np.zeros_like(wave), wave], 1))
