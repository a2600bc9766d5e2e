"""Mesh between template and face: a grid of quads, splines along the edges."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.render.wear.edges import FaceAxes
from maskgen.render.wear.fit import Targets

if TYPE_CHECKING:
    from maskgen.types import Points


COLUMNS: Final = 11


ROWS: Final = 5


SLANT: Final = 0.3
"""The sine of the angle between rows and columns of the mesh below which a node is left out."""


SQUEEZED: Final = 10.0
"""How many times nearer to an anchor than the cloth on the whole a node may come before it is left out.

Both values: the fewest masks on 769 faces that stray (``benchmarks/folds.py``:
0.3 % of those worn as they should be, 1.6 % without them).
"""


STRAYED: Final = 0.09, 0.13
"""Face widths from a pixel to where the template's point that it shows belongs: from here it fades, and is empty there.

Only where the map shows the template from behind. Without it, masks worn as they should be stay below 0.085 on
faces that look ahead (``benchmarks/folds.py --keep``).
"""


_Float = NDArray[np.float32]


_Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Mesh:
    """Matching points of template and photo.

    Attributes:
        source: (n, 2) template pixels.
        target: (n, 2) photo pixels.
        contour: (rows, 2) photo pixels, the silhouette behind which the far end
            of the mask lies, top to bottom; None where all of it is seen.
        far: -1 or 1, the side of the face that is turned away (image left, right).
    """

    source: Points
    target: Points
    contour: Points | None
    far: int


_ACROSS: Final = np.linspace(0, 1, COLUMNS)


_DOWN: Final = np.linspace(0, 1, ROWS)


def build_mesh(goal: Targets, axes: FaceAxes) -> Mesh:
    """The mesh between the two curves, without what folds behind the face."""
    u, v = _ACROSS, _DOWN[:, None, None]
    source = (1 - v) * spline(goal.top_knots, goal.top_source, u) + v * spline(goal.bottom_knots, goal.bottom_source, u)
    flat = (1 - v) * spline(goal.top_knots, goal.top, u) + v * spline(goal.bottom_knots, goal.bottom, u)
    target = flat + _bow(goal, axes, flat, u, v[:, 0, 0], 1.0)
    extra_source = np.concatenate([goal.top_source, goal.bottom_source])
    extra_target = np.concatenate([goal.top, goal.bottom])
    extra_u = np.concatenate([goal.top_knots, goal.bottom_knots])
    far = 1 if axes.yaw_deg >= 0 else -1
    contour = None
    if goal.on_face:
        change = _folds_back(target, axes, far)
        for push in (0.75, 0.5, 0.25, 0.0):
            if not change.any():
                break
            # The cloth bows out as far as it can without folding, at least over the nose.
            flatter = flat + _bow(goal, axes, flat, u, v[:, 0, 0], push)
            if goal.outermost is not None and (far * flatter @ axes.x).max() < far * goal.outermost:
                break
            target, change = flatter, _folds_back(flatter, axes, far)
        if change.any():
            target = target + far * change[None, :, None] * axes.x
            folded = np.flatnonzero(change > 0)
            contour = target[:, folded[0] if far > 0 else folded[-1]]
            # What lies behind the silhouette gives way to what stays before it.
            source, target = source[:, change == 0], target[:, change == 0]
            limit = float(np.where(change > 0, 0.5 - far * (0.5 - u), 2).min())
            kept = 0.5 - far * (0.5 - extra_u) < limit - 0.5 / (COLUMNS - 1)
            extra_source, extra_target = extra_source[kept], extra_target[kept]
    # Where anchors are, they come first: of points that nearly coincide the first is kept.
    sound = ~(_slanted(target) | _squeezed(source, target, extra_source, extra_target))
    points_source = np.concatenate([extra_source, source[sound]])
    points_target = np.concatenate([extra_target, target[sound]])
    keep = _apart(points_target, 0.004 * axes.width)
    return Mesh(points_source[keep], points_target[keep], contour, far)


def _folds_back(target: Points, axes: FaceAxes, far: int) -> Points:
    """How far each column must move out to stay before the silhouette.

    Where the far half turns back behind the nose or the middle of the cloth,
    its columns are laid close together just beyond: seen edge on. Whole columns
    move, so that the rows keep their distances.

    Returns:
        (columns,) pixels, 0 where nothing folds.
    """
    across = far * (target @ axes.x)[:, :: 1 if far > 0 else -1]
    half = across.shape[1] // 2
    steps = np.arange(across.shape[1] - half) * (0.006 * axes.width)
    lifted = np.maximum.accumulate(across[:, half:] - steps, axis=1) + steps
    change = np.zeros(across.shape[1])
    change[half:] = np.maximum((lifted - across[:, half:]).max(axis=0) - 1e-6, 0)
    return change[:: 1 if far > 0 else -1]


def _bow(goal: Targets, axes: FaceAxes, flat: Points, u: Points, v: Points, share: float) -> Points:
    """How the ruled surface is pushed: out over the nose, and to the cheeks."""
    across = np.sin(np.pi * u)
    shift = np.zeros((len(v), len(u), 2))
    if goal.apex is not None:
        apex_v, push = goal.apex
        down = np.where(
            v < apex_v,
            np.sin(np.pi / 2 * v / max(apex_v, 1e-6)),
            np.maximum(np.cos(np.pi / 2 * (v - apex_v) / max(1 - apex_v, 1e-6)), 0) ** 0.8,
        )
        shift += share * push * down[:, None, None] * across[None, :, None] * axes.x
    for side, cheek in ((0, goal.left_cheek), (1, goal.right_cheek)):
        if cheek is None:
            continue
        weight = (1 - u if side == 0 else u) ** 3
        steps = np.linspace(0, 1, len(cheek))
        at = np.stack([np.interp(v, steps, cheek[:, k]) for k in (0, 1)], axis=1)
        shift += weight[None, :, None] * at[:, None, :]
    return shift


def _apart(points: Points, least: float) -> NDArray[np.intp]:
    """Indices of points no nearer than ``least`` to an earlier one."""
    x, y = np.ascontiguousarray(points.T)
    gaps = np.hypot(x[:, None] - x, y[:, None] - y)
    near = np.tril(gaps < least, -1)
    kept = np.ones(len(points), bool)
    for index in np.flatnonzero(near.any(axis=1)):
        kept[index] = not (near[index] & kept).any()
    return np.flatnonzero(kept)


def _slanted(target: Points) -> NDArray[np.bool_]:
    """(rows, columns) which nodes lie at a corner of a cell that is all but flat, or turned over.

    Where the side of the cloth runs on into its lower edge, as it does along a
    jaw, columns and rows become parallel there.
    """
    across, down = np.diff(target, axis=1), np.diff(target, axis=0)
    flat = np.zeros(target.shape[:2], bool)
    for i in (0, 1):
        for j in (0, 1):
            # The corner of each cell at row i and column j of its four.
            a, b = across[i : len(down) + i], down[:, j : across.shape[1] + j]
            turn = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
            lengths = np.hypot(a[..., 0], a[..., 1]) * np.hypot(b[..., 0], b[..., 1])
            flat[i : len(down) + i, j : across.shape[1] + j] |= turn < SLANT * lengths
    return flat


def _squeezed(source: Points, target: Points, anchors_source: Points, anchors_target: Points) -> NDArray[np.bool_]:
    """(rows, columns) which nodes lie beside an anchor that is far away on the flat.

    A spline through both would throw the cloth out in a loop.
    """
    scale = np.ptp(target, axis=(0, 1)).sum() / max(np.ptp(source, axis=(0, 1)).sum(), 1e-6)
    gaps, flat_gaps = (
        np.hypot(*np.moveaxis(nodes[:, :, None] - anchors, -1, 0))
        for nodes, anchors in ((target, anchors_target), (source, anchors_source))
    )
    out: NDArray[np.bool_] = (gaps < flat_gaps * (scale / SQUEEZED)).any(axis=-1)
    return out


def spline(knots: Points, points: Points, at: Points) -> Points:
    """A natural cubic spline through points.

    Args:
        knots: (n,) rising parameters of the points.
        points: (n, 2); n is at least 2.
        at: (m,) parameters wanted; outside the knots the ends go straight on.

    Returns:
        (m, 2) points; at a knot exactly its point.
    """
    out: Points = _spline_weights(tuple(knots.tolist()), tuple(at.tolist())) @ points
    return out


@functools.lru_cache(maxsize=256)
def _spline_weights(knots_at: tuple[float, ...], wanted: tuple[float, ...]) -> Points:
    """(m, n) what each point weighs in the spline at each parameter; a spline is linear in its points."""
    knots, at = np.array(knots_at), np.array(wanted)
    n = len(knots)
    gaps = np.diff(knots)
    slopes = np.diff(np.eye(n), axis=0) / gaps[:, None]
    bend = np.zeros((n, n))
    if n > 2:
        system = np.diag(2 * (gaps[:-1] + gaps[1:])) + np.diag(gaps[1:-1], 1) + np.diag(gaps[1:-1], -1)
        bend[1:-1] = np.linalg.solve(system, 6 * np.diff(slopes, axis=0))
    index = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, n - 2)
    gap = gaps[index][:, None]
    before = np.clip(at, knots[0], knots[-1])
    t = (before - knots[index])[:, None]
    first = slopes[index] - gap * (2 * bend[index] + bend[index + 1]) / 6
    value = np.eye(n)[index] + t * (first + t * (bend[index] / 2 + t * (bend[index + 1] - bend[index]) / (6 * gap)))
    slope = first + t * (bend[index] + t * (bend[index + 1] - bend[index]) / (2 * gap))
    return np.asarray(value + (at - before)[:, None] * slope, np.float64)


class ThinPlate:
    """A thin-plate spline from one plane to another, exact at its points."""

    def __init__(self, source: Points, target: Points) -> None:
        self._mean = source.mean(axis=0)
        self._scale = 1 / max(float(np.abs(source - self._mean).max()), 1e-9)
        self._centres = (source - self._mean) * self._scale
        n = len(source)
        system = np.zeros((n + 3, n + 3))
        system[:n, :n] = _kernel(self._centres, self._centres)
        system[:n, n:] = np.column_stack([np.ones(n), self._centres])
        system[n:, :n] = system[:n, n:].T
        right = np.concatenate([target, np.zeros((3, 2))])
        self._weights: Points = (
            np.linalg.lstsq(system, right, rcond=None)[0] if n < 3 else np.linalg.solve(system, right)
        )

    def __call__(self, points: Points) -> Points:
        """(m, 2) points carried over."""
        at = (points - self._mean) * self._scale
        n = len(self._centres)
        out: Points = _kernel(at, self._centres) @ self._weights[:n] + self._weights[n] + at @ self._weights[n + 1 :]
        return out


def _kernel(a: Points, b: Points) -> Points:
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    np.maximum(squared, 1e-18, out=squared)
    out: Points = squared * np.log(squared)
    return out


def _bounds(points: Points, margin: float, frame_wh: tuple[int, int]) -> _Box | None:
    """Left, top, width, height of what must be drawn around points, or None for nothing."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = margin * (high - low).max() + 2
    left, top = (math.floor(max(value, -4)) for value in low - pad)
    right, bottom = (math.ceil(min(value, side + 4)) for value, side in zip(high + pad, frame_wh, strict=True))
    return (left, top, right - left, bottom - top) if right - left > 1 and bottom - top > 1 else None
