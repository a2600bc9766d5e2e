"""What is moulded or metal: valves, nose clips, staples, filters."""

from __future__ import annotations

import numpy as np
from canvas import Canvas, Curve, Field, smooth


def valve(
    c: Canvas, cx: float, cy: float, r: float, rgb: tuple[float, float, float] = (0.93, 0.935, 0.94), *,
    style: str = "slots", tinted: float = 0.0, high: float = 0.045, label: str = "", angle_deg: float = 0,
) -> None:  # fmt: skip
    """An exhalation valve: a flange, a raised cap with openings.

    Styles: ``slots`` (louvres across a round cap), ``spokes`` (openings round a
    hub), ``square`` (a rounded square cap with side openings), ``grid`` (a
    fine grille).
    """
    shape = (lambda k: c.box(cx, cy, 2 * r * k, 2 * r * k, r * 0.42 * k, angle_deg)) if style == "square" else (
        lambda k: c.disc(cx, cy, r * k))  # fmt: skip
    flange, cap, top = shape(1.0), shape(0.86), shape(0.74)
    on = np.asarray(smooth(-0.8, 0.8, flange), np.float32)
    contact = np.asarray(smooth(-13, 0, flange) * (flange < 0), np.float32)
    c.shade(contact * 0.5, 0.72)
    c.ink(on, rgb, tinted=tinted)
    level = float(np.median(c.height[on > 0.5]))
    # Seated on the cloth: half its curve, half flat.
    base = level + 0.5 * (c.height - level)
    c.height += (base - c.height + 0.008 * np.clip(smooth(-1, 5, flange), 0, 1)) * on
    c.height += high * smooth(0, r * 0.16, cap) * on
    c.height -= 0.12 * high * smooth(0, 4, top)
    c.shade(np.asarray((1 - smooth(0.6, 2.6, np.abs(cap))) * 0.5, np.float32), 0.72)
    a = np.deg2rad(angle_deg)
    u = ((c.x - cx) * np.cos(a) + (c.y - cy) * np.sin(a)) / r
    v = ((c.y - cy) * np.cos(a) - (c.x - cx) * np.sin(a)) / r
    radius, turn = np.hypot(u, v), np.arctan2(v, u)
    if style == "slots":
        wave = np.abs((v * 5.5) % 1 - 0.5) * 2
        holes = smooth(0.45, 0.62, wave) * smooth(0, 3, c.disc(cx, cy, r * 0.6)) * smooth(0.04, 0.08, np.abs(u))
    elif style == "spokes":
        holes = smooth(0.25, 0.4, np.abs(((turn / (2 * np.pi) * 8) % 1) - 0.5) * 2)
        holes = (1 - smooth(0.55, 0.75, 1 - holes)) * smooth(0.30, 0.33, radius) * smooth(0.66, 0.62, radius)
    elif style == "grid":
        grid = np.maximum(np.abs((u * 7) % 1 - 0.5), np.abs((v * 7) % 1 - 0.5)) * 2
        holes = smooth(0.8, 0.68, grid) * smooth(0, 3, c.disc(cx, cy, r * 0.62))
    else:
        wave = np.abs((v * 4.6) % 1 - 0.5) * 2
        holes = smooth(0.5, 0.66, wave) * smooth(0.36, 0.4, np.abs(u)) * smooth(0.64, 0.6, np.abs(u))
        holes = holes * smooth(0.62, 0.55, np.abs(v))
        c.height += 0.12 * high * smooth(0, 4, c.box(cx, cy, r * 0.62, r * 1.2, 8, angle_deg))
    holes = np.asarray(np.clip(holes, 0, 1), np.float32)
    c.shade(holes, 0.34)
    c.height -= 0.35 * high * holes
    if label:
        letters = c.text(label, cx, cy + (r * 0.86 if style == "none" else 0), r * 0.2, thick=1.6, bold=True)
        c.shade(letters, 0.55)


def nose_clip(
    c: Canvas, curve: Curve, width: float, rgb: tuple[float, float, float] = (0.72, 0.73, 0.74), *, seen: bool = True
) -> None:
    """A metal or plastic strip along a curve; unseen, it only lifts the cloth."""
    distance = c.away(curve)
    on = np.asarray(smooth(width / 2 + 0.8, width / 2 - 0.8, distance), np.float32)
    c.height += 0.006 * c.soft(on, 1.5 if seen else 4)
    if seen:
        c.shade(np.asarray(smooth(width / 2 + 7, width / 2, distance) * (1 - on), np.float32) * 0.4, 0.75)
        c.ink(on, rgb)
        # Brushed metal catches the sky along its middle.
        c.albedo += (0.16 * on * smooth(width / 2, 0, distance) - 0.05 * on)[..., None]


def staple(c: Canvas, cx: float, cy: float, w: float = 30, h: float = 40) -> None:
    """Where a band is welded or stapled to the rim."""
    plate = np.asarray(smooth(-1, 1, c.box(cx, cy, w, h, 7)), np.float32)
    c.height += 0.005 * c.soft(plate, 1.5)
    c.shade(plate * 0.5, 0.93)
    marks = c.dots([(cx + dx * w * 0.22, cy + dy * h * 0.24) for dx in (-1, 1) for dy in (-1, 0, 1)], 3)
    c.height -= 0.003 * marks
    c.shade(marks, 0.8)


def perforate(c: Canvas, area: Field, period: float, size: float, depth: float = 0.35) -> None:
    """Small round holes in staggered rows."""
    row = np.floor(c.y / period)
    u = (c.x + (row % 2) * period / 2) % period - period / 2
    v = c.y % period - period / 2
    hole = np.asarray(smooth(size, size * 0.7, np.hypot(u, v)) * area, np.float32)
    c.shade(hole, depth)
    c.height -= 0.002 * hole
