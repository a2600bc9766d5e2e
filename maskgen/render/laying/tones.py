"""Tone curve of sRGB: bytes to linear light and back, by table."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from maskgen.types import RGB

_Float = NDArray[np.float32]


def to_linear(image: RGB) -> _Float:
    """sRGB bytes as linear light, (H, W, 3) float32 in [0, 1]."""
    import cv2

    return np.asarray(cv2.LUT(image, _decode_table()), np.float32)


@functools.cache
def _decode_table() -> _Float:
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode(linear: _Float) -> _Float:
    """Linear light as sRGB 0 to 255, (H, W, 3) float32."""
    index = linear * np.float32(16384)
    np.maximum(index, 0, out=index)
    np.minimum(index, 16384, out=index)
    return np.take(_encode_table(), index.astype(np.int32))


@functools.cache
def _encode_table() -> _Float:
    value = np.arange(16385) / 16384
    encoded = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return (255 * encoded).astype(np.float32)
