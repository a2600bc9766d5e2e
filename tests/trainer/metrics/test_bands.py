from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.metrics.bands import bands


def _words(values: list[Any]) -> list[str]:
    return [word for _, word in bands(values)]


def test_many_numbers_becomebands() -> None:
    assert _words([1, 25, 29, None, *range(40, 60)])[:4] == ["0 to 9", "20 to 29", "20 to 29", "(none)"]
    assert len(set(_words(list(np.linspace(0, 1, 50))))) == 5
    assert _words(["a", None, 3]) == ["a", "(none)", "3"]


def test_bands_of_negative_numbers_can_be_read_and_are_in_order() -> None:
    angles = list(range(-25, 26))
    assert _words(angles)[0] == "-30 to -21"
    assert [word for _, word in sorted(set(bands(angles)))] == [
        "-30 to -21",
        "-20 to -11",
        "-10 to -1",
        "0 to 9",
        "10 to 19",
        "20 to 29",
    ]
    for value, word in zip(angles, _words(angles), strict=True):
        low, high = map(int, word.split(" to "))
        assert low <= value <= high
    thin = sorted(set(bands(np.linspace(-1, 1, 50).tolist())))
    assert [word.split(" to ")[0] for _, word in thin] == ["-1", "-0.6", "-0.2", "0.2", "0.6"]


@given(st.lists(st.none() | st.floats() | st.integers(-999, 999) | st.text(max_size=3)))
def test_every_value_has_a_band_and_bands_sort(values: list[Any]) -> None:
    assert len(sorted(bands(values))) == len(values)


def test_large_numbers_are_cut_into_few_bands() -> None:
    assert len(set(_words([10.0**number for number in range(0, 300, 10)]))) == 5
