from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_face import SIDE, face, photo, template, turned_landmarks

from maskgen.occluders.registry import draw_params
from maskgen.render.covers import BARE
from maskgen.render.face import render
from maskgen.render.measures import gate
from maskgen.render.params import CropParams, Extra, ImageParams, MaskParams, TurnParams
from maskgen.types import WEARS

WARDROBE = {"plain": template()}
MASKED = ImageParams("with_mask", crop=CropParams(size=160), mask=MaskParams("plain", tint=(0.3, 0.6, 0.9)))


@pytest.mark.parametrize("wear", WEARS)
def test_every_wear_passes_the_gate(wear: str) -> None:
    params = replace(MASKED, mask=replace(MASKED.mask, wear=wear))  # type: ignore[arg-type, type-var]
    crop = CropParams(size=160, margin=1.3)
    assert gate(render(photo(), face(), replace(params, crop=crop), WARDROBE), params) is None


def test_the_gate_refuses_what_cannot_be_seen() -> None:
    clear = {"plain": template(alpha=3)}
    assert gate(render(photo(), face(), MASKED, clear), MASKED) == "mask_hidden"
    away = replace(MASKED, crop=CropParams(size=160, shift_xy=(0.0, -0.75)))
    low = face(landmarks=turned_landmarks(0) + np.array([0, SIDE]))
    refused = gate(render(np.vstack([photo()] * 2), low, away, WARDROBE), away)
    assert refused in ("mask_outside", "mask_hidden")
    drawn = render(photo(), face(), MASKED, WARDROBE)
    assert gate(replace(drawn, contrast=0.001), MASKED) == "mask_unseen"
    assert gate(replace(drawn, contrast=0.001), ImageParams("without_mask")) is None


@pytest.mark.parametrize(("level", "turn"), [(0.05, None), (0.05, 30.0), (0.6, None), (0.6, -30.0)])
def test_cloth_that_counts_as_a_mask_covers_the_nostrils(level: float, turn: float | None) -> None:
    cloth = draw_params("bandana", np.random.default_rng(1)) | {"level": level, "lift": 0.02, "lean": 0.0}
    params = ImageParams("with_mask", crop=CropParams(size=160), confuser=Extra("bandana", cloth))
    if turn is not None:
        params = replace(params, turn=TurnParams(turn, 0.0))
    drawn = render(photo(), face(), params, {})
    high = level < 0.3
    assert gate(drawn, params) == (None if high else "cloth_too_low")
    assert (drawn.covers.nose > 0.75) == high
    assert drawn.covers.chin > 0.75
    # Under its own label it may lie as it likes.
    assert gate(drawn, replace(params, label="without_mask")) is None
    scene = replace(params, crop=CropParams(mode="scene"), turn=None)
    assert gate(render(photo(), face(), scene, {}), scene) == (None if high else "cloth_too_low")


def test_a_hand_before_the_face_counts_as_no_cloth() -> None:
    hand = Extra("hand", draw_params("hand", np.random.default_rng(0)))
    drawn = render(photo(), face(), ImageParams("without_mask", crop=CropParams(size=160), confuser=hand), {})
    assert drawn.covers == BARE
    masked = render(photo(), face(), MASKED, WARDROBE).covers
    assert masked.whole
    assert render(photo(), face(), replace(MASKED, confuser=hand), WARDROBE).covers == masked


@pytest.mark.parametrize(("size", "off"), [(64, 0.02), (224, 0.01)])
def test_polygons_are_as_large_as_what_was_laid(size: int, off: float) -> None:
    """Measured against the alpha itself; half a pixel short was 5 % at 64 px."""
    drawn = render(photo(), face(), replace(MASKED, crop=CropParams(size=size)), WARDROBE)
    area = 0.0
    for polygon in drawn.coverage:
        x, y = np.array(polygon).T
        area += abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    assert area == pytest.approx(float(drawn.body.sum()), rel=off)
