"""Which mask, in what colour and pattern, and how it is worn: ``Generator`` -> ``MaskParams``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.drawing import palette
from maskgen.errors import InputError
from maskgen.render.choices import SamplingSettings, held, pick
from maskgen.render.params import MaskParams
from maskgen.types import Wear

if TYPE_CHECKING:
    from maskgen.templates.template import MaskTemplate

LOW_WORN: Final = 0.35
"""Share of masks that slip down towards the tip of the nose and still cover it (``misworn.OVER_TIP``)."""

AT_THE_NOSE: Final = 0.8
"""Share of masks under the nose whose edge lies between its tip and its base, where it is hardest to tell."""


def draw_mask(
    rng: np.random.Generator,
    wardrobe: Mapping[str, MaskTemplate],
    settings: SamplingSettings,
    wears: Sequence[tuple[Wear, float]],
) -> MaskParams:
    """Decide which mask, in what colour, and how it is worn.

    Raises:
        InputError: the wardrobe is empty, lacks a template that is asked for,
            or no template in it can be worn so.
    """
    options = _templates(wardrobe, settings)
    worn = {wear for name, _ in options for wear in wardrobe[name].wears}
    asked = [(wear, weight) for wear, weight in wears if weight > 0]
    possible = [option for option in asked if option[0] in worn]
    if not possible:
        raise unwearable([wear for wear, _ in asked], worn)
    wear = pick(rng, possible)
    template = wardrobe[pick(rng, [option for option in options if wear in wardrobe[option[0]].wears])]

    colour, tint = _tint(rng, template, "colours" in settings.without)
    pattern = _pattern(rng, template) if "patterns" not in settings.without else None
    # Straps of the mask's own cloth are nearly always its colour.
    strap = pick(rng, ((tint, 0.88), ((0.93, 0.93, 0.92), 0.07), ((0.06, 0.06, 0.07), 0.05)))
    plain = "texture" in settings.without
    fixed = "fit" in settings.without
    spread = 0.0 if fixed else 1.0
    loose = held(rng.normal(0.35, 0.35), -0.3, 1.4)
    raise_top = held(rng.normal(-0.005, 0.03), -0.1, 0.05)
    if rng.random() < LOW_WORN:
        raise_top -= float(rng.uniform(0.02, 0.13))
    return MaskParams(
        template=template.name,
        wear=wear,
        colour=colour,
        tint=tint,
        pattern=pattern,
        pattern_seed=int(rng.integers(2**31)),
        strap_rgb=strap,
        straps=bool(rng.random() < 0.78) and "straps" not in settings.without,
        strap_width=float(np.exp(rng.normal(0, 0.25))),
        raise_top=raise_top * spread,
        raise_bottom=held(rng.normal(0.01, 0.04), -0.07, 0.14) * spread,
        widen=held(rng.normal(0.03, 0.07), -0.14, 0.2) * spread,
        loose=0.3 if fixed else loose,
        bulge=held(rng.normal(0.02, 0.03), -0.02, 0.1) * spread,
        tilt_deg=float(rng.normal(0, 2.2)) * spread,
        shift_x=float(rng.normal(0, 0.012)) * spread,
        asymmetry=float(rng.normal(0, 0.02)) * spread,
        **_way(rng, wear),
        side=1 if rng.random() < 0.5 else -1,
        wrinkle=0.0 if plain else float(min(rng.gamma(1.6, 0.16), 0.9)),
        wrinkle_seed=int(rng.integers(2**31)),
        wobble=float(abs(rng.normal(0, 0.006))) * spread,
        grime=0.0 if plain else float(abs(rng.normal(0, 0.035))),
        texture=0.0 if plain else float(abs(rng.normal(0, 0.025))),
    )


def _way(rng: np.random.Generator, wear: Wear) -> dict[str, Any]:
    """How far a badly worn mask is pulled, and what shape it takes there."""
    near, anywhere = float(rng.uniform(0, 0.58)), float(rng.random())
    amount = near if wear == "nose_out" and rng.random() < AT_THE_NOSE else anywhere
    slide = float(rng.uniform(-0.2, 2.2)), float(rng.uniform(-0.2, 2.2))
    boxy = float(rng.uniform(0.5, 1)) if rng.random() < (0.4 if wear == "correct" else 0.6) else 0.0
    return {
        "wear_amount": amount,
        "slide": slide,
        "taut": float(rng.random()),
        "boxy": boxy,
        "gape": held(rng.normal(0.1, 0.12), 0, 0.4),
        "drop": float(rng.random()),
        "thick": float(rng.uniform(0.2, 0.5)),
    }


def unwearable(asked: Iterable[str], known: Iterable[str]) -> InputError:
    """What to say where masks cannot be worn as they are asked for."""
    return InputError(
        f"no mask that was chosen can be worn {', '.join(asked)}; they can be worn {', '.join(sorted(known))}"
        " (wears in mask.json)"
    )


def _templates(wardrobe: Mapping[str, MaskTemplate], settings: SamplingSettings) -> list[tuple[str, float]]:
    """The templates to choose from, weighted; alike where none of them has a weight."""
    if not wardrobe:
        raise InputError("the wardrobe is empty; see maskgen masks list")
    missing = [name for name, weight in settings.templates if weight > 0 and name not in wardrobe]
    if missing:
        raise InputError(f"no mask is called {missing[0]!r}; see maskgen masks list")
    by_weight = [(name, wardrobe[name].weight) for name in sorted(wardrobe)]
    for options in (settings.templates, by_weight, [(name, 1.0) for name in sorted(wardrobe)]):
        if met := [(name, weight) for name, weight in options if weight > 0]:
            break
    return met


def _tint(rng: np.random.Generator, template: MaskTemplate, plain: bool) -> tuple[str, tuple[float, float, float]]:
    colour = max(template.colours, key=lambda pair: pair[1])[0] if plain else pick(rng, template.colours)
    rgb = palette.PALETTE[colour]
    if not plain:
        if rng.random() < 0.06:
            # A dye nobody listed.
            colour = "any"
            rgb = (int(rng.integers(10, 250)), int(rng.integers(10, 250)), int(rng.integers(10, 250)))
        rgb = palette.jitter(rng, rgb)
    return colour, (rgb[0] / 255, rgb[1] / 255, rgb[2] / 255)


def _pattern(rng: np.random.Generator, template: MaskTemplate) -> str | None:
    from maskgen.drawing import patterns

    chosen = patterns.NAMES[int(rng.integers(len(patterns.NAMES)))]
    return chosen if rng.random() < template.pattern_chance else None
