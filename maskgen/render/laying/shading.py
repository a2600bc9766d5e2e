"""A layer in the face's light: what it would look like had it been photographed there.

Planes, not pixels: numpy is several times faster on them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.render.laying.placed import Placed
from maskgen.render.lighting import KEY_FROM_ABOVE, LUMA, Light, held
from maskgen.render.params import LightParams
from maskgen.render.wear.edges import FaceAxes

_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Lit:
    """A layer as the light shows it.

    Attributes:
        planes: linear premultiplied red, green and blue, (h, w) each.
        alpha: (h, w).
        albedo: linear red, green and blue of the layer's own colour.
    """

    planes: list[_Float]
    alpha: _Float
    albedo: list[_Float]


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """Normals of a surface, x and y of them, (h, w) each, and how brightly it is lit."""

    nx: _Float
    ny: _Float
    shade: _Float


def light_layer(placed: Placed, light: Light, params: LightParams, axes: FaceAxes) -> Lit:
    """A placed layer in the light of a face, its params and its axes."""
    import cv2

    lean = light.slope_xy[0] + params.direction_xy[0], light.slope_xy[1] + params.direction_xy[1]
    surface = _with_relief(_smooth(placed, lean, axes), placed.relief, lean, params, axes)
    shade = surface.shade
    if params.field > 0:
        shade *= _field(light, placed) ** np.float32(params.field)
    if params.gamma != 1:
        shade = np.asarray(cv2.pow(np.maximum(shade, np.float32(1e-3)), params.gamma), np.float32)
    level = light.level * params.gain
    # Exposure meters keep white from burning out altogether; so folds stay visible in it.
    level = min(level, 1.25 + 0.2 * max(level - 1.25, 0))
    colour = np.power(light.colour, np.float32(params.white_balance)) * np.asarray(params.tint, np.float32)
    gloss = placed.layer.gloss * params.specular
    shine = _highlight(surface, lean, gloss) * np.float32(gloss * level) if gloss > 0.01 else None

    alpha, albedo = _albedo(placed.rgba)
    planes = []
    for channel, own in enumerate(albedo):
        plane = own * shade
        plane *= np.float32(level * colour[channel])
        if shine is not None:
            plane += shine * colour[channel]
        planes.append(plane)
    planes = _desaturated(planes, light.saturation)
    if placed.layer.lit < 1:
        plain = np.float32(min(level, 1.0) * (1 - placed.layer.lit))
        planes = [plane * np.float32(placed.layer.lit) + own * plain for plane, own in zip(planes, albedo, strict=True)]
    for plane in planes:
        _saturate_softly(plane)
        plane *= alpha
    return Lit(planes, alpha, albedo)


def _albedo(rgba: _Float) -> tuple[_Float, list[_Float]]:
    """Alpha, and the straight colour in linear light."""
    import cv2

    parts: Any = cv2.split(rgba)
    *premultiplied, alpha = parts
    divide = 1 / np.maximum(alpha, np.float32(1e-3))
    albedo = []
    for plane in premultiplied:
        own = plane * divide
        # sRGB to linear, near enough for a colour that is sampled anyway, and fast.
        own *= own * (own * np.float32(0.305306) + np.float32(0.682171)) + np.float32(0.012522)
        albedo.append(own)
    return alpha, albedo


def _smooth(placed: Placed, lean: tuple[float, float], axes: FaceAxes) -> _Surface:
    """The layer without its relief: its own normals, a ball before the face, or a flat sheet."""
    h, w = placed.rgba.shape[:2]
    rows, columns = placed.where
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] + np.float32(0.5)
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(0.5)
    if placed.normal is not None:
        nx, ny = np.ascontiguousarray(placed.normal[..., 0]), np.ascontiguousarray(placed.normal[..., 1])
    elif placed.layer.follows_face:
        nx, ny = _ball(x, y, axes)
    else:
        nx, ny = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
    return _Surface(nx, ny, held(1 + nx * np.float32(lean[0]) + ny * np.float32(lean[1]), 0.2, 2.0))


def _with_relief(
    surface: _Surface, relief: _Float | None, lean: tuple[float, float], params: LightParams, axes: FaceAxes
) -> _Surface:
    """The surface with its pleats: their slopes in the key light, their hollows in the dark."""
    import cv2

    if relief is None:
        return surface
    nx, ny, shade = surface.nx, surface.ny, surface.shade
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=0.125 * params.relief)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=0.125 * params.relief)
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, np.float32(0.05)))
    length = 1 / np.sqrt(1 + (slope_x * slope_x + slope_y * slope_y))
    turned_x, turned_y = (nx - slope_x * nz) * length, (ny - slope_y * nz) * length
    # Pleats stand in the key light, mostly from above, even where the face
    # as a whole is evenly lit: the ambient share alone weakens it.
    key = 1.6 * (1 - params.ambient)
    key_x, key_y = (lean[0] * 1.3) * key, (lean[1] - KEY_FROM_ABOVE) * key
    relit = 1 + (turned_x - nx) * np.float32(key_x) + (turned_y - ny) * np.float32(key_y)
    shade *= held(relit, 0.25, 1.9)
    if params.occlusion > 0:
        sigma = max(0.02 * axes.width, 0.7)
        hollow = cv2.GaussianBlur(relief, (0, 0), sigma) - relief
        shade *= 1 - held(hollow * np.float32(params.occlusion * 0.7 * params.relief / sigma), -0.25, 0.65)
    return _Surface(turned_x, turned_y, shade)


def _desaturated(planes: list[_Float], saturation: float) -> list[_Float]:
    """As grey as the photo is."""
    if saturation >= 1:
        return planes
    grey = planes[0] * LUMA[0] + planes[1] * LUMA[1] + planes[2] * LUMA[2]
    return [grey + (plane - grey) * np.float32(saturation) for plane in planes]


def _saturate_softly(plane: _Float) -> None:
    """In place: a sensor saturates softly, whites stay white and keep a little drawing."""
    excess = np.maximum(plane - np.float32(0.75), 0)
    np.minimum(plane, np.float32(0.75), out=plane)
    plane += excess / (1 + 4 * excess)


def _ball(x: _Float, y: _Float, axes: FaceAxes) -> tuple[_Float, _Float]:
    centre = axes.centre - 0.12 * axes.height * axes.y
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    a = (dx * np.float32(axes.x[0]) + dy * np.float32(axes.x[1])) / np.float32(0.60 * axes.width)
    b = (dx * np.float32(axes.y[0]) + dy * np.float32(axes.y[1])) / np.float32(0.95 * axes.width)
    squeeze = np.minimum(1, np.float32(0.93) / np.sqrt(np.maximum(a * a + b * b, 1e-6)))
    a, b = a * squeeze, b * squeeze
    return (
        np.asarray(a * np.float32(axes.x[0]) + b * np.float32(axes.y[0]), np.float32),
        np.asarray(a * np.float32(axes.x[1]) + b * np.float32(axes.y[1]), np.float32),
    )


def _highlight(surface: _Surface, lean: tuple[float, float], gloss: float) -> Any:
    """A Blinn highlight of a light up where the slope points."""
    nx, ny = surface.nx, surface.ny
    lx, ly = 0.9 * lean[0], 0.9 * lean[1] - 0.35
    lz = math.sqrt(max(1 - lx * lx - ly * ly, 0.2))
    norm = math.sqrt(lx * lx + ly * ly + (lz + 1) ** 2)
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))
    half = np.maximum((nx * lx + ny * ly + nz * (lz + 1)) / norm, 0)
    doublings = 3 if gloss < 0.3 else 5
    for _ in range(doublings):
        half = half * half
    return half * np.float32(0.5 if gloss < 0.3 else 0.9)


def _field(light: Light, placed: Placed) -> _Float:
    """The shading field on a part of the frame."""
    import cv2

    where, size_wh = placed.where, placed.photo_wh
    h, w = light.field.shape
    kx, ky = w / size_wh[0], h / size_wh[1]
    affine = np.array(
        [
            [kx, 0, (where[1].start + 0.5) * kx - 0.5],
            [0, ky, (where[0].start + 0.5) * ky - 0.5],
        ]
    )
    size = where[1].stop - where[1].start, where[0].stop - where[0].start
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(light.field, affine, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))
