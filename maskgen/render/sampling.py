"""What chance decides about an image: ``Generator`` -> ``ImageParams``.

Every class draws crop, light, camera and accessories from the same
distributions, before anything that depends on the class. The variety is wide
on purpose: a classifier learns what never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from maskgen.drawing import palette
from maskgen.errors import InputError
from maskgen.render.params import CropMode, CropParams, Extra, ImageParams, LightParams, MaskParams, TurnParams
from maskgen.types import LABELS, WEARS, Label, Wear

if TYPE_CHECKING:
    from maskgen.render.camera import Strength
    from maskgen.templates.template import MaskTemplate

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

LOW_WORN: Final = 0.35
"""Share of masks that slip down towards the tip of the nose and still cover it (``misworn.OVER_TIP``)."""

AT_THE_NOSE: Final = 0.8
"""Share of masks under the nose whose edge lies between its tip and its base, where it is hardest to tell."""

UNDER_A_HAT: Final = 0.35
"""Share of those who wear something on the head that wear glasses too."""

WHOLE_HEAD: Final = 0.14
"""Share of crops about the whole head, as people draw boxes who look for helmets."""

LARGEST_MARGIN: Final = 2.0

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


def image_rng(
    run_seed: int, source_id: str, face_index: int, copy: int, label: Label, attempt: int = 0
) -> np.random.Generator:
    """The generator of one image: the same whatever worker draws it, and when."""
    digest = hashlib.sha256(source_id.encode()).digest()
    words = [run_seed & 0xFFFFFFFF, run_seed >> 32 & 0xFFFFFFFF]
    words += [int.from_bytes(digest[i : i + 4], "little") for i in (0, 4, 8, 12)]
    words += [face_index, copy, LABELS.index(label), attempt]
    return np.random.default_rng(np.random.SeedSequence(words))


def draw(
    rng: np.random.Generator,
    label: Label,
    wardrobe: Mapping[str, MaskTemplate],
    settings: SamplingSettings | None = None,
) -> ImageParams:
    """Decide everything about one image.

    Args:
        rng: where chance comes from.
        label: the class it is drawn for.
        wardrobe: the templates there are.
        settings: what chance may choose from.

    Raises:
        InputError: the wardrobe is empty, lacks a template that is asked for,
            or no template in it can be worn so.
    """
    from maskgen.render import camera

    settings = settings or SamplingSettings()
    # Each part has its own stream, so that a longer draw in one moves nothing in another.
    crop_rng, light_rng, camera_rng, extra_rng, cover_rng, turn_rng = rng.spawn(6)
    crop = _crop(crop_rng, settings)
    light = _light(light_rng, settings)
    photographed = camera.draw(camera_rng, settings.camera)
    accessories = _accessories(extra_rng, settings)
    turn = _turn(turn_rng, settings)
    mask: MaskParams | None = None
    confuser: Extra | None = None
    if label == "with_mask":
        if cover_rng.random() < settings.masked_confuser_chance:
            confuser = _confuser(cover_rng, settings.masked_confusers)
        else:
            mask = draw_mask(cover_rng, wardrobe, settings, settings.wears)
    elif label == "incorrect_mask":
        mask = draw_mask(cover_rng, wardrobe, settings, settings.incorrect_wears)
    else:
        fate = cover_rng.random()
        if fate < settings.unmasked_wear_chance:
            mask = draw_mask(cover_rng, wardrobe, settings, settings.unmasked_wears)
        elif fate < settings.unmasked_wear_chance + settings.confuser_chance:
            confuser = _confuser(cover_rng, settings.confusers)
    return ImageParams(label, crop, light, photographed, mask, confuser, accessories, turn)


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


def held(value: float, low: float, high: float) -> float:
    """A number held between two others; numpy's ``clip`` takes many times as long for one."""
    return float(min(max(value, low), high))


def pick(rng: np.random.Generator, options: Sequence[tuple[Choice, float]]) -> Choice:
    """One of some weighted options; one number is drawn."""
    total = sum(weight for _, weight in options)
    at = rng.random() * total
    for option, weight in options:
        at -= weight
        if at < 0:
            return option
    return options[-1][0]


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


def _crop(rng: np.random.Generator, settings: SamplingSettings) -> CropParams:
    """A detector's box is rarely the one that we would draw: too high, too wide, half a face."""
    low, high = settings.margin
    margin = float(rng.uniform(low, high))
    if high > low and rng.random() < WHOLE_HEAD:
        margin = float(rng.uniform(high, LARGEST_MARGIN))
    across, down = (held(rng.normal(0, 0.045), -0.12, 0.12) for _ in range(2))
    if rng.random() < 0.12:
        # Half a face: seen past a door, a neighbour, the edge of the picture.
        across = float(rng.uniform(0.12, 0.38)) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.5:
        # Boxes of other detectors and of people: some end above the chin, some hold the neck. Where a mask's edge
        # lies in the crop must not tell how it is worn.
        down = float(rng.uniform(-0.24, 0.27))
    return CropParams(
        mode=settings.crop,
        size=settings.size,
        margin=margin,
        shift_xy=(across, down),
        aspect=float(np.exp(held(rng.normal(0.05, 0.13), -0.35, 0.4))),
    )


def _light(rng: np.random.Generator, settings: SamplingSettings) -> LightParams:
    cool = float(rng.normal(0, 0.05))
    flat = "light" in settings.without
    shadow = float(rng.uniform(0.3, 1.6))
    params: dict[str, Any] = {
        "gain": held(np.exp(rng.normal(0.08, 0.36)), 0.35, 2.8),
        "gamma": float(np.exp(rng.normal(0, 0.16))),
        "tint": (float(np.exp(cool)), 1.0, float(np.exp(-cool + rng.normal(0, 0.03)))),
        "white_balance": float(rng.uniform(0.35, 1.0)),
        "direction_xy": (float(rng.normal(0, 0.12)), float(rng.normal(-0.12, 0.12))),
        "ambient": float(rng.uniform(0.2, 0.8)),
        "field": float(rng.uniform(0.4, 1.0)),
        "relief": float(np.exp(rng.normal(0.1, 0.3))),
        "occlusion": float(rng.uniform(0.2, 1.0)),
        "specular": float(np.exp(rng.normal(0, 0.6))),
        "translucency": float(rng.uniform(0.2, 1.5)),
        "shadow": shadow,
        "shadow_soft": float(np.exp(rng.normal(0, 0.4))),
        "edge_blur": float(max(rng.normal(0.1, 0.35), 0)),
        "sharpness": float(rng.uniform(0.6, 1.15)),
        "grain": float(rng.uniform(0.5, 1.2)),
        "seed": int(rng.integers(2**31)),
    }
    if flat:
        params |= {
            "gain": 1.0,
            "gamma": 1.0,
            "tint": (1.0, 1.0, 1.0),
            "direction_xy": (0.0, 0.0),
            "ambient": 1.0,
            "field": 0.0,
            "relief": 0.0,
            "occlusion": 0.0,
            "specular": 0.0,
        }
    if "shadow" in settings.without:
        params["shadow"] = 0.0
    return LightParams(**params)


def _accessories(rng: np.random.Generator, settings: SamplingSettings) -> tuple[Extra, ...]:
    if rng.random() >= settings.accessory_chance:
        return ()
    from maskgen.occluders import accessories

    options = settings.accessories or tuple(accessories.WEIGHTS.items())
    names = [pick(rng, options)]
    glasses = [option for option in options if option[0] in accessories.GLASSES]
    if names[0] in accessories.HEADGEAR and glasses and rng.random() < UNDER_A_HAT:
        names.insert(0, pick(rng, glasses))
    return tuple(Extra(name, accessories.draw_params(name, rng)) for name in names)


def _confuser(rng: np.random.Generator, options: Weighted) -> Extra:
    from maskgen.occluders import confusers

    name = pick(rng, options or tuple(confusers.WEIGHTS.items()))
    return Extra(name, confusers.draw_params(name, rng))


def _turn(rng: np.random.Generator, settings: SamplingSettings) -> TurnParams | None:
    if settings.crop == "scene" or rng.random() >= settings.turn_chance:
        return None
    yaw = float(rng.uniform(12, 45)) * (1 if rng.random() < 0.5 else -1)
    # People look down more than up, at what they hold or at where they step.
    pitch = held(rng.normal(-4, 10), -24, 14) if rng.random() < 0.6 else 0.0
    return TurnParams(yaw, pitch)
