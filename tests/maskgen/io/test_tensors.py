from __future__ import annotations

import numpy as np

from maskgen.io.tensors import dequantise, quantise


def test_integer_inputs_follow_their_quantisation() -> None:
    values = np.array([0, 100, 255], np.uint8)
    signed = {"dtype": np.int8, "quantization": (1.0, -128)}
    assert quantise(values, signed).tolist() == [-128, -28, 127]
    halves = {"dtype": np.uint8, "quantization": (2.0, 0)}
    assert quantise(values, halves).tolist() == [0, 50, 128]
    assert quantise(values, {"dtype": np.float16, "quantization": (0.0, 0)}).dtype == np.float16


def test_integer_outputs_mean_what_their_scale_says() -> None:
    detail = {"quantization": (0.5, 10)}
    assert dequantise(np.array([[10, 12], [8, 11]], np.uint8), detail).tolist() == [[0.0, 1.0], [-1.0, 0.5]]
    floats = np.array([0.25], np.float16)
    assert dequantise(floats, {"quantization": (0.0, 0)}).dtype == np.float32
