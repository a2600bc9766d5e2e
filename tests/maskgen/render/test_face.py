from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_face import SIDE, face, photo, template, turned_landmarks

from maskgen.render import camera
from maskgen.render.face import render, render_scene
from maskgen.render.measures import gate
from maskgen.render.params import CropParams, ImageParams, MaskParams, TurnParams
from maskgen.render.region import crop_region, cut
from maskgen.render.sampling import SamplingSettings, draw, image_rng
from maskgen.types import LABELS

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


def test_both_classes_share_their_crop() -> None:
    masked = render(photo(), face(), MASKED, WARDROBE)
    bare = render(photo(), face(), replace(MASKED, label="without_mask", mask=None), WARDROBE)
    assert np.array_equal(masked.image[:30], bare.image[:30])


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
