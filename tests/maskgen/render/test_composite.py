from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_face import SIDE, face, photo

from maskgen.drawing.layer import Layer
from maskgen.errors import ShapeError
from maskgen.render.composite import composite, lay
from maskgen.render.lighting import Light, estimate_light
from maskgen.render.params import LightParams

PLAIN = LightParams(
    ambient=1.0, field=0.0, occlusion=0.0, specular=0.0, shadow=0.0, sharpness=0.0, grain=0.0, white_balance=0.0
)


def _patch(value: float, alpha: float = 1.0, side: int = 60) -> Layer:
    rgba = np.full((side, side, 4), value * alpha, np.float32)
    rgba[..., 3] = alpha
    return Layer(rgba, (90, 120))


def test_a_warm_light_is_seen_and_a_grey_photo_stays_grey() -> None:
    subject = face()
    warm = np.clip(photo() * (1.15, 1.0, 0.7), 0, 255).astype(np.uint8)
    plain, tinted = estimate_light(photo(), subject), estimate_light(warm, subject)
    assert tinted.colour[0] / tinted.colour[2] > 1.3 * plain.colour[0] / plain.colour[2]
    grey = np.repeat(photo()[..., 1:2], 3, axis=2)
    light = estimate_light(grey, subject)
    red = _patch(0.0)
    red.rgba[..., 0] = 0.8
    out = composite(grey, red, light, subject, PLAIN)
    assert np.ptp(out[140:160, 100:130].astype(int), axis=2).max() <= 2


def test_composite_keeps_the_photo_and_everything_off_the_layer() -> None:
    picture = photo()
    before = picture.copy()
    subject = face()
    out = composite(picture, _patch(0.8), estimate_light(picture, subject), subject, PLAIN)
    assert np.array_equal(picture, before)
    outside = np.ones((SIDE, SIDE), bool)
    outside[110:190, 80:160] = False
    assert np.array_equal(out[outside], picture[outside])
    assert not np.array_equal(out, picture)


def test_a_clear_layer_changes_nothing() -> None:
    picture, subject = photo(), face()
    out = composite(picture, _patch(0.5, alpha=0.0), estimate_light(picture, subject), subject)
    assert np.array_equal(out, picture)


def test_white_is_brighter_than_black_and_gain_brightens() -> None:
    picture, subject = photo(), face()
    light = estimate_light(picture, subject)
    where = slice(135, 165), slice(100, 140)

    def level(value: float, **changes: float) -> float:
        return float(composite(picture, _patch(value), light, subject, replace(PLAIN, **changes))[where].mean())

    assert level(0.95) > 170
    assert level(0.05) < 40
    assert level(0.5, gain=1.5) > level(0.5) > level(0.5, gain=0.6)


NEUTRAL = Light(1.0, np.ones(3, np.float32), (0.0, 0.0), np.ones((8, 8), np.float32), 1.0, 0.3, 0.0)


def _linear(srgb: Any) -> Any:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _srgb(linear: Any) -> Any:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _shown(rgb: tuple[float, float, float], light: Light, alpha: float = 1.0, **changes: float) -> Any:
    """What a patch of a colour looks like, 0 to 1, over black."""
    rgba = np.empty((60, 60, 4), np.float32)
    rgba[:] = (*(part * alpha for part in rgb), alpha)
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    params = replace(PLAIN, white_balance=1.0, **changes)
    return composite(black, Layer(rgba, (90, 120)), light, face(), params)[150, 120] / 255


@pytest.mark.parametrize("rgb", [(0.1, 0.4, 0.8), (0.85, 0.5, 0.2), (0.02, 0.02, 0.02), (0.75, 0.76, 0.75)])
def test_a_colour_in_white_light_is_that_colour(rgb: tuple[float, float, float]) -> None:
    assert _shown(rgb, NEUTRAL) == pytest.approx(np.array(rgb), abs=0.02)


@pytest.mark.parametrize("level", [0.25, 0.5, 1.2])
def test_a_colour_is_as_bright_as_the_light(level: float) -> None:
    rgb = np.array([0.2, 0.5, 0.7])
    expected = _srgb(_linear(rgb) * level)
    assert _shown((0.2, 0.5, 0.7), replace(NEUTRAL, level=level)) == pytest.approx(expected, abs=0.02)


def test_a_colour_takes_the_lights_colour() -> None:
    warm = np.array([1.2, 0.98, 0.6], np.float32)
    expected = _srgb(_linear(np.full(3, 0.6)) * warm)
    assert _shown((0.6, 0.6, 0.6), replace(NEUTRAL, colour=warm)) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.9])
def test_what_is_half_covered_is_half_as_bright(alpha: float) -> None:
    """In linear light, over black."""
    expected = _srgb(_linear(np.array([0.3, 0.5, 0.7])) * alpha)
    assert _shown((0.3, 0.5, 0.7), NEUTRAL, alpha) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.9])
def test_what_shines_through_and_what_lies_over_add_up_to_one(alpha: float) -> None:
    """Grey over the same grey, half covered, is that grey."""
    rgba = np.full((60, 60, 4), 0.5 * alpha, np.float32)
    rgba[..., 3] = alpha
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    params = replace(PLAIN, white_balance=1.0)
    assert np.abs(composite(grey, Layer(rgba, (90, 120)), NEUTRAL, face(), params).astype(int) - 128).max() <= 3


def test_white_in_strong_light_keeps_a_little_drawing() -> None:
    bright = _shown((0.95, 0.95, 0.95), replace(NEUTRAL, level=1.5))
    brighter = _shown((1.0, 1.0, 1.0), replace(NEUTRAL, level=1.5))
    assert (bright > 0.9).all()
    assert (bright < brighter).all()
    assert (brighter < 1.0).all()


def test_translucency_lets_the_skin_through() -> None:
    picture, subject = photo(), face()
    light = estimate_light(picture, subject)
    where = slice(135, 165), slice(100, 140)
    thin = replace(_patch(0.9), translucency=0.9)
    skin = picture[where].mean(axis=(0, 1))
    solid = composite(picture, _patch(0.9), light, subject, PLAIN)[where].mean(axis=(0, 1))
    through = composite(picture, thin, light, subject, PLAIN)[where].mean(axis=(0, 1))
    assert np.abs(through - skin).sum() < 0.6 * np.abs(solid - skin).sum()


def test_shadow_darkens_the_skin_beside_the_layer_only() -> None:
    picture, subject = photo(), face()
    light = estimate_light(picture, subject)
    layer = replace(_patch(0.9), lift=3.0, shadow=1.0)
    out = composite(picture, layer, light, subject, replace(PLAIN, shadow=1.5)).astype(int)
    below = (out - picture)[181:184, 100:140]
    assert below.mean() < -3
    assert abs((out - picture)[215:, :].mean()) < 0.5


def test_relief_is_lit_from_above() -> None:
    picture, subject = photo(), face()
    light = estimate_light(picture, subject)
    ridge = np.zeros((60, 60), np.float32)
    ridge[:, :] = np.exp(-((np.arange(60) - 30.0) ** 2) / 18)[:, None] * 5
    layer = replace(_patch(0.5), height=ridge, follows_face=False)
    out = composite(picture, layer, light, subject, replace(PLAIN, ambient=0.2)).astype(int)
    assert out[146, 120].sum() > out[155, 120].sum() + 15


def test_noise_on_black_is_not_folded_upwards() -> None:
    """Half of the noise on black lies below it and is lost; none of it turns up as light."""
    picture, subject = photo(), face()
    light = replace(estimate_light(picture, subject), noise=8.0, blur_px=0.3)
    black = composite(picture, _patch(0.0), light, subject, replace(PLAIN, grain=1.0))[122:178, 92:148]
    assert (black == 0).mean() > 0.4
    assert black.max() > 1


@pytest.mark.parametrize("occlusion", [0.0, 0.9])
def test_relief_goes_on_beyond_the_layer(occlusion: float) -> None:
    """Where the layer's array ends the relief does not: no line of light along a raised layer's edge."""
    picture, subject = photo(), face()
    light = estimate_light(picture, subject)
    params = replace(PLAIN, ambient=0.0, occlusion=occlusion)
    flat = _patch(0.5)
    raised = replace(flat, height=np.full((60, 60), 9.0, np.float32))
    assert np.array_equal(
        composite(picture, raised, light, subject, params), composite(picture, flat, light, subject, params)
    )


def test_layers_may_hang_over_the_edge() -> None:
    picture, subject = photo(), face()
    light = estimate_light(picture, subject)
    for origin in ((-30, -30), (SIDE - 20, SIDE - 20), (-500, 0), (SIDE + 5, 3)):
        layer = replace(_patch(0.9), origin_xy=origin)
        _, alpha, body = lay(picture, layer, light, subject, LightParams())
        assert alpha.shape == body.shape == (SIDE, SIDE)


def test_a_layer_checks_its_shapes() -> None:
    with pytest.raises(ShapeError, match="float32"):
        Layer(np.zeros((4, 4, 4)))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="height"):
        Layer(np.zeros((4, 4, 4), np.float32), height=np.zeros((3, 3), np.float32))
