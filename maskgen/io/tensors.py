"""Values in and out of quantised LiteRT tensors; float tensors take and give them as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def quantise(values: NDArray[np.uint8], detail: dict[str, Any]) -> NDArray[Any]:
    """Values as an input tensor wants them.

    Args:
        values: any shape.
        detail: of the tensor, from ``Interpreter.get_input_details``.

    >>> quantise(np.array([0, 255], np.uint8), {"dtype": np.int8, "quantization": (1.0, -128)}).tolist()
    [-128, 127]
    """
    dtype = np.dtype(detail["dtype"])
    if dtype.kind == "f":
        return values.astype(dtype)
    scale, zero = detail["quantization"]
    limits = np.iinfo(dtype)
    steps = np.rint(values / np.float32(scale or 1)) + zero
    return np.asarray(np.clip(steps, limits.min, limits.max), dtype=dtype)


def dequantise(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    """What an output tensor means.

    Args:
        values: of the tensor, any shape.
        detail: from ``Interpreter.get_output_details``.

    >>> dequantise(np.array([-128, 127], np.int8), {"quantization": (0.5, -128)}).tolist()
    [0.0, 127.5]
    """
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    scale, zero = detail["quantization"]
    return np.asarray((values.astype(np.float32) - zero) * np.float32(scale or 1), np.float32)
