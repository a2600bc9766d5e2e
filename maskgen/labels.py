"""What is said of a face: its label, and how its mask is worn. Imports nothing, so that commands can name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Label = Literal["with_mask", "without_mask", "incorrect_mask"]
LABELS: Final[tuple[Label, ...]] = get_args(Label)

Wear = Literal["correct", "nose_out", "mouth_out", "chin", "one_ear", "nose_only", "high", "chin_out"]
WEARS: Final[tuple[Wear, ...]] = get_args(Wear)

CATEGORIES: Final[Mapping[str, Label]] = {
    "with_mask": "with_mask",
    "mask": "with_mask",
    "masked": "with_mask",
    "face_mask": "with_mask",
    "without_mask": "without_mask",
    "no_mask": "without_mask",
    "face": "without_mask",
    "incorrect_mask": "incorrect_mask",
    "mask_weared_incorrect": "incorrect_mask",
    "mask_worn_incorrectly": "incorrect_mask",
    "incorrect": "incorrect_mask",
}
"""Categories of public data sets, in lower case and with underscores, and the labels they mean."""


def label_of(category: str) -> Label | None:
    """The label that a category of a data set means, or None for one that nobody knows.

    >>> label_of("Mask weared-incorrect"), label_of("dog")
    ('incorrect_mask', None)
    """
    return CATEGORIES.get(category.strip().lower().replace(" ", "_").replace("-", "_"))
