from __future__ import annotations

import numpy as np
import pytest

from maskgen.render.laying.tones import encode, to_linear


def test_bytes_come_back_from_linear_light() -> None:
    ends = to_linear(np.array([[[0, 128, 255]]], np.uint8))[0, 0]
    assert ends == pytest.approx([0, 0.2158605, 1], abs=1e-6)
    levels = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert np.array_equal(np.rint(encode(to_linear(levels))), levels)
