"""What chance decides about an image: ``Generator`` -> ``ImageParams``.

Every class draws crop, light, camera and accessories from the same
distributions, before anything that depends on the class. The variety is wide
on purpose: a classifier learns what never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.render import camera
from maskgen.render.choices import INCORRECT, WHEN_ASKED, WITHOUT, SamplingSettings, Weighted, held, pick
from maskgen.render.mask_sampling import draw_mask, unwearable
from maskgen.render.params import CropParams, Extra, ImageParams, LightParams, MaskParams, TurnParams
from maskgen.types import LABELS, Label

if TYPE_CHECKING:
    from maskgen.templates.template import MaskTemplate

__all__ = [
    "INCORRECT",
    "WHEN_ASKED",
    "WITHOUT",
    "SamplingSettings",
    "Weighted",
    "draw",
    "draw_mask",
    "image_rng",
    "unwearable",
]

UNDER_A_HAT: Final = 0.35
"""Share of those who wear something on the head that wear glasses too."""

WHOLE_HEAD: Final = 0.14
"""Share of crops about the whole head, as people draw boxes who look for helmets."""

LARGEST_MARGIN: Final = 2.0


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
    from maskgen.occluders.registry import OCCLUDERS, draw_params, weights

    options = settings.accessories or weights("accessory")
    names = [pick(rng, options)]
    glasses = [option for option in options if OCCLUDERS.load(option[0]).family == "glasses"]
    if OCCLUDERS.load(names[0]).family == "headgear" and glasses and rng.random() < UNDER_A_HAT:
        names.insert(0, pick(rng, glasses))
    return tuple(Extra(name, draw_params(name, rng)) for name in names)


def _confuser(rng: np.random.Generator, options: Weighted) -> Extra:
    from maskgen.occluders.registry import draw_params, weights

    name = pick(rng, options or weights("confuser"))
    return Extra(name, draw_params(name, rng))


def _turn(rng: np.random.Generator, settings: SamplingSettings) -> TurnParams | None:
    if settings.crop == "scene" or rng.random() >= settings.turn_chance:
        return None
    yaw = float(rng.uniform(12, 45)) * (1 if rng.random() < 0.5 else -1)
    # People look down more than up, at what they hold or at where they step.
    pitch = held(rng.normal(-4, 10), -24, 14) if rng.random() < 0.6 else 0.0
    return TurnParams(yaw, pitch)
