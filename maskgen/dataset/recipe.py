"""Recipe of a run: its settings as the shares and weights that ``sampling.draw`` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maskgen.dataset.settings import Settings
from maskgen.types import WEARS, Wear

if TYPE_CHECKING:
    from maskgen.render.sampling import SamplingSettings, Weighted

BADLY_WORN: Final = 0.25
"""Share of a class's images that show a badly worn mask, where two classes count it in."""


def sampling_settings(settings: Settings) -> SamplingSettings:
    """The settings as ``sampling.draw`` takes them."""
    from maskgen.render.sampling import INCORRECT, WHEN_ASKED, SamplingSettings

    usual = dict(INCORRECT)
    asked = settings.wears or ("correct", *usual)
    # The order of --wear changes nothing.
    bad = tuple(
        (wear, usual.get(wear, WHEN_ASKED))
        for wear in dict.fromkeys((*usual, *WEARS))
        if wear in asked and wear != "correct"
    )
    good: tuple[tuple[Wear, float], ...] = (("correct", 1.0),) if "correct" in asked else ()
    wears = good
    if settings.classes == 2 and settings.count_incorrect_as == "with_mask" and bad:
        share = BADLY_WORN if good else 1.0
        total = sum(weight for _, weight in bad)
        wears = tuple((wear, 1 - share) for wear, _ in good) + tuple((w, share * weight / total) for w, weight in bad)
    bare = settings.classes == 2 and settings.count_incorrect_as == "without_mask" and bool(bad)
    scarves, others = ((), ()) if settings.scarf_label == "without_mask" else _scarves_and_others()
    counts_as_mask = settings.scarf_label == "with_mask" and bool(scarves) and settings.confusers > 0
    return SamplingSettings(
        wears=wears,
        incorrect_wears=bad or INCORRECT,
        unmasked_wears=bad or INCORRECT,
        unmasked_wear_chance=BADLY_WORN * (1 - settings.confusers) if bare else 0.0,
        confuser_chance=settings.confusers,
        confusers=others,
        masked_confusers=scarves,
        masked_confuser_chance=settings.confusers / 3 if counts_as_mask else 0.0,
        accessory_chance=settings.accessories,
        turn_chance=settings.turn,
        camera=settings.camera,
        crop=settings.crop,
        size=settings.size,
    )


def _scarves_and_others() -> tuple[Weighted, Weighted]:
    from maskgen.occluders.registry import OCCLUDERS, weights

    scarves = tuple(pair for pair in weights("confuser") if OCCLUDERS.load(pair[0]).family == "scarf")
    return scarves, tuple(pair for pair in weights("confuser") if pair not in scarves)
