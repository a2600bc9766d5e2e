"""Binning of metadata values for slices: numbers in bands, words as they are, nothing by name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NUMERIC_BANDS: Final = 12
"""A field with more different numbers than this is cut into bands."""

NOTHING: Final = "(none)"
"""The value of images that have none: bare faces have no ``wear``."""

Band = tuple[tuple[Any, ...], str]
"""What a value is sorted by, and its words."""


def bands(values: Sequence[Any]) -> list[Band]:
    """Values as words, with what sorts them; many different numbers become bands of ten, or fifths of the images.

    >>> [word for _, word in bands([*range(-15, 10), None])][::12]
    ['-20 to -11', '-10 to -1', '0 to 9']
    """
    numbers: list[float | None] = []
    for value in values:
        try:
            numbers.append(None if value is None or isinstance(value, bool) else float(value))
        except (TypeError, ValueError):
            return [_as_word(value) for value in values]
    known = np.array([number for number in numbers if number is not None and np.isfinite(number)])
    if len(np.unique(known)) <= NUMERIC_BANDS:
        return [_as_word(value) for value in values]
    if 20 < known.max() - known.min() < 1000 and np.all(known == np.rint(known)):
        edges = np.arange(np.floor(known.min() / 10) * 10, known.max() + 11, 10)
        names = [f"{low:.0f} to {low + 9:.0f}" for low in edges]
    else:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, 6)))
        names = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    return [_as_band(number, edges, names) for number in numbers]


def _as_band(number: float | None, edges: NDArray[np.float64], names: Sequence[str]) -> Band:
    if number is None or not np.isfinite(number):
        return _as_word(None)
    place = int(np.clip(np.searchsorted(edges, number, "right") - 1, 0, len(names) - 1))
    return (0, place), names[place]


def _as_word(value: Any) -> Band:
    """Numbers sort by size and come first, then words, with the numbers in them by size, then nothing."""
    if value is None:
        return (2,), NOTHING
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (0, float(value)), str(value)
    text = str(value)
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
    return (1, parts), text
