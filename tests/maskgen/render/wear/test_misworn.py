from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_face import face, template

from maskgen.render.params import MaskParams
from maskgen.render.sampling import SamplingSettings, draw_mask
from maskgen.render.wear.edges import between, face_axes, middle
from maskgen.render.wear.fit import Targets, targets
from maskgen.render.wear.misworn import BARE_NOSE
from maskgen.templates.reader import load_wardrobe
from maskgen.types import Wear

SUBJECT = face()
AXES = face_axes(SUBJECT)
MARKS = SUBJECT.landmarks
NEUTRAL = MaskParams("plain", straps=False)


def _worn(wear: Wear, **changes: object) -> Targets:
    return targets(template(), SUBJECT, replace(NEUTRAL, wear=wear, **changes), AXES)  # type: ignore[arg-type]


def _level(point: np.ndarray) -> float:
    return float(point @ AXES.y)


@pytest.mark.parametrize("wear", ["correct", *BARE_NOSE])
def test_an_edge_covers_the_tip_of_the_nose_or_clearly_leaves_it_bare(wear: Wear) -> None:
    """However the mask fits; between the two nobody could say what is right."""
    tip = _level(MARKS[30])
    for name, mask in load_wardrobe().items():
        for seed in range(10 if wear in mask.wears else 0):
            drawn = draw_mask(
                np.random.default_rng(seed), {name: mask}, SamplingSettings(templates=((name, 1.0),)), ((wear, 1.0),)
            )
            for raised in (-0.1, 0.05):
                goal = targets(mask, SUBJECT, replace(drawn, raise_top=raised), AXES)
                level = _level(middle(goal.top, goal.top_knots))
                if wear == "correct":
                    assert level < tip - 0.01 * AXES.height, (name, seed)
                else:
                    assert level > tip, (name, seed)


def test_a_mask_under_the_nose_lies_anywhere_from_tip_to_lip() -> None:
    levels = [
        _level(middle(goal.top, goal.top_knots))
        for goal in (_worn("nose_out", wear_amount=a) for a in (0.0, 0.55, 1.0))
    ]
    tip, base, lip = (_level(MARKS[i]) for i in (30, 33, 51))
    assert tip < levels[0] < tip + 0.3 * (base - tip)
    assert levels[1] == pytest.approx(base, abs=0.03 * AXES.height)
    assert base < levels[2] < lip


def test_each_end_of_the_upper_edge_slides_for_itself() -> None:
    even, uneven = _worn("nose_out", slide=(0.2, 0.2)), _worn("nose_out", slide=(0.2, 1.8))
    assert np.allclose(uneven.top[0], even.top[0])
    assert _level(uneven.top[-1] - even.top[-1]) > 0.03 * AXES.height


def test_a_box_is_straight_above_and_upright_at_its_sides_in_mid_cheek() -> None:
    goal = _worn("nose_out", wear_amount=0.5, boxy=1.0, gape=0.3, slide=(1.0, 1.0), drop=1.0)
    plain = _worn("nose_out", wear_amount=0.5)
    levels = goal.top @ AXES.y
    assert np.ptp(levels) < 0.1 * AXES.height
    for end in (0, -1):
        side = goal.bottom[end] - goal.top[end]
        assert abs(side @ AXES.x) < 0.35 * (side @ AXES.y)
    assert goal.top[0] @ AXES.x > plain.top[0] @ AXES.x + 0.05 * AXES.width
    # It keeps its height: what the nose leaves bare hangs below the chin.
    assert _level(middle(goal.bottom, goal.bottom_knots)) > _level(MARKS[8])


def test_on_the_chin_a_mask_is_as_thick_as_it_is_folded() -> None:
    def thickness(thick: float) -> float:
        goal = _worn("chin", thick=thick)
        return _level(middle(goal.bottom, goal.bottom_knots) - middle(goal.top, goal.top_knots)) / AXES.height

    assert thickness(0.2) == pytest.approx(0.2, abs=0.03)
    assert thickness(0.45) == pytest.approx(0.45, abs=0.05)


def test_pushed_up_it_covers_the_eyes_the_brows_or_the_forehead_and_never_lies_at_the_hairline() -> None:
    centres = []
    for amount in (0.0, 2 / 3, 1.0):
        goal = _worn("high", wear_amount=amount)
        centres.append((middle(goal.top, goal.top_knots) + middle(goal.bottom, goal.bottom_knots)) / 2)
    eyes, brows = MARKS[36:48].mean(axis=0), (MARKS[19] + MARKS[24]) / 2
    assert _level(centres[0]) == pytest.approx(_level(eyes), abs=0.05 * AXES.height)
    assert _level(centres[1]) == pytest.approx(_level(brows), abs=0.05 * AXES.height)
    assert 0.1 * AXES.height < _level(brows) - _level(centres[2]) < 0.25 * AXES.height


def test_on_the_nose_alone_it_leaves_the_mouth_bare() -> None:
    for amount in (0.0, 1.0):
        goal = _worn("nose_only", wear_amount=amount)
        low = _level(middle(goal.bottom, goal.bottom_knots))
        assert _level(between(MARKS, (30, 33), 0.5)) < low < _level(MARKS[62])


def test_a_mask_worn_as_it_should_be_may_be_a_box_too_and_may_sit_low() -> None:
    """Else its outline, not what it leaves bare, would tell the class."""
    plain, boxed = _worn("correct"), _worn("correct", boxy=1.0, gape=0.2)
    assert boxed.top[0] @ AXES.x > plain.top[0] @ AXES.x + 0.03 * AXES.width
    wardrobe = {"plain": template()}
    masks = [draw_mask(np.random.default_rng(n), wardrobe, SamplingSettings(), (("correct", 1.0),)) for n in range(150)]
    assert 0.25 < np.mean([mask.boxy > 0 for mask in masks]) < 0.55
    levels = [
        _level(middle(goal.top, goal.top_knots)) for goal in (targets(template(), SUBJECT, m, AXES) for m in masks)
    ]
    heights = (_level(MARKS[30]) - np.array(levels)) / AXES.height
    assert 0.1 < (heights < 0.08).mean() < 0.5
