from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from drawn_face import template

from maskgen.errors import InputError
from maskgen.occluders.registry import OCCLUDERS
from maskgen.render.choices import WITHOUT, SamplingSettings, pick
from maskgen.render.mask_sampling import draw_mask
from maskgen.render.params import Extra, ImageParams
from maskgen.render.sampling import draw, image_rng
from maskgen.types import LABELS, Label

WARDROBE = {"plain": template(), "other": replace(template(), name="other", weight=3.0)}
BARE = SamplingSettings(confuser_chance=0, accessory_chance=0)


def _draw(copy: int, label: Label = "with_mask", settings: SamplingSettings = BARE) -> ImageParams:
    return draw(image_rng(0, "ab12", 0, copy, label), label, WARDROBE, settings)


def test_json_gives_the_same_params_back() -> None:
    for label in LABELS:
        for copy in range(20):
            params = _draw(copy, label)
            line = json.dumps(params.to_json(), allow_nan=False)
            assert ImageParams.from_json(json.loads(line)) == params


def test_nested_extras_survive_json() -> None:
    params = ImageParams("without_mask", confuser=Extra("hand", {"angle": 0.1, "rgb": [1, 2]}))
    assert ImageParams.from_json(json.loads(json.dumps(params.to_json()))) == params


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InputError, match="another version"):
        ImageParams.from_json({"label": "with_mask", "hat": 1})


def test_the_same_seed_draws_the_same_and_every_part_of_it_counts() -> None:
    def first(*seed: object) -> float:
        return float(image_rng(*seed).random())  # type: ignore[arg-type]

    base = (0, "ab12", 0, 0, "with_mask", 0)
    assert first(*base) == first(*base)
    others = [(1, *base[1:]), (0, "ab13", *base[2:]), (0, "ab12", 1, *base[3:]), (0, "ab12", 0, 1, *base[4:])]
    others += [(*base[:4], "without_mask", 0), (*base[:5], 1)]
    assert len({first(*base), *(first(*other) for other in others)}) == 7
    assert _draw(3) == _draw(3)


def test_labels_wear_what_they_should() -> None:
    for copy in range(40):
        worn, wrong, bare = (_draw(copy, label) for label in ("with_mask", "incorrect_mask", "without_mask"))
        assert worn.mask is not None
        assert worn.mask.wear == "correct"
        assert wrong.mask is not None
        assert wrong.mask.wear != "correct"
        assert bare.mask is None
        assert bare.confuser is None


def test_crop_light_and_camera_are_drawn_alike_for_every_class() -> None:
    def parts(label: Label) -> list[list[float]]:
        drawn = [_draw(copy, label) for copy in range(300)]
        return [
            [params.crop.margin for params in drawn],
            [params.crop.aspect for params in drawn],
            [params.camera.exposure_ev for params in drawn if params.camera],
            [params.light.gain for params in drawn],
        ]

    for ours, theirs in zip(parts("with_mask"), parts("without_mask"), strict=True):
        assert abs(np.mean(ours) - np.mean(theirs)) < 4 * np.std(ours) / np.sqrt(300) * 1.42


def test_templates_come_by_weight() -> None:
    names = Counter(params.mask.template for params in map(_draw, range(400)) if params.mask)
    assert 2 < names["other"] / names["plain"] < 4.5
    only = replace(BARE, templates=(("plain", 1.0),))
    assert {_draw(copy, settings=only).mask.template for copy in range(20)} == {"plain"}  # type: ignore[union-attr]


def test_no_mask_is_worn_in_a_way_that_it_cannot_be() -> None:
    """Nor is one drawn as it should be worn for want of another way."""
    veil, cloth = replace(template(), name="veil", wears=("correct", "nose_out")), replace(template(), name="cloth")
    incorrect = [draw(np.random.default_rng(n), "incorrect_mask", {"veil": veil}).mask for n in range(40)]
    assert {mask.wear for mask in incorrect if mask} == {"nose_out"}
    both = [draw(np.random.default_rng(n), "incorrect_mask", {"veil": veil, "cloth": cloth}).mask for n in range(80)]
    assert {(mask.template, mask.wear) for mask in both if mask} >= {("cloth", "chin"), ("veil", "nose_out")}
    assert not {mask.wear for mask in both if mask and mask.template == "veil"} - {"nose_out"}
    with pytest.raises(InputError, match=r"can be worn nose_out, .*; they can be worn correct"):
        draw(np.random.default_rng(0), "incorrect_mask", {"plain": replace(veil, wears=("correct",))})


def test_what_has_no_weight_is_never_drawn_unless_nothing_else_is_there() -> None:
    never = replace(template(), name="never", weight=0.0)
    plain = replace(template(), name="plain", wears=("correct",))
    for n in range(20):
        rng = np.random.default_rng(n)
        mask = draw_mask(rng, {"never": never, "plain": plain}, SamplingSettings(), (("chin", 0.0), ("correct", 1.0)))
        assert (mask.template, mask.wear) == ("plain", "correct")
    with pytest.raises(InputError, match="can be worn chin"):
        draw_mask(np.random.default_rng(0), {"never": never, "plain": plain}, SamplingSettings(), (("chin", 1.0),))
    alone = draw_mask(np.random.default_rng(0), {"never": never}, SamplingSettings(), (("chin", 1.0),))
    assert (alone.template, alone.wear) == ("never", "chin")


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(InputError, match="hood"):
        _draw(0, settings=replace(BARE, templates=(("hood", 1.0),)))
    with pytest.raises(InputError, match="empty"):
        draw(np.random.default_rng(0), "with_mask", {}, BARE)
    with pytest.raises(InputError, match="left out"):
        SamplingSettings(without=("noses",))
    with pytest.raises(InputError, match="wears"):
        SamplingSettings(wears=(("sideways", 1.0),))  # type: ignore[arg-type]


def test_parts_can_be_left_out() -> None:
    for copy in range(20):
        mask = _draw(copy, settings=replace(BARE, without=WITHOUT)).mask
        assert mask is not None
        assert (mask.pattern, mask.straps, mask.wrinkle, mask.texture, mask.tilt_deg) == (None, False, 0, 0, 0)


def test_badly_worn_masks_may_count_as_none() -> None:
    settings = replace(BARE, unmasked_wear_chance=1.0)
    mask = _draw(0, "without_mask", settings).mask
    assert mask is not None
    assert mask.wear != "correct"


def test_pick_follows_the_weights() -> None:
    rng = np.random.default_rng(0)
    assert {pick(rng, [("a", 0.0), ("b", 1.0)]) for _ in range(50)} == {"b"}


def test_most_masks_under_the_nose_end_between_its_tip_and_its_base() -> None:
    """Where it is hardest to tell, and where most real ones end."""
    settings = replace(BARE, incorrect_wears=(("nose_out", 1.0),))
    masks = [_draw(copy, "incorrect_mask", settings).mask for copy in range(200)]
    amounts = np.array([mask.wear_amount for mask in masks if mask])
    assert 0.7 < (amounts < 0.58).mean() < 0.95
    slides = np.array([mask.slide for mask in masks if mask])
    assert abs(np.corrcoef(slides.T)[0, 1]) < 0.25
    assert 0.4 < np.mean([mask.boxy > 0 for mask in masks if mask]) < 0.8


def test_half_of_the_crops_lie_higher_or_lower_than_the_face() -> None:
    shifts = np.array([_draw(copy).crop.shift_xy[1] for copy in range(300)])
    assert 0.3 < (np.abs(shifts) > 0.08).mean() < 0.7
    assert shifts.min() < -0.15
    assert shifts.max() > 0.18


def test_some_who_wear_a_hat_wear_glasses_too() -> None:
    settings = replace(BARE, accessory_chance=1.0)
    worn = [tuple(extra.name for extra in _draw(copy, settings=settings).accessories) for copy in range(300)]
    both = [names for names in worn if len(names) == 2]
    assert 0.05 < len(both) / len(worn) < 0.3
    families = {tuple(OCCLUDERS.load(name).family for name in names) for names in both}
    assert families == {("glasses", "headgear")}
    hats = replace(settings, accessories=(("hard_hat", 1.0),))
    assert {extra.name for copy in range(20) for extra in _draw(copy, settings=hats).accessories} == {"hard_hat"}
