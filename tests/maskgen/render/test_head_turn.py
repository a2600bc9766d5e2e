"""Turned heads: where points go, what hides what, and that nothing else changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_face import SIDE, face, photo, template, turned_landmarks

from maskgen.faces.pose import head_pose
from maskgen.occluders.registry import OCCLUDERS, draw_params
from maskgen.render.face import gate, render
from maskgen.render.head_turn import MOST_YAW_DEG, Turned
from maskgen.render.params import CropParams, Extra, ImageParams, MaskParams, TurnParams
from maskgen.render.sampling import SamplingSettings, draw, image_rng
from maskgen.types import LABELS

WARDROBE = {"plain": template()}
MASKED = ImageParams("with_mask", crop=CropParams(size=128), mask=MaskParams("plain", tint=(0.3, 0.6, 0.9)))
BARE = replace(MASKED, label="without_mask", mask=None)


def test_no_turn_is_the_picture_as_it_was() -> None:
    marks = turned_landmarks(0)
    still = Turned.of(marks, TurnParams(0.0, 0.0))
    assert np.array_equal(still.points(marks), marks)
    assert np.array_equal(still.sources(marks, 1.0), marks)
    for params in (MASKED, BARE):
        turned = render(photo(), face(), replace(params, turn=TurnParams(0.0, 0.0)), WARDROBE)
        plain = render(photo(), face(), params, WARDROBE)
        assert np.array_equal(turned.image, plain.image)
        assert np.array_equal(turned.landmarks, plain.landmarks)
        assert turned.coverage == plain.coverage


@pytest.mark.parametrize("yaw_deg", [-45.0, -20.0, 20.0, 40.0])
def test_the_nose_goes_to_the_side_and_the_pose_follows(yaw_deg: float) -> None:
    marks = turned_landmarks(0)
    moved = Turned.of(marks, TurnParams(yaw_deg)).points(marks)
    assert (moved[30, 0] - marks[30, 0]) * np.sign(yaw_deg) > 10
    seen = head_pose(moved).yaw_deg - head_pose(marks).yaw_deg
    assert seen * np.sign(yaw_deg) > 0.5 * abs(yaw_deg)
    assert np.allclose(moved[:, 1], marks[:, 1], atol=1.5)


@pytest.mark.parametrize("pitch_deg", [-20.0, 12.0])
def test_a_nod_moves_the_nose_down_or_up(pitch_deg: float) -> None:
    marks = turned_landmarks(0)
    moved = Turned.of(marks, TurnParams(0.0, pitch_deg)).points(marks)
    assert (moved[30, 1] - marks[30, 1]) * np.sign(-pitch_deg) > 5
    assert (head_pose(moved).pitch_deg - head_pose(marks).pitch_deg) * np.sign(pitch_deg) > 4


@pytest.mark.parametrize("turn", [TurnParams(30.0), TurnParams(-40.0), TurnParams(0.0, -18.0), TurnParams(25.0, 8.0)])
def test_what_is_seen_at_a_moved_point_was_at_the_point(turn: TurnParams) -> None:
    marks = turned_landmarks(0)
    head = Turned.of(marks, turn)
    # Landmarks on the side that comes to the fore, and the middle, stay in sight.
    kept = [27, 28, 30, 33, 51, 57, *((36, 39, 48) if turn.yaw_deg >= 0 else (45, 42, 54))]
    back = head.sources(head.points(marks[kept]), 0.5)
    assert np.abs(back - marks[kept]).max() < 1.2


def test_order_is_kept_along_a_row_and_what_is_far_away_stays() -> None:
    marks = turned_landmarks(0)
    head = Turned.of(marks, TurnParams(40.0))
    for y in (marks[27, 1], marks[33, 1], marks[57, 1]):
        row = np.stack([np.linspace(-150, SIDE + 150, 500), np.full(500, y)], 1)
        found = head.sources(row, 0.7)[:, 0]
        assert (np.diff(found) >= -1e-3).all()
        assert np.abs(found[[0, -1]] - row[[0, -1], 0]).max() < 1
    corner = np.array([[10.0, -120.0], [SIDE / 2, -150.0], [SIDE / 2, SIDE + 90.0]])
    assert np.allclose(head.points(corner), corner, atol=0.5)


def test_a_mirrored_head_turns_the_mirrored_way() -> None:
    marks = turned_landmarks(0)
    flip = np.r_[16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47:45:-1, 39:35:-1, 41:39:-1]
    flip = np.r_[flip, 54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1]
    mirrored = (marks * (-1, 1) + (SIDE, 0))[flip]
    ours = Turned.of(marks, TurnParams(30.0, -8.0)).points(marks)
    theirs = Turned.of(mirrored, TurnParams(-30.0, -8.0)).points(mirrored)
    assert np.allclose((theirs * (-1, 1) + (SIDE, 0))[flip], ours, atol=0.6)


def test_a_head_goes_on_to_its_own_side_and_not_beyond_the_limit() -> None:
    marks = turned_landmarks(35.0)
    own = head_pose(marks).yaw_deg
    head = Turned.of(marks, TurnParams(-45.0))
    assert head.yaw_deg > 0
    assert own + head.yaw_deg <= MOST_YAW_DEG + 1e-9


def test_landmarks_and_coverage_lie_where_the_picture_shows_them() -> None:
    """A red dot is painted on the bridge of the nose; it is found at its landmark."""
    marks = turned_landmarks(0)
    picture = photo()
    x, y = marks[27].round().astype(int)
    picture[y - 2 : y + 3, x - 2 : x + 3] = (255, 0, 0)
    for turn in (TurnParams(35.0), TurnParams(-30.0, 8.0), TurnParams(0.0, -15.0)):
        drawn = render(picture, face(), replace(MASKED, turn=turn), WARDROBE)
        red = drawn.image[..., 0].astype(int) - drawn.image[..., 1] > 150
        assert red.any()
        at = np.argwhere(red).mean(0)[::-1] + 0.5
        assert np.abs(at - drawn.landmarks[27]).max() < 2.5
        assert gate(drawn, MASKED) is None
        import cv2

        canvas = np.zeros(drawn.image.shape[:2], np.uint8)
        for polygon in drawn.coverage:
            cv2.fillPoly(canvas, [np.round(np.array(polygon) - 0.5).astype(np.int32)], 1)
        # The mask is the only blue thing; its cut edge and the straps apart, the two agree.
        blue = drawn.image[..., 2].astype(int) - drawn.image[..., 0] > 25
        agree = (blue & (canvas > 0)).sum() / max((blue | (canvas > 0)).sum(), 1)
        assert agree > 0.8


def test_both_classes_turn_alike() -> None:
    masked = render(photo(), face(), replace(MASKED, turn=TurnParams(30.0)), WARDROBE)
    bare = render(photo(), face(), replace(BARE, turn=TurnParams(30.0)), WARDROBE)
    assert np.allclose(masked.landmarks, bare.landmarks)
    assert np.array_equal(masked.image[:20], bare.image[:20])


EXTRAS = [("confuser" if one.kind == "confuser" else "accessories", name) for name, one in OCCLUDERS.load_all().items()]


@pytest.mark.parametrize(("kind", "name"), EXTRAS)
def test_the_line_of_a_turned_image_makes_its_bytes_again(kind: str, name: str) -> None:
    extra = Extra(name, draw_params(name, np.random.default_rng(3)))
    parts: dict[str, Any] = {"confuser": extra} if kind == "confuser" else {"accessories": (extra,)}
    params = replace(BARE, turn=TurnParams(28.0, -6.0), **parts)
    first = render(photo(), face(), params, WARDROBE)
    again = render(photo(), face(), ImageParams.from_json(json.loads(json.dumps(params.to_json()))), WARDROBE)
    assert first.image.tobytes() == again.image.tobytes()


def test_who_stands_in_front_does_not_turn() -> None:
    """Their outline is as sharp and as wide as on a face that looks ahead."""
    extra = Extra("crowd", draw_params("crowd", np.random.default_rng(1)) | {"way": "below", "focus": 0.0})
    flat = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for turn in (None, TurnParams(40.0)):
        drawn = render(flat, face(), replace(BARE, confuser=extra, turn=turn), WARDROBE)
        dark = (drawn.image[-6] < 180).any(axis=1)
        assert dark.mean() > 0.3


def test_a_share_of_every_class_turns_but_no_scene() -> None:
    some = SamplingSettings(turn_chance=0.2)
    for label in LABELS:
        turns = [draw(image_rng(0, "a", 0, copy, label), label, WARDROBE, some).turn for copy in range(300)]
        assert 0.12 < np.mean([turn is not None for turn in turns]) < 0.29
    scene = SamplingSettings(crop="scene", turn_chance=1.0)
    assert draw(image_rng(0, "a", 0, 0, "with_mask"), "with_mask", WARDROBE, scene).turn is None
