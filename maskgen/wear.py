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
from numpy.typing import NDArray

from maskgen.frame import face_frame

if TYPE_CHECKING:
    from maskgen.params import MaskParams
    from maskgen.templates import MaskTemplate
    from maskgen.types import LandmarkedFace, Points

PULLED_DOWN: Final = ("mouth_out", "chin")
"""Wears in which the whole mask lies lower than it should."""

GATHERED: Final = 0.045
"""What can be seen of a mask's height where it is drawn together before the jaw, in face heights.

By eye, of drawings beside photographs.
"""

NEAREST: Final = 0.027
"""How near the edges of a mask may come, in face heights: nearer, the spline throws loops (``benchmarks/folds.py``)."""


@dataclass(frozen=True, slots=True)
class FaceAxes:
    """A face's axes and size, steady under turning.

    Attributes:
        x: (2,) unit vector along the line of the eyes, to the image's right.
        y: (2,) unit vector towards the chin.
        width: pixels, that of the face seen from the front.
        height: pixels, brows' top to chin.
        centre: (2,) between nose and mouth.
        yaw_deg: as in ``Pose``.
    """

    x: Points
    y: Points
    width: float
    height: float
    centre: Points
    yaw_deg: float


def face_axes(face: LandmarkedFace) -> FaceAxes:
    """The axes of a face (``frame.face_frame``) and where it looks."""
    # Asked for several times in a row while one face is dressed.
    last = _LAST.get("face")
    if last is None or last[0] is not face:
        _LAST["face"] = last = face, _axes(face)
    return last[1]


_LAST: dict[str, tuple[LandmarkedFace, FaceAxes]] = {}


def _axes(face: LandmarkedFace) -> FaceAxes:
    frame = face_frame(face.landmarks)
    return FaceAxes(frame.right, frame.down, frame.width, max(frame.height, 1e-3), frame.centre, face.pose.yaw_deg)


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
        top, bottom = _hanging(top_source, bottom_source, marks, params, axes, side)
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
    pulled_down = params.wear in PULLED_DOWN
    put_on = _hung if pulled_down and template.material.rigid else _worn
    top, bottom = put_on(top, bottom, top_knots, bottom_knots, marks, params, axes)
    top, bottom = _fitted(top, bottom, top_knots, bottom_knots, marks, params, axes)
    if template.material.rigid or not pulled_down:
        top, bottom = _in_order(top, top_source, axes), _in_order(bottom, bottom_source, axes)
    if params.wear == "chin_out":
        bottom = _above_chin(bottom, bottom_knots, marks, axes)
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


def knots(points: Points) -> Points:
    """(n,) cumulative chord lengths from 0 to 1."""
    lengths = np.maximum(np.hypot(*np.diff(points, axis=0).T), 1e-6)
    along = np.concatenate([[0], np.cumsum(lengths)])
    out: Points = along / along[-1]
    return out


def jaw_point(landmarks: Points, index: float) -> Points:
    """(2,) a point on the jaw by fractional landmark, 0 to 16, held to its ends."""
    index = min(max(index, 0.0), 16.0)
    whole = min(int(index), 15)
    out: Points = landmarks[whole] + (index - whole) * (landmarks[whole + 1] - landmarks[whole])
    return out


def _jaw_steps(first: int, last: int) -> tuple[Points, NDArray[np.intp], Points]:
    indices = np.linspace(first, last, 57)
    low = np.minimum(indices.astype(int), 15)
    return indices, low, (indices - low)[:, None]


_JAW_LEFT: Final = _jaw_steps(0, 7)
_JAW_RIGHT: Final = _jaw_steps(16, 9)


def nearest_jaw(landmarks: Points, point: Points, side: int) -> tuple[float, float]:
    """The jaw's fractional index nearest to a point, on one side, and the distance in pixels."""
    indices, low, share = _JAW_LEFT if side < 0 else _JAW_RIGHT
    corners = landmarks[low]
    curve = corners + share * (landmarks[low + 1] - corners)
    curve -= point
    distance = np.hypot(curve[:, 0], curve[:, 1])
    best = int(distance.argmin())
    return float(indices[best]), float(distance[best])


def _centre_weight(at: Points) -> Points:
    out: Points = np.sin(np.pi * at)
    return out


def _middle(points: Points, at: Points) -> Points:
    """(2,) where an edge crosses the face's middle."""
    return np.array([np.interp(0.5, at, points[:, 0]), np.interp(0.5, at, points[:, 1])])


def _slid(landmarks: Points, point: Points, side: int, steps: float) -> Points:
    """(2,) how far a point moves when it slides down the jaw by some landmarks."""
    index, _ = nearest_jaw(landmarks, point, side)
    moved = min(index + steps, 7.0) if side < 0 else max(index - steps, 9.0)
    return jaw_point(landmarks, moved) - jaw_point(landmarks, index)


def _ends_slid(edge: Points, other: Points, landmarks: Points, steps: float) -> list[Points]:
    """(2,) for the left and the right end of an edge: how far they move when they slide along the jaw.

    Down it by some landmarks, or up, towards the other edge's ends; no
    further than the cloth between lets them.
    """
    moves = []
    for end, side in ((0, -1), (-1, 1)):
        apart = nearest_jaw(landmarks, other[end], side)[0] - nearest_jaw(landmarks, edge[end], side)[0]
        room = 0.6 * max(0.0, math.copysign(1, steps) * -side * apart)
        moves.append(_slid(landmarks, edge[end], side, math.copysign(min(abs(steps), room), steps)))
    return moves


def _moved(points: Points, at: Points, left: Points, centre: Points, right: Points) -> Points:
    """An edge displaced at its ends and its middle, smoothly between."""
    weight = _centre_weight(at)[:, None]
    ends = np.where(at[:, None] < 0.5, left, right)
    out: Points = points + weight * centre + (1 - weight) * ends
    return out


def _arc(at: Points, left: Points, centre: Points, right: Points) -> Points:
    """An edge drawn anew through three points."""
    line = left + at[:, None] * (right - left)
    out: Points = line + _centre_weight(at)[:, None] * (centre - (left + right) / 2)
    return out


def _hung(
    top: Points, bottom: Points, top_at: Points, bottom_at: Points, marks: Points, params: MaskParams, axes: FaceAxes
) -> tuple[Points, Points]:
    """Both edges of a rigid mask that is pulled down: it keeps its form, with the chin in it."""
    share = (0.05 if params.wear == "mouth_out" else 0.35) + 0.3 * params.wear_amount
    shift = marks[57] + share * (marks[8] - marks[57]) - _middle(top, top_at)
    return top + shift, bottom + shift


def _along(at: Points, left: Points, centre: Points, right: Points, deep: float, axes: FaceAxes) -> Points:
    """The lower edge of a mask that was pulled down, below the arc that is its upper one.

    The cloth hangs down in the middle and is drawn together at the ends, where
    its lower edge lies behind the jaw: there it keeps square off the arc, which
    may run straight up, so that the edges never meet.
    """
    weight = _centre_weight(at)[:, None]
    slope = (right - left) + math.pi * np.cos(math.pi * at)[:, None] * (centre - (left + right) / 2)
    outwards = _square_off(slope)
    hangs = (1 - weight) * outwards + weight * axes.y
    depth = GATHERED * axes.height + weight * (deep - GATHERED * axes.height)
    out: Points = _arc(at, left, centre, right) + depth * hangs
    return out


def _above_chin(bottom: Points, bottom_at: Points, marks: Points, axes: FaceAxes) -> Points:
    """A lower edge that ends between lip and chin, however the mask fits."""
    middle = float((_middle(bottom, bottom_at) - marks[57]) @ axes.y)
    room = max(float((marks[8] - marks[57]) @ axes.y), 0.0)
    shift = min(max(middle, 0.1 * room), 0.75 * room) - middle
    out: Points = bottom + shift * _centre_weight(bottom_at)[:, None] * axes.y
    return out


def _square_off(along: Points) -> Points:
    """(n, 2) unit vectors at right angles to an edge that runs left to right, towards below it."""
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    return np.stack([-along[:, 1], along[:, 0]], axis=1) / length


def _below(top: Points, top_at: Points, bottom: Points, bottom_at: Points, axes: FaceAxes) -> Points:
    """The lower edge, moved away from the upper one where they come too near or cross."""

    def over(at: Points) -> Points:
        return np.stack([np.interp(at, top_at, top[:, k]) for k in (0, 1)], axis=1)

    outwards = _square_off(over(bottom_at + 0.02) - over(bottom_at - 0.02))
    missing = NEAREST * axes.height - ((bottom - over(bottom_at)) * outwards).sum(axis=1)
    out: Points = bottom + np.maximum(missing, 0)[:, None] * outwards
    return out


def _worn(
    top: Points, bottom: Points, top_at: Points, bottom_at: Points, marks: Points, params: MaskParams, axes: FaceAxes
) -> tuple[Points, Points]:
    amount = params.wear_amount
    down = axes.height * axes.y
    if params.wear == "nose_out":
        steps = 0.4 + 1.1 * amount
        goal = marks[33] + (0.2 + 0.6 * amount) * (marks[51] - marks[33])
        left, right = _ends_slid(top, bottom, marks, steps)
        slid = _moved(top, top_at, left, goal - _middle(top, top_at), right)
        top = 0.45 * slid + 0.55 * _arc(top_at, top[0] + left, goal, top[-1] + right)
        bottom = bottom + (0.01 + 0.03 * amount) * down * _centre_weight(bottom_at)[:, None]
    elif params.wear == "chin_out":
        goal = marks[57] + (0.6 - 0.4 * amount) * (marks[8] - marks[57])
        steps = 0.3 + 0.7 * amount
        left, right = _ends_slid(bottom, top, marks, -steps)
        slid = _moved(bottom, bottom_at, left, goal - _middle(bottom, bottom_at), right)
        bottom = 0.45 * slid + 0.55 * _arc(bottom_at, bottom[0] + left, goal, bottom[-1] + right)
    elif params.wear == "mouth_out":
        goal = marks[57] + (0.1 + 0.4 * amount) * (marks[8] - marks[57])
        upper = [min(nearest_jaw(marks, top[0], -1)[0] + 1.4 + 1.2 * amount, 4.4)]
        upper.append(max(nearest_jaw(marks, top[-1], 1)[0] - 1.4 - 1.2 * amount, 11.6))
        slid = _moved(
            top,
            top_at,
            jaw_point(marks, upper[0]) - top[0],
            goal - _middle(top, top_at),
            jaw_point(marks, upper[1]) - top[-1],
        )
        arc = _arc(top_at, jaw_point(marks, upper[0]), goal, jaw_point(marks, upper[1]))
        top = 0.15 * slid + 0.85 * arc
        low = _middle(bottom, bottom_at) + (0.05 + 0.08 * amount) * down
        deep = max(float((low - goal) @ axes.y), 0.16 * axes.height)
        bottom = _along(bottom_at, jaw_point(marks, upper[0]), goal, jaw_point(marks, upper[1]), deep, axes)
    elif params.wear == "chin":
        index = 3.4 + 1.3 * amount
        centre = marks[8] + (-0.09 + 0.13 * amount) * down
        ends = jaw_point(marks, index), jaw_point(marks, 16 - index)
        top = _arc(top_at, ends[0], centre, ends[1])
        bottom = _along(bottom_at, ends[0], centre, ends[1], (0.26 + 0.01 * amount) * axes.height, axes)
    return top, bottom


def _fitted(
    top: Points, bottom: Points, top_at: Points, bottom_at: Points, marks: Points, params: MaskParams, axes: FaceAxes
) -> tuple[Points, Points]:
    """Height, width, slack, tilt and slip."""
    across, down = axes.width * axes.x, axes.height * axes.y
    top_meant, bottom_meant = (
        {end: _outside(edge[end], marks, side, axes) for end, side in ((0, -1), (-1, 1))} for edge in (top, bottom)
    )
    top_weight, bottom_weight = _centre_weight(top_at)[:, None], _centre_weight(bottom_at)[:, None]
    top = top - params.raise_top * down * (0.5 + 0.5 * top_weight)
    bottom = bottom + params.raise_bottom * down * (0.3 + 0.7 * bottom_weight)
    top = top + 0.5 * params.widen * across * (2 * top_at[:, None] - 1) * (1 - top_weight)
    bottom = bottom + 0.5 * params.widen * across * (2 * bottom_at[:, None] - 1) * (1 - bottom_weight)
    slack = (params.loose - 0.3) * 0.045 * axes.width
    if slack:
        away = bottom - axes.centre
        bottom = bottom + slack * away / np.maximum(np.hypot(*away.T), 1e-6)[:, None]
    if params.asymmetry or params.tilt_deg or params.shift_x:
        pivot = (_middle(top, top_at) + _middle(bottom, bottom_at)) / 2
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
    high, low = _middle(top, top_at), _middle(bottom, bottom_at)
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
    level = float(_middle(top, top_at) @ axes.y)
    below = marks[[30, 33, 51, 57]]
    below = below[below @ axes.y > level]
    if not len(below):
        return None
    reach = below @ axes.x
    return float(reach.max() if axes.yaw_deg > 0 else reach.min())


def _hanging(
    top: Points, bottom: Points, marks: Points, params: MaskParams, axes: FaceAxes, side: int
) -> tuple[Points, Points]:
    """Both edges of a mask that hangs from one ear, seen half from its edge."""
    amount = params.wear_amount
    both = np.concatenate([top, bottom])
    low, high = both.min(axis=0), both.max(axis=0)
    size = np.maximum(high - low, 1)
    angle = math.radians(72 + 18 * amount + params.tilt_deg)
    along = -side * math.cos(angle) * axes.x + math.sin(angle) * axes.y
    crosswise = math.cos(angle) * axes.y + side * math.sin(angle) * axes.x
    ear = jaw_point(marks, 0.8 if side < 0 else 15.2) + side * 0.03 * axes.width * axes.x
    start = ear + 0.08 * axes.height * axes.y - side * 0.06 * axes.width * axes.x
    long = (0.8 - 0.1 * amount) * axes.width
    wide = min(size[1] / size[0], 0.8) * axes.width * (0.62 - 0.2 * amount)

    def placed(points: Points) -> Points:
        s = (points[:, 0] - low[0]) / size[0]
        s = s if side < 0 else 1 - s
        c = (points[:, 1] - low[1]) / size[1] - 0.5
        sway = 0.06 * axes.width * np.sin(np.pi * s)
        out: Points = (
            start
            + (s * long)[:, None] * along
            + (c * wide + sway * (1 if params.wrinkle_seed % 2 else -1))[:, None] * crosswise
        )
        return out

    return placed(top), placed(bottom)
