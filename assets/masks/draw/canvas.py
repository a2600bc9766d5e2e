"""Paper, pencils and a needle: what every mask is drawn with.

Coordinates are pixels of the finished picture; everything is drawn twice as
large and averaged down. Arrays are (2 H, 2 W) float32. Nothing here uses
chance but ``noise``, whose seed the caller names, so the same program draws
the same pictures.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Curve = NDArray[np.float64]
FINE = 2
"""Drawn this many times larger than finished."""


def smooth(low: float, high: float, value: Any) -> Any:
    """0 below ``low``, 1 above ``high``, an S between; ``low`` may exceed ``high``."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bump(centre: float, half_width: float, value: Any) -> Any:
    """A rounded ridge of height 1: a raised cosine."""
    t = np.clip(np.abs(value - centre) / half_width, 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * t)


def spline(points: Any, steps: int = 24, *, closed: bool = False) -> Curve:
    """A smooth curve through points (centripetal Catmull-Rom)."""
    p = np.asarray(points, np.float64)
    p = np.vstack([p[-1], p, p[0], p[1]]) if closed else np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    pieces = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        t0 = 0.0
        t1 = t0 + max(float(np.hypot(*(b - a))) ** 0.5, 1e-6)
        t2 = t1 + max(float(np.hypot(*(c - b))) ** 0.5, 1e-6)
        t3 = t2 + max(float(np.hypot(*(d - c))) ** 0.5, 1e-6)
        t = np.linspace(t1, t2, steps, endpoint=False)[:, None]
        a1 = (t1 - t) / (t1 - t0) * a + (t - t0) / (t1 - t0) * b
        a2 = (t2 - t) / (t2 - t1) * b + (t - t1) / (t2 - t1) * c
        a3 = (t3 - t) / (t3 - t2) * c + (t - t2) / (t3 - t2) * d
        b1 = (t2 - t) / (t2 - t0) * a1 + (t - t0) / (t2 - t0) * a2
        b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
        pieces.append((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2)
    curve = np.vstack(pieces)
    return curve if closed else np.vstack([curve, p[-2]])


def mirrored(points: Any, width: float) -> list[tuple[float, float]]:
    """Points of the left half and the middle, continued to the right: x -> width - x."""
    left = [tuple(point) for point in points]
    return left + [(width - x, y) for x, y in reversed(left) if abs(x - width / 2) > 1e-6]


class Canvas:
    """A mask being drawn.

    Attributes:
        x, y: coordinates of every fine pixel.
        albedo: (., ., 3) colour before tinting.
        alpha, height, tint, pattern, thin: one value a pixel; height is in
            units of the relief and may go below 0 while drawing.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height_px = width, height
        h, w = height * FINE, width * FINE
        self.y, self.x = (np.mgrid[0:h, 0:w].astype(np.float32) + 0.5) / FINE
        self.albedo = np.full((h, w, 3), 0.965, np.float32)
        self.alpha = np.zeros((h, w), np.float32)
        self.height = np.zeros((h, w), np.float32)
        self.tint = np.ones((h, w), np.float32)
        self.pattern = np.ones((h, w), np.float32)
        self.thin = np.ones((h, w), np.float32)

    # Shapes: signed distance in finished pixels, positive inside.

    def area(self, curve: Curve) -> Field:
        """1 inside a closed curve, 0 outside."""
        mask = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillPoly(mask, [self._fixed(curve)], 255, cv2.LINE_8, 4)
        return (mask > 127).astype(np.float32)

    def inside(self, curve: Curve) -> Field:
        """Signed distance to a closed curve, positive inside."""
        area = self.area(curve).astype(np.uint8)
        inner = cv2.distanceTransform(area, cv2.DIST_L2, 5)
        outer = cv2.distanceTransform(1 - area, cv2.DIST_L2, 5)
        return np.asarray((inner - outer) / FINE, np.float32)

    def away(self, curve: Curve, *, closed: bool = False) -> Field:
        """Distance to a curve."""
        mask = np.full(self.alpha.shape, 255, np.uint8)
        cv2.polylines(mask, [self._fixed(curve)], closed, 0, 1, cv2.LINE_8, 4)
        return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 5) / FINE, np.float32)

    def disc(self, cx: float, cy: float, rx: float, ry: float | None = None) -> Field:
        """Signed distance (near enough) to an ellipse, positive inside."""
        ry = rx if ry is None else ry
        r = np.hypot((self.x - cx) / rx, (self.y - cy) / ry)
        return np.asarray((1 - r) * min(rx, ry), np.float32)

    def box(self, cx: float, cy: float, w: float, h: float, r: float = 0, angle_deg: float = 0) -> Field:
        """Signed distance to a rectangle with rounded corners, positive inside."""
        a = np.deg2rad(angle_deg)
        u = (self.x - cx) * np.cos(a) + (self.y - cy) * np.sin(a)
        v = (self.y - cy) * np.cos(a) - (self.x - cx) * np.sin(a)
        qx, qy = np.abs(u) - (w / 2 - r), np.abs(v) - (h / 2 - r)
        outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0)
        return np.asarray(r - outside, np.float32)

    # Marks: weights in [0, 1].

    def stroke(self, curve: Curve, width: float, soft: float = 1.0, *, closed: bool = False) -> Field:
        """A line of ``width`` with ``soft`` pixels of edge."""
        return np.asarray(1 - smooth(width / 2 - soft / 2, width / 2 + soft / 2, self.away(curve, closed=closed)))

    def stitches(self, curve: Curve, dash: float, gap: float, width: float) -> Field:
        """Thread: short dashes along a curve."""
        mask = np.zeros(self.alpha.shape, np.uint8)
        steps = np.hypot(*np.diff(curve, axis=0).T)
        along = np.concatenate([[0], np.cumsum(steps)])
        for start in np.arange(gap / 2, along[-1] - dash, dash + gap):
            at = np.linspace(start, start + dash, 4)
            piece = np.column_stack([np.interp(at, along, curve[:, 0]), np.interp(at, along, curve[:, 1])])
            cv2.polylines(mask, [self._fixed(piece)], False, 255, max(1, round(width * FINE)), cv2.LINE_AA, 4)
        return np.asarray(mask / 255, np.float32)

    def dots(self, centres: Any, radius: float) -> Field:
        """Round spots."""
        mask = np.zeros(self.alpha.shape, np.uint8)
        for cx, cy in centres:
            cv2.circle(mask, (round(cx * FINE * 16), round(cy * FINE * 16)), round(radius * FINE * 16), 255, -1,
                       cv2.LINE_AA, 4)  # fmt: skip
        return np.asarray(mask / 255, np.float32)

    def text(
        self, words: str, cx: float, cy: float, size: float, thick: float = 2, angle_deg: float = 0, bold: bool = False
    ) -> Field:
        """Print, centred; ``size`` is the height of a capital."""
        font = cv2.FONT_HERSHEY_DUPLEX if bold else cv2.FONT_HERSHEY_SIMPLEX
        scale, weight = size * FINE / 21, max(1, round(thick * FINE))
        (w, h), _ = cv2.getTextSize(words, font, scale, weight)
        mask = np.zeros(self.alpha.shape, np.uint8)
        origin = round(cx * FINE - w / 2), round(cy * FINE + h / 2)
        cv2.putText(mask, words, origin, font, scale, 255, weight, cv2.LINE_AA)
        if angle_deg:
            turn = cv2.getRotationMatrix2D((cx * FINE, cy * FINE), -angle_deg, 1)
            mask = cv2.warpAffine(mask, turn, mask.shape[1::-1])
        return np.asarray(mask / 255, np.float32)

    def noise(self, seed: int, cell_x: float, cell_y: float | None = None) -> Field:
        """Smooth noise about 0, standard deviation near 1; cells of so many pixels."""
        cell_y = cell_x if cell_y is None else cell_y
        rows, columns = int(self.height_px / cell_y) + 3, int(self.width / cell_x) + 3
        grid = np.random.default_rng(seed).normal(0, 1, (rows, columns)).astype(np.float32)
        size = round(columns * cell_x * FINE), round(rows * cell_y * FINE)
        big = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
        h, w = self.alpha.shape
        return np.asarray(big[:h, :w] * 1.3, np.float32)

    def soft(self, field: Field, radius: float) -> Field:
        """Blurred by a Gaussian of so many finished pixels."""
        return np.asarray(cv2.GaussianBlur(field, (0, 0), radius * FINE), np.float32)

    # Cloth

    def weave(self, period: float, depth: float) -> None:
        """Threads over and under, in the colour; exactly periodic, so that the PNG stays small."""
        u, v = np.sin(2 * np.pi * self.x / period), np.sin(2 * np.pi * self.y / period)
        self.albedo *= (1 - depth * (0.5 + 0.5 * u * v))[..., None]

    def spunbond(self, period: float = 16, depth: float = 0.03) -> None:
        """Non-woven fleece: a lattice of small welded ovals."""
        row = np.floor(self.y / (period / 2))
        u = (self.x + (row % 2) * period / 2) % period - period / 2
        v = self.y % (period / 2) - period / 4
        dot = 1 - smooth(0.6, 1.1, np.hypot(u / (period * 0.17), v / (period * 0.11)))
        self.albedo *= (1 - depth * dot)[..., None]

    def knit(self, period: float, depth: float) -> None:
        """Fine ribs, straight down."""
        self.albedo *= (1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * self.x / period)))[..., None]

    # Ink

    def ink(self, weight: Field, rgb: tuple[float, float, float], *, tinted: float = 0.0, printed: float = 0.0) -> None:
        """Another material over what is there: its own colour, tint and pattern weights."""
        self.albedo += (np.asarray(rgb, np.float32) - self.albedo) * weight[..., None]
        self.tint += (tinted - self.tint) * weight
        self.pattern += (printed - self.pattern) * weight
        self.thin *= 1 - weight

    def shade(self, weight: Field, factor: float) -> None:
        """Darken what is there (dirt in a seam, the inside of a fold)."""
        self.albedo *= (1 - weight * (1 - factor))[..., None]

    # Files

    def save(self, folder: Path, description: dict[str, Any]) -> None:
        """Write mask.png, and height.png and regions.png half as large, and mask.json."""
        folder.mkdir(parents=True, exist_ok=True)
        albedo = np.clip(_smaller(self.albedo, FINE), 0, 1)
        alpha = np.clip(_smaller(self.alpha, FINE), 0, 1)
        # 128 levels are plenty for a surface that is lit afterwards, and pack well.
        colour = (np.round(albedo * 127.5) * 2).clip(0, 255).astype(np.uint8)
        opacity = np.round(alpha * 255).astype(np.uint8)
        outside = cv2.dilate(opacity, np.ones((9, 9), np.uint8)) == 0
        colour[outside] = 246
        if (np.ptp(colour.astype(np.int16), axis=2) == 0).all():
            _write_png(folder / "mask.png", np.dstack([colour[..., 0], opacity]))
        else:
            _write_png(folder / "mask.png", np.dstack([colour, opacity]))
        relief = _smaller(self.height, 2 * FINE)
        relief = (relief - relief.min()) / max(float(np.ptp(relief)), 1e-6)
        # 12 of 16 bits: finer than any light shows.
        _write_png(folder / "height.png", (np.round(relief * 4095) * 16).astype(np.uint16))
        regions = np.clip(_smaller(np.dstack([self.tint, self.pattern, self.thin]), 2 * FINE), 0, 1)
        _write_png(folder / "regions.png", np.round(regions * 51).astype(np.uint8) * 5)
        description["material"]["relief"] = round(float(np.ptp(_smaller(self.height, 2 * FINE))), 4)
        (folder / "mask.json").write_text(_tidy(description), "utf-8")

    def _fixed(self, curve: Curve) -> NDArray[np.int32]:
        """Curve to OpenCV's fixed point (4 bits), centres of pixels at whole numbers."""
        return np.round((np.asarray(curve) * FINE - 0.5) * 16).astype(np.int32).reshape(-1, 1, 2)


def _smaller(picture: Field, factor: int) -> Field:
    h, w = picture.shape[:2]
    return np.asarray(cv2.resize(picture, (w // factor, h // factor), interpolation=cv2.INTER_AREA), np.float32)


def _write_png(path: Path, picture: NDArray[Any]) -> None:
    """Grey, grey + alpha, RGB or RGBA; 8 or 16 bits; each row filtered by its neighbour above or left."""
    h, w = picture.shape[:2]
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    depth = 16 if picture.dtype == np.uint16 else 8
    rows = picture.reshape(h, w * channels)
    raw = rows.astype(">u2").view(np.uint8) if depth == 16 else rows
    step = channels * depth // 8
    left = np.zeros_like(raw)
    left[:, step:] = raw[:, :-step]
    above = np.zeros_like(raw)
    above[1:] = raw[:-1]
    candidates = [raw, raw - left, raw - above]
    costs = np.stack([np.minimum(c, 256 - c.astype(np.int32)).sum(axis=1) for c in candidates])
    choice = costs.argmin(axis=0)
    lines = [bytes([int(kind)]) + candidates[kind][row].tobytes() for row, kind in enumerate(choice)]
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(lines), 9)),
        (b"IEND", b""),
    ]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    )


def _tidy(description: dict[str, Any]) -> str:
    """JSON with one anchor, strap or short object a line."""

    def lines(value: Any, indent: int) -> str:
        flat = json.dumps(value, ensure_ascii=False)
        if len(flat) + indent <= 110 or not isinstance(value, dict | list):
            return flat
        pad = " " * (indent + 2)
        if isinstance(value, dict):
            inner = [f"{pad}{json.dumps(k)}: {lines(v, indent + 2)}" for k, v in value.items()]
            return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"
        return "[\n" + ",\n".join(pad + lines(v, indent + 2) for v in value) + "\n" + " " * indent + "]"

    return lines(description, 0) + "\n"
