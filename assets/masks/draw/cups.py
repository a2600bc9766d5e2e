"""Moulded cups: N95 with and without valve, the ribbed dust mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from canvas import Canvas, Field, bump, smooth, spline
from colours import CUP
from hardware import nose_clip, staple, valve
from pattern_pieces import Outline, bands, rigid, words

W = 1024


def cup_outline() -> Outline:
    edge = {"per_px": 0.80 / 1004, "top_y": 0.062, "stretch": 1.06}
    return Outline.symmetrical(
        W,
        top=rigid([(10, 520), (96, 316), (262, 136), (400, 48), (512, 22)], **edge),
        bottom=rigid([(10, 600), (116, 768), (282, 876), (512, 906)], **edge),
    )


def dome(c: Canvas, inside: Field, high: float, flat: float = 0.55) -> Field:
    """Raises the cup; returns 0 at the rim to 1 at the crown."""
    u, v = (c.x - W / 2) / 505, (c.y - 540) / 400
    v = np.where(c.y < 540, (c.y - 540) / 530, v)
    up = np.asarray(np.clip(1 - (u**2 + v**2), 0, 1) ** flat, np.float32)
    # The upper part narrows to a nose.
    nose = np.asarray(bump(0, 0.5, u) * smooth(560, 120, c.y) * smooth(0, 90, inside), np.float32)
    c.height += high * c.soft(up * smooth(0, 26, inside), 4) + 0.035 * nose
    return up


def flange(c: Canvas, inside: Field, width: float) -> None:
    """The pressed border that lies on the skin."""
    band = np.asarray(smooth(width + 2, width - 2, inside), np.float32)
    c.thin *= 1 - band
    step = np.asarray(1 - smooth(0.8, 3.2, np.abs(inside - width)), np.float32)
    c.height -= 0.004 * step
    c.shade(step * 0.6, 0.85)
    c.albedo -= (0.012 * band)[..., None]


def n95(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A stiff cup with a nose clip and two bands stapled to its rim."""
    c = Canvas(W, 920)
    shape = cup_outline()
    inside = shape.cut(c)
    c.albedo *= (1 + 0.008 * c.noise(61, 50) + 0.006 * c.noise(62, 9))[..., None]
    c.spunbond(12, 0.012)
    up = dome(c, inside, 0.2)
    # A moulded line follows the rim, and a panel stands out in front.
    ring = np.asarray(1 - smooth(1.5, 9, np.abs(inside - 62)), np.float32)
    c.height -= 0.004 * ring
    corners = [(512, 250), (690, 330), (742, 520), (690, 690), (512, 742), (334, 690), (282, 520), (334, 330)]
    panel = c.inside(spline(corners, closed=True))
    c.height += 0.010 * smooth(-10, 12, panel)
    c.shade(np.asarray(bump(0, 12, panel), np.float32) * 0.35, 0.93)
    flange(c, inside, 18)
    nose_clip(c, spline([(322, 196), (418, 116), (512, 88), (606, 116), (702, 196)]), 26, (0.74, 0.75, 0.76))
    if name == "n95_cup":
        c.shade(c.text("N95", 512, 470, 50, 3.6, bold=True), 0.42)
        c.shade(
            np.maximum(c.text("PARTICULATE RESPIRATOR", 512, 532, 15, 1.4), c.text("TC-84A-0000", 512, 560, 14, 1.3)),
            0.5,
        )
    else:
        valve(c, 512, 500, 104, (0.90, 0.91, 0.92), style="spokes", high=0.055)
        c.shade(c.text("N95", 512, 668, 34, 2.8, bold=True), 0.42)
    for x in (48, W - 48):
        staple(c, x, 500, 22, 40)
        staple(c, x + (10 if x < 500 else -10), 632, 22, 40)
    del up
    title = "N95 cup" if name == "n95_cup" else "N95 cup with valve"
    return c, words(
        shape, title, "cup", bands((48, 500), (58, 632), W, 0.022, "#e8c63c" if name == "n95_cup" else "#efe6cf"), CUP,
        weight=2.2 if name == "n95_cup" else 1.3, pattern_chance=0.0, gloss=0.03,
    )  # fmt: skip


def dust(name: str) -> tuple[Canvas, dict[str, Any]]:
    """The thin do-it-yourself mask: ribs round the chin, a strip of aluminium, one band."""
    c = Canvas(W, 920)
    shape = cup_outline()
    inside = shape.cut(c)
    c.albedo *= (1 + 0.010 * c.noise(71, 40) + 0.008 * c.noise(72, 7))[..., None]
    up = dome(c, inside, 0.19, 0.6)
    r = np.hypot((c.x - W / 2) / 1.22, (c.y - 330))
    below = smooth(20, 150, c.y - 420) * smooth(20, 60, inside)
    ribs = np.asarray((0.5 + 0.5 * np.cos(2 * np.pi * r / 62)) ** 0.8 * below, np.float32)
    c.height += 0.011 * ribs
    c.shade(np.asarray((1 - ribs) * below * 0.22, np.float32), 0.88)
    flange(c, inside, 16)
    nose_clip(c, spline([(400, 158), (512, 132), (624, 158)]), 30, (0.66, 0.67, 0.66))
    for x in (52, W - 52):
        staple(c, x, 560, 26, 26)
    del up
    return c, words(
        shape, "Dust mask, ribbed", "cup", bands((52, 560), (54, 566), W, 0.014, "#f3efe0")[:2], CUP,
        weight=1.2, gloss=0.02, translucency=0.03,
    )  # fmt: skip


DRAWINGS = {"n95_cup": n95, "n95_cup_valve": n95, "dust_cup": dust}
