from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_face import SIDE, face, photo, template, turned_landmarks

from maskgen.occluders.registry import draw_params
from maskgen.render import camera
from maskgen.render.covers import BARE
from maskgen.render.face import crop_region, cut, gate, render, render_scene
from maskgen.render.params import CropParams, Extra, ImageParams, MaskParams, TurnParams
from maskgen.render.sampling import SamplingSettings, draw, image_rng
from maskgen.types import LABELS, WEARS

WARDROBE = {"plain": template()}
MASKED = ImageParams("with_mask", crop=CropParams(size=160), mask=MaskParams("plain", tint=(0.3, 0.6, 0.9)))


def test_the_line_of_an_image_makes_its_bytes_again() -> None:
    settings = SamplingSettings(confuser_chance=0, accessory_chance=0, size=128)
    picture = photo()
    for label in LABELS:
        for copy in range(4):
            params = draw(image_rng(0, "x", 0, copy, label), label, WARDROBE, settings)
            first = render(picture, face(), params, WARDROBE)
            again = render(picture, face(), ImageParams.from_json(json.loads(json.dumps(params.to_json()))), WARDROBE)
            assert np.array_equal(first.image, again.image)
            assert first.coverage == again.coverage
            assert first.image.shape == (128, 128, 3)
            assert first.image.dtype == np.uint8


def test_the_photo_keeps_its_values() -> None:
    picture = photo()
    before = picture.copy()
    for mode in ("face", "scene"):
        render(picture, face(), replace(MASKED, crop=CropParams(mode=mode, size=100)), WARDROBE)  # type: ignore[arg-type]
    assert np.array_equal(picture, before)


def test_ground_truth_lies_on_the_mask() -> None:
    import cv2

    masked = render(photo(), face(), MASKED, WARDROBE)
    bare = render(photo(), face(), ImageParams("without_mask", crop=MASKED.crop), WARDROBE)
    assert bare.coverage == ()
    assert np.allclose(bare.landmarks, masked.landmarks)
    changed = np.abs(masked.image.astype(int) - bare.image).sum(axis=2) > 40
    canvas = np.zeros(changed.shape, np.uint8)
    for polygon in masked.coverage:
        cv2.fillPoly(canvas, [np.round(np.array(polygon) - 0.5).astype(np.int32)], 1)
    covered = canvas.astype(bool)
    # Straps change pixels outside it, nothing else does.
    assert changed[covered].mean() > 0.97
    assert (changed & ~covered).mean() < 0.05
    nose, mouth = masked.landmarks[30], masked.landmarks[62]
    for x, y in (nose, mouth):
        assert covered[int(y), int(x)]
    assert masked.visible > 0.8
    assert masked.contrast > 0.1
    assert gate(masked, MASKED) is None


@pytest.mark.parametrize(("size", "off"), [(64, 0.02), (224, 0.01)])
def test_polygons_are_as_large_as_what_was_laid(size: int, off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured against the alpha itself; half a pixel short was 5 % at 64 px."""
    from maskgen.render import face, polygons

    bodies: list[np.ndarray] = []
    real = polygons.polygons
    monkeypatch.setattr(face, "polygons", lambda body, *rest: bodies.append(body) or real(body, *rest))
    drawn = render(photo(), face(), replace(MASKED, crop=CropParams(size=size)), WARDROBE)
    area = 0.0
    for polygon in drawn.coverage:
        x, y = np.array(polygon).T
        area += abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    assert area == pytest.approx(float(bodies[-1].sum()), rel=off)


@pytest.mark.parametrize("yaw_deg", [-40.0, 25.0])
def test_the_pose_is_that_of_the_picture(yaw_deg: float) -> None:
    params = replace(MASKED, turn=TurnParams(yaw_deg, 0.0))
    drawn = render(photo(), face(), params, WARDROBE)
    assert drawn.pose.yaw_deg == pytest.approx(yaw_deg, abs=0.5)
    assert render(photo(), face(), MASKED, WARDROBE).pose == face().pose


def test_with_no_camera_and_nothing_drawn_the_picture_is_the_photos() -> None:
    picture = photo()
    picture[:20] = 255
    params = ImageParams("without_mask", crop=CropParams(size=96), camera=camera.draw(np.random.default_rng(0), "none"))
    drawn = render(picture, face(), params, {})
    assert np.array_equal(drawn.image, cut(picture, crop_region(face(), params.crop), (96, 96)))
    scene = replace(params, crop=CropParams(mode="scene"))
    assert np.array_equal(render(picture, face(), scene, {}).image, picture)


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


def test_landmarks_and_box_are_in_the_written_picture() -> None:
    drawn = render(photo(), face(), MASKED, WARDROBE)
    region = crop_region(face(), MASKED.crop)
    scale = np.array([160 / (region[2] - region[0]), 160 / (region[3] - region[1])])
    assert np.allclose(drawn.landmarks, (face().landmarks - region[:2]) * scale)
    assert drawn.box.width == pytest.approx(160 / 1.15, rel=0.1)


def test_a_scene_keeps_the_photo_and_masks_every_face() -> None:
    picture = np.hstack([photo(1), photo(2)])
    second = face(landmarks=turned_landmarks(0) + np.array([SIDE, 0]))
    params = replace(MASKED, crop=CropParams(mode="scene"))
    first, other = render_scene(picture, [(face(), params), (second, params)], WARDROBE)
    assert first.image is other.image
    assert first.image.shape == picture.shape
    for drawn, subject in ((first, face()), (other, second)):
        assert np.allclose(drawn.landmarks, subject.landmarks)
        x, y = subject.landmarks[62].astype(int)
        assert np.abs(drawn.image[y, x].astype(int) - picture[y, x]).sum() > 30
        xs = [point[0] for polygon in drawn.coverage for point in polygon]
        assert subject.landmarks[:, 0].min() - 5 < min(xs) < max(xs) < subject.landmarks[:, 0].max() + 5
    alone = render(picture, face(), params, WARDROBE)
    assert np.array_equal(alone.image[:, :SIDE], first.image[:, :SIDE])


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


def test_both_classes_share_their_crop() -> None:
    masked = render(photo(), face(), MASKED, WARDROBE)
    bare = render(photo(), face(), replace(MASKED, label="without_mask", mask=None), WARDROBE)
    assert np.array_equal(masked.image[:30], bare.image[:30])


@pytest.mark.parametrize("region", [(-20, -10, 60, 70), (200, 200, 300, 260), (10, 20, 90, 100)])
def test_cut_repeats_the_edge(region: tuple[int, int, int, int]) -> None:
    picture = photo()
    out = cut(picture, region, (region[2] - region[0], region[3] - region[1]))
    rows = np.clip(np.arange(region[1], region[3]), 0, SIDE - 1)
    columns = np.clip(np.arange(region[0], region[2]), 0, SIDE - 1)
    assert np.array_equal(out, picture[rows][:, columns])
    assert cut(picture, region, (32, 24)).shape == (24, 32, 3)


def test_small_and_large_faces() -> None:
    for width in (12.0, 40.0, 190.0):
        subject = face(landmarks=turned_landmarks(0, width))
        drawn = render(photo(), subject, MASKED, WARDROBE)
        assert drawn.image.shape == (160, 160, 3)
        assert drawn.coverage


def test_a_crop_hardly_leaves_the_photo() -> None:
    marks = turned_landmarks(0)
    tight = photo()[int(marks[19, 1]) : int(marks[8, 1]), int(marks[0, 0]) : int(marks[16, 0])]
    moved = face(landmarks=marks - np.floor([marks[0, 0], marks[19, 1]]))
    drawn = render(tight, moved, replace(MASKED, crop=CropParams(size=160, margin=1.3)), WARDROBE)
    # Above the photo its first row is repeated: at most a twentieth of the side.
    same = (np.abs(np.diff(drawn.image[:40].astype(int), axis=0)).sum(axis=(1, 2)) == 0).sum()
    assert same <= 0.1 * 160
