from __future__ import annotations

import numpy as np
import pytest

from maskgen.render.laying.grain import white_noise


def test_white_noise_is_normal_and_the_same_again() -> None:
    noise = white_noise(np.random.default_rng(0), 400, 300)
    assert noise.shape == (400, 300)
    assert noise.std() == pytest.approx(1, abs=0.03)
    assert np.array_equal(noise, white_noise(np.random.default_rng(0), 400, 300))
