"""Pleated masks of fleece: surgical, with ear loops or with ties, a child's printed one, and pleated cloth."""

from __future__ import annotations

from typing import Any

import numpy as np
from canvas import Canvas, Field, bump, smooth
from pattern_pieces import LICENCE, SOURCE, Outline, cheek, chin, bridge, jaw, loops

W, H = 1024, 704
SURGICAL_COLOURS = {
    "surgical_blue": 9, "light_blue": 6, "sky": 1.5, "white": 7, "black": 5, "surgical_green": 2, "mint": 1.5, "teal": 0.6,
    "pink": 1.6, "rose": 0.5, "grey": 0.8, "light_grey": 0.7, "charcoal": 0.5, "lavender": 0.7, "purple": 0.3, "beige": 0.6,
    "cream": 0.4, "skin_light": 0.5, "skin_medium": 0.4, "navy": 0.5, "yellow": 0.3, "red": 0.3, "burgundy": 0.3, "orange": 0.2,
}  # fmt: skip


def outline() -> Outline:
    return Outline.symmetrical(
        W,
        top=[
            (8, 34, jaw(1.75, 0.03)),
            (130, 28, jaw(1.45, 0.12)),
            (290, 20, cheek(0, -0.005)),
            (420, 14, bridge(28.5, -0.085, 0.015)),
            (512, 8, bridge(28.25)),
        ],
        bottom=[
            (8, 664, jaw(4.5, 0.03)),
            (130, 676, jaw(5.4, 0.015, 0.012)),
            (300, 688, jaw(6.6, 0, 0.03)),
            (512, 696, chin(0.045)),
        ],
        side_in=5,
    )


def pleats(c: Canvas, down: Field, folds: list[float], depth: float, seed: int, turn: int = 1) -> None:
    """Stair folds: the cloth above lies over the cloth below each fold (below over above when ``turn`` is -1).

    Adds to the height and darkens the crease a little. Folds are sealed flat
    in the side seams and open up towards the middle.
    """
    u = np.abs(c.x / c.width - 0.5) * 2
    open_ = (0.35 + 0.65 * smooth(1.0, 0.35, u)).astype(np.float32)
    wander = c.noise(seed, 260, 4000) * 0.006 + c.noise(seed + 1, 70, 4000) * 0.0016
    edges = [0.0, *folds, 1.0]
    for number, fold in enumerate(folds):
        # Folds are straight where sealed and sag (or arch) where open.
        at = fold + wander * (1 + number * 0.3) + 0.018 * (fold - 0.45) * (1 - u**2)
        before = fold - edges[number] if turn > 0 else edges[number + 2] - fold
        side = (at - down) * turn  # positive on the side that lies above
        ramp = np.clip(1 - side / max(before, 0.05), 0, 1) * (side >= 0)
        step = smooth(-0.006, 0.0045, side)
        c.height += depth * open_ * (ramp * 0.9 * step + 0.12 * step)
        c.shade(np.asarray(smooth(-0.022, -0.002, side) * (side < 0.001) * open_ * 0.55, np.float32), 0.86)
        c.albedo += (0.012 * bump(0.006, 0.006, side) * open_)[..., None]


def welds(c: Canvas, curve_inside: Field, rows: list[float], dash: float, along: Field) -> Field:
    """Rows of pressed dashes at distances from the edge."""
    mark = np.zeros_like(along)
    for number, row in enumerate(rows):
        phase = (along + number * dash) % (2 * dash)
        on = smooth(0, 1.2, dash * 0.6 - np.abs(phase - dash))
        mark = np.maximum(mark, on * (1 - smooth(1.4, 2.6, np.abs(curve_inside - row))))
    return np.asarray(mark, np.float32)


def surgical(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Three plies, three pleats, a wire over the nose."""
    c = Canvas(W, H)
    shape = outline()
    shape.cut(c)
    down = shape.down(c)
    c.spunbond(16, 0.028)
    c.albedo *= (1 + 0.006 * c.noise(3, 60))[..., None]
    tall = down * (H - 16)
    from_bottom = (1 - down) * (H - 16)
    left, right = c.x - 8, W - 8 - c.x
    side = np.minimum(left, right)
    u = (c.x - W / 2) / (W / 2)
    # The mouth's fleece stands off the face, tented between nose and chin.
    c.height += 0.03 * np.sqrt(np.clip(1 - u**2, 0, 1)) * np.clip(np.sin(np.pi * np.clip(down, 0, 1)), 0, 1) ** 0.7
    body = smooth(26, 60, side)
    before = c.height.copy()
    pleats(c, down, [0.30, 0.485, 0.67], 0.0165, 11)
    c.height = before + (c.height - before) * (0.3 + 0.7 * body)
    # Creases that run from the corners' pull towards the middle.
    pull = c.soft(c.noise(21, 150, 38), 5) * smooth(0.15, 0.8, np.abs(u))
    c.height += 0.0022 * pull
    # Sealed borders.
    hem_top, hem_bottom, hem_side = smooth(34, 31, tall), smooth(30, 27, from_bottom), smooth(30, 27, side)
    hem = np.maximum(np.maximum(hem_top, hem_bottom), hem_side)
    c.height += 0.003 * hem
    c.thin *= 1 - 0.55 * hem
    c.albedo += (0.015 * hem)[..., None]
    for edge in (np.abs(tall - 33), np.abs(from_bottom - 29), np.abs(side - 29)):
        c.shade(np.asarray(1 - smooth(0.8, 2.4, edge), np.float32) * 0.5, 0.9)
    marks = welds(c, tall, [9, 18, 27], 6, c.x)
    marks = np.maximum(marks, welds(c, from_bottom, [9, 19], 6, c.x))
    marks = np.maximum(marks, welds(c, side, [8, 15, 22], 7, c.y))
    c.height -= 0.0022 * marks
    c.shade(marks * 0.6, 0.88)
    wire = smooth(0, 6, c.box(W / 2, 24, 470, 17, 8))
    c.height += 0.0045 * c.soft(np.asarray(wire, np.float32), 2.0)
    return c, _words(shape, "Surgical, pleated, ear loops", "surgical", loops((20, 44), (20, 654), W), weight=6)


def _words(
    shape: Outline, title: str, kind: str, straps: list[dict[str, Any]], weight: float, **more: Any
) -> dict[str, Any]:
    return {
        "title": title,
        "kind": kind,
        "anchors": shape.anchors(),
        "straps": straps,
        "colours": more.get("colours", SURGICAL_COLOURS),
        "pattern_chance": more.get("pattern_chance", 0.06),
        "material": {"translucency": more.get("translucency", 0.12), "gloss": more.get("gloss", 0.08), "relief": 0.0},
        "wears": ["correct", "nose_out", "mouth_out", "chin", "one_ear"],
        "weight": weight,
        "source": SOURCE,
        "licence": LICENCE,
    }


DRAWINGS = {"surgical": surgical}
