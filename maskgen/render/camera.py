"""One camera for every class: what a lens, a sensor and a file format do to a face.

The camera never knows whether a mask is in the picture, so nothing that it
does can betray the class. Of everything that can be varied, it is what moves
a classifier trained on drawings furthest towards real street faces: leaving
it out costs 3.8 points of balanced accuracy (facts of this project, frozen
ImageNet features).

Draw ``CameraParams`` from a generator, keep them, apply them: the same
parameters give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError
from maskgen.types import RGB

Strength = Literal["none", "mild", "street"]
STRENGTHS: Final[tuple[Strength, ...]] = ("none", "mild", "street")

Interpolation = Literal["nearest", "linear", "cubic", "area", "lanczos"]

_Field: TypeAlias = NDArray[Any]

MIN_FACE_PX: Final = 9.0
"""The shortest face the street camera leaves, in pixels (facts of this project)."""


@dataclass(frozen=True, slots=True)
class CameraParams:
    """Everything that the camera does to one picture, in the order it happens.

    Attributes:
        exposure_ev: photographic stops, in linear light.
        gamma: the tone curve's exponent; 1 changes nothing.
        contrast: about mid grey; 1 changes nothing.
        white_balance: gains of red, green and blue in linear light.
        saturation: 0 is grey, 1 changes nothing.
        tint_rgb: a coloured light over the whole picture, sRGB in [0, 1].
        tint: how much of it, in [0, 1].
        vignette: darkening of the corners, in [0, 1].
        focus_px: standard deviation of the defocus blur, per 224 px of face.
        motion_px: length of the motion blur, per 224 px of face.
        motion_deg: its direction.
        face_px: the longer side of the face that the sensor sees; None keeps
            the picture's own resolution.
        down, up: the interpolations on the way to it and back.
        noise: standard deviation of the sensor's noise at mid grey, in [0, 1].
        noise_grain: size of a noise grain in sensor pixels, at least 1.
        noise_seed: where the noise comes from.
        sharpen: strength of an unsharp mask, as cameras apply.
        codecs: ((format, quality), ...) applied in turn: ``jpeg`` or ``webp``.
    """

    exposure_ev: float = 0.0
    gamma: float = 1.0
    contrast: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    tint_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tint: float = 0.0
    vignette: float = 0.0
    focus_px: float = 0.0
    motion_px: float = 0.0
    motion_deg: float = 0.0
    face_px: float | None = None
    down: Interpolation = "area"
    up: Interpolation = "linear"
    noise: float = 0.0
    noise_grain: float = 1.0
    noise_seed: int = 0
    sharpen: float = 0.0
    codecs: tuple[tuple[str, int], ...] = ()


def draw(rng: np.random.Generator, strength: Strength = "street") -> CameraParams:
    """Pick a camera, a light and a file's history.

    Args:
        rng: where chance comes from.
        strength: ``street`` spans what surveillance, telephones and the web
            do to faces, down to ``MIN_FACE_PX``; ``mild`` what a good camera
            does; ``none`` changes nothing.

    Raises:
        InputError: no strength has that name.
    """
    if strength not in STRENGTHS:
        raise InputError(f'no camera strength is called "{strength}"; choose from {", ".join(STRENGTHS)}')
    if strength == "none":
        return CameraParams()
    street = strength == "street"
    scale = 1.0 if street else 0.4

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability * (1.0 if street else 0.5))

    params: dict[str, Any] = {
        "exposure_ev": min(max(rng.normal(-0.1, 0.55), -2.2), 1.3) * scale,
        "gamma": float(np.exp(rng.normal(0, 0.16) * scale)),
        "contrast": float(np.exp(rng.normal(0, 0.18) * scale)),
        "white_balance": tuple(float(np.exp(gain * scale)) for gain in rng.normal(0, (0.11, 0.04, 0.14))),
        "saturation": min(max(rng.normal(0.95, 0.25), 0.1), 1.7) if street else float(rng.normal(1, 0.1)),
    }
    if chance(0.08):
        params["saturation"] = 0.0
    if chance(0.15):
        hue = rng.random() * 2 * np.pi
        params["tint_rgb"] = tuple(float(0.55 + 0.45 * np.cos(hue + turn)) for turn in (0.0, 2.094, 4.189))
        params["tint"] = float(rng.uniform(0.08, 0.45))
    if chance(0.15):
        params["vignette"] = float(rng.uniform(0.05, 0.4))
    if chance(0.4):
        params["focus_px"] = float(rng.gamma(1.6, 1.6))
    if chance(0.15):
        params["motion_px"] = float(rng.uniform(3, 18))
        params["motion_deg"] = float(rng.uniform(0, 180))
    if chance(0.72):
        # As many faces between 9 and 18 px as between 18 and 36: sizes in
        # the street fall off like that.
        smallest = MIN_FACE_PX if street else 60.0
        params["face_px"] = float(np.exp(rng.uniform(np.log(smallest), np.log(200.0))))
    downs: tuple[Interpolation, ...] = ("area", "area", "linear", "cubic", "nearest", "lanczos")
    ups: tuple[Interpolation, ...] = ("linear", "linear", "cubic", "cubic", "nearest", "lanczos", "area")
    params["down"] = downs[rng.integers(len(downs))]
    params["up"] = ups[rng.integers(len(ups))]
    if chance(0.55):
        params["noise"] = float(min(rng.gamma(1.3, 0.018), 0.16))
        params["noise_grain"] = float(rng.uniform(1, 2.2))
        params["noise_seed"] = int(rng.integers(2**32))
    if chance(0.25):
        params["sharpen"] = float(rng.uniform(0.2, 1.2))
    if chance(0.75):
        passes = 1 + int(rng.random() < 0.25)
        names = ("jpeg", "jpeg", "jpeg", "webp")
        lowest = 22 if street else 60
        params["codecs"] = tuple((names[rng.integers(4)], int(rng.integers(lowest, 96))) for _ in range(passes))
    return CameraParams(**params)


def apply(image: RGB, params: CameraParams, face_px: float, size_wh: tuple[int, int] | None = None) -> RGB:
    """Photograph a picture again.

    Args:
        image: (H, W, 3) uint8 RGB.
        params: what to do.
        face_px: the longer side of the face in what is returned, in pixels; blur
            and resolution are meant relative to it.
        size_wh: width and height of what is returned, the image's own if None.

    Returns:
        A new (H, W, 3) uint8 RGB array.
    """
    size_wh = size_wh or (image.shape[1], image.shape[0])
    sensor_wh = _sensor_size(*size_wh, params, face_px)
    pixels: _Field = image
    if sensor_wh[0] > image.shape[1] or sensor_wh[1] > image.shape[0]:
        pixels = _resize(pixels, sensor_wh, "linear")
    pixels = _expose(pixels, params)
    pixels = _blur(pixels, params, (pixels.shape[1] / size_wh[0], pixels.shape[0] / size_wh[1]), face_px)
    # The codec works on the sensor's pixels, before anybody enlarges them.
    pixels = _resize(pixels, sensor_wh, params.down)
    pixels = _sharpen(pixels, params)
    pixels = _add_noise(pixels, params)
    for name, quality in params.codecs:
        pixels = _recode(pixels, name, quality)
    return np.ascontiguousarray(_resize(pixels, size_wh, params.up))


def detail(params: CameraParams, face_px: float) -> float:
    """How much of a picture's resolution the camera can use, 0 to 1.

    Twice the sensor's own is enough for what averages on the way down; what
    leaves pixels out shows its jaggies from three times as many.

    Args:
        params: the camera.
        face_px: the longer side of the face, in pixels.
    """
    if params.face_px is None:
        return 1.0
    return min(1.0, (2 if params.down == "area" else 3) * params.face_px / max(face_px, 1e-6))


def _tone_curves(params: CameraParams) -> _Field:
    """(256, 3) uint8: exposure, white balance, gamma and contrast at once."""
    linear = (np.arange(256, dtype=np.float64) / 255)[:, None] ** 2.2
    linear = _rolled_off(linear, 2.0**params.exposure_ev * np.asarray(params.white_balance))
    srgb = linear ** (params.gamma / 2.2)
    srgb = (srgb - 0.5) * params.contrast + 0.5
    srgb = srgb * (1 - params.tint) + srgb * np.asarray(params.tint_rgb) * params.tint
    return np.asarray(np.minimum(np.maximum(np.rint(srgb * 255), 0), 255), np.uint8)


def _rolled_off(linear: _Field, gain: _Field) -> _Field:
    """Linear light times a gain; what would leave [0, 1] bends softly, as sensors and their software do it.

    From 0.8 on a hyperbola that begins as steep as the line and brings the brightest, ``gain``, to 1. Without a
    gain nothing bends: the picture's own camera has done it already.
    """
    beyond = np.maximum(linear * gain - 0.8, 0)
    bend = np.maximum(5 - 1 / np.maximum(gain - 0.8, 0.2), 0)
    return np.asarray(np.minimum(linear * gain, 0.8) + beyond / (1 + bend * beyond))


def _expose(image: RGB, params: CameraParams) -> _Field:
    import cv2

    pixels = cv2.LUT(image, _tone_curves(params)[None])
    if params.saturation != 1.0:
        luma = np.array([0.299, 0.587, 0.114])
        matrix = params.saturation * np.eye(3) + (1 - params.saturation) * np.tile(luma, (3, 1))
        pixels = cv2.transform(pixels, matrix)
    if params.vignette > 0:
        height, width = image.shape[:2]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        shade = 1 - np.float32(params.vignette / 2) * (x * x + y * y)
        pixels = np.rint(pixels * shade[..., None]).astype(np.uint8)
    return np.asarray(pixels)


def _blur(pixels: _Field, params: CameraParams, scale_xy: tuple[float, float], face_px: float) -> _Field:
    import cv2

    x, y = (params.focus_px * face_px / 224 * scale for scale in scale_xy)
    if max(x, y) > 0.25:
        pixels = cv2.GaussianBlur(pixels, (0, 0), x, sigmaY=y, borderType=cv2.BORDER_REPLICATE)
    length = params.motion_px * face_px / 224 * (scale_xy[0] + scale_xy[1]) / 2
    if length >= 2:
        side = int(np.ceil(length)) | 1
        kernel = np.zeros((side, side), np.float32)
        dx = np.cos(np.radians(params.motion_deg)) * length / 2
        dy = np.sin(np.radians(params.motion_deg)) * length / 2
        middle = side // 2
        start = (round((middle - dx) * 16), round((middle - dy) * 16))
        end = (round((middle + dx) * 16), round((middle + dy) * 16))
        cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
        pixels = cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(pixels)


def _sensor_size(width: int, height: int, params: CameraParams, face_px: float) -> tuple[int, int]:
    if params.face_px is None or params.face_px >= face_px:
        return width, height
    scale = params.face_px / face_px
    return max(2, round(width * scale)), max(2, round(height * scale))


def _resize(pixels: _Field, size_wh: tuple[int, int], interpolation: Interpolation) -> _Field:
    import cv2

    if (pixels.shape[1], pixels.shape[0]) == size_wh:
        return pixels
    flag = {
        "nearest": cv2.INTER_NEAREST,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos": cv2.INTER_LANCZOS4,
    }[interpolation]
    return np.asarray(cv2.resize(pixels, size_wh, interpolation=flag))


def _sharpen(pixels: _Field, params: CameraParams) -> _Field:
    import cv2

    if params.sharpen <= 0:
        return pixels
    soft = cv2.GaussianBlur(pixels, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(pixels, 1 + params.sharpen, soft, -params.sharpen, 0))


# Photon noise grows with the square root of the light.
_NOISE_LEVEL: Final = 0.4 + 1.2 * np.sqrt(np.arange(256, dtype=np.float32) / 255)


def _add_noise(pixels: _Field, params: CameraParams) -> _Field:
    import cv2

    if params.noise <= 0:
        return pixels
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(params.noise_seed)
    grain_wh = max(1, round(width / params.noise_grain)), max(1, round(height / params.noise_grain))
    grain: _Field = rng.standard_normal((grain_wh[1], grain_wh[0], 3), dtype=np.float32)
    # Sensor noise is half shared between channels once a camera has demosaiced.
    grain = 0.7 * grain + 0.5 * grain[..., :1]
    if grain_wh != (width, height):
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    grain *= cv2.LUT(np.ascontiguousarray(pixels), _NOISE_LEVEL)
    grain *= params.noise * 255
    grain += pixels
    np.rint(grain, out=grain)
    np.maximum(grain, 0, out=grain)
    np.minimum(grain, 255, out=grain)
    return grain.astype(np.uint8)


def _recode(pixels: _Field, name: str, quality: int) -> _Field:
    import cv2

    if name not in ("jpeg", "webp"):
        raise InputError(f'no codec is called "{name}"; choose jpeg or webp')
    flag = cv2.IMWRITE_JPEG_QUALITY if name == "jpeg" else cv2.IMWRITE_WEBP_QUALITY
    _, data = cv2.imencode(f".{name}", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [flag, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))
