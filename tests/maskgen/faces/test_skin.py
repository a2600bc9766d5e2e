"""The skin's colour: robust to what lies on a cheek, and delit."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_face import SIDE, photo, turned_landmarks

from maskgen.faces.skin import skin_albedo, skin_rgb

PAINTED = np.array([196, 150, 126]) / 255


def test_finds_the_painted_skin() -> None:
    assert np.allclose(skin_rgb(photo(), turned_landmarks(0)), PAINTED, atol=0.02)


def test_a_dark_cheek_does_not_move_it() -> None:
    picture, marks = photo(), turned_landmarks(0)
    picture[:, : int(marks[31, 0]) - 8] = 10
    assert np.allclose(skin_rgb(picture, marks), PAINTED, atol=0.03)


def test_a_face_outside_the_photo_gets_an_average_skin() -> None:
    colour = skin_rgb(photo(), turned_landmarks(0) + 10 * SIDE)
    assert colour.shape == (3,)
    assert 0.3 < colour.mean() < 0.9


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_lighting_the_albedo_gives_the_photo_back(level: float) -> None:
    skin, light = np.array([0.45, 0.33, 0.28], np.float32), np.array([1.2, 1.0, 0.8], np.float32)
    albedo = skin_albedo(skin, level, light, white_balance=1.0)
    assert np.allclose(np.power(np.power(albedo, 2.2) * level * light, 1 / 2.2), skin, atol=0.01)
