"""Lighting of a face: estimates key light, shading and noise from the skin."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.render.laying.tones import to_linear
from maskgen.render.wear.edges import FaceAxes, face_axes

if TYPE_CHECKING:
    from maskgen.types import RGB, LandmarkedFace


SMALL: Final = 56
"""The light is estimated on a copy of about this side."""


SKIN_ALBEDO: Final = 0.32
"""Linear luminance of skin in white light, middle of the range of all people (about 0.08 to 0.5)."""


SKIN_RATIO: Final = np.array([1.0, 0.62, 0.47], np.float32)
"""Linear red, green and blue of skin in neutral light, red = 1; nearly the same for all people."""


WHITE: Final = 0.85
"""Linear albedo of the brightest cloth and walls."""


KEY_FROM_ABOVE: Final = 0.35
"""How much more light a slope that faces up takes than one that faces down, where nothing else is known."""


LUMA: Final = np.array([0.2126, 0.7152, 0.0722], np.float32)


_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """The light on one face.

    Attributes:
        level: linear luminance that a white thing before the face would have.
        colour: (3,) float32 linear RGB of the light, luminance 1.
        slope_xy: how much brighter skin turned to the right, or down, is,
            relative to skin that faces the viewer.
        field: (h, w) float32 about 1, a small picture of the shading over the
            whole frame that the slope does not explain.
        saturation: 0 for a grey photo, 1 for a coloured one.
        blur_px: the photo's own softness, standard deviation in pixels.
        noise: the photo's own noise, standard deviation in 8-bit steps.
    """

    level: float
    colour: _Float
    slope_xy: tuple[float, float]
    field: _Float
    saturation: float
    blur_px: float
    noise: float


def estimate_light(photo: RGB, face: LandmarkedFace) -> Light:
    """Read the light from a face and its neighbourhood.

    Args:
        photo: (H, W, 3) uint8; best just the face's neighbourhood.
        face: in its pixels.
    """
    import cv2

    height, width = photo.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = to_linear(np.asarray(cv2.resize(photo, size, interpolation=shrink), np.uint8))
    ratio = np.array([size[0] / width, size[1] / height])
    marks = face.landmarks * ratio
    axes = face_axes(face)
    luma = small @ LUMA

    skin = _skin(marks, size)
    inside = skin > 0.5
    if inside.sum() < 12:
        inside = np.ones_like(inside)
    on_skin = small[inside]
    skin_colour = np.partition(on_skin, len(on_skin) // 2, axis=0)[len(on_skin) // 2]
    skin_luma = max(float(skin_colour @ LUMA), 1e-3)

    slope, model = _lambert(luma, inside, marks, axes, ratio)
    field = _shading_field(luma, inside, model, skin_luma, axes.width * float(ratio[0]))
    bright = max(_quantile(luma, 0.97), 1e-3)
    by_skin, by_white = skin_luma / SKIN_ALBEDO, bright / WHITE
    level = float(np.exp(0.55 * np.log(by_skin) + 0.45 * np.log(by_white)))
    grain, blur = _noise_and_blur(photo, face)
    return Light(
        level=min(max(level, 0.01), 1.6),
        colour=_light_colour(small, skin_colour),
        slope_xy=slope,
        field=field,
        saturation=_saturation(small),
        blur_px=blur,
        noise=grain,
    )


def seen_in(light: Light, part: tuple[float, float, float, float], photo: RGB, face: LandmarkedFace) -> Light:
    """The same light on another picture of the face: of another part of the photo, at another scale.

    Args:
        light: from ``estimate_light``.
        part: left, top, right, bottom of the other picture in the first one, as shares of its sides; may reach
            beyond it.
        photo: the other picture, (H, W, 3) uint8; its noise and softness are read anew.
        face: in its pixels.
    """
    import cv2

    h, w = light.field.shape
    left, top, right, bottom = part
    kx, ky = right - left, bottom - top
    affine = np.array([[kx, 0, left * w + 0.5 * kx - 0.5], [0, ky, top * h + 0.5 * ky - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    field = cv2.warpAffine(light.field, affine, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    grain, blur = _noise_and_blur(photo, face)
    return replace(light, field=np.asarray(field, np.float32), noise=grain, blur_px=blur)


def held(values: Any, low: float, high: float) -> Any:
    """``np.clip`` without its checks, which cost more than the work on arrays as small as ours."""
    return np.minimum(np.maximum(values, low), high)


def _skin(marks: NDArray[np.float64], size_wh: tuple[int, int]) -> _Float:
    """1 on the skin of cheeks, nose and forehead, 0 on eyes, mouth and elsewhere."""
    import cv2

    up = 0.35 * (marks[19] - marks[8] + marks[24] - marks[8]) / 2
    ring = np.concatenate([marks[0:17], (marks[17:27] + up)[::-1]])
    middle = marks[29]
    ring = middle + 0.9 * (ring - middle)
    canvas = np.zeros((size_wh[1], size_wh[0]), np.uint8)

    def fill(points: NDArray[np.float64], value: int) -> None:
        cv2.fillPoly(canvas, [np.round((points - 0.5) * 16).astype(np.int32)], value, cv2.LINE_8, 4)

    fill(ring, 255)
    for first, last, grow in ((17, 22, 1.1), (22, 27, 1.1), (36, 42, 1.5), (42, 48, 1.5), (48, 60, 1.1)):
        part = marks[first:last]
        centre = np.add.reduce(part) / len(part)
        fill(centre + grow * (part - centre), 0)
    return canvas.astype(np.float32) / np.float32(255)


def _lambert(
    luma: _Float, inside: NDArray[np.bool_], marks: NDArray[np.float64], axes: FaceAxes, ratio: NDArray[np.float64]
) -> tuple[tuple[float, float], _Float]:
    """The slope of the light over the skin, and the luminance it predicts (relative to 1)."""
    h, w = luma.shape
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    nx, ny = _ellipsoid(x + np.float32(0.5), y + np.float32(0.5), marks, axes, ratio)
    values = luma[inside]
    # Half of them tells as much about a plane's slope.
    nx_in, ny_in = nx[inside], ny[inside]
    if len(values) > 900:
        values, nx_in, ny_in = values[::2], nx_in[::2], ny_in[::2]
    middle = max(_quantile(values, 0.5), 1e-3)
    design = np.stack([np.ones(len(values)), nx_in, ny_in], axis=1)
    goal = held(values / middle, 0.1, 2.5)
    weight = np.ones(len(values))
    fit = np.array([1.0, 0.0, 0.0])
    # A little ridge: hair and beards must not pass for shadow.
    ridge = np.diag([1e-3, 0.06, 0.12]) * len(values)
    pull = ridge[:, 0]
    for _ in range(3):
        weighted = design * weight[:, None]
        fit = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ goal + pull)
        weight = 1 / (1 + ((goal - design @ fit) / 0.18) ** 2)
    base = max(float(fit[0]), 0.3)
    slope = float(held(fit[1] / base, -0.9, 0.9)), float(held(fit[2] / base, -0.7, 0.7))
    model = held(1 + slope[0] * nx + slope[1] * ny, 0.25, 2.0)
    return slope, model.astype(np.float32)


def _ellipsoid(
    x: _Float, y: _Float, marks: NDArray[np.float64], axes: FaceAxes, ratio: NDArray[np.float64]
) -> tuple[_Float, _Float]:
    """x and y of the unit normal of a head-like ellipsoid, in image axes, at pixels."""
    centre = (marks[0] + marks[16]) * 0.25 + marks[30] * 0.5
    dx, dy = (x - centre[0]) / ratio[0], (y - centre[1]) / ratio[1]
    a = (dx * axes.x[0] + dy * axes.x[1]) / (0.60 * axes.width)
    b = (dx * axes.y[0] + dy * axes.y[1]) / (0.95 * axes.width)
    length = np.sqrt(a * a + b * b)
    squeeze = np.minimum(1, 0.93 / np.maximum(length, 1e-6))
    a, b = a * squeeze, b * squeeze
    return (
        np.asarray(a * axes.x[0] + b * axes.y[0], np.float32),
        np.asarray(a * axes.x[1] + b * axes.y[1], np.float32),
    )


def _shading_field(luma: _Float, inside: NDArray[np.bool_], model: _Float, skin: float, face_px: float) -> _Float:
    """The skin's smoothed luminance over what the model predicts, spread over the whole frame."""
    import cv2

    excess = held(luma / (skin * model), 0.35, 1.8)
    excess = np.log(excess).astype(np.float32)
    weight = inside.astype(np.float32)
    sigma = max(0.11 * face_px, 1.0)
    above = cv2.GaussianBlur(excess * weight, (0, 0), sigma)
    below = cv2.GaussianBlur(weight, (0, 0), sigma)
    # Far from skin the field returns to 1.
    return np.asarray(np.exp(above / (below + 0.08)), np.float32)


def _light_colour(small: _Float, skin_colour: _Float) -> _Float:
    """Half from the neighbourhood (shades of grey, p = 6), half from the skin's colour."""
    flat = np.minimum(small.reshape(-1, 3), np.float32(0.97))
    flat = flat * flat * flat
    around = np.power(np.einsum("ij,ij->j", flat, flat) / len(flat), 1 / 6).astype(np.float32)
    by_skin = skin_colour / SKIN_RATIO
    colour = np.sqrt(_unit(around) * _unit(by_skin))
    return np.asarray(held(_unit(colour), 0.4, 2.2), np.float32)


def _unit(colour: _Float) -> _Float:
    colour = np.maximum(colour, 1e-4)
    return np.asarray(colour / float(colour @ LUMA), np.float32)


def _slope(field: Any) -> _Float:
    """How steep a field is. Not by cv2.magnitude: its last bits hang on where in memory the rows lie."""
    import cv2

    x: Any = cv2.Sobel(field, -1, 1, 0)
    y: Any = cv2.Sobel(field, -1, 0, 1)
    return np.asarray(np.sqrt(x * x + y * y), np.float32)


def _quantile(values: Any, share: float) -> float:
    """The value that this share lies below; numpy's own take ten times as long on small arrays."""
    flat = values.ravel()
    index = int(share * (len(flat) - 1))
    return float(np.partition(flat, index)[index])


def _saturation(small: _Float) -> float:
    """0 when the photo is grey, rising to 1 at a usual colourfulness."""
    import cv2

    red, green, blue = cv2.split(small)
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = float(np.mean(np.sqrt(high) - np.sqrt(low)))
    return min(max((spread - 0.004) / 0.03, 0.0), 1.0)


def _noise_and_blur(photo: RGB, face: LandmarkedFace) -> tuple[float, float]:
    """Noise in 8-bit steps and softness in pixels, from the face's own pixels."""
    import cv2

    low = np.floor(face.landmarks.min(axis=0)).astype(int)
    high = np.ceil(face.landmarks.max(axis=0)).astype(int)
    left, top = np.maximum(low, 0)
    right, bottom = np.minimum(high, (photo.shape[1], photo.shape[0]))
    if right - left < 8 or bottom - top < 8:
        return 0.0, 0.8
    grey = photo[top:bottom, left:right, 1].astype(np.float32)
    step = cv2.filter2D(grey, -1, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32))
    # The quiet half: edges are not noise. 6 is the filter's gain, 0.32 the quartile of |normal|.
    noise = _quantile(np.abs(step[::3, ::3]), 0.25) / 6 / 0.3186
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0)
    sharp_slope, soft_slope = _slope(grey), _slope(soft)
    strong = sharp_slope > _quantile(sharp_slope[::4, ::4], 0.96)
    ratio = _quantile(sharp_slope[strong] / np.maximum(soft_slope[strong], 1e-3), 0.5) if strong.any() else 1.0
    blur = 1 / math.sqrt(max(ratio**2 - 1, 0.04))
    return min(noise, 12.0), min(max(blur, 0.3), 5.0)
