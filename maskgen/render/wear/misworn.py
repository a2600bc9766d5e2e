"""Badly worn masks: where the edges go when the nose, the mouth or the chin is bare.

Each wear starts from the edges of the mask as it should be worn. Where the
upper edge crosses the face is named by landmarks; its ends slide along the
jaw each for itself (``slide``), and the cloth keeps the template's outline or
hangs as a box before the face (``boxy``), as real masks do whose nose wire
has come off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.render.wear.edges import (
    FaceAxes,
    arc,
    between,
    centre_weight,
    contour_at,
    ends_slid,
    jaw_point,
    middle,
    moved,
    nearest_jaw,
    square_off,
)

if TYPE_CHECKING:
    from maskgen.render.params import MaskParams
    from maskgen.types import Points

GATHERED: Final = 0.045
"""What can be seen of a mask's height where it is drawn together before the jaw, in face heights.

By eye, of drawings beside photographs.
"""

BARE_NOSE: Final = ("nose_out", "mouth_out", "chin")
"""Wears whose upper edge must leave the tip of the nose bare."""

OVER_TIP: Final = 0.25
"""How far over the nose's tip an edge must lie to cover it: a share of the way to the next landmark of the bridge."""

UNDER_TIP: Final = 0.08
"""How far under the tip it must lie to leave it bare: a share of the way to the nose's base."""

SIDES: Final = 0.6
"""Height of a box's side edges, as a share of its middle's: pleats open in the middle."""


@dataclass(frozen=True, slots=True)
class Worn:
    """A mask's edges on a face, as it should be worn, and what moves them.

    Attributes:
        top, bottom: (n, 2) photo pixels.
        top_at, bottom_at: (n,) where along the edge each lies, 0 to 1.
        marks: (68, 2) the face's landmarks.
        params: how the mask is worn.
        axes: the face's.
        rigid: the mask keeps its form.
    """

    top: Points
    bottom: Points
    top_at: Points
    bottom_at: Points
    marks: Points
    params: MaskParams
    axes: FaceAxes
    rigid: bool

    @property
    def down(self) -> Points:
        """(2,) a face height towards the chin."""
        out: Points = self.axes.height * self.axes.y
        return out


Edges = tuple["Points", "Points"]


def misworn(worn: Worn) -> Edges:
    """Both edges of a mask as its wearer wears it, before it is fitted."""
    way = _WAYS.get(worn.params.wear)
    return (worn.top, worn.bottom) if way is None else way(worn)


def _correct(worn: Worn) -> Edges:
    """As it should be worn; a box before the face where the wearer's mask is one."""
    if worn.rigid:
        return worn.top, worn.bottom
    return _boxed(worn, worn.top, worn.bottom, middle(worn.top, worn.top_at), -0.05)


def _nose_out(worn: Worn) -> Edges:
    """The upper edge lies between the tip of the nose and the upper lip."""
    goal = between(worn.marks, (30, 33, 51), UNDER_TIP + 1.6 * worn.params.wear_amount)
    shift = goal - middle(worn.top, worn.top_at)
    if worn.rigid and worn.params.boxy > 0:
        return worn.top + shift, worn.bottom + (0.5 + 0.5 * worn.params.drop) * shift
    left, right = ends_slid(worn.top, worn.bottom, worn.marks, worn.params.slide)
    slid = moved(worn.top, worn.top_at, left, shift, right)
    taut = arc(worn.top_at, worn.top[0] + left, goal, worn.top[-1] + right)
    top = slid + worn.params.taut * (taut - slid)
    sunk = (0.25 * worn.params.drop * float(shift @ worn.axes.y) + 0.015 * worn.axes.height) * worn.axes.y
    bottom = worn.bottom + sunk * centre_weight(worn.bottom_at)[:, None]
    return _boxed(worn, top, bottom, goal)


def _mouth_out(worn: Worn) -> Edges:
    """The whole mask has slid down until its upper edge lies below the lips."""
    marks, params, axes = worn.marks, worn.params, worn.axes
    goal = between(marks, (62, 57, 8), 1.1 + 0.4 * params.wear_amount)
    if worn.rigid:
        return _hung(worn, goal)
    ends = [
        jaw_point(marks, min(nearest_jaw(marks, worn.top[0], -1)[0] + 0.9 + params.slide[0], 4.6)),
        jaw_point(marks, max(nearest_jaw(marks, worn.top[-1], 1)[0] - 0.9 - params.slide[1], 11.4)),
    ]
    slid = moved(
        worn.top, worn.top_at, ends[0] - worn.top[0], goal - middle(worn.top, worn.top_at), ends[1] - worn.top[-1]
    )
    top = 0.15 * slid + 0.85 * arc(worn.top_at, ends[0], goal, ends[1])
    low = middle(worn.bottom, worn.bottom_at) + (0.04 + 0.12 * params.drop) * worn.down
    deep = max(float((low - goal) @ axes.y), 0.75 * params.thick * axes.height)
    bottom = _along(worn.bottom_at, ends[0], goal, ends[1], deep, axes)
    return _boxed(worn, top, bottom, goal)


def _chin(worn: Worn) -> Edges:
    """The mask is folded together on the chin or under it, and stands off it."""
    marks, params = worn.marks, worn.params
    if worn.rigid:
        return _hung(worn, between(marks, (57, 8), 0.35 + 0.3 * params.wear_amount))
    index = 2.6 + 1.2 * params.wear_amount
    centre = marks[8] + (-0.12 + 0.18 * params.wear_amount) * worn.down
    out = 0.03 * params.gape * worn.down
    left = jaw_point(marks, min(index + params.slide[0], 5.4)) + out
    right = jaw_point(marks, max(16 - index - params.slide[1], 10.6)) + out
    top = arc(worn.top_at, left, centre, right)
    bottom = _along(worn.bottom_at, left, centre, right, params.thick * worn.axes.height, worn.axes)
    return _boxed(worn, top, bottom, centre, 0.13)


def _chin_out(worn: Worn) -> Edges:
    """The lower edge lies between lip and chin."""
    marks, amount = worn.marks, worn.params.wear_amount
    goal = marks[57] + (0.6 - 0.4 * amount) * (marks[8] - marks[57])
    return worn.top, _bottom_up(worn, goal, 0.3 + 0.7 * amount)


def _nose_only(worn: Worn) -> Edges:
    """The mask is pushed up: nose covered, mouth bare."""
    goal = between(worn.marks, (33, 51), 0.15 + 0.7 * worn.params.wear_amount)
    return worn.top, _bottom_up(worn, goal, 3.0)


def _bottom_up(worn: Worn, goal: Points, steps: float) -> Points:
    left, right = ends_slid(worn.bottom, worn.top, worn.marks, (-steps, -steps))
    slid = moved(worn.bottom, worn.bottom_at, left, goal - middle(worn.bottom, worn.bottom_at), right)
    out: Points = 0.45 * slid + 0.55 * arc(worn.bottom_at, worn.bottom[0] + left, goal, worn.bottom[-1] + right)
    return out


def _high(worn: Worn) -> Edges:
    """The mask is pushed up over the eyes or onto the forehead; at the hairline it could not be told from a cap."""
    marks, params = worn.marks, worn.params
    eyes, brows = marks[36:48].mean(axis=0), (marks[19] + marks[24]) / 2
    hairline = brows - 0.38 * worn.down
    centre = between(np.stack([eyes, brows, hairline]), (0, 1, 2), 1.5 * params.wear_amount)
    half_up = (0.06 + 0.52 * params.thick) * worn.down
    half_wide = (0.5 - 0.3 * params.gape) * (marks[16] - marks[0])
    tilt = 0.04 * (params.slide[0] - params.slide[1]) * worn.down
    left, right = centre - half_wide + tilt, centre + half_wide - tilt
    bow = (params.taut - 0.5) * 0.12 * worn.down
    side = 0.75 * half_up
    top = arc(worn.top_at, left - side, centre - half_up - bow, right - side)
    bottom = arc(worn.bottom_at, left + side, centre + half_up - bow, right + side)
    return top, bottom


_WAYS: Final[dict[str, Callable[[Worn], Edges]]] = {
    "correct": _correct,
    "nose_out": _nose_out,
    "mouth_out": _mouth_out,
    "chin": _chin,
    "chin_out": _chin_out,
    "nose_only": _nose_only,
    "high": _high,
}


def _boxed(worn: Worn, top: Points, bottom: Points, goal: Points, held_up: float = 0.07) -> Edges:
    """Both edges, so far as ``boxy`` says those of a box before the face: straight above, sides upright in mid-cheek.

    Args:
        worn: the mask.
        top, bottom: its edges otherwise.
        goal: (2,) where the upper edge crosses the face's middle.
        held_up: how far above it the loops hold the upper corners, in face
            heights.

    Source: by eye, of photographs: a mask whose upper edge lies at the base
    of the nose keeps its height, and its sides gape.
    """
    params, axes = worn.params, worn.axes
    if params.boxy <= 0:
        return top, bottom
    low = middle(bottom, worn.bottom_at)
    deeper = 1.25 * float((worn.marks[8] - goal) @ axes.y) - float((low - goal) @ axes.y)
    low = low + params.drop * max(deeper, 0.0) * axes.y
    high = SIDES * float((low - goal) @ axes.y) * axes.y
    corners = []
    for side, slide in zip((-1, 1), params.slide, strict=True):
        # The loops hold the corners up, or let them sink below the middle.
        level = goal + (0.075 * (1 - slide) - held_up) * worn.down
        reach = contour_at(worn.marks, level, side, axes) - float(goal @ axes.x)
        corners.append(level + (1 - params.gape) * reach * axes.x)
    left, right = corners
    taper = 0.04 * (right - left)
    box_top = arc(worn.top_at, left, goal, right)
    box_bottom = arc(worn.bottom_at, left + high + taper, low, right + high - taper)
    return top + params.boxy * (box_top - top), bottom + params.boxy * (box_bottom - bottom)


def _hung(worn: Worn, goal: Points) -> Edges:
    """A rigid mask that is pulled down: it keeps its form, with the chin in it."""
    shift = goal - middle(worn.top, worn.top_at)
    return worn.top + shift, worn.bottom + shift


def told_apart(top: Points, top_at: Points, wear: str, marks: Points, axes: FaceAxes) -> Points:
    """An upper edge that clearly covers the tip of the nose or clearly leaves it bare, however the mask fits."""
    if wear in ("one_ear", "high"):
        return top
    level = float(middle(top, top_at) @ axes.y)
    if wear in BARE_NOSE:
        shift = max(float(between(marks, (30, 33), UNDER_TIP) @ axes.y) - level, 0.0)
    else:
        shift = min(float(between(marks, (30, 29), OVER_TIP) @ axes.y) - level, 0.0)
    out: Points = top + shift * centre_weight(top_at)[:, None] * axes.y
    return out


def above_chin(bottom: Points, bottom_at: Points, marks: Points, axes: FaceAxes) -> Points:
    """A lower edge that ends between lip and chin, however the mask fits."""
    level = float((middle(bottom, bottom_at) - marks[57]) @ axes.y)
    room = max(float((marks[8] - marks[57]) @ axes.y), 0.0)
    shift = min(max(level, 0.1 * room), 0.75 * room) - level
    out: Points = bottom + shift * centre_weight(bottom_at)[:, None] * axes.y
    return out


def _along(at: Points, left: Points, centre: Points, right: Points, deep: float, axes: FaceAxes) -> Points:
    """The lower edge of a mask that was pulled down, below the arc that is its upper one.

    The cloth hangs down in the middle and is drawn together at the ends, where
    its lower edge lies behind the jaw: there it keeps square off the arc, which
    may run straight up, so that the edges never meet.
    """
    weight = centre_weight(at)[:, None]
    slope = (right - left) + math.pi * np.cos(math.pi * at)[:, None] * (centre - (left + right) / 2)
    outwards = square_off(slope)
    hangs = (1 - weight) * outwards + weight * axes.y
    depth = GATHERED * axes.height + weight * (deep - GATHERED * axes.height)
    out: Points = arc(at, left, centre, right) + depth * hangs
    return out


def hanging(
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
