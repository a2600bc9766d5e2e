"""Where a mask's edges go on a face: worn well, badly, or hanging from an ear.

The template says where its anchors lie when it is worn as it should be. Here
they are resolved on one face, moved by how this wearer wears it, and told
what lies between them: the nose that pushes the cloth out, and the cheeks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.faces.frame import face_frame
from maskgen.render.wear.edges import FaceAxes, centre_weight, jaw_point, knots, middle, nearest_jaw, square_off
from maskgen.render.wear.misworn import Worn, above_chin, hanging, misworn, told_apart

if TYPE_CHECKING:
    from maskgen.render.params import MaskParams
    from maskgen.templates.template import MaskTemplate
    from maskgen.types import LandmarkedFace, Points

REDRAWN: Final = ("mouth_out", "chin", "high")
"""Wears whose edges are drawn anew, so that the anchors' order is the template's own."""

NEAREST: Final = 0.027
"""How near the edges of a mask may come, in face heights: nearer, the spline throws loops (``benchmarks/folds.py``)."""


@dataclass(frozen=True, slots=True)
class Targets:
    """A template's anchors, and where they go in the photo.

    Attributes:
        top_source, bottom_source: (n, 2) template pixels, left to right.
        top_knots, bottom_knots: (n,) from 0 to 1 along each edge.
        top, bottom: (n, 2) photo pixels.
        on_face: False for a mask that hangs beside the face.
        side: the ear that it hangs from, -1 image left, 1 image right.
        apex: (how far down from top edge to bottom, pixels along the face's x)
            of the furthest push of the nose, or None.
        outermost: how far along the face's x nose and lips reach, in pixels of
            the projection on it, which the cloth must cover; None when the face
            looks at the viewer.
        left_cheek, right_cheek: (m, 2) offsets of the side edges from a
            straight line, top to bottom, or None.
    """

    top_source: Points
    bottom_source: Points
    top_knots: Points
    bottom_knots: Points
    top: Points
    bottom: Points
    on_face: bool
    side: int
    apex: tuple[float, float] | None
    outermost: float | None
    left_cheek: Points | None
    right_cheek: Points | None


def targets(template: MaskTemplate, face: LandmarkedFace, params: MaskParams, axes: FaceAxes) -> Targets:
    """Where every anchor goes.

    With every number of ``params`` at its neutral value (``loose`` 0.3, the
    others 0) and wear ``correct``, anchors land exactly on their spots.
    """
    marks = face.landmarks
    frame = face_frame(marks)
    top_source = np.array([anchor.xy for anchor in template.top], float)
    bottom_source = np.array([anchor.xy for anchor in template.bottom], float)
    top_knots, bottom_knots = knots(top_source), knots(bottom_source)
    side = params.side
    if abs(axes.yaw_deg) > 18:
        side = -1 if axes.yaw_deg > 0 else 1

    if params.wear == "one_ear":
        top, bottom = hanging(top_source, bottom_source, marks, params, axes, side)
        return Targets(
            top_source,
            bottom_source,
            top_knots,
            bottom_knots,
            top,
            bottom,
            False,
            side,
            apex=None,
            outermost=None,
            left_cheek=None,
            right_cheek=None,
        )

    top = np.array([anchor.spot.resolve(marks, frame) for anchor in template.top])
    bottom = np.array([anchor.spot.resolve(marks, frame) for anchor in template.bottom])
    rigid = template.material.rigid
    top, bottom = misworn(Worn(top, bottom, top_knots, bottom_knots, marks, params, axes, rigid))
    top, bottom = _fitted(top, bottom, top_knots, bottom_knots, marks, params, axes)
    if rigid or params.wear not in REDRAWN:
        top, bottom = _in_order(top, top_source, axes), _in_order(bottom, bottom_source, axes)
    top = told_apart(top, top_knots, params.wear, marks, axes)
    if params.wear == "chin_out":
        bottom = above_chin(bottom, bottom_knots, marks, axes)
    if params.wear != "correct":
        bottom = _below(top, top_knots, bottom, bottom_knots, axes)
    left = _cheek(top[0], bottom[0], marks, -1, axes)
    right = _cheek(top[-1], bottom[-1], marks, 1, axes)
    apex = _apex(top, bottom, top_knots, bottom_knots, marks, template, params, axes)
    return Targets(
        top_source,
        bottom_source,
        top_knots,
        bottom_knots,
        top,
        bottom,
        True,
        side,
        apex,
        _outermost(top, top_at=top_knots, marks=marks, axes=axes),
        left,
        right,
    )


def _below(top: Points, top_at: Points, bottom: Points, bottom_at: Points, axes: FaceAxes) -> Points:
    """The lower edge, moved away from the upper one where they come too near or cross."""

    def over(at: Points) -> Points:
        return np.stack([np.interp(at, top_at, top[:, k]) for k in (0, 1)], axis=1)

    outwards = square_off(over(bottom_at + 0.02) - over(bottom_at - 0.02))
    missing = NEAREST * axes.height - ((bottom - over(bottom_at)) * outwards).sum(axis=1)
    out: Points = bottom + np.maximum(missing, 0)[:, None] * outwards
    return out


def _fitted(
    top: Points, bottom: Points, top_at: Points, bottom_at: Points, marks: Points, params: MaskParams, axes: FaceAxes
) -> tuple[Points, Points]:
    """Height, width, slack, tilt and slip."""
    across, down = axes.width * axes.x, axes.height * axes.y
    top_meant, bottom_meant = (
        {end: _outside(edge[end], marks, side, axes) for end, side in ((0, -1), (-1, 1))} for edge in (top, bottom)
    )
    top_weight, bottom_weight = centre_weight(top_at)[:, None], centre_weight(bottom_at)[:, None]
    top = top - params.raise_top * down * (0.5 + 0.5 * top_weight)
    bottom = bottom + params.raise_bottom * down * (0.3 + 0.7 * bottom_weight)
    top = top + 0.5 * params.widen * across * (2 * top_at[:, None] - 1) * (1 - top_weight)
    bottom = bottom + 0.5 * params.widen * across * (2 * bottom_at[:, None] - 1) * (1 - bottom_weight)
    slack = (params.loose - 0.3) * 0.045 * axes.width
    if slack:
        away = bottom - axes.centre
        bottom = bottom + slack * away / np.maximum(np.hypot(*away.T), 1e-6)[:, None]
    if params.asymmetry or params.tilt_deg or params.shift_x:
        pivot = (middle(top, top_at) + middle(bottom, bottom_at)) / 2
        angle = math.radians(params.tilt_deg)
        turn: Points = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        edges = []
        for edge, at in ((top, top_at), (bottom, bottom_at)):
            lifted = edge - 0.5 * params.asymmetry * down * (1 - 2 * at[:, None])
            edges.append((lifted - pivot) @ turn + pivot + params.shift_x * across)
        top, bottom = edges
    if params.widen > 0 or params.tilt_deg or params.shift_x or params.asymmetry:
        for edge, meant in ((top, top_meant), (bottom, bottom_meant)):
            for end, side in ((0, -1), (-1, 1)):
                # What stands out by design, as filters do, may.
                excess = _outside(edge[end], marks, side, axes) - meant[end]
                edge[end] -= max(excess, 0.0) * side * axes.x
    return top, bottom


def _in_order(edge: Points, source: Points, axes: FaceAxes) -> Points:
    """An edge whose anchors keep their order from the middle outwards.

    On a narrow jaw, or a chin drawn in, spots can pass each other sideways;
    the outer one then gives way, by a fifth of what the template has between.
    """
    across = edge @ axes.x
    gaps = 0.2 * np.diff(source[:, 0]) / max(float(np.ptp(source[:, 0])), 1e-6) * 0.9 * axes.width
    middle = int(np.abs(source[:, 0] - source[:, 0].mean()).argmin())
    ordered = across.copy()
    # The far side is seen from its edge: what lies between is narrow there.
    seen = max(0.08, 1 - abs(axes.yaw_deg) / 50)
    right, left = (seen, 1.0) if axes.yaw_deg > 0 else (1.0, seen)
    for index in range(middle + 1, len(edge)):
        ordered[index] = max(ordered[index], ordered[index - 1] + right * gaps[index - 1])
    for index in range(middle - 1, -1, -1):
        ordered[index] = min(ordered[index], ordered[index + 1] - left * gaps[index])
    out: Points = edge + (ordered - across)[:, None] * axes.x
    return out


def _outside(point: Points, marks: Points, side: int, axes: FaceAxes) -> float:
    """How far a side edge would float beyond the jaw at its height, in pixels; 0 if it does not."""
    half = marks[0:8] if side < 0 else marks[16:8:-1]
    heights = half @ axes.y
    level = float(point @ axes.y)
    if level > heights[-1]:
        return 0.0
    contour = float(np.interp(level, np.maximum.accumulate(heights), half @ axes.x))
    return max(0.0, side * (float(point @ axes.x) - contour) - 0.015 * axes.width)


_SIXTHS: Final = np.linspace(0, 1, 6)


def _cheek(top: Points, bottom: Points, marks: Points, side: int, axes: FaceAxes) -> Points | None:
    """How the side edge bows out along the jaw between its two ends."""
    first, first_off = nearest_jaw(marks, top, side)
    last, last_off = nearest_jaw(marks, bottom, side)
    near = 1 - (first_off + last_off) / (0.16 * axes.width)
    if near <= 0 or abs(last - first) < 0.2 or (last - first) * -side < 0:
        return None
    along = _SIXTHS
    curve = np.array([jaw_point(marks, first + t * (last - first)) for t in along])
    line = curve[0] + along[:, None] * (curve[-1] - curve[0])
    out: Points = 0.9 * near * (curve - line)
    return out


def _apex(
    top: Points,
    bottom: Points,
    top_at: Points,
    bottom_at: Points,
    marks: Points,
    template: MaskTemplate,
    params: MaskParams,
    axes: FaceAxes,
) -> tuple[float, float] | None:
    """How far nose or lips push the middle of the cloth sideways when the head is turned."""
    high, low = middle(top, top_at), middle(bottom, bottom_at)
    line = low - high
    length = float(line @ axes.y)
    if length < 1e-3:
        return None
    turned = math.sin(math.radians(axes.yaw_deg))
    best = (0.4, 0.0)
    for index in (30, 33, 51, 57):
        at = float((marks[index] - high) @ axes.y) / length
        if 0.03 < at < 0.9:
            push = float((marks[index] - high - at * line) @ axes.x)
            if push * turned > 0 and abs(push) > abs(best[1]):
                best = (at, push)
    stand_off = (params.bulge + 0.45 * template.material.relief + 0.015) * axes.width * turned
    push = min(abs(best[1]), 1.3 * axes.width * abs(turned)) * (1 if turned > 0 else -1) + stand_off
    return (min(max(best[0], 0.25), 0.6), push) if abs(push) > 0.002 * axes.width else None


def _outermost(top: Points, top_at: Points, marks: Points, axes: FaceAxes) -> float | None:
    if abs(axes.yaw_deg) < 10:
        return None
    level = float(middle(top, top_at) @ axes.y)
    below = marks[[30, 33, 51, 57]]
    below = below[below @ axes.y > level]
    if not len(below):
        return None
    reach = below @ axes.x
    return float(reach.max() if axes.yaw_deg > 0 else reach.min())
