"""Sensor noise as strong as the photo's own, for what is drawn into it."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from maskgen.render.lighting import Light
from maskgen.render.params import LightParams

_Float = NDArray[np.float32]


def grain(alpha: _Float, light: Light, params: LightParams) -> _Float | None:
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
