"""Pleated masks of fleece: surgical, with ear loops or with ties, a child's printed one, and pleated cloth."""

from __future__ import annotations

from typing import Any

import numpy as np
from canvas import Canvas, Field, bump, smooth
from colours import CHILD, CLOTH, SURGICAL
from pattern_pieces import Outline, bridge, cheek, chin, jaw, loops, words

W, H = 1024, 704


def outline() -> Outline:
    return Outline.symmetrical(
        W,
        top=[
            (8, 34, jaw(1.95, 0.045)),
            (130, 28, jaw(1.55, 0.13)),
            (290, 20, cheek(0, -0.005)),
            (420, 14, bridge(28.5, -0.085, 0.015)),
            (512, 8, bridge(28.25)),
        ],
        bottom=[
            (8, 664, jaw(4.5, 0.04)),
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
        c.shade(np.asarray(smooth(-0.034, -0.002, side) * (side < 0.001) * open_ * 0.7, np.float32), 0.8)
        c.albedo += (0.016 * bump(0.008, 0.009, side) * open_)[..., None]


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
    pleats(c, down, [0.30, 0.485, 0.67], 0.024, 11)
    c.height = before + (c.height - before) * (0.3 + 0.7 * body)
    # Creases that run from the corners' pull towards the middle.
    pull = c.soft(c.noise(21, 150, 38), 5) * smooth(0.15, 0.8, np.abs(u))
    c.height += 0.004 * pull
    # Sealed borders.
    hem_top, hem_bottom, hem_side = smooth(34, 31, tall), smooth(30, 27, from_bottom), smooth(30, 27, side)
    hem = np.maximum(np.maximum(hem_top, hem_bottom), hem_side)
    c.height += 0.003 * hem
    c.thin *= 1 - 0.55 * hem
    c.albedo += (0.015 * hem)[..., None]
    for edge in (np.abs(tall - 33), np.abs(from_bottom - 29), np.abs(side - 29)):
        c.shade(np.asarray(1 - smooth(0.8, 2.4, edge), np.float32) * 0.7, 0.84)
    marks = welds(c, tall, [9, 18, 27], 6, c.x)
    marks = np.maximum(marks, welds(c, from_bottom, [9, 19], 6, c.x))
    marks = np.maximum(marks, welds(c, side, [8, 15, 22], 7, c.y))
    c.height -= 0.0022 * marks
    c.shade(marks * 0.7, 0.84)
    wire = smooth(0, 6, c.box(W / 2, 24, 470, 17, 8))
    c.height += 0.0045 * c.soft(np.asarray(wire, np.float32), 2.0)
    return c, words(
        shape, "Surgical, ear loops", "surgical", loops((20, 44), (20, 654), W), SURGICAL,
        weight=6, pattern_chance=0.06, translucency=0.12, gloss=0.08,
    )  # fmt: skip


def tied(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Bound with tape all round; four ribbons tie behind the head."""
    c = Canvas(W, H)
    shape = outline()
    shape.cut(c)
    down = shape.down(c)
    c.spunbond(16, 0.024)
    c.albedo *= (1 + 0.006 * c.noise(203, 60))[..., None]
    tall, from_bottom = down * (H - 16), (1 - down) * (H - 16)
    side = np.minimum(c.x - 8, W - 8 - c.x)
    u = (c.x - W / 2) / (W / 2)
    c.height += 0.026 * np.sqrt(np.clip(1 - u**2, 0, 1)) * np.clip(np.sin(np.pi * np.clip(down, 0, 1)), 0, 1) ** 0.7
    before = c.height.copy()
    pleats(c, down, [0.24, 0.40, 0.56, 0.72], 0.019, 211)
    c.height = before + (c.height - before) * (0.3 + 0.7 * smooth(34, 70, side))
    c.height += 0.0026 * c.soft(np.asarray(c.noise(221, 150, 38) * smooth(0.1, 0.8, np.abs(u)), np.float32), 5)
    edge = np.minimum(np.minimum(tall, from_bottom), side)
    tape = np.asarray(smooth(37, 35, edge), np.float32)
    c.height += 0.006 * c.soft(tape, 1.2)
    c.thin *= 1 - 0.8 * tape
    c.pattern *= 1 - tape
    c.ink(tape, (0.95, 0.95, 0.95), tinted=0.35, printed=0)
    c.shade(np.asarray(smooth(48, 37, edge) * (edge > 36) * 0.5, np.float32), 0.86)
    for at, along in ((np.abs(tall - 28), c.x), (np.abs(from_bottom - 28), c.x), (np.abs(side - 28), c.y)):
        thread = np.asarray(smooth(2.2, 1.2, at) * smooth(5, 3.5, np.abs(along % 15 - 7.5)), np.float32) * (edge < 37)
        c.shade(thread, 0.84)
    wire = np.asarray(smooth(0, 6, c.box(W / 2, 26, 440, 14, 7)), np.float32)
    c.height += 0.004 * c.soft(wire, 2.5)
    straps = [
        {"from": [x, y], "to": end, "width": 0.026, "colour": "#f1f2f0"}
        for y, end in ((46, "crown"), (650, "nape"))
        for x in (16, W - 16)
    ]
    return c, words(
        shape, "Surgical, tied", "surgical", straps,
        {"surgical_blue": 6, "surgical_green": 4, "light_blue": 3, "mint": 3, "white": 3, "teal": 1, "sky": 1,
         "pink": 0.4},
        weight=1.3, pattern_chance=0.02, translucency=0.12, gloss=0.06,
    )  # fmt: skip


def flat_folds(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A surgical mask as many wear it: hardly opened, creased, the middle pleat standing out."""
    c = Canvas(W, H)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 30, jaw(2.3, 0.05)),
            (150, 26, jaw(1.85, 0.145)),
            (310, 20, cheek(0, 0.018)),
            (430, 14, bridge(28.9, -0.08, 0.01)),
            (512, 10, bridge(28.6)),
        ],
        bottom=[
            (8, 668, jaw(4.15, 0.045)),
            (140, 676, jaw(5.1, 0.03, 0.01)),
            (310, 688, jaw(6.4, 0.01, 0.01)),
            (512, 696, chin(0.015)),
        ],
        side_in=8,
    )
    shape.cut(c)
    down = shape.down(c)
    c.spunbond(13, 0.03)
    c.albedo *= (1 + 0.007 * c.noise(303, 50))[..., None]
    tall, from_bottom = down * (H - 16), (1 - down) * (H - 16)
    side = np.minimum(c.x - 8, W - 8 - c.x)
    u = (c.x - W / 2) / (W / 2)
    c.height += 0.034 * np.sqrt(np.clip(1 - u**2, 0, 1)) * np.clip(np.sin(np.pi * np.clip(down, 0, 1)), 0, 1) ** 0.6
    before = c.height.copy()
    # A box pleat: the two outer folds look away from the middle one.
    pleats(c, down, [0.36], 0.02, 311, turn=-1)
    pleats(c, down, [0.60], 0.022, 321)
    pleats(c, down, [0.76], 0.012, 331)
    c.height = before + (c.height - before) * (0.25 + 0.75 * smooth(24, 90, side))
    # The fold it was packed with, down the middle, and crumples.
    c.height += 0.004 * np.asarray(bump(W / 2 + 6, 26, c.x), np.float32)
    crumple = np.abs(c.noise(341, 170, 60)) + 0.6 * np.abs(c.noise(342, 80, 46))
    c.height += 0.0036 * c.soft(np.asarray(crumple * smooth(10, 70, side), np.float32), 4)
    hem = np.asarray(np.maximum(np.maximum(smooth(26, 23, tall), smooth(24, 21, from_bottom)), smooth(34, 31, side)))
    c.height += 0.003 * hem
    c.thin *= 1 - 0.5 * hem
    for edge in (np.abs(tall - 25), np.abs(from_bottom - 23), np.abs(side - 33)):
        c.shade(np.asarray(1 - smooth(0.8, 2.4, edge), np.float32) * 0.7, 0.84)
    marks = np.maximum(welds(c, tall, [8, 16], 8, c.x), welds(c, from_bottom, [8, 16], 8, c.x))
    marks = np.maximum(marks, welds(c, side, [7, 13, 19, 25], 5, c.y))
    c.height -= 0.002 * marks
    c.shade(marks * 0.7, 0.84)
    wire = np.asarray(smooth(0, 6, c.box(W / 2, 40, 400, 13, 6)), np.float32)
    c.height += 0.004 * c.soft(wire, 2.0)
    return c, words(
        shape, "Surgical, creased", "surgical", loops((20, 42), (20, 656), W, 0.009), SURGICAL,
        weight=4, pattern_chance=0.05, translucency=0.14, gloss=0.07,
    )  # fmt: skip


def child(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A child's: short, printed with bears, stars, hearts and clouds in bright inks."""
    c = Canvas(W, H)
    shape = outline()
    shape.cut(c)
    down = shape.down(c)
    c.spunbond(16, 0.022)
    _stickers(c)
    tall, from_bottom = down * (H - 16), (1 - down) * (H - 16)
    side = np.minimum(c.x - 8, W - 8 - c.x)
    u = (c.x - W / 2) / (W / 2)
    c.height += 0.03 * np.sqrt(np.clip(1 - u**2, 0, 1)) * np.clip(np.sin(np.pi * np.clip(down, 0, 1)), 0, 1) ** 0.7
    before = c.height.copy()
    pleats(c, down, [0.33, 0.52, 0.71], 0.023, 411)
    c.height = before + (c.height - before) * (0.3 + 0.7 * smooth(26, 60, side))
    c.height += 0.0024 * c.soft(np.asarray(c.noise(421, 150, 40), np.float32), 5)
    hem = np.asarray(np.maximum(np.maximum(smooth(38, 35, tall), smooth(34, 31, from_bottom)), smooth(36, 33, side)))
    c.height += 0.003 * hem
    c.thin *= 1 - 0.5 * hem
    marks = np.maximum(welds(c, tall, [10, 20, 30], 7, c.x), welds(c, from_bottom, [10, 22], 7, c.x))
    marks = np.maximum(marks, welds(c, side, [9, 18, 27], 7, c.y))
    c.height -= 0.002 * marks
    c.shade(marks * 0.7, 0.84)
    return c, words(
        shape, "Child's, printed", "child", loops((20, 44), (20, 654), W, 0.013), CHILD,
        weight=0.8, pattern_chance=0.25, translucency=0.06, gloss=0.07,
    )  # fmt: skip


def _stickers(c: Canvas) -> None:
    """The print: one motif a cell, turned and coloured by a fixed draw."""
    rng = np.random.default_rng(7)
    inks = [(0.93, 0.36, 0.40), (0.98, 0.72, 0.22), (0.32, 0.62, 0.88), (0.46, 0.74, 0.42), (0.66, 0.48, 0.78)]
    for row, y in enumerate(range(80, H, 118)):
        for column, x in enumerate(range(30 + 60 * (row % 2), W, 124)):
            cx, cy = x + rng.uniform(-14, 14), y + rng.uniform(-12, 12)
            ink, size, turn = inks[int(rng.integers(5))], rng.uniform(30, 38), rng.uniform(-0.5, 0.5)
            motif = (row * 3 + column) % 4
            angle = np.linspace(0, 2 * np.pi, 80, endpoint=False) + turn
            if motif == 0:
                r = size * (0.72 + 0.28 * np.cos(5 * (angle - turn)))
                c.ink(c.area(np.column_stack([cx + r * np.sin(angle), cy - r * np.cos(angle)])), ink)
            elif motif == 1:
                t = angle - turn
                hx, hy = 16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
                c.ink(c.area(np.column_stack([cx + hx * size / 18, cy + hy * size / 18])), ink)
            elif motif == 2:
                for dx, dy, r in ((-0.62, -0.66, 0.34), (0.62, -0.66, 0.34), (0, 0, 0.9)):
                    c.ink(
                        np.asarray(smooth(-1, 1, c.disc(cx + dx * size, cy + dy * size, r * size))), (0.66, 0.45, 0.30)
                    )
                c.ink(
                    np.asarray(smooth(-1, 1, c.disc(cx, cy + 0.32 * size, 0.42 * size, 0.34 * size))),
                    (0.96, 0.88, 0.76),
                )
                face = [
                    (cx - 0.34 * size, cy - 0.14 * size),
                    (cx + 0.34 * size, cy - 0.14 * size),
                    (cx, cy + 0.2 * size),
                ]
                c.ink(c.dots(face, size * 0.11), (0.14, 0.1, 0.1))
            else:
                for dx, dy, r in ((-0.55, 0.15, 0.42), (0.55, 0.15, 0.42), (0, -0.15, 0.58), (0.1, 0.22, 0.4)):
                    c.ink(
                        np.asarray(smooth(-1, 1, c.disc(cx + dx * size, cy + dy * size, r * size))), (0.62, 0.80, 0.95)
                    )


def cloth(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Sewn cotton with three soft pleats, caught in the side bindings."""
    c = Canvas(W, 736)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 40, jaw(1.65, 0.025)),
            (130, 34, jaw(1.4, 0.12)),
            (290, 26, cheek(0, -0.003)),
            (420, 18, bridge(28.6, -0.085, 0.012)),
            (512, 12, bridge(28.35)),
        ],
        bottom=[
            (8, 690, jaw(4.6, 0.02)),
            (130, 704, jaw(5.5, 0.01, 0.016)),
            (300, 718, jaw(6.6, 0, 0.035)),
            (512, 726, chin(0.055)),
        ],
        side_in=7,
    )
    shape.cut(c, soft=2.2)
    down = shape.down(c)
    c.weave(4, 0.08)
    c.albedo *= (1 + 0.01 * c.noise(503, 26) + 0.008 * c.noise(504, 130))[..., None]
    tall, from_bottom = down * 714, (1 - down) * 714
    side = np.minimum(c.x - 8, W - 8 - c.x)
    u = (c.x - W / 2) / (W / 2)
    c.height += 0.04 * np.sqrt(np.clip(1 - u**2, 0, 1)) * np.clip(np.sin(np.pi * np.clip(down, 0, 1)), 0, 1) ** 0.7
    before = c.height.copy()
    pleats(c, down, [0.34, 0.53, 0.72], 0.024, 511)
    c.height = before + c.soft((c.height - before) * (0.35 + 0.65 * np.asarray(smooth(40, 130, side))), 2.4)
    c.height += 0.0045 * c.soft(np.asarray(c.noise(521, 180, 44) * smooth(30, 120, side), np.float32), 7)
    bound = np.asarray(smooth(45, 43, side), np.float32)
    c.height += 0.009 * c.soft(bound, 2)
    c.thin *= 0.6 * (1 - bound)
    c.shade(np.asarray(smooth(62, 45, side) * (side > 44) * 0.5, np.float32), 0.82)
    for at, along in ((np.abs(tall - 22), c.x), (np.abs(from_bottom - 22), c.x), (np.abs(side - 37), c.y)):
        thread = np.asarray(smooth(2.2, 1.2, at) * smooth(5.4, 4, np.abs(along % 16 - 8)), np.float32)
        c.shade(thread * 0.8, 0.8)
        c.height -= 0.002 * np.asarray(smooth(7, 0, at), np.float32)
    return c, words(
        shape, "Cloth, pleated", "cloth", loops((22, 54), (22, 678), W, 0.014), CLOTH,
        weight=3, pattern_chance=0.55, translucency=0.03, gloss=0.02,
    )  # fmt: skip


DRAWINGS = {
    "surgical": surgical, "surgical_creased": flat_folds, "surgical_tied": tied, "child": child, "cloth_pleated": cloth,
}  # fmt: skip
