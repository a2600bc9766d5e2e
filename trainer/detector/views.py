"""Augmentation for detector training: random scale and crop, flip, mosaic, photometric.

Scales are drawn so that a face meets every stride; what is cut off by more
than half, or has become too small, is ignored rather than unlearned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen import images
from maskgen.faces.onestage_litert import PAD_VALUE
from maskgen.types import RGB
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import FACE_VALUES, KIND, POINTS, Scene

SEEN_LEAST: Final = 0.4
"""Faces with a smaller share inside the picture are ignored."""

AROUND_FACE: Final = 0.7
"""Share of cuts that hold a face chosen at random."""

MOSAIC_ZOOM: Final = 0.75
"""Scenes of a mosaic are this much smaller."""

_MIRRORED: Final = (1, 0, 2, 4, 3)
"""The five points' order in a mirrored face."""


class Views:
    """Makes training pictures; the same numbers give the same picture."""

    def __init__(self, scenes: Sequence[Scene], config: DetectorConfig) -> None:
        """Read the scenes' files.

        Raises:
            ImageError: one cannot be read, or is no picture.
        """
        self._scenes = scenes
        self._config = config
        # Files, not pixels: a thousand scenes take 40 MB so, and decoding costs 2 ms.
        self._files = [images.read_bytes(scene.path) for scene in scenes]

    def __call__(self, number: int, size: int, seed: tuple[int, ...]) -> tuple[RGB, NDArray[np.float32]]:
        """A training picture.

        Args:
            number: of its scene.
            size: side in pixels.
            seed: what it is drawn from.

        Returns:
            (size, size, 3) uint8 and (N, 21) faces.
        """
        rng = np.random.default_rng((self._config.seed, *seed))
        if rng.random() < self._config.mosaic:
            others = rng.integers(0, len(self._scenes), 3)
            pixels, faces = self._mosaic([number, *map(int, others)], size, rng)
        else:
            pixels, faces = self._cut(number, (size, size), 1.0, rng)
        return photometric(pixels, rng), faces

    def _mosaic(self, numbers: list[int], size: int, rng: np.random.Generator) -> tuple[RGB, NDArray[np.float32]]:
        x, y = (round(float(v) * size) for v in rng.uniform(0.35, 0.65, 2))
        canvas = np.empty((size, size, 3), np.uint8)
        parts = []
        for number, (left, top, right, bottom) in zip(
            numbers, ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)), strict=True
        ):
            pixels, faces = self._cut(number, (right - left, bottom - top), MOSAIC_ZOOM, rng)
            canvas[top:bottom, left:right] = pixels
            parts.append(moved(faces, left, top))
        return canvas, np.concatenate(parts)

    def _cut(
        self, number: int, size_wh: tuple[int, int], factor: float, rng: np.random.Generator
    ) -> tuple[RGB, NDArray[np.float32]]:
        """A part of a scene at a drawn scale; grey where the scene has ended."""
        import cv2

        image, faces = images.decode_rgb(self._files[number]), self._scenes[number].faces
        height, width = image.shape[:2]
        low, high = np.log(self._config.zoom)
        zoom = factor * float(np.exp(rng.uniform(low, high)))
        zoom_x, zoom_y = zoom * np.exp(rng.normal(0, 0.06, 2))
        real = faces[faces[:, KIND] > 0]
        centre = None
        if len(real) and rng.random() < AROUND_FACE:
            centre = real[rng.integers(len(real)), :4].reshape(2, 2).mean(axis=0)
        left = _start(width * zoom_x, size_wh[0], None if centre is None else centre[0] * zoom_x, rng)
        top = _start(height * zoom_y, size_wh[1], None if centre is None else centre[1] * zoom_y, rng)
        matrix = np.array([[zoom_x, 0, -left], [0, zoom_y, -top]])
        if zoom < 0.8:  # a warp takes single pixels; averages first
            small_wh = (max(1, round(width * zoom_x)), max(1, round(height * zoom_y)))
            image = np.asarray(cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA), np.uint8)
            matrix[0, 0], matrix[1, 1] = 1, 1
            zoom_x, zoom_y = small_wh[0] / width, small_wh[1] / height
        # Pixels' centres lie at half numbers.
        matrix[:, 2] += 0.5 * (np.diag(matrix) - 1)
        kind = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
        pixels = cv2.warpAffine(image, matrix, size_wh, flags=kind, borderValue=(PAD_VALUE,) * 3)
        found = cut_faces(scaled(faces, zoom_x, zoom_y, -left, -top), size_wh, self._config.min_face_px)
        if rng.random() < 0.5:
            return np.ascontiguousarray(pixels[:, ::-1]), mirrored(found, size_wh[0])
        return np.asarray(pixels, np.uint8), found


def _start(length: float, size: int, centre: float | None, rng: np.random.Generator) -> float:
    """Where a cut of ``size`` begins along a scene of ``length``; a little may lie beyond."""
    if length <= size:
        return -float(rng.uniform(0, size - length))
    if centre is not None:
        start = centre - rng.uniform(0.1, 0.9) * size
        return float(np.clip(start, -0.1 * size, length - 0.9 * size))
    return float(rng.uniform(-0.05 * size, length - 0.95 * size))


def scaled(faces: NDArray[np.float32], zoom_x: float, zoom_y: float, dx: float, dy: float) -> NDArray[np.float32]:
    """Faces of a picture scaled by the factors, then moved."""
    faces = faces.copy()
    faces[:, [0, 2]] = faces[:, [0, 2]] * zoom_x + dx
    faces[:, [1, 3]] = faces[:, [1, 3]] * zoom_y + dy
    faces[:, POINTS::3] = faces[:, POINTS::3] * zoom_x + dx
    faces[:, POINTS + 1 :: 3] = faces[:, POINTS + 1 :: 3] * zoom_y + dy
    return faces


def moved(faces: NDArray[np.float32], dx: float, dy: float) -> NDArray[np.float32]:
    return scaled(faces, 1, 1, dx, dy)


def mirrored(faces: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Horizontal flip of faces; the left eye becomes the right one."""
    faces = faces.copy()
    faces[:, [0, 2]] = width - faces[:, [2, 0]]
    points = faces[:, POINTS:].reshape(-1, 5, 3)[:, _MIRRORED]
    points[..., 0] = width - points[..., 0]
    faces[:, POINTS:] = points.reshape(-1, FACE_VALUES - POINTS)
    return faces


def cut_faces(faces: NDArray[np.float32], size_wh: tuple[int, int], least_px: float) -> NDArray[np.float32]:
    """Faces of a cut: clipped; those beyond it gone, those hardly seen or too small ignored."""
    boxes = faces[:, :4]
    limits = np.array([*size_wh, *size_wh], np.float32)
    inside = np.clip(boxes, 0, limits)
    sides = inside[:, 2:] - inside[:, :2]
    whole = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3), axis=1)
    seen = np.prod(sides, axis=1) / whole
    found = faces.copy()
    found[:, :4] = inside
    found[(seen < SEEN_LEAST) | (sides.min(axis=1, initial=np.inf) < least_px), KIND] = -1
    points = found[:, POINTS:].reshape(-1, 5, 3)
    outside = (points[..., :2] < 0).any(axis=-1) | (points[..., :2] > np.array(size_wh)).any(axis=-1)
    points[..., 2][outside] = 0
    return found[(sides > 1).all(axis=1)]


def photometric(pixels: RGB, rng: np.random.Generator) -> RGB:
    """Photometric augmentation: another light, now and then blurred, noisy, grey or compressed.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        rng: where chance comes from.

    Returns:
        The same shape, a new array.
    """
    import cv2

    grey_levels = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.normal(0, 0.2))
    gains = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3))
    lift = rng.normal(0, 0.06)
    table = np.clip(np.outer(grey_levels**gamma, gains) + lift, 0, 1) * 255
    pixels = np.asarray(cv2.LUT(pixels, np.rint(table).astype(np.uint8)[:, None]), np.uint8)
    if rng.random() < 0.4:
        amount = 0.0 if rng.random() < 0.1 else float(rng.uniform(0.4, 1.5))
        grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        pixels = np.asarray(cv2.addWeighted(pixels, amount, grey, 1 - amount, 0), np.uint8)
    if rng.random() < 0.12:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.2))), np.uint8)
    if rng.random() < 0.12:
        noise = rng.normal(0, rng.uniform(2, 10), (*pixels.shape[:2], 1)).astype(np.float32)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))])[1]
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return pixels
