"""Respirators that fold flat: KN95, FFP2 in three panels, duckbill."""

from __future__ import annotations

from typing import Any

import numpy as np
from canvas import Canvas, Field, bump, smooth, spline
from colours import FOLDED
from hardware import nose_clip, staple, valve
from pattern_pieces import Outline, bands, bridge, cheek, chin, jaw, loops, words

W = 1024


def seam(c: Canvas, curve: Any, width: float = 16, high: float = 0.004, *, marks: bool = True) -> None:
    """A welded seam: a flat raised ribbon with pressed dashes."""
    distance = c.away(curve)
    ribbon = np.asarray(smooth(width / 2 + 1, width / 2 - 1, distance), np.float32)
    c.height += high * ribbon
    c.thin *= 1 - 0.7 * ribbon
    c.shade(np.asarray(1 - smooth(0.5, 2.4, np.abs(distance - width / 2)), np.float32) * 0.5, 0.9)
    if marks:
        dash = c.stitches(np.asarray(curve), 7, 6, width * 0.42)
        c.height -= 0.6 * high * dash
        c.shade(dash * 0.6, 0.9)


def rim(c: Canvas, inside: Field, width: float = 24, rows: int = 2) -> None:
    """The welded border all round: flattened cloth with rows of pressed points."""
    band = np.asarray(smooth(width + 1.5, width - 1.5, inside), np.float32)
    c.height += 0.003 * band
    c.thin *= 1 - 0.6 * band
    c.shade(np.asarray(1 - smooth(0.6, 2.6, np.abs(inside - width)), np.float32) * 0.5, 0.9)
    turn = (c.x + c.y * 0.73) % 13
    for row in range(rows):
        at = width * (row + 1) / (rows + 1)
        mark = smooth(5, 3.6, np.abs(turn - 6.5)) * (1 - smooth(1.5, 2.8, np.abs(inside - at)))
        c.height -= 0.002 * mark
        c.shade(np.asarray(mark * 0.5, np.float32), 0.88)


def kn95(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Folded down the middle; a weld runs from the nose over the mouth to the chin."""
    c = Canvas(W, 944)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 322, jaw(2.15, 0.025)),
            (150, 262, jaw(1.75, 0.11)),
            (322, 146, cheek(-0.015, 0.015)),
            (440, 52, bridge(28.6, -0.062, 0.0)),
            (512, 14, bridge(27.95)),
        ],
        bottom=[
            (8, 424, jaw(3.25, 0.02)),
            (96, 610, jaw(4.6, 0.015)),
            (268, 796, jaw(6.2, 0.0, 0.012)),
            (420, 900, jaw(7.25, 0.0, 0.03)),
            (512, 930, chin(0.06)),
        ],
        side_in=3,
    )
    inside = shape.cut(c)
    c.spunbond(14, 0.022)
    c.albedo *= (1 + 0.006 * c.noise(31, 70))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    v = c.y / 944
    # Two flat halves that meet in a ridge, standing off the mouth.
    stand = np.clip(np.sin(np.pi * np.clip(v, 0.02, 0.98)), 0, 1) ** 0.6
    c.height += 0.165 * (1 - np.sqrt(u**2 + 0.0009)) * stand
    c.height += 0.01 * np.clip(1 - ((u - 0.45) / 0.4) ** 2, 0, 1) * stand
    # Pulled between loops and chin: shallow folds fan out from the corners.
    fan = c.noise(33, 210, 46) * smooth(0.05, 0.5, u) * smooth(0, 60, inside)
    c.height += 0.0045 * c.soft(np.asarray(fan, np.float32), 6)
    rim(c, inside, 25)
    seam(c, spline([(512, 60), (512, 300), (512, 620), (512, 926)]), 15, 0.006)
    for sign in (-1, 1):
        # The long curved weld of each half.
        line = [(512 + sign * 60, 128), (512 + sign * 150, 240), (512 + sign * 330, 392), (512 + sign * 462, 400)]
        seam(c, spline(line), 8, 0.0022)
        low = [(512 + sign * 452, 448), (512 + sign * 300, 560), (512 + sign * 150, 720), (512 + sign * 60, 850)]
        seam(c, spline(low), 8, 0.0022)
    clip = spline([(330, 204), (430, 112), (512, 74), (594, 112), (694, 204)])
    if name == "kn95":
        nose_clip(c, clip, 20, seen=False)
    else:
        nose_clip(c, clip, 22)
        valve(c, 726, 556, 88, style="square", angle_deg=-8)
    for x in (30, W - 30):
        staple(c, x, 346, 26, 26)
        staple(c, x, 410, 26, 26)
    left = c.text("KN95", 250, 520, 34, 2.6, 12, bold=True) if name != "kn95" else c.text(
        "KN95", 770, 520, 34, 2.6, -12, bold=True)  # fmt: skip
    small = c.text("PFE 95%  NR", 262 if name != "kn95" else 760, 562, 15, 1.3, 12 if name != "kn95" else -12)
    c.shade(np.maximum(left, small), 0.45)
    title = "KN95, folded" if name == "kn95" else "KN95 with valve"
    return c, words(
        shape, title, "kn95", loops((26, 346), (26, 410), W, 0.012), FOLDED,
        weight=4 if name == "kn95" else 1.5, pattern_chance=0.03, translucency=0.03, gloss=0.06,
    )  # fmt: skip


def ffp2(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Three panels: over the nose, before the mouth, under the chin."""
    c = Canvas(W, 912)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 436, jaw(2.75, 0.03)),
            (110, 330, jaw(2.2, 0.085)),
            (290, 168, cheek(-0.035, 0.025)),
            (424, 44, bridge(28.5, -0.07, 0.0)),
            (512, 18, bridge(28.0)),
        ],
        bottom=[
            (8, 520, jaw(3.5, 0.03)),
            (110, 690, jaw(4.9, 0.02)),
            (290, 838, jaw(6.35, 0, 0.006)),
            (512, 896, chin(0.025)),
        ],
    )
    inside = shape.cut(c)
    c.spunbond(14, 0.018)
    c.albedo *= (1 + 0.006 * c.noise(41, 80))[..., None]
    u = (c.x - W / 2) / (W / 2)
    upper = 352 + 96 * u**2 + 26 * u**4
    lower = 660 - 190 * u**2 - 30 * u**4
    out = np.sqrt(np.clip(1 - (u / 1.02) ** 2, 0, 1))
    # The middle panel stands well off the face; the others slope back from it.
    middle = np.clip((c.y - upper) / np.maximum(lower - upper, 20), 0, 1)
    rise = smooth(20, 1, np.maximum(upper - c.y, 0) / 17) * np.clip(1 - (upper - c.y) / 380, 0, 1)
    rise = np.where(c.y < upper, np.clip(1 - (upper - c.y) / 360, 0, 1) ** 1.1, 1)
    fall = np.where(c.y > lower, np.clip(1 - (c.y - lower) / 270, 0, 1) ** 0.9, 1)
    c.height += 0.125 * out * rise * fall + 0.028 * out * np.sin(np.pi * middle)
    edge_up, edge_low = np.abs(c.y - upper), np.abs(c.y - lower)
    for edge in (edge_up, edge_low):
        lip = np.asarray(bump(0, 13, edge) * smooth(6, 22, inside), np.float32)
        c.height += 0.009 * lip
        pressed = smooth(3.6, 2.2, np.abs((c.x % 11) - 5.5)) * smooth(8, 6, edge) * smooth(6, 22, inside)
        c.shade(np.asarray(pressed, np.float32) * 0.5, 0.86)
        c.height -= 0.0022 * pressed
    c.shade(np.asarray(smooth(26, 5, c.y - upper) * (c.y > upper + 4) * 0.4, np.float32), 0.88)
    # Moulded lines that stiffen the upper panel.
    for offset in (64, 104, 144):
        line = np.asarray(bump(0, 8, c.y - (upper - offset * (1 - 0.35 * u**2))), np.float32) * smooth(
            0.72, 0.5, np.abs(u)
        )
        c.height -= 0.0035 * line
    fold = c.noise(43, 60, 190) * smooth(0.3, 0.9, np.abs(u))
    c.height += 0.0022 * c.soft(np.asarray(fold, np.float32), 6)
    rim(c, inside, 20)
    clip = spline([(318, 200), (424, 92), (512, 66), (600, 92), (706, 200)])
    if name == "ffp2":
        nose_clip(c, clip, 18, seen=False)
        c.shade(
            np.maximum(c.text("FFP2 NR", 512, 452, 30, 2.4, bold=True), c.text("EN 149:2001+A1", 512, 500, 16, 1.4)),
            0.42,
        )
    else:
        nose_clip(c, clip, 20, (0.30, 0.42, 0.70))
        valve(c, 512, 516, 92, style="slots", label="")
        c.shade(np.maximum(c.text("FFP2", 280, 500, 26, 2.2, bold=True), c.text("NR D", 744, 500, 22, 2.0)), 0.42)
    for x in (34, W - 34):
        staple(c, x, 478, 30, 46)
    title = "FFP2, three panels" if name == "ffp2" else "FFP2 with valve"
    straps = (
        loops((28, 458), (28, 502), W, 0.013) if name == "ffp2" else bands((30, 462), (30, 500), W, 0.02, "#e9c84a")
    )
    return c, words(
        shape, title, "ffp2", straps, FOLDED, weight=2.2 if name == "ffp2" else 1.2, pattern_chance=0.02,
        translucency=0.02, gloss=0.05,
    )  # fmt: skip


def duckbill(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A pouch: two panels meet in a straight, wide lip before the mouth."""
    c = Canvas(W, 840)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 372, jaw(2.6, 0.03)),
            (120, 286, jaw(2.1, 0.1)),
            (300, 150, cheek(-0.02, 0.015)),
            (430, 50, bridge(28.6, -0.066, 0)),
            (512, 22, bridge(28.1)),
        ],
        bottom=[
            (8, 460, jaw(3.4, 0.03)),
            (96, 640, jaw(4.7, 0.035)),
            (236, 786, jaw(6.1, 0.01, 0.0)),
            (380, 818, jaw(7.1, 0, 0.012)),
            (512, 824, chin(0.02)),
        ],
    )
    inside = shape.cut(c)
    c.spunbond(15, 0.022)
    c.albedo *= (1 + 0.007 * c.noise(51, 80))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    lip_y = 596 - 40 * u**2 - 150 * np.clip(u - 0.72, 0, 1) ** 1.2
    width_at = np.clip(1 - (u / 0.98) ** 4, 0, 1)
    rise = np.clip((c.y - 30 - 330 * u**1.5) / np.maximum(lip_y - 30 - 330 * u**1.5, 40), 0, 1)
    fall = np.clip(1 - (c.y - lip_y) / 235, 0, 1)
    c.height += 0.21 * np.where(c.y < lip_y, rise**0.85, fall**1.3) * width_at
    # Side gussets: the corners of the pouch fold in.
    for sign in (-1, 1):
        fold = spline([(512 + sign * 486, 420), (512 + sign * 420, 500), (512 + sign * 372, 590)])
        c.height -= 0.007 * c.soft(c.stroke(fold, 8, 6), 2)
        c.shade(c.stroke(fold, 3, 3) * 0.5, 0.85)
    lip = spline([(140, 560), (300, 588), (512, 598), (724, 588), (884, 560)])
    seam(c, lip, 20, 0.010)
    low = c.y > lip_y + 8
    c.shade(np.asarray(smooth(0, 30, c.y - lip_y) * low * 0.35, np.float32), 0.86)
    c.height += 0.006 * c.soft(np.asarray(c.noise(53, 90, 60), np.float32), 8)
    rim(c, inside, 22)
    nose_clip(c, spline([(322, 178), (430, 92), (512, 68), (594, 92), (702, 178)]), 20, seen=False)
    c.shade(np.maximum(c.text("N95", 512, 440, 34, 2.6, bold=True), c.text("TC-84A  REG", 512, 486, 15, 1.4)), 0.45)
    for x in (34, W - 34):
        staple(c, x, 416, 30, 44)
    return c, words(
        shape, "Duckbill", "duckbill", bands((30, 398), (30, 440), W, 0.016, "#f1ede2"),
        {"white": 8, "light_blue": 3, "surgical_blue": 2, "mint": 1, "surgical_green": 1, "black": 2, "light_grey": 1,
         "beige": 0.5, "orange": 0.5, "pink": 0.5, "navy": 0.3},
        weight=1.3, pattern_chance=0.02, translucency=0.04, gloss=0.06,
    )  # fmt: skip


DRAWINGS = {"kn95": kn95, "kn95_valve": kn95, "ffp2": ffp2, "ffp2_valve": ffp2, "duckbill": duckbill}
