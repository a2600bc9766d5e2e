"""What is said of a face: its label, and how its mask is worn. Imports nothing, so that commands can name them."""

from __future__ import annotations

from typing import Final, Literal, get_args

Label = Literal["with_mask", "without_mask", "incorrect_mask"]
LABELS: Final[tuple[Label, ...]] = get_args(Label)

Wear = Literal["correct", "nose_out", "mouth_out", "chin", "one_ear", "nose_only", "high", "chin_out"]
WEARS: Final[tuple[Wear, ...]] = get_args(Wear)
