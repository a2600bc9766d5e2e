"""Near-duplicate pictures across splits (leakage)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from maskgen.dataset.check import across
from maskgen.dataset.duplicates import Thumbnails, thumbnail
from maskgen.errors import ImageError
from maskgen.images import read_rgb

logger = logging.getLogger(__name__)

SHOWN: Final = 5
"""Pairs that are named."""

_SIDE: Final = 64
"""Longer side that a file is read at; JPEG files are decoded no larger."""

Split = tuple[list[str], list[Thumbnails]]
"""Names of pictures, and their thumbnails."""


def warn(by_split: Mapping[str, Split]) -> int:
    """Say in the log which pictures stand in two splits.

    Args:
        by_split: split -> names and thumbnails.

    Returns:
        How many.
    """
    pairs = across(by_split)
    if pairs:
        logger.warning(
            "%d pictures are in two splits (saved again or shrunk, perhaps), so the figures are better than they "
            "should be: %s; split by person or photo (--group-by), or take one of each away",
            len(pairs),
            ", ".join(f"{one} = {other}" for one, other in pairs[:SHOWN]),
        )
    return len(pairs)


def of_files(paths: Sequence[Path], threads: int = 2) -> Split:
    """Names and thumbnails of pictures; what cannot be read is left out."""

    def one(path: Path) -> Thumbnails | None:
        try:
            image = read_rgb(path, max_side=_SIDE)
        except ImageError:
            return None
        return thumbnail(np.ascontiguousarray(image))

    with ThreadPoolExecutor(max(1, threads)) as pool:
        marks = list(pool.map(one, paths))
    found = [
        (f"{path.parent.name}/{path.name}", mark) for path, mark in zip(paths, marks, strict=True) if mark is not None
    ]
    return [name for name, _ in found], [mark for _, mark in found]
