"""Outlines with anchors, and the words of mask.json that many masks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from canvas import Canvas, Curve, Field, smooth, spline

Spot = dict[str, Any]
EdgePoint = tuple[float, float, Spot]

_TWIN = {
    **{i: 16 - i for i in range(17)}, **{i: 43 - i for i in range(17, 27)}, 31: 35, 32: 34, 34: 32, 35: 31,
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46, 45: 36, 44: 37, 43: 38, 42: 39, 47: 40, 46: 41,
    48: 54, 49: 53, 50: 52, 54: 48, 53: 49, 52: 50, 59: 55, 58: 56, 55: 59, 56: 58,
}  # fmt: skip

SOURCE = "drawn by assets/masks/draw"
LICENCE = "Apache-2.0"

# The left jaw of a typical face (maskgen/templates/anchors.py): x and y of landmarks 0 to 8.
_JAW = [(-0.5, 0.013), (-0.492, 0.141), (-0.475, 0.273), (-0.451, 0.401), (-0.41, 0.525), (-0.338, 0.636),
        (-0.241, 0.728), (-0.13, 0.796), (0.0, 0.816)]  # fmt: skip
_FACE_HEIGHT = 0.979
# The middle line: y and landmark.
_CENTRE = [(-0.019, 27), (0.07, 28), (0.159, 29), (0.252, 30), (0.346, 33), (0.816, 8)]

# Landmarks on the middle line: y, and how far before the eyes' outer corners, in face widths (a typical adult).
_DEPTH = [(27, -0.019, 0.16), (33, 0.346, 0.23), (8, 0.816, 0.15)]
_EYES = 0.636  # between the eyes' outer corners
_SEAL, _SEAL_DEPTH = 0.15, 0.19


def jaw(index: float, dx: float = 0, dy: float = 0) -> Spot:
    """On the jaw, or ``dx`` face widths towards the nose from there."""
    if not dx or index > 7 or dy > 0.05:
        return _spot({"jaw": index}, dx, dy)
    x = float(np.interp(index, range(9), [a for a, _ in _JAW]))
    y = float(np.interp(index, range(9), [b for _, b in _JAW]))
    return side(x + dx, y + dy * _FACE_HEIGHT)


def bridge(index: float, dx: float = 0, dy: float = 0) -> Spot:
    """On the nose, or ``dx`` face widths beside it (negative: image left)."""
    if not dx:
        return _spot({"bridge": index}, dx, dy)
    return side(dx, float(np.interp(index, [27, 28, 29, 30], [y for y, _ in _CENTRE[:4]])) + dy * _FACE_HEIGHT)


def side(x: float, y: float) -> Spot:
    """A place on the left half of a typical face, in face widths from between the eyes.

    Written as a mean of landmarks on the nose (or chin) and on the jaw at the
    same level, so that it foreshortens with them when the head turns.
    """
    weights: dict[int, float] = {}

    def add(share: float, lower: int, upper: int, part: float) -> None:
        for landmark, weight in ((lower, share * (1 - part)), (upper, share * part)):
            if abs(weight) > 1e-9:
                weights[landmark] = weights.get(landmark, 0.0) + weight

    jaw_y = [b for _, b in _JAW]
    at = float(np.clip(np.interp(y, jaw_y, range(9)), 0, 7.999))
    jaw_x = float(np.interp(at, range(9), [a for a, _ in _JAW]))
    out = x / jaw_x
    add(out, int(at), int(at) + 1, at - int(at))
    levels = [level for level, _ in _CENTRE]
    place = float(np.clip(np.interp(y, levels, range(len(levels))), 0, len(levels) - 1.001))
    low = int(place)
    add(1 - out, _CENTRE[low][1], _CENTRE[low + 1][1], place - low)
    rounded = {str(k): round(v, 4) for k, v in sorted(weights.items())}
    below = y - float(np.clip(y, jaw_y[0], jaw_y[-1])) * out - float(np.clip(y, levels[0], levels[-1])) * (1 - out)
    return _spot({"landmarks": rounded}, 0, round(below / _FACE_HEIGHT, 4))


def chin(below: float) -> Spot:
    return {"chin": below}


def between(weights: dict[int, float], dx: float = 0, dy: float = 0) -> Spot:
    return _spot({"landmarks": {str(k): v for k, v in weights.items()}}, dx, dy)


def cheek(dx: float = 0, dy: float = 0) -> Spot:
    """Below the eye, beside the nose: halfway from the eye's outer corner to the nostril."""
    return between({36: 0.5, 31: 0.5}, dx, dy)


def _spot(spot: Spot, dx: float, dy: float) -> Spot:
    return {**spot, "offset": [dx, dy]} if dx or dy else spot


def twin(spot: Spot) -> Spot:
    """The same place on the other half of the face."""
    other = dict(spot)
    if "jaw" in other:
        other["jaw"] = round(16 - other["jaw"], 4)
    if "landmarks" in other:
        other["landmarks"] = {str(_TWIN.get(int(k), int(k))): v for k, v in other["landmarks"].items()}
    if "offset" in other:
        other["offset"] = [-other["offset"][0] or 0, other["offset"][1]]
    return other


def rigid(points: list[tuple[float, float]], per_px: float, top_y: float, stretch: float = 1.0) -> list[EdgePoint]:
    """Points of a stiff mask's left half, placed so that it keeps its shape on a typical face.

    Args:
        points: pixels; the middle is at x 512.
        per_px: face widths per pixel.
        top_y: where pixel row 0 lies, in face widths below the eyes.
        stretch: factor on heights.
    """
    edge: list[EdgePoint] = []
    for x, y in points:
        fx, fy = (x - 512) * per_px, top_y + y * per_px * stretch
        if abs(fx) < 1e-6:
            on_nose = fy < 0.4
            index = float(np.clip(27 + (fy + 0.019) / 0.0903, 27, 30))
            spot = bridge(round(index, 3)) if on_nose else chin(round((fy - 0.816) / _FACE_HEIGHT, 4))
        elif fy > 0.78:
            near = float(np.interp(fx, [a for a, _ in _JAW], range(9)))
            below = fy - float(np.interp(near, range(9), [b for _, b in _JAW]))
            spot = jaw(round(near, 3), 0, round(below / _FACE_HEIGHT, 4))
        else:
            spot = side(fx, fy)
        edge.append((x, y, spot))
    return edge


def mounted(
    points: list[tuple[float, float]],
    per_px: float,
    top_y: float,
    stretch: float = 1.0,
    front: float = 0.32,
    slope: float = 0.47,
) -> list[EdgePoint]:
    """Points of hard parts that stand off the face's left half: they turn with the head as one piece.

    The jaw would pull a filter wide on the near side, for the jaw's outline
    slides towards the ear as the head turns. Instead every point is a mean of
    eyes, nose and chin that has its place in depth as well: across by the line
    between the eyes' outer corners, back by the step from the nose's root to
    that line. ``_DEPTH`` has the landmarks' own.
    Nearer the middle than ``_SEAL`` lies the sealing edge, flat on the nose's side.

    Args:
        points: pixels; the middle is at x 512.
        per_px: face widths per pixel.
        top_y: where pixel row 0 lies, in face widths below the eyes.
        stretch: factor on heights.
        front: how far before the eyes' outer corners the middle lies, in face widths.
        slope: how fast the parts fall back from there, per face width.
    """
    edge: list[EdgePoint] = []
    for x, y in points:
        fx, fy = (x - 512) * per_px, top_y + y * per_px * stretch
        if abs(fx) < 1e-6:
            edge += rigid([(x, y)], per_px, top_y, stretch)
            continue
        levels = [row[1] for row in _DEPTH]
        low = 0 if fy < levels[1] else 1
        part = (fy - levels[low]) / (levels[low + 1] - levels[low])
        weights = {36: 0.0, 45: 0.0, 27: 0.0, _DEPTH[low][0]: 1 - part}
        weights[_DEPTH[low + 1][0]] = part
        depth = (1 - part) * _DEPTH[low][2] + part * _DEPTH[low + 1][2]
        out = _SEAL_DEPTH if abs(fx) < _SEAL else front - slope * abs(fx)
        back = (depth - out) / _DEPTH[0][2]
        weights[27] -= back
        weights[36] += back / 2 - fx / _EYES
        weights[45] += back / 2 + fx / _EYES
        edge.append((x, y, between({k: round(v, 4) for k, v in sorted(weights.items()) if abs(v) > 1e-4})))
    return edge


@dataclass
class Outline:
    """A mask's edges: points that are its anchors, and the smooth curves through them.

    ``sides`` bend inwards by so many pixels (negative: they may not bend out,
    for the mesh runs straight from corner to corner).
    """

    width: float
    top: list[EdgePoint]
    bottom: list[EdgePoint]
    side_in: float = 0.0

    @classmethod
    def symmetrical(cls, width: float, top: list[EdgePoint], bottom: list[EdgePoint], side_in: float = 0) -> Outline:
        """From the left half, the middle included."""

        def whole(half: list[EdgePoint]) -> list[EdgePoint]:
            return half + [(width - x, y, twin(s)) for x, y, s in reversed(half) if abs(x - width / 2) > 0.5]

        return cls(width, whole(top), whole(bottom), side_in)

    @property
    def top_curve(self) -> Curve:
        return spline([(x, y) for x, y, _ in self.top])

    @property
    def bottom_curve(self) -> Curve:
        return spline([(x, y) for x, y, _ in self.bottom])

    def side_curve(self, left: bool) -> Curve:
        """Downwards."""
        index = 0 if left else -1
        a, b = np.array(self.top[index][:2]), np.array(self.bottom[index][:2])
        middle = (a + b) / 2 + np.array([self.side_in if left else -self.side_in, 0])
        return spline([a, middle, b]) if self.side_in else np.linspace(a, b, 25)

    @property
    def closed(self) -> Curve:
        return np.vstack(
            [self.top_curve, self.side_curve(False)[1:-1], self.bottom_curve[::-1], self.side_curve(True)[::-1][1:-1]]
        )

    def anchors(self) -> dict[str, Any]:
        def edge(points: list[EdgePoint]) -> list[dict[str, Any]]:
            return [{"xy": [round(x, 1), round(y, 1)], "at": spot} for x, y, spot in points]

        return {"top": edge(self.top), "bottom": edge(self.bottom)}

    def cut(self, canvas: Canvas, soft: float = 1.5, inset: float = 1.0) -> Field:
        """Give the canvas this outline; returns the signed distance to it, positive inside."""
        distance = canvas.inside(self.closed)
        canvas.alpha = np.asarray(smooth(inset - soft / 2, inset + soft / 2, distance), np.float32)
        return distance

    def down(self, canvas: Canvas) -> Field:
        """0 on the top edge, 1 on the bottom edge, for every pixel of a column."""
        top, bottom = self.top_curve, self.bottom_curve
        upper = np.interp(canvas.x[0], top[:, 0], top[:, 1])
        lower = np.interp(canvas.x[0], bottom[:, 0], bottom[:, 1])
        return np.asarray((canvas.y - upper) / np.maximum(lower - upper, 1), np.float32)


def moved(curve: Curve, inwards: float) -> Curve:
    """A curve shifted at a right angle, to the right of its direction (downwards for one from left to right)."""
    tangent = np.gradient(curve, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    return np.asarray(curve + np.column_stack([-tangent[:, 1], tangent[:, 0]]) * inwards)


def loops(top_xy: tuple[float, float], bottom_xy: tuple[float, float], width_px: float, thick: float = 0.011,
          colour: str = "elastic") -> list[dict[str, Any]]:  # fmt: skip
    """Ear loops on both sides."""
    return [
        {"from": [x, y], "to": end, "width": thick, "colour": colour}
        for (px, y), end in ((top_xy, "ear_top"), (bottom_xy, "ear_bottom"))
        for x in (px, width_px - px)
    ]


def bands(crown_xy: tuple[float, float], nape_xy: tuple[float, float], width_px: float, thick: float = 0.018,
          colour: str = "#f2ead0") -> list[dict[str, Any]]:  # fmt: skip
    """Two bands round the head."""
    return [
        {"from": [x, y], "to": end, "width": thick, "colour": colour}
        for (px, y), end in ((crown_xy, "crown"), (nape_xy, "nape"))
        for x in (px, width_px - px)
    ]


def words(
    shape: Outline,
    title: str,
    kind: str,
    straps: list[dict[str, Any]],
    colours: dict[str, float],
    *,
    weight: float = 1.0,
    pattern_chance: float = 0.0,
    translucency: float = 0.0,
    gloss: float = 0.05,
    rigid: bool = False,
    wears: tuple[str, ...] = ("correct", "nose_out", "mouth_out", "chin", "one_ear", "chin_out", "nose_only", "high"),
) -> dict[str, Any]:
    """What mask.json says; the relief is filled in when the height is known."""
    return {
        "title": title,
        "kind": kind,
        "anchors": shape.anchors(),
        "straps": straps,
        "colours": colours,
        "pattern_chance": pattern_chance,
        "material": {"translucency": translucency, "gloss": gloss, "relief": 0.0, **({"rigid": True} if rigid else {})},
        "wears": list(wears),
        "weight": weight,
        "source": SOURCE,
        "licence": LICENCE,
    }
