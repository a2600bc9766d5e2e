"""What chance may choose from, and how it picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from maskgen.errors import InputError
from maskgen.render.params import CropMode
from maskgen.types import WEARS, Wear

if TYPE_CHECKING:
    from maskgen.render.camera import Strength

Choice = TypeVar("Choice")
Weighted = tuple[tuple[str, float], ...]

INCORRECT: Final[tuple[tuple[Wear, float], ...]] = (
    ("nose_out", 0.52),
    ("chin", 0.21),
    ("mouth_out", 0.13),
    ("high", 0.05),
    ("one_ear", 0.06),
    ("nose_only", 0.03),
)
"""How often each is drawn, for whoever samples. A mask that leaves the chin bare is drawn only where it is asked
for: MaskedFace-Net counts it among the badly worn, most collections of street photographs do not."""

WHEN_ASKED: Final = 0.2
"""How often a wear is drawn that is not among them."""

WITHOUT: Final = ("colours", "patterns", "texture", "light", "shadow", "straps", "fit")
"""Parts that can be left out, to measure what each is worth."""


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """What chance may choose from.

    Attributes:
        templates: (name, weight) pairs; empty for the whole wardrobe by the
            templates' own weights.
        wears: how a mask is worn under ``with_mask``, weighted.
        incorrect_wears: the same under ``incorrect_mask``.
        unmasked_wears: the same under ``without_mask``, where a badly worn mask
            counts as none.
        unmasked_wear_chance: share of ``without_mask`` images that show one.
        confuser_chance: share of ``without_mask`` images in which something
            that is no mask covers the face.
        confusers: (name, weight) pairs; empty for their
            own weights.
        masked_confusers: the same for what counts as a mask by the user's
            word (a scarf, say); under ``with_mask``.
        masked_confuser_chance: share of ``with_mask`` images that show one.
        accessory_chance: share of all images with glasses, cap, hood or hair.
        accessories: (name, weight) pairs; empty for their
            own weights.
        turn_chance: share of all images in which the head is turned further
            than it was photographed; none in scenes.
        camera: strength of ``camera.draw``.
        crop: ``face`` or ``scene``.
        size: side of a written face in pixels.
        margin: factor on the face's box, lowest and highest; where they
            differ, some crops show the whole head.
        without: parts of ``WITHOUT`` left out.
    """

    templates: Weighted = ()
    wears: tuple[tuple[Wear, float], ...] = (("correct", 1.0),)
    incorrect_wears: tuple[tuple[Wear, float], ...] = INCORRECT
    unmasked_wears: tuple[tuple[Wear, float], ...] = INCORRECT
    unmasked_wear_chance: float = 0.0
    confuser_chance: float = 0.12
    confusers: Weighted = ()
    masked_confusers: Weighted = ()
    masked_confuser_chance: float = 0.0
    accessory_chance: float = 0.2
    accessories: Weighted = ()
    turn_chance: float = 0.0
    camera: Strength = "street"
    crop: CropMode = "face"
    size: int = 224
    margin: tuple[float, float] = (0.85, 1.45)
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, part in (("wears", self.wears), ("incorrect_wears", self.incorrect_wears)):
            strange: list[str] = [wear for wear, _ in part if wear not in WEARS]
            if strange or not part or sum(weight for _, weight in part) <= 0:
                raise InputError(f"{name} are weighted words of {', '.join(WEARS)}; got {part}")
        strange = [part for part in self.without if part not in WITHOUT]
        if strange:
            raise InputError(f"nothing called {strange[0]!r} can be left out; choose from {', '.join(WITHOUT)}")


def pick(rng: np.random.Generator, options: Sequence[tuple[Choice, float]]) -> Choice:
    """One of some weighted options; one number is drawn."""
    total = sum(weight for _, weight in options)
    at = rng.random() * total
    for option, weight in options:
        at -= weight
        if at < 0:
            return option
    return options[-1][0]


def held(value: float, low: float, high: float) -> float:
    """A number held between two others; numpy's ``clip`` takes many times as long for one."""
    return float(min(max(value, low), high))
