from __future__ import annotations

import json
import pickle

import albumentations
import numpy as np
from drawn_face import photo, turned_landmarks

from maskgen.adapters.albumentations import MaskPeople
from maskgen.types import LABELS

LANDMARKS = turned_landmarks(0)


def _pipeline(**options: object) -> albumentations.Compose:
    return albumentations.Compose(
        [MaskPeople(masks=["surgical"], **options)],
        bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["labels"]),
        keypoint_params=albumentations.KeypointParams("xy"),
        seed=3,
    )


def test_boxes_keypoints_and_masks_stay_right() -> None:
    picture, segments = photo(), np.ones((240, 240), np.uint8)
    box, points = [60.0, 50.0, 180.0, 200.0], [(100.0, 90.0), (140.0, 90.0)]
    given = {"image": picture, "mask": segments, "bboxes": [box], "labels": [1], "keypoints": points, "face": LANDMARKS}
    drawn = _pipeline(fill_mask=7)(**given, mask_label=-1)
    assert np.allclose(drawn["bboxes"], [box])
    assert np.allclose(drawn["keypoints"], points)
    assert LABELS[drawn["mask_label"]] == "with_mask"
    x, y = LANDMARKS[62].astype(int)
    assert drawn["mask"][y, x] == 7
    assert drawn["mask"][5, 5] == 1
    assert (drawn["image"][y, x] != picture[y, x]).any()
    assert (_pipeline()(**given)["mask"] == 1).all()
    assert np.array_equal(drawn["image"], _pipeline()(**given)["image"])


def test_no_face_leaves_all_as_it_was() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    drawn = _pipeline()(image=grey, bboxes=[], labels=[], keypoints=[], face=np.zeros((68, 2)), mask_label=-1)
    assert np.array_equal(drawn["image"], grey)
    assert drawn["mask_label"] == -1


def test_it_is_serialisable_and_travels() -> None:
    transform = MaskPeople(masks=["kn95"], wears={"nose_out": 1.0}, label="incorrect_mask", p=0.7)
    data = json.loads(json.dumps(albumentations.to_dict(transform)))
    for again in (albumentations.from_dict(data), pickle.loads(pickle.dumps(transform))):
        assert type(again) is MaskPeople
        assert (again.masks, again.wears, again.label, again.p) == (["kn95"], {"nose_out": 1.0}, "incorrect_mask", 0.7)
