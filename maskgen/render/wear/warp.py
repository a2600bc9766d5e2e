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

from maskgen.drawing.layer import Layer
from maskgen.render.laying.grain import white_noise
from maskgen.render.lighting import _Float, held
from maskgen.render.wear.edges import FaceAxes, face_axes
from maskgen.render.wear.fit import targets
from maskgen.render.wear.mesh import STRAYED, Mesh, ThinPlate, _bounds, _Box, build_mesh
from maskgen.render.wear.straps import _strap_paths, _with_straps

if TYPE_CHECKING:
    from maskgen.render.params import MaskParams
    from maskgen.templates.template import MaskTemplate
    from maskgen.types import RGBA, LandmarkedFace, Points


NODE_PX: Final = 8
"""Spacing at which the spline is evaluated; between, it is interpolated."""

_LEVELS: OrderedDict[tuple[int, int], tuple[MaskTemplate, _Level]] = OrderedDict()
_LEVELS_KEPT: Final = 96


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
        from maskgen.drawing import patterns

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
