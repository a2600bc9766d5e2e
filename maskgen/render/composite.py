"""The face's light on what is drawn over it, and its shadow on the face.

The light is read from the face: skin that curves away from it is darker, so a
Lambert model fitted to the skin gives direction and share of the light, and
what the model leaves over, smoothed, is the shading field: shadows that fall
over the face fall over the mask too. Everything is mixed in linear light.

Sources:
    Lambert fit with robust reweighting: Basri and Jacobs, "Lambertian
    reflectance and linear subspaces", PAMI 2003 (first-order terms).
    White balance: Finlayson and Trezzi, "Shades of Gray", CIC 2004.
    Blur from re-blurred edges: Zhuo and Sim, Pattern Recognition 2011.
    Noise: Immerkaer, CVIU 1996.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgen.render.edges import FaceAxes, face_axes
from maskgen.render.lighting import KEY_FROM_ABOVE, LUMA, Light, _Float, held, to_linear
from maskgen.render.params import LightParams

if TYPE_CHECKING:
    from maskgen.drawing.layer import Layer
    from maskgen.types import RGB, LandmarkedFace


def composite(photo: RGB, layer: Layer, light: Light, face: LandmarkedFace, params: LightParams | None = None) -> RGB:
    """Lay a layer over a photo as if it had been there.

    Args:
        photo: (H, W, 3) uint8.
        layer: what to lay down; may reach beyond the photo.
        light: from ``estimate_light``.
        face: in the photo's pixels; curves the surface, bounds the shadow.
        params: how the light is varied.

    Returns:
        A new (H, W, 3) uint8 RGB array; ``photo`` keeps its values.
    """
    return lay(photo, layer, light, face, params or LightParams())[0]


def lay(
    photo: RGB, layer: Layer, light: Light, face: LandmarkedFace, params: LightParams
) -> tuple[RGB, _Float, _Float]:
    """``composite``, and where the layer came to lie.

    Returns:
        The new picture, the layer's alpha and its body's alpha, (H, W) float32
        in the photo's frame.
    """
    import cv2

    height, width = photo.shape[:2]
    alpha_out, body_out = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    image = photo.copy()
    axes = face_axes(face)
    spread = math.sqrt(max((params.sharpness * min(light.blur_px, 4.0)) ** 2 - 0.35**2, 0) + params.edge_blur**2)
    pad = math.ceil(2 + 2.5 * layer.lift * params.shadow_soft + 2 * spread)
    placed = _place(layer, pad, (width, height))
    if placed is None:
        return image, alpha_out, body_out
    where, rgba, relief, sheer, body, normal = placed

    # Planes, not pixels: numpy is several times faster on them.
    lit: Any
    alpha: Any
    lit, alpha, albedo = _lit(rgba, relief, normal, layer, light, params, axes, where, (width, height))
    if spread > 0.25:
        stack = cv2.GaussianBlur(cv2.merge([*lit, alpha]), (0, 0), spread)
        *lit, alpha = cv2.split(stack)
        body = alpha if layer.body is None else np.asarray(cv2.GaussianBlur(body, (0, 0), spread), np.float32)

    remains = 1 - alpha
    shadow: _Float | None = None
    if layer.shadow * params.shadow > 0:
        shadow = 1 - _shadow(alpha, layer, light, params, axes, face, where)
    seen: Any = held(sheer * np.float32(params.translucency), 0, 0.95)
    sheer_somewhere = bool(np.any(seen > 0))
    cut = photo[where]
    beneath = cv2.split(to_linear(cut))
    noise = _grain(alpha, light, params)
    planes = []
    for channel in range(3):
        below = beneath[channel] if shadow is None else beneath[channel] * shadow
        plane = below * remains
        if sheer_somewhere:
            plane += lit[channel] * (1 - seen)
            plane += seen * below * np.maximum(albedo[channel], 0.05) * alpha
        else:
            plane += lit[channel]
        plane = _encode(plane)
        if noise is not None:
            plane += noise
            # Below black there is nothing: OpenCV would take the noise's amount and make it brighter.
            np.maximum(plane, 0, out=plane)
        planes.append(plane)
    changed = cv2.merge([cv2.convertScaleAbs(plane) for plane in planes])
    touched = alpha > 0.002 if shadow is None else (alpha > 0.002) | (shadow < 0.998)
    image[where] = cut
    cv2.copyTo(changed, touched.astype(np.uint8), image[where])
    alpha_out[where], body_out[where] = alpha, body
    return image, alpha_out, body_out


def _grain(alpha: _Float, light: Light, params: LightParams) -> _Float | None:
    """Noise as strong as the photo's own, in 8-bit steps, where something was drawn."""
    import cv2

    if params.grain <= 0 or light.noise <= 0.3:
        return None
    rng = np.random.default_rng(params.seed)
    noise = cv2.GaussianBlur(white_noise(rng, *alpha.shape), (0, 0), 0.6)
    # 2.1 restores the deviation that the blur took.
    return np.asarray(noise * alpha * np.float32(2.1 * params.grain * light.noise), np.float32)


def white_noise(rng: np.random.Generator, height: int, width: int) -> _Float:
    """(height, width) normal deviates, cut from a tile at a random place: one draw instead of thousands."""
    tile = _noise_tile()
    side = len(tile)
    y, x = (int(part) for part in rng.integers(0, side, 2))
    if y + height <= side and x + width <= side:
        # A view, where the tile has it in one piece; nobody writes on it.
        return tile[y : y + height, x : x + width]
    rows, columns = (np.arange(height) + y) % side, (np.arange(width) + x) % side
    return np.asarray(tile[rows[:, None], columns], np.float32)


@functools.cache
def _noise_tile() -> _Float:
    return np.random.default_rng(20201).standard_normal((509, 509), np.float32)


@functools.cache
def _encode_table() -> _Float:
    value = np.arange(16385) / 16384
    encoded = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return (255 * encoded).astype(np.float32)


def _encode(linear: _Float) -> _Float:
    """Linear light as sRGB 0 to 255, (H, W, 3) float32."""
    index = linear * np.float32(16384)
    np.maximum(index, 0, out=index)
    np.minimum(index, 16384, out=index)
    return np.take(_encode_table(), index.astype(np.int32))


def _place(layer: Layer, pad: int, size_wh: tuple[int, int]) -> Any:
    """The layer's arrays on the part of the photo that they and their shadow touch."""
    if layer.empty:
        return None
    filled = layer.rgba[..., 3] > 0.003
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        return None
    tight = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    left, top = layer.origin_xy[0] + int(columns[0]), layer.origin_xy[1] + int(rows[0])
    w, h = int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1
    x0, y0 = max(left - pad, 0), max(top - pad, 0)
    x1, y1 = min(left + w + pad, size_wh[0]), min(top + h + pad, size_wh[1])
    if x1 <= x0 or y1 <= y0:
        return None
    inner = slice(max(top, y0) - y0, min(top + h, y1) - y0), slice(max(left, x0) - x0, min(left + w, x1) - x0)
    source = (
        slice(inner[0].start + y0 - top, inner[0].stop + y0 - top),
        slice(inner[1].start + x0 - left, inner[1].stop + x0 - left),
    )
    if inner[0].stop <= inner[0].start or inner[1].stop <= inner[1].start:
        return None

    def on_board(part: Any) -> Any:
        if not isinstance(part, np.ndarray):
            return part
        board = np.zeros((y1 - y0, x1 - x0, *part.shape[2:]), np.float32)
        board[inner] = part[tight][source]
        return board

    def surface(part: Any) -> Any:
        # It goes on level: an end of the relief would be shaded like a fold.
        return None if part is None else np.pad(part[tight][source], _around(inner, (y1 - y0, x1 - x0)), mode="edge")

    where = slice(y0, y1), slice(x0, x1)
    body = layer.rgba[..., 3] if layer.body is None else layer.body
    return (
        where,
        on_board(layer.rgba),
        surface(layer.height),
        on_board(layer.translucency),
        on_board(body),
        on_board(layer.normal),
    )


def _around(inner: tuple[slice, slice], shape: tuple[int, int]) -> list[tuple[int, int]]:
    """How many rows and columns lie before and behind a part of an array."""
    return [(part.start, side - part.stop) for part, side in zip(inner, shape, strict=True)]


def _lit(
    rgba: _Float,
    relief: _Float | None,
    normal: _Float | None,
    layer: Layer,
    light: Light,
    params: LightParams,
    axes: FaceAxes,
    where: tuple[slice, slice],
    size_wh: tuple[int, int],
) -> tuple[list[_Float], _Float, list[_Float]]:
    """The layer in the face's light.

    Returns:
        Linear premultiplied red, green and blue; alpha; linear albedo of each.
    """
    import cv2

    h, w = rgba.shape[:2]
    parts: Any = cv2.split(rgba)
    *premultiplied, alpha = parts
    divide = 1 / np.maximum(alpha, np.float32(1e-3))
    x = np.arange(where[1].start, where[1].stop, dtype=np.float32)[None, :] + np.float32(0.5)
    y = np.arange(where[0].start, where[0].stop, dtype=np.float32)[:, None] + np.float32(0.5)
    if normal is not None:
        nx, ny = np.ascontiguousarray(normal[..., 0]), np.ascontiguousarray(normal[..., 1])
    elif layer.follows_face:
        nx, ny = _ball(x, y, axes)
    else:
        nx, ny = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
    lean_x, lean_y = light.slope_xy[0] + params.direction_xy[0], light.slope_xy[1] + params.direction_xy[1]
    shade = held(1 + nx * np.float32(lean_x) + ny * np.float32(lean_y), 0.2, 2.0)
    if relief is not None:
        slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=0.125 * params.relief)
        slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=0.125 * params.relief)
        nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, np.float32(0.05)))
        length = 1 / np.sqrt(1 + (slope_x * slope_x + slope_y * slope_y))
        turned_x, turned_y = (nx - slope_x * nz) * length, (ny - slope_y * nz) * length
        # Pleats stand in the key light, mostly from above, even where the face
        # as a whole is evenly lit: the ambient share alone weakens it.
        key = 1.6 * (1 - params.ambient)
        key_x, key_y = (lean_x * 1.3) * key, (lean_y - KEY_FROM_ABOVE) * key
        relit = 1 + (turned_x - nx) * np.float32(key_x) + (turned_y - ny) * np.float32(key_y)
        shade *= held(relit, 0.25, 1.9)
        nx, ny = turned_x, turned_y
        if params.occlusion > 0:
            sigma = max(0.02 * axes.width, 0.7)
            hollow = cv2.GaussianBlur(relief, (0, 0), sigma) - relief
            shade *= 1 - held(hollow * np.float32(params.occlusion * 0.7 * params.relief / sigma), -0.25, 0.65)
    if params.field > 0:
        shade *= _field(light, where, size_wh) ** np.float32(params.field)
    if params.gamma != 1:
        shade = cv2.pow(np.maximum(shade, np.float32(1e-3)), params.gamma)
    colour = np.power(light.colour, np.float32(params.white_balance)) * np.asarray(params.tint, np.float32)
    level = light.level * params.gain
    # Exposure meters keep white from burning out altogether; so folds stay visible in it.
    level = min(level, 1.25 + 0.2 * max(level - 1.25, 0))
    gloss = layer.gloss * params.specular
    shine = _highlight(nx, ny, lean_x, lean_y, gloss) * np.float32(gloss * level) if gloss > 0.01 else None

    albedo, lit = [], []
    for channel in range(3):
        own = premultiplied[channel] * divide
        # sRGB to linear, near enough for a colour that is sampled anyway, and fast.
        own *= own * (own * np.float32(0.305306) + np.float32(0.682171)) + np.float32(0.012522)
        plane = own * shade
        plane *= np.float32(level * colour[channel])
        if shine is not None:
            plane += shine * colour[channel]
        albedo.append(own)
        lit.append(plane)
    if light.saturation < 1:
        grey = lit[0] * LUMA[0] + lit[1] * LUMA[1] + lit[2] * LUMA[2]
        lit = [grey + (plane - grey) * np.float32(light.saturation) for plane in lit]
    if layer.lit < 1:
        plain = np.float32(min(level, 1.0) * (1 - layer.lit))
        lit = [plane * np.float32(layer.lit) + own * plain for plane, own in zip(lit, albedo, strict=True)]
    # A sensor saturates softly: whites stay white and keep a little drawing.
    for plane in lit:
        excess = np.maximum(plane - np.float32(0.75), 0)
        np.minimum(plane, np.float32(0.75), out=plane)
        plane += excess / (1 + 4 * excess)
        plane *= alpha
    return lit, alpha, albedo


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


def _highlight(nx: Any, ny: Any, slope_x: float, slope_y: float, gloss: float) -> Any:
    """A Blinn highlight of a light up where the slope points."""
    lx, ly = 0.9 * slope_x, 0.9 * slope_y - 0.35
    lz = math.sqrt(max(1 - lx * lx - ly * ly, 0.2))
    norm = math.sqrt(lx * lx + ly * ly + (lz + 1) ** 2)
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))
    half = np.maximum((nx * lx + ny * ly + nz * (lz + 1)) / norm, 0)
    doublings = 3 if gloss < 0.3 else 5
    for _ in range(doublings):
        half = half * half
    return half * np.float32(0.5 if gloss < 0.3 else 0.9)


def _field(light: Light, where: tuple[slice, slice], size_wh: tuple[int, int]) -> _Float:
    """The shading field on a part of the frame."""
    import cv2

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


def _shadow(
    alpha: _Float,
    layer: Layer,
    light: Light,
    params: LightParams,
    axes: FaceAxes,
    face: LandmarkedFace,
    where: tuple[slice, slice],
) -> _Float:
    """(h, w) how much light the layer takes from what lies beneath."""
    import cv2

    soft = max(layer.lift * params.shadow_soft, 0.5)
    slope = (light.slope_xy[0] + params.direction_xy[0], light.slope_xy[1] + params.direction_xy[1])
    # Light from above by default: the shadow falls away from it.
    shift = -slope[0] * 2.2 * layer.lift, (0.5 - slope[1]) * 1.6 * layer.lift
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    size = alpha.shape[1], alpha.shape[0]
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, move, size), (0, 0), soft)
    contact = cv2.GaussianBlur(alpha, (0, 0), max(0.35 * soft, 0.5))
    taken = 0.55 * cast + 0.35 * contact
    taken *= np.float32(layer.shadow * params.shadow) * _receiver(alpha.shape, axes, face, where)
    return np.asarray(held(taken, 0, 0.85), np.float32)


def _receiver(shape: tuple[int, ...], axes: FaceAxes, face: LandmarkedFace, where: tuple[slice, slice]) -> _Float:
    """Where there is skin near enough to take a shadow: the face and the throat, not the wall behind."""
    import cv2

    marks = face.landmarks
    down = 0.45 * axes.height * axes.y
    up = -0.4 * axes.height * axes.y
    ring = np.concatenate(
        [marks[0:5], marks[4:5] + down, marks[12:13] + down, marks[12:17], marks[26:27] + up, marks[17:18] + up]
    )
    ring = ring - (where[1].start, where[0].start)
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(canvas, [np.round((ring - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    size = max(1, round(0.03 * axes.width))
    soft = cv2.blur(canvas, (2 * size + 1, 2 * size + 1)).astype(np.float32)
    return np.float32(0.12) + soft * np.float32(0.88 / 255)
