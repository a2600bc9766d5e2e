from __future__ import annotations

import numpy as np
import pytest

from maskgen.drawing import patterns
from maskgen.drawing.palette import PALETTE, jitter
from maskgen.errors import InputError


@pytest.mark.parametrize("name", patterns.NAMES)
def test_a_print_is_more_than_its_base_colour_and_repeats(name: str) -> None:
    base = PALETTE["teal"]
    cloth = patterns.render(name, 7, (120, 80), base)
    assert cloth.shape == (80, 120, 3)
    assert cloth.dtype == np.float32
    assert cloth.min() >= 0
    assert cloth.max() <= 1
    assert cloth.std(axis=(0, 1)).max() > 0.005
    np.testing.assert_array_equal(cloth, patterns.render(name, 7, (120, 80), base))
    assert not np.array_equal(cloth, patterns.render(name, 8, (120, 80), base))


@pytest.mark.parametrize("name", patterns.NAMES)
@pytest.mark.parametrize("size_wh", [(1, 1), (2, 90), (90, 2)])
def test_cloth_of_any_shape_is_printed(name: str, size_wh: tuple[int, int]) -> None:
    assert patterns.render(name, 1, size_wh, (10, 20, 30)).shape == (size_wh[1], size_wh[0], 3)


def test_an_unknown_print_is_named() -> None:
    with pytest.raises(InputError, match="argyle"):
        patterns.render("argyle", 0, (4, 4), (0, 0, 0))


@pytest.mark.parametrize("name", PALETTE)
def test_dye_lots_stay_near_their_colour(name: str) -> None:
    rng = np.random.default_rng(3)
    lots = np.array([jitter(rng, PALETTE[name]) for _ in range(200)])
    assert lots.min() >= 0
    assert lots.max() <= 255
    assert np.abs(np.median(lots, axis=0) - PALETTE[name]).max() < 16
    assert lots.std(axis=0).max() > 0.5
