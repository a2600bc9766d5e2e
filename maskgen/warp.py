"""A flat template onto a face: anchors on landmarks, smooth in between.

The template's two anchored edges become smooth curves through their spots on
the face; between them a mesh is stretched, bowed over the nose and pushed out
to the cheeks; what folds behind the face is cut off at the silhouette. A
thin-plate spline through the mesh says, for every pixel of the photo, which
template pixel lands there.

Source of the spline: Bookstein, "Principal Warps", PAMI 1989.
"""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.blend import held, white_noise
from maskgen.edges import FaceAxes, face_axes, jaw_point
from maskgen.layer import Layer
from maskgen.wear import Targets, targets

if TYPE_CHECKING:
    from maskgen.params import MaskParams
    from maskgen.templates import MaskTemplate
    from maskgen.types import RGBA, LandmarkedFace, Points

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

NODE_PX: Final = 8
"""Spacing at which the spline is evaluated; between, it is interpolated."""

_Float = NDArray[np.float32]
_Box = tuple[int, int, int, int]
_LEVELS: OrderedDict[tuple[int, int], tuple[MaskTemplate, _Level]] = OrderedDict()
_LEVELS_KEPT: Final = 96


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


def mask_layer(template: MaskTemplate, face: LandmarkedFace, params: MaskParams, frame_wh: tuple[int, int]) -> Layer:
    """Dress a face in a template.

    Args:
        template: what to put on.
        face: where; in the frame's pixels.
        params: how it is worn, coloured and creased.
        frame_wh: the picture's size; what lies far outside is not drawn.

    Returns:
        The unlit layer, straps included; ``body`` is the mask without them.
    """
    axes = face_axes(face)
    goal = targets(template, face, params, axes)
    mesh = build_mesh(goal, axes)
    box = _bounds(mesh.target, 0.07, frame_wh)
    if box is None:
        return Layer(np.zeros((0, 0, 4), np.float32))
    inverse = ThinPlate(mesh.target, mesh.source)
    level = _level(template, _density(mesh))
    albedo, relief, sheer = _dress(level, params)
    map_x, map_y, stray = _inverse_map(mesh, inverse, box, level, params, axes)
    rgba, relief, sheer = _remap(albedo, relief, sheer, map_x, map_y)
    if stray is not None:
        rgba *= (1 - stray)[..., None]
    relief *= np.float32(template.material.relief * axes.width)
    if mesh.contour is not None:
        rgba *= _before(mesh.contour, mesh.far, box, axes)[..., None]
    body = np.ascontiguousarray(rgba[..., 3])
    if params.straps and template.straps:
        box, rgba, relief, sheer, body = _with_straps(
            _strap_paths(template, face, axes, mesh, goal), params, axes, box, frame_wh, rgba, relief, sheer, body
        )
    return Layer(
        rgba=rgba,
        origin_xy=box[:2],
        height=relief,
        follows_face=goal.on_face,
        translucency=sheer * np.float32(template.material.translucency),
        gloss=float(template.material.gloss),
        shadow=0.55,
        lift=max(0.012 * axes.width, 0.6),
        body=body,
    )


_ACROSS: Final = np.linspace(0, 1, COLUMNS)
_DOWN: Final = np.linspace(0, 1, ROWS)
_STRAP_STEPS: Final = np.linspace(0, 1, 14)[:, None]


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


@dataclass(frozen=True, slots=True)
class _Level:
    """A template reduced to about the size at which it is seen.

    Attributes:
        scale: reduced pixels per template pixel.
        planes: red, green, blue (premultiplied), alpha: (h, w) float32 each.
        height: (h, w) float32 0..1.
        tint, print, sheer: (h, w) float32, the template's regions.
    """

    scale: float
    planes: tuple[_Float, ...]
    height: _Float
    tint: _Float
    print: _Float
    sheer: _Float


def _density(mesh: Mesh) -> float:
    """Photo pixels per template pixel, where the template is largest."""
    source, target = np.ptp(mesh.source, axis=0), np.ptp(mesh.target, axis=0)
    return float(max(target[0] / max(source[0], 1), target[1] / max(source[1], 1), 1e-3))


def _level(template: MaskTemplate, density: float) -> _Level:
    import cv2

    half_octaves = max(0, math.floor(-2 * math.log2(density * 1.15)))
    key = (id(template), half_octaves)
    if key in _LEVELS:
        _LEVELS.move_to_end(key)
        return _LEVELS[key][1]
    h, w = template.rgba.shape[:2]
    size = max(4, round(w * 2 ** (-half_octaves / 2))), max(4, round(h * 2 ** (-half_octaves / 2)))
    planes = tuple(plane * np.float32(1 / 255) for plane in template.planes(size))
    height: Any
    regions: Any
    if template.height is None:
        height = np.zeros(size[::-1], np.float32)
    else:
        height = cv2.resize(template.height, size, interpolation=cv2.INTER_AREA)
        height = cv2.GaussianBlur(height, (0, 0), 0.6)
    if template.regions is None:
        regions = np.ones((*size[::-1], 3), np.float32)
    else:
        regions = cv2.resize(template.regions, size, interpolation=cv2.INTER_AREA)
    level = _Level(size[0] / w, planes, height, *cv2.split(regions))
    _LEVELS[key] = (template, level)
    if len(_LEVELS) > _LEVELS_KEPT:
        _LEVELS.popitem(last=False)
    return level


def _dress(level: _Level, params: MaskParams) -> tuple[RGBA, _Float, _Float]:
    """Tint, print, crease: albedo, height and translucency on the flat."""
    import cv2

    *planes, alpha = level.planes
    h, w = alpha.shape
    cloth: list[Any] | None = None
    if params.pattern is not None:
        from maskgen import patterns

        red, green, blue = (round(255 * part) for part in params.tint)
        cloth = list(cv2.split(patterns.render(params.pattern, params.pattern_seed, (w, h), (red, green, blue))))
    rng = np.random.default_rng(params.wrinkle_seed)
    uneven: Any = np.float32(1)
    if params.grime > 0:
        blotch = cv2.resize(rng.standard_normal((5, 7), np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
        uneven = uneven - np.float32(params.grime) * held(blotch + np.float32(0.3), 0, 2)
    if params.texture > 0:
        uneven = uneven + np.float32(params.texture) * white_noise(rng, h, w)
    dyed = []
    for channel in range(3):
        colour = 1 + level.tint * np.float32(params.tint[channel] - 1)
        if cloth is not None:
            colour += level.print * (cloth[channel] - colour)
        colour *= planes[channel]
        colour *= uneven
        np.maximum(colour, 0, out=colour)
        dyed.append(np.minimum(colour, alpha, out=colour))
    relief = level.height
    if params.wrinkle > 0:
        relief = relief + np.float32(params.wrinkle) * _folds(rng, w, h)
    return np.asarray(cv2.merge([*dyed, alpha]), np.float32), relief, level.sheer


def _folds(rng: np.random.Generator, w: int, h: int) -> _Float:
    """Random creases in about [-1, 1]: ridged noise, stretched across."""
    import cv2

    size = max(8, w // 3), max(8, h // 3)

    def noise(rows: int, columns: int) -> _Float:
        cells = rng.standard_normal((rows, columns), np.float32)
        return np.asarray(cv2.resize(cells, size, interpolation=cv2.INTER_CUBIC), np.float32)

    folds = 0.5 * noise(5, 5) - 0.35 * np.abs(noise(11, 6)) - 0.3 * np.abs(noise(5, 10)) + np.float32(0.3)
    return np.asarray(cv2.resize(folds.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _inverse_map(
    mesh: Mesh, inverse: ThinPlate, box: _Box, level: _Level, params: MaskParams, axes: FaceAxes
) -> tuple[_Float, _Float, _Float | None]:
    """Where in the reduced template each pixel of the box looks; and how far (0 to 1) some must show nothing."""
    import cv2

    left, top, width, height = box
    # Two more nodes all round: between nodes cubic interpolation needs its neighbours.
    nodes_x, nodes_y = math.ceil(width / NODE_PX) + 4, math.ceil(height / NODE_PX) + 4
    x = left + (np.arange(nodes_x) - 1.5) * NODE_PX
    y = top + (np.arange(nodes_y) - 1.5) * NODE_PX
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    if params.wobble > 0:
        rng = np.random.default_rng([params.wrinkle_seed, 1])
        coarse = rng.standard_normal((6, 6, 2)).astype(np.float32) * np.float32(params.wobble * axes.width)
        sway = cv2.resize(coarse, (nodes_x, nodes_y), interpolation=cv2.INTER_CUBIC)
        grid = grid + sway.reshape(-1, 2)
    flat = inverse(grid)
    found: Any = (flat * level.scale - 0.5).astype(np.float32).reshape(nodes_y, nodes_x, 2)
    down, across = _between_nodes(height, nodes_y), _between_nodes(width, nodes_x)
    map_x, map_y = (np.ascontiguousarray(down @ np.ascontiguousarray(found[..., k]) @ across.T) for k in (0, 1))
    stray: _Float | None = None
    if _turns_over(found, level.sheer.shape):
        way_back = ThinPlate(mesh.source, mesh.target)(flat)
        lost = np.hypot(*(way_back - grid).T).reshape(nodes_y, nodes_x) / axes.width
        lost = np.interp(lost, STRAYED, (0, 1)).astype(np.float32)
        stray = np.asarray(held(down @ lost @ across.T, 0, 1), np.float32)
    return map_x, map_y, stray


def _turns_over(found: _Float, shape: tuple[int, ...]) -> bool:
    """Whether a map shows any of a template's (h, w) pixels from behind, as it does beyond a fold."""
    across, down = np.diff(found, axis=1)[:-1], np.diff(found, axis=0)[:, :-1]
    behind = across[..., 0] * down[..., 1] < across[..., 1] * down[..., 0]
    at = found[:-1, :-1][behind]
    return bool(((at > -2) & (at < np.array(shape[::-1]) + 2)).all(axis=1).any())


def _before(contour: Points, far: int, box: _Box, axes: FaceAxes) -> _Float:
    """(h, w) 1 on the near side of a silhouette, 0 behind it."""
    left, top, width, height = box
    x, y = np.meshgrid(left + np.arange(width) + 0.5, top + np.arange(height) + 0.5)
    across, down = far * (x * axes.x[0] + y * axes.x[1]), x * axes.y[0] + y * axes.y[1]
    edge_across, edge_down = far * (contour @ axes.x), np.maximum.accumulate(contour @ axes.y)
    return np.asarray(held(np.interp(down, edge_down, edge_across) - across + 0.5, 0, 1), np.float32)


@functools.lru_cache(maxsize=1024)
def _between_nodes(length: int, nodes: int) -> _Float:
    """(length, nodes) Catmull-Rom weights; cv2's cubic bends even a straight ramp."""
    at = (np.arange(length) + 0.5) / NODE_PX + 1.5
    first = np.floor(at).astype(int)
    t = at - first
    weights = np.zeros((length, nodes), np.float32)
    cubic = (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    for step, weight in enumerate(cubic):
        weights[np.arange(length), np.minimum(first - 1 + step, nodes - 1)] += weight.astype(np.float32)
    return weights


def _remap(albedo: RGBA, relief: _Float, sheer: _Float, map_x: _Float, map_y: _Float) -> tuple[RGBA, _Float, _Float]:
    import cv2

    body: Any = cv2.remap(albedo, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    pair: Any = cv2.merge([relief, sheer])
    pair = cv2.remap(pair, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    height, through = cv2.split(pair)
    return body, np.asarray(height, np.float32), np.asarray(through, np.float32)


@dataclass(frozen=True, slots=True)
class _Path:
    """A strap's course in photo pixels, its thickness there, and its own colour if it has one."""

    points: Points
    thick: float
    rgb: tuple[int, int, int] | None


def _strap_paths(
    template: MaskTemplate, face: LandmarkedFace, axes: FaceAxes, mesh: Mesh, goal: Targets
) -> list[_Path]:
    forward = ThinPlate(mesh.source, mesh.target)
    starts = forward(np.asarray([strap.xy for strap in template.straps], float))
    middle = float(np.mean([*goal.top_source[:, 0], *goal.bottom_source[:, 0]]))
    paths = []
    for strap, start in zip(template.straps, starts, strict=True):
        side = -1 if strap.xy[0] < middle else 1
        points = strap_path(strap.to, start, side, face, axes, mesh, goal)
        if points is not None:
            paths.append(_Path(points, strap.width * axes.width, strap.rgb))
    return paths


def _with_straps(
    paths: list[_Path],
    params: MaskParams,
    axes: FaceAxes,
    box: _Box,
    frame_wh: tuple[int, int],
    rgba: RGBA,
    relief: _Float,
    sheer: _Float,
    body: _Float,
) -> tuple[_Box, RGBA, _Float, _Float, _Float]:
    """The straps, behind the body, on a board that has grown to hold them."""
    import cv2

    if not paths:
        return box, rgba, relief, sheer, body
    left, top, width, height = box
    corners = np.concatenate([[(left, top), (left + width, top + height)], *(path.points for path in paths)])
    grown = _bounds(corners, 0.02, frame_wh)
    if grown is None:
        return box, rgba, relief, sheer, body
    grown = (
        min(grown[0], left),
        min(grown[1], top),
        max(grown[0] + grown[2], left + width),
        max(grown[1] + grown[3], top + height),
    )
    border = top - grown[1], grown[3] - top - height, left - grown[0], grown[2] - left - width
    grown_parts: Any = (
        cv2.copyMakeBorder(part, *border, cv2.BORDER_CONSTANT, value=0) for part in (rgba, relief, sheer, body)
    )
    rgba, relief, sheer, body = grown_parts
    left, top = grown[:2]
    height, width = body.shape
    for path in paths:
        thick = max(path.thick * params.strap_width, 0.6)
        low = np.maximum(np.floor(path.points.min(axis=0) - thick - 1) - (left, top), 0).astype(int)
        high = np.minimum(np.ceil(path.points.max(axis=0) + thick + 1) - (left, top), (width, height)).astype(int)
        if (high <= low).any():
            continue
        fine = 4
        canvas = np.zeros(((high[1] - low[1]) * fine, (high[0] - low[0]) * fine), np.uint8)
        points = np.round(((path.points - (left, top) - low) * fine - 0.5) * 16).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, max(1, round(thick * fine)), cv2.LINE_AA, 4)
        alpha: Any = cv2.resize(canvas, (high[0] - low[0], high[1] - low[1]), interpolation=cv2.INTER_AREA)
        alpha = alpha.astype(np.float32) / np.float32(255)
        where = slice(low[1], high[1]), slice(low[0], high[0])
        alpha *= _fading(path.points[-1] - (left, top) - low, alpha.shape, 0.05 * axes.width)
        under = alpha * (1 - rgba[where][..., 3])
        colour = np.asarray(params.strap_rgb if path.rgb is None else [c / 255 for c in path.rgb], np.float32)
        rgba[where][..., :3] += under[..., None] * colour
        rgba[where][..., 3] += under
        round_top = cv2.GaussianBlur(alpha, (0, 0), max(0.5, thick / 3)) * np.float32(0.6 * thick)
        relief[where] += (round_top - relief[where]) * np.minimum(under * 2, 1)
    return (left, top, width, height), rgba, relief, sheer, body


def _fading(end: Points, shape: tuple[int, ...], reach: float) -> _Float:
    """0 at a strap's end, 1 from ``reach`` pixels on: it slips behind ear or hair."""
    x = np.arange(shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - end[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - end[1])
    return np.asarray(np.minimum(np.sqrt(x * x + y * y) * np.float32(1 / max(reach, 1e-3)), 1), np.float32)


def strap_path(
    to: str, start: Points, side: int, face: LandmarkedFace, axes: FaceAxes, mesh: Mesh, goal: Targets
) -> Points | None:
    """A strap's course over the cheek, or None where it cannot be seen.

    Args:
        to: ``ear_top``, ``ear_bottom``, ``ear``, ``crown`` or ``nape``.
        start: (2,) where it leaves the mask.
        side: -1 for image left, 1 for image right.
        face: in the same pixels.
        axes: the face's own.
        mesh: the mask's, for which side is hidden.
        goal: where the mask's edges are.

    Returns:
        (n, 2) points from the mask to where the strap disappears.
    """
    hidden = side == mesh.far and (mesh.contour is not None or abs(axes.yaw_deg) > 32)
    if not goal.on_face:
        if side != goal.side:
            return None
    elif hidden:
        return None
    end = strap_end(to, side, face, axes)
    along = end - start
    length = float(np.hypot(*along))
    if length < 0.02 * axes.width or length > 1.2 * axes.width:
        return None
    if goal.on_face and side * float(along @ axes.x) < -0.05 * axes.width:
        return None
    sag = {"ear_bottom": -0.02, "nape": 0.03, "crown": -0.02}.get(to, 0.015) * axes.width
    bend = start + 0.5 * along + sag * axes.y
    t = _STRAP_STEPS
    path: Points = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
    return path


def strap_end(to: str, side: int, face: LandmarkedFace, axes: FaceAxes) -> Points:
    """Where a strap disappears: behind the ear or round the head's edge.

    dlib's jaw begins just before the ear, at the height of the eyes. The more
    the head turns away from this side, the more lies behind that point.
    """
    turned = max(0.0, -side * math.sin(math.radians(axes.yaw_deg)))
    out = side * axes.x * axes.width
    index = {"ear_top": 0.15, "ear": 0.7, "ear_bottom": 1.5, "crown": 0.0, "nape": 1.9}.get(to, 0.7)
    root = jaw_point(face.landmarks, index if side < 0 else 16 - index)
    if to == "crown":
        return root + out * (0.06 + 0.30 * turned) - axes.y * 0.15 * axes.height
    if to == "nape":
        return root + out * (0.02 + 0.38 * turned)
    lower = 0.02 if to == "ear_bottom" else -0.01
    return root + out * (0.025 + 0.20 * turned) + axes.y * lower * axes.height
