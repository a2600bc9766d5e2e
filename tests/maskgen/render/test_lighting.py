from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawn_face import SIDE, face, photo

from maskgen.render.lighting import _slope, estimate_light, seen_in


def test_light_comes_from_the_brighter_side() -> None:
    subject = face()
    left, right = (estimate_light(photo(left_light=part), subject) for part in (0.5, -0.5))
    assert left.slope_xy[0] < -0.15
    assert right.slope_xy[0] > 0.15
    even = estimate_light(photo(), subject)
    assert abs(even.slope_xy[0]) < 0.08


def test_a_darker_photo_has_a_lower_level() -> None:
    subject = face()
    bright = photo()
    dark = (bright * 0.4).astype(np.uint8)
    assert estimate_light(dark, subject).level < 0.4 * estimate_light(bright, subject).level


def test_grain_and_blur_are_measured() -> None:
    rng = np.random.default_rng(0)
    noisy = np.clip(photo() + rng.normal(0, 8, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    assert estimate_light(noisy, face()).noise > 2 * estimate_light(photo(), face()).noise


def test_a_part_of_a_picture_takes_its_part_of_the_light() -> None:
    picture, subject = photo(), face()
    light = replace(estimate_light(picture, subject), field=np.tile(np.arange(8, dtype=np.float32), (8, 1)))
    assert np.allclose(seen_in(light, (0, 0, 1, 1), picture, subject).field, light.field)
    # Twice as fine: the columns' centres lie at 4 - 1/4, 4 + 1/4, ... of the whole.
    right = seen_in(light, (0.5, 0.25, 1, 0.75), picture, subject)
    assert np.allclose(right.field[3], np.minimum(3.75 + 0.5 * np.arange(8), 7))
    assert (right.level, right.slope_xy) == (light.level, light.slope_xy)
    beyond = seen_in(light, (-1, 0, 0, 1), picture, subject)
    assert np.allclose(beyond.field, 0)


def test_slopes_do_not_hang_on_where_a_field_lies_in_memory() -> None:
    # cv2.magnitude rounds the last few pixels of an odd-sized field one way or the other.
    field = np.random.default_rng(0).random((50, 57), np.float32)
    first, ballast = _slope(field), []
    for step in range(100):
        ballast.append(np.empty(10 + 37 * step, np.float32))
        assert np.array_equal(_slope(field.copy()), first)
