from __future__ import annotations

import json

import numpy as np
import pytest

from maskgen.errors import InputError
from maskgen.render import camera
from maskgen.render.camera import CameraParams
from maskgen.render.params import ImageParams


def _through_json(params: CameraParams) -> CameraParams:
    line = json.dumps(ImageParams("with_mask", camera=params).to_json())
    again = ImageParams.from_json(json.loads(line)).camera
    assert again is not None
    return again


@pytest.fixture
def ramp() -> np.ndarray:
    """(64, 64, 3) uint8: red grows to the right, green downwards, blue is level."""
    red, green = np.meshgrid(np.arange(64) * 4, np.arange(64) * 4)
    return np.stack([red, green, np.full_like(red, 128)], -1).astype(np.uint8)


@pytest.mark.parametrize("strength", ["none"])
def test_camera_that_does_nothing_returns_the_pictures_values(strength: camera.Strength) -> None:
    """Every value of every channel, the brightest too."""
    value = np.arange(256, dtype=np.uint8)
    picture = np.stack(np.meshgrid(value, value), -1)
    picture = np.concatenate([picture, picture[::-1, :, :1]], -1)
    for params in (CameraParams(), camera.draw(np.random.default_rng(0), strength)):
        again = camera.apply(picture, params, face_px=64)
        assert again is not picture
        np.testing.assert_array_equal(again, picture)


@pytest.mark.parametrize("stops", [0.3, 1.0, 2.0])
def test_what_is_exposed_longer_bends_softly_to_white(stops: float) -> None:
    curve = camera._tone_curves(CameraParams(exposure_ev=stops))[:, 0].astype(int)
    assert curve[255] == 255
    assert (np.diff(curve) >= 0).all()
    # Not cut: near white, values differ still.
    bright = curve[curve > 235]
    assert len(set(bright.tolist())) > 8
    # Where the light is under 0.8, it is exactly 2 ** stops as much.
    low = np.arange(256)
    low = low[(low / 255) ** 2.2 * 2**stops < 0.8]
    expected = 255 * ((low / 255) ** 2.2 * 2**stops) ** (1 / 2.2)
    assert np.abs(curve[low] - expected).max() <= 0.51


def test_what_is_exposed_shorter_is_only_darker() -> None:
    curve = camera._tone_curves(CameraParams(exposure_ev=-1.0))[:, 0].astype(int)
    expected = 255 * ((np.arange(256) / 255) ** 2.2 / 2) ** (1 / 2.2)
    assert np.abs(curve - expected).max() <= 0.51


def test_one_stop_doubles_linear_light() -> None:
    grey = np.full((4, 4, 3), 64, np.uint8)
    brighter = camera.apply(grey, CameraParams(exposure_ev=1.0), face_px=4)
    expected = 255 * (2 * (64 / 255) ** 2.2) ** (1 / 2.2)
    assert brighter[0, 0].tolist() == [round(expected)] * 3


def test_no_saturation_is_grey(ramp: np.ndarray) -> None:
    grey = camera.apply(ramp, CameraParams(saturation=0.0), face_px=64)
    assert np.ptp(grey.astype(int), axis=2).max() <= 1


@pytest.mark.parametrize("face_px", [9, 30, 60, 88])
def test_resolution_is_that_of_the_face(face_px: int) -> None:
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 256, (90, 90, 3)).astype(np.uint8)
    seen = camera.apply(noisy, CameraParams(face_px=face_px, down="area", up="nearest"), face_px=90)
    # No more rows and columns that differ than the sensor has, and no fewer.
    assert len(np.unique(seen.reshape(90, -1), axis=0)) == face_px
    assert len(np.unique(seen.transpose(1, 0, 2).reshape(90, -1), axis=0)) == face_px


def test_a_face_already_smaller_keeps_its_pixels() -> None:
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 100, (20, 20, 3)).astype(np.uint8)
    np.testing.assert_array_equal(camera.apply(noisy, CameraParams(face_px=90), face_px=20), noisy)


def test_motion_blur_runs_in_its_direction() -> None:
    dot = np.zeros((41, 41, 3), np.uint8)
    dot[20, 20] = 255
    blurred = camera.apply(dot, CameraParams(motion_px=11 * 224 / 41, motion_deg=0), face_px=41)[..., 0]
    assert (blurred[20] > 5).sum() >= 9
    assert (blurred[:, 20] > 5).sum() <= 3


def test_red_stays_red_through_a_codec() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 180
    for name in ("jpeg", "webp"):
        seen = camera.apply(red, CameraParams(codecs=((name, 90),)), face_px=32)
        assert abs(int(seen[16, 16, 0]) - 180) < 12
        assert seen[16, 16, 2] < 12


@pytest.mark.parametrize("strength", camera.STRENGTHS)
def test_parameters_survive_json_and_repeat_their_bytes(ramp: np.ndarray, strength: camera.Strength) -> None:
    for seed in range(25):
        params = camera.draw(np.random.default_rng(seed), strength)
        again = _through_json(params)
        assert again == params
        before = ramp.copy()
        first, second = camera.apply(ramp, params, 60), camera.apply(ramp, again, 60)
        assert first.tobytes() == second.tobytes()
        assert first.shape == ramp.shape
        assert first.dtype == np.uint8
        np.testing.assert_array_equal(ramp, before)


def test_street_reaches_the_smallest_faces_and_mild_does_not() -> None:
    sizes = {
        strength: [
            p.face_px for seed in range(300) if (p := camera.draw(np.random.default_rng(seed), strength)).face_px
        ]
        for strength in ("mild", "street")
    }
    assert min(sizes["street"]) < 10
    assert min(sizes["mild"]) >= 60


def test_unknown_words_are_named() -> None:
    with pytest.raises(InputError, match="sepia"):
        camera.draw(np.random.default_rng(0), "sepia")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="gif"):
        camera.apply(np.zeros((4, 4, 3), np.uint8), CameraParams(codecs=(("gif", 3),)), 4)
