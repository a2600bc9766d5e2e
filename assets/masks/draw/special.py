"""Masks that are more than cloth: rubber with filters, a window to read lips through."""

from __future__ import annotations

from typing import Any

import numpy as np
from canvas import Canvas, bump, smooth, spline
from cloth import hem, tug
from colours import CLOTH, RUBBER
from hardware import perforate
from pattern_pieces import Outline, bands, bridge, cheek, chin, jaw, loops, mounted, words

W = 1024


def respirator(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A half mask of rubber: exhalation valve in front, a filter at each cheek."""
    c = Canvas(W, 860)
    edge = {"per_px": 1.06 / 1012, "top_y": 0.02, "stretch": 0.97}
    shape = Outline.symmetrical(
        W,
        top=mounted([(6, 470), (110, 318), (250, 250), (392, 96), (512, 18)], **edge),
        bottom=mounted([(6, 640), (110, 786), (250, 800), (392, 836), (512, 848)], **edge),
    )
    c.albedo[:] = 0.90
    body_curve = spline(
        [(512, 26), (566, 42), (622, 130), (704, 262), (800, 392), (840, 540), (792, 690), (680, 800), (512, 838),
         (344, 800), (232, 690), (184, 540), (224, 392), (320, 262), (402, 130), (458, 42)], closed=True)  # fmt: skip
    body = c.inside(body_curve)
    on = np.asarray(smooth(0.2, 1.8, body), np.float32)
    u, v = (c.x - W / 2) / 330, (c.y - 480) / 380
    c.height += 0.20 * c.soft(
        np.clip(1 - u**2 - np.where(v < 0, (v * 0.8) ** 2, v**2), 0, 1).astype(np.float32) ** 0.6 * on, 4
    )
    c.height += 0.05 * np.asarray(bump(0, 0.42, u) * smooth(420, 120, c.y), np.float32)
    # The sealing lip, and a hard yoke over the rubber.
    lip = np.asarray(bump(24, 16, body), np.float32)
    c.height -= 0.012 * lip
    c.shade(lip * 0.5, 0.72)
    right = [(640, 330), (800, 470), (800, 640), (640, 650)]
    left = [(W - x, y) for x, y in reversed(right)]
    yoke = c.inside(spline([(512, 236), *right, (512, 742), *left], closed=True))
    hard = np.asarray(smooth(-1, 1, yoke), np.float32)
    c.shade(np.asarray(smooth(-14, 0, yoke) * (yoke < 0), np.float32) * 0.5, 0.6)
    c.ink(hard, (0.20, 0.21, 0.23), tinted=0.0)
    c.height += 0.014 * smooth(-1, 10, yoke)
    c.shade(np.asarray(bump(3, 3, yoke), np.float32) * 0.4, 0.7)
    # Exhalation valve: a louvred snout.
    snout = c.box(512, 560, 190, 230, 60)
    c.ink(np.asarray(smooth(-1, 1, snout), np.float32), (0.30, 0.31, 0.33))
    c.height += 0.05 * smooth(0, 20, snout)
    for k in range(5):
        slot = np.asarray(smooth(-1, 1, c.box(512, 520 + 30 * k, 124 - 8 * abs(k - 2), 11, 5)), np.float32)
        c.shade(slot, 0.3)
        c.height -= 0.02 * slot
    alpha = on.copy()
    for sign in (-1, 1):
        cx, cy, r = 512 + sign * 322, 556, 178
        neck = np.asarray(smooth(-1, 1, c.box(cx - sign * 150, cy, 150, 150, 30)), np.float32)
        c.ink(neck, (0.26, 0.27, 0.29))
        rim = c.disc(cx, cy, r, r * 1.06)
        solid = np.asarray(smooth(-0.5, 1.5, rim), np.float32)
        c.shade(np.asarray(smooth(-34, 0, rim) * (rim < 0), np.float32) * 0.7, 0.5)
        filter_rgb = (0.86, 0.42, 0.58) if name == "respirator" else (0.24, 0.24, 0.25)
        c.ink(solid, filter_rgb)
        c.height += (0.17 + 0.05 * (c.x - cx) * -sign / r - c.height) * solid
        c.height += 0.05 * smooth(0, 30, rim)
        if name == "respirator":
            # A pancake filter: fleece, welded rings and a printed ring.
            for ring in (0.9, 0.34):
                line = np.asarray(bump(0, 5, c.disc(cx, cy, r * ring, r * ring * 1.06)), np.float32) * solid
                c.shade(line, 0.72)
                c.height -= 0.008 * line
            c.height -= 0.03 * smooth(0, 16, c.disc(cx, cy, r * 0.34, r * 0.36))
            c.shade(c.text("P100", cx, cy + 92, 30, 2.6, bold=True), 0.35)
            c.albedo *= (1 + solid * (0.015 * c.noise(601, 8)))[..., None]
        else:
            # A cartridge: hard shell, a grille in front, a coloured band.
            face = c.disc(cx, cy, r * 0.8, r * 0.85)
            c.height += 0.03 * smooth(0, 8, face)
            grille = np.asarray(smooth(-1, 1, c.disc(cx, cy, r * 0.7, r * 0.74)), np.float32)
            perforate(c, grille, 24, 8.5, 0.25)
            band = np.asarray(smooth(2, 0.5, np.abs(rim - 20) / 8), np.float32) * solid
            c.ink(band, (0.80, 0.76, 0.24))
        alpha = np.maximum(alpha, np.maximum(solid, 0))
        # Buckles that the harness clips into.
        for bx, by in ((214, 402), (206, 716)):
            clip = np.asarray(
                smooth(-1, 1, c.box(512 + sign * bx, by, 66, 40, 10, sign * (24 if by < 500 else -30))), np.float32
            )
            clip *= on
            c.ink(clip, (0.14, 0.14, 0.15))
            c.height += 0.012 * c.soft(clip, 1.5)
    c.alpha = alpha
    c.thin[:] = 0
    c.pattern[:] = 0
    straps = bands((300, 392), (316, 724), W, 0.03, "#1c1c1e")
    title = "Half mask, flat filters" if name == "respirator" else "Half mask, cartridges"
    return c, words(
        shape, title, "respirator", straps, RUBBER, weight=0.5, gloss=0.35, rigid=True,
        wears=("correct", "nose_out", "mouth_out", "chin"),
    )  # fmt: skip


def window(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Cloth round a clear pane before the mouth."""
    c = Canvas(W, 760)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 160, jaw(1.7, 0.03)),
            (150, 138, jaw(1.5, 0.125)),
            (310, 92, cheek(0, -0.002)),
            (430, 34, bridge(28.6, -0.07, 0.004)),
            (512, 12, bridge(28.15)),
        ],
        bottom=[
            (8, 560, jaw(4.3, 0.025)),
            (120, 636, jaw(5.2, 0.015)),
            (290, 712, jaw(6.4, 0, 0.016)),
            (512, 748, chin(0.05)),
        ],
        side_in=10,
    )
    inside = shape.cut(c, soft=2.2)
    c.weave(4, 0.06)
    c.albedo *= (1 + 0.008 * c.noise(611, 60))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    v = np.clip((c.y - 12) / 736, 0, 1)
    c.height += 0.075 * np.sqrt(np.clip(1 - u**2, 0, 1)) * np.clip(np.sin(np.pi * (0.06 + 0.88 * v)), 0, 1) ** 0.7
    tug(c, inside, 613, 0.0035)
    for curve in (shape.top_curve, shape.bottom_curve[::-1]):
        hem(c, curve, 18)
    for left in (True, False):
        curve = shape.side_curve(left)
        hem(c, curve[::-1] if left else curve, 32)
    outline = spline([(512, 246), (650, 254), (756, 292), (800, 400), (758, 518), (650, 580), (512, 598), (374, 580),
                      (266, 518), (224, 400), (268, 292), (374, 254)], closed=True)  # fmt: skip
    pane = c.inside(outline)
    frame = np.asarray(bump(-12, 16, pane), np.float32)
    c.height += 0.008 * frame
    for at in (-22, -7):
        line = np.asarray(1 - smooth(1.0, 2.2, np.abs(pane - at)), np.float32)
        angle = np.arctan2(c.y - 420, c.x - 512)
        c.shade(line * np.asarray(smooth(0.25, 0.4, np.abs((angle * 60 / np.pi) % 1 - 0.5) * 2), np.float32), 0.74)
    clear = np.asarray(smooth(-1, 1.5, pane), np.float32)
    c.ink(clear, (0.93, 0.95, 0.97))
    # What the pane mirrors: the sky along its upper part, a lamp, its own edge.
    sky = smooth(60, 4, pane) * smooth(470, 270, c.y) * 0.5
    lamp = np.asarray(smooth(34, 2, c.away(spline([(310, 338), (350, 306), (420, 290)]))), np.float32) * 0.6
    streak = np.asarray(smooth(46, 0, np.abs((c.x - 690) + 0.5 * (c.y - 420))), np.float32)
    streak = streak * smooth(540, 400, c.y) * smooth(270, 350, c.y) * 0.2
    haze = 0.17 + 0.05 * c.noise(615, 120) + 0.16 * np.asarray(smooth(14, 0, pane), np.float32)
    c.alpha *= 1 - clear * (1 - np.clip(haze + sky * 0.7 + lamp + streak, 0.06, 0.9))
    c.height += 0.012 * clear * smooth(0, 40, pane)
    c.thin *= 0.5
    return c, words(
        shape, "Cloth, clear window", "window", loops((20, 186), (20, 536), W, 0.013), CLOTH,
        weight=0.6, pattern_chance=0.3, gloss=0.12,
    )  # fmt: skip


DRAWINGS = {"respirator": respirator, "respirator_cartridge": respirator, "window": window}
