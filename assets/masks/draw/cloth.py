"""Sewn and cut from cloth or foam: sponge, contoured, sport, gaiter, veil."""

from __future__ import annotations

from typing import Any

import numpy as np
from canvas import Canvas, Field, bump, smooth, spline
from colours import CLOTH, GAITER, SPONGE, SPORT, VEIL
from hardware import perforate, valve
from pattern_pieces import Outline, bridge, cheek, chin, jaw, loops, moved, words

W = 1024


def binding(c: Canvas, curve: Any, inside: Field, width: float) -> None:
    """A folded tape sewn over an edge, with its row of stitches."""
    band = np.asarray(smooth(width + 1, width - 1, c.away(curve)) * (inside > -2), np.float32)
    c.height += 0.005 * c.soft(band, 1.2)
    c.thin *= 1 - band
    c.pattern *= 1 - 0.85 * band
    c.shade(band * 0.5, 0.94)
    thread = c.stitches(moved(np.asarray(curve), width * 0.72), 11, 6, 2.4)
    c.height -= 0.0016 * thread
    c.shade(thread * 0.8, 0.8)


def hem(c: Canvas, curve: Any, at: float) -> None:
    """A turned-in edge: a row of stitches and the ridge of the fold."""
    thread = c.stitches(moved(np.asarray(curve), at), 10, 6, 2.2)
    c.shade(thread * 0.8, 0.8)
    line = c.away(moved(np.asarray(curve), at))
    c.height -= 0.0022 * np.asarray(smooth(7, 0, line), np.float32)


def tug(c: Canvas, inside: Field, seed: int, strength: float) -> None:
    """Folds from being worn: drawn from the corners, slack below the cheeks."""
    u = np.abs(c.x - W / 2) / (W / 2)
    fan = c.noise(seed, 230, 52) * smooth(0.15, 0.7, u) + 0.5 * c.noise(seed + 1, 110, 90)
    c.height += strength * c.soft(np.asarray(fan * smooth(0, 70, inside), np.float32), 7)


def sponge(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Two mirror-image pieces of polyurethane foam, glued in front; the ear holes are cut in the same piece."""
    c = Canvas(W, 720)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 150, jaw(1.15, 0.005)),
            (150, 160, jaw(1.35, 0.12)),
            (310, 122, cheek(-0.01, 0.008)),
            (440, 40, bridge(28.7, -0.06, 0)),
            (512, 14, bridge(28.15)),
        ],
        bottom=[
            (8, 322, jaw(2.9, 0.0)),
            (96, 470, jaw(4.4, 0.012)),
            (270, 620, jaw(6.1, 0, 0.008)),
            (424, 690, jaw(7.25, 0, 0.016)),
            (512, 704, chin(0.035)),
        ],
        side_in=10,
    )
    inside = shape.cut(c, soft=3)
    # Foam: closed, matt, with the finest grain.
    grain = np.random.default_rng(5).integers(0, 2, (180, 256)).astype(np.float32)
    grain = np.tile(grain, (2, 2))[:360, :512]
    import cv2

    c.albedo *= (1 - 0.012 * cv2.resize(grain, c.alpha.shape[::-1], interpolation=cv2.INTER_LINEAR))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    v = np.clip((c.y - 14) / 690, 0, 1)
    profile = np.clip(np.sin(np.pi * (0.08 + 0.86 * v)), 0, 1) ** 0.7
    c.height += 0.085 * (1 - np.sqrt(u**2 + 0.0025)) * profile
    c.height += 0.022 * np.asarray(bump(0.30, 0.30, u), np.float32) * profile
    glue = spline([(512, 16), (512, 240), (512, 480), (512, 704)])
    line = c.away(glue)
    c.height += 0.0035 * np.asarray(bump(0, 12, line), np.float32) - 0.0045 * np.asarray(bump(0, 4, line), np.float32)
    c.shade(np.asarray(smooth(4.0, 0.5, line), np.float32) * 0.6, 0.72)
    for sign in (-1, 1):
        # Where the strap pulls: one long soft dent, and slack under it.
        dent = spline([(512 + sign * 500, 226), (512 + sign * 330, 262), (512 + sign * 170, 330)])
        c.height -= 0.006 * c.soft(c.stroke(dent, 26, 40), 8)
    c.height += 0.006 * c.soft(np.asarray(c.noise(83, 200, 70) * smooth(0.2, 0.8, u), np.float32), 10)
    c.height -= 0.006 * np.asarray(smooth(12, 0, inside), np.float32)
    c.thin[:] = 0
    return c, words(
        shape, "Sponge, centre seam", "sponge", loops((10, 170), (10, 304), W, 0.04, "tint"), SPONGE,
        weight=3.5, pattern_chance=0.05, gloss=0.02,
    )  # fmt: skip


def contour(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Two curved pieces of cloth sewn in front; elastic through the side hems."""
    c = Canvas(W, 800)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 206, jaw(1.6, 0.03)),
            (150, 188, jaw(1.5, 0.125)),
            (310, 130, cheek(-0.01, 0.005)),
            (440, 40, bridge(28.6, -0.064, 0)),
            (512, 12, bridge(28.0)),
        ],
        bottom=[
            (8, 512, jaw(3.95, 0.025)),
            (120, 610, jaw(5.0, 0.015)),
            (280, 722, jaw(6.3, 0, 0.012)),
            (424, 776, jaw(7.3, 0, 0.025)),
            (512, 788, chin(0.045)),
        ],
        side_in=14,
    )
    inside = shape.cut(c, soft=2.2)
    c.weave(4, 0.07)
    c.albedo *= (1 + 0.008 * c.noise(91, 24) + 0.008 * c.noise(92, 120))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    v = np.clip((c.y - 12) / 776, 0, 1)
    stand = np.clip(np.sin(np.pi * (0.06 + 0.88 * v)), 0, 1) ** 0.7
    c.height += 0.095 * (1 - np.sqrt(u**2 + 0.004)) * stand + 0.02 * np.asarray(bump(0.34, 0.34, u)) * stand
    tug(c, inside, 93, 0.007)
    seam = spline([(512, 10), (514, 240), (512, 520), (512, 788)])
    line = c.away(seam)
    c.height += 0.003 * np.asarray(bump(0, 16, line), np.float32) - 0.006 * np.asarray(bump(0, 5, line), np.float32)
    c.shade(np.asarray(smooth(4.5, 0.5, line), np.float32) * 0.8, 0.62)
    if name == "cloth_contour":
        for curve in (shape.top_curve, shape.bottom_curve[::-1]):
            hem(c, curve, 16)
        thread = np.maximum(c.stitches(moved(seam, 12), 10, 6, 2), c.stitches(moved(seam, -12), 10, 6, 2))
        c.shade(thread * 0.8, 0.82)
    else:
        for curve in (shape.top_curve, shape.bottom_curve[::-1]):
            binding(c, curve, inside, 20)
    for left in (True, False):
        curve = shape.side_curve(left)
        hem(c, curve if not left else curve[::-1], 30)
        c.height += 0.004 * np.asarray(smooth(30, 24, c.away(curve)), np.float32)
        gather = (0.5 + 0.5 * np.cos(2 * np.pi * c.y / 31)) * smooth(120, 20, c.away(curve))
        c.height += 0.0022 * np.asarray(gather, np.float32)
    c.thin *= 0.6
    if name == "cloth_valve":
        valve(c, 724, 470, 78, (0.94, 0.945, 0.95), style="spokes", high=0.035)
        tag = np.asarray(smooth(-1, 1, c.box(150, 470, 44, 96, 3)), np.float32)
        c.ink(tag, (0.9, 0.9, 0.9))
        c.height += 0.003 * c.soft(tag, 1)
        c.shade(c.text("PM2.5", 150, 470, 16, 1.6, -90, bold=True), 0.2)
    title = {"cloth_contour": "Cloth, contoured", "cloth_valve": "Cloth with filter valve"}[name]
    thick, colour = (0.013, "elastic") if name == "cloth_contour" else (0.016, "elastic")
    return c, words(
        shape, title, "cloth", loops((16, 232), (16, 490), W, thick, colour), CLOTH,
        weight=4 if name == "cloth_contour" else 1.2, pattern_chance=0.5 if name == "cloth_contour" else 0.2,
        translucency=0.03, gloss=0.03,
    )  # fmt: skip


def sport(name: str) -> tuple[Canvas, dict[str, Any]]:
    """Neoprene and mesh, two exhalation valves, a metal bridge; closes behind the neck."""
    c = Canvas(W, 760)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 250, jaw(1.5, -0.005)),
            (140, 216, jaw(1.65, 0.115)),
            (310, 140, cheek(-0.01, 0.015)),
            (440, 40, bridge(28.5, -0.066, 0)),
            (512, 14, bridge(27.9)),
        ],
        bottom=[
            (8, 480, jaw(3.85, -0.008)),
            (110, 600, jaw(4.9, 0.004)),
            (280, 700, jaw(6.2, 0, 0.016)),
            (424, 738, jaw(7.25, 0, 0.026)),
            (512, 746, chin(0.045)),
        ],
        side_in=26,
    )
    inside = shape.cut(c)
    c.weave(6, 0.05)
    u = np.abs(c.x - W / 2) / (W / 2)
    v = np.clip((c.y - 14) / 732, 0, 1)
    stand = np.clip(np.sin(np.pi * (0.06 + 0.88 * v)), 0, 1) ** 0.7
    c.height += 0.11 * (1 - np.sqrt(u**2 + 0.003)) * stand + 0.02 * np.asarray(bump(0.36, 0.3, u)) * stand
    c.height += 0.005 * c.soft(np.asarray(c.noise(101, 190, 70), np.float32), 9)
    seam = spline([(512, 16), (512, 380), (512, 746)])
    for offset in (-9, 9):
        thread = c.stitches(moved(seam, offset), 9, 5, 2.4)
        c.albedo += (0.03 * thread)[..., None]
        c.height += 0.001 * thread
    line = c.away(seam)
    c.height -= 0.005 * np.asarray(bump(0, 5, line), np.float32)
    c.shade(np.asarray(smooth(4, 0.5, line), np.float32) * 0.7, 0.6)
    # Mesh in the cheeks.
    for sign in (-1, 1):
        around = [(150, 250), (260, 226), (372, 258), (402, 330), (352, 420), (236, 452), (156, 380)]
        outline = spline([(512 + sign * x, y) for x, y in around], closed=True)
        panel = c.inside(outline)
        mesh = np.asarray(smooth(-1, 1, panel), np.float32)
        c.shade(mesh * 0.6, 0.62)
        perforate(c, mesh, 11, 4.0, 0.42)
        edge = np.asarray(bump(0, 9, panel), np.float32)
        c.height += 0.005 * edge
        c.shade(c.stitches(outline, 9, 5, 2.2) * 0.7, 0.75)
        # Slits that let heat out.
        slits = [(64, 210, 24), (98, 228, 24), (132, 246, 24), (66, 330, -70), (80, 372, -70), (66, 470, -40),
                 (92, 520, -40), (76, 640, 60), (118, 664, 60), (330, 520, 30), (372, 498, 30)]  # fmt: skip
        for dx, y, turn in slits:
            slit = np.asarray(smooth(-1, 1, c.box(512 + sign * dx, y, 13, 40, 6, sign * turn)), np.float32)
            c.ink(slit, (0.5, 0.5, 0.5), tinted=0.4)
            c.height -= 0.005 * slit
        valve(c, 512 + sign * 212, 560, 66, (0.16, 0.16, 0.17), style="spokes", high=0.04, tinted=0)
    binding(c, shape.top_curve, inside, 13)
    binding(c, shape.bottom_curve[::-1], inside, 13)
    # A plate of polished metal over the nose, riveted at its ends.
    corners = [(396, 142), (452, 84), (512, 52), (572, 84), (628, 142), (612, 166), (564, 132), (512, 118), (460, 132),
               (412, 166)]  # fmt: skip
    plate = c.inside(spline(corners, closed=True))
    metal = np.asarray(smooth(-0.8, 0.8, plate), np.float32)
    c.shade(np.asarray(smooth(-9, 0, plate) * (plate < 0), np.float32) * 0.5, 0.6)
    c.ink(metal, (0.70, 0.71, 0.73))
    c.albedo += (0.2 * metal * smooth(26, 4, np.abs(c.y - 84 - 0.0016 * (c.x - 512) ** 2)))[..., None]
    c.height += 0.008 * smooth(-1, 5, plate)
    for x in (416, 608):
        rivet = np.asarray(smooth(-1, 1, c.disc(x, 148, 9)), np.float32)
        c.shade(rivet * 0.6, 0.75)
        c.height += 0.003 * c.soft(rivet, 1.5)
    c.thin[:] = 0
    c.pattern *= 0.9
    straps = [{"from": [x, y], "to": "ear", "width": 0.05, "colour": "tint"} for y in (365,) for x in (14, W - 14)]
    straps += [{"from": [x, 450], "to": "nape", "width": 0.05, "colour": "tint"} for x in (14, W - 14)]
    return c, words(
        shape, "Sports mask", "sport", straps, SPORT, weight=1.0, pattern_chance=0.08, gloss=0.06,
        wears=("correct", "nose_out", "mouth_out", "chin", "chin_out", "nose_only", "high"),
    )  # fmt: skip


def gaiter(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A knitted tube, pulled up over the nose and slack round the neck."""
    c = Canvas(W, 1088)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 170, jaw(0.95, -0.012)),
            (150, 166, jaw(1.25, 0.10)),
            (310, 116, cheek(-0.01, 0.0)),
            (440, 44, bridge(28.5, -0.064, 0)),
            (512, 20, bridge(28.0)),
        ],
        bottom=[
            (40, 930, jaw(4.6, -0.02, 0.20)),
            (200, 1010, jaw(5.9, -0.03, 0.20)),
            (360, 1056, jaw(7.0, 0, 0.22)),
            (512, 1072, chin(0.27)),
        ],
        side_in=0,
    )
    shape.cut(c, soft=2.2)
    c.knit(4, 0.05)
    c.albedo *= (1 + 0.008 * c.noise(111, 160))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    v = c.y / 1088
    # Stretched over nose and chin, rumpled below.
    c.height += 0.05 * (1 - u**2) * np.asarray(bump(0.36, 0.44, v), np.float32)
    slack = smooth(0.52, 0.8, v)
    rumple = c.noise(112, 330, 62) + 0.5 * c.noise(113, 160, 40)
    c.height += 0.012 * c.soft(np.asarray(rumple * slack, np.float32), 9)
    swags = sum(
        bump(0, 0.045, v - (at + 0.10 * (1 - u**1.6) + 0.01 * np.sin(7 * u + k)))
        for k, at in enumerate((0.58, 0.67, 0.76, 0.85))
    )
    c.height += 0.011 * c.soft(np.asarray(swags * smooth(0.5, 0.62, v), np.float32), 7)
    c.height += 0.0035 * c.soft(np.asarray(c.noise(114, 120, 60) * (1 - slack), np.float32), 8)
    for curve in (shape.top_curve, shape.bottom_curve[::-1]):
        hem(c, curve, 24)
    c.thin *= 0.7
    return c, words(
        shape, "Neck gaiter, pulled up", "gaiter", [], GAITER, weight=1.0, pattern_chance=0.5, translucency=0.03,
        gloss=0.05, wears=("correct", "nose_out", "mouth_out", "chin", "high"),
    )  # fmt: skip


def veil(name: str) -> tuple[Canvas, dict[str, Any]]:
    """A face veil: one layer of light cloth from the nose down, tied behind the head."""
    c = Canvas(W, 1088)
    shape = Outline.symmetrical(
        W,
        top=[
            (8, 92, jaw(0.7, -0.01)),
            (150, 104, jaw(1.05, 0.10)),
            (310, 84, cheek(-0.01, -0.022)),
            (440, 40, bridge(28.2, -0.064, 0)),
            (512, 22, bridge(27.75)),
        ],
        bottom=[
            (16, 1010, jaw(4.4, -0.05, 0.26)),
            (200, 1040, jaw(5.8, -0.04, 0.26)),
            (360, 1062, jaw(7.0, 0, 0.28)),
            (512, 1070, chin(0.34)),
        ],
    )
    shape.cut(c, soft=2.2)
    c.weave(3, 0.05)
    c.albedo *= (1 + 0.008 * c.noise(121, 200))[..., None]
    u = np.abs(c.x - W / 2) / (W / 2)
    v = c.y / 1088
    c.height += 0.06 * (1 - u**2) * np.asarray(bump(0.42, 0.5, v), np.float32)
    # It hangs: folds run down and open, deeper towards the hem.
    spread = (c.x - W / 2) * (1.12 - 0.2 * v) + 40 * c.noise(122, 500, 700)
    grid = np.random.default_rng(123).normal(0, 1, 40).astype(np.float32)
    position = (spread + 700) / 52
    drape = np.interp(position.ravel(), np.arange(40), grid).reshape(position.shape)
    c.height += 0.013 * c.soft(np.asarray(drape * smooth(0.28, 0.85, v) * (0.4 + 0.6 * u), np.float32), 9)
    c.height += 0.005 * c.soft(np.asarray(c.noise(124, 240, 60) * smooth(0.4, 0.05, v), np.float32), 7)
    hem(c, shape.top_curve, 30)
    hem(c, shape.bottom_curve[::-1], 26)
    c.thin *= 1.0
    straps = [{"from": [x, 104], "to": "ear_top", "width": 0.035, "colour": "tint"} for x in (14, W - 14)]
    return c, words(
        shape, "Face veil", "veil", straps, VEIL, weight=0.5, pattern_chance=0.06, translucency=0.03, gloss=0.08,
        wears=("correct", "nose_out", "mouth_out"),
    )  # fmt: skip


DRAWINGS = {
    "sponge": sponge, "cloth_contour": contour, "cloth_valve": contour, "sport": sport, "gaiter": gaiter, "veil": veil,
}  # fmt: skip
