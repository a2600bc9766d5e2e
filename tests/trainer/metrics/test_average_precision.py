from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from trainer.metrics.average_precision import Found, curve, match, mean_average_precision
from trainer.metrics.detection import coco_figures


def found(
    boxes: list[list[float]],
    scores: list[float],
    faces: list[list[float]],
    labels: list[int] | None = None,
    face_labels: list[int] | None = None,
    counts: list[bool] | None = None,
) -> Found:
    return Found(
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(labels or [0] * len(boxes), np.int64),
        np.array(scores, np.float64),
        np.array(faces, np.float64).reshape(-1, 4),
        np.array(face_labels or [0] * len(faces), np.int64),
        np.array([True] * len(faces) if counts is None else counts, bool),
    )


FACE, OTHER, NOWHERE = [0, 0, 20, 20], [50, 0, 90, 40], [200, 200, 220, 220]


def test_all_found_is_one() -> None:
    assert curve([found([FACE, OTHER], [0.9, 0.8], [FACE, OTHER])], 0).average_precision == pytest.approx(1)


def test_a_false_alarm_before_the_second_face() -> None:
    got = curve([found([FACE, NOWHERE, OTHER], [0.9, 0.8, 0.7], [FACE, OTHER])], 0)
    # Recall 0 to 0.5 at precision 1 (51 of COCO's 101 points), the rest at 2/3.
    assert got.average_precision == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert got.recall.tolist() == [0.5, 0.5, 1]


def test_a_second_box_on_a_face_is_a_false_alarm() -> None:
    assert match(
        np.array([FACE, FACE], float), np.array([0.9, 0.8]), np.array([FACE], float), np.array([True]), 0.5
    ).tolist() == [1, 0]


def test_an_ignored_face_is_no_miss_and_excuses_its_box() -> None:
    got = curve([found([FACE, OTHER], [0.9, 0.8], [FACE, OTHER], counts=[False, True])], 0)
    assert (got.faces, got.average_precision) == (1, pytest.approx(1))


def test_a_small_face_is_ignored_from_a_size_on() -> None:
    one = found([OTHER], [0.8], [FACE, OTHER])
    assert curve([one], 0).average_precision == pytest.approx(51 / 101)
    assert curve([one], 0, least_px=24).average_precision == pytest.approx(1)
    # A false alarm below the size does not count either.
    small = found([OTHER, NOWHERE], [0.8, 0.9], [OTHER])
    assert curve([small], 0, least_px=24).average_precision == pytest.approx(1)
    assert curve([small], 0).average_precision == pytest.approx(0.5)


def test_the_label_must_be_right_but_for_any() -> None:
    one = found([FACE], [0.9], [FACE], labels=[1])
    assert curve([one], 0).average_precision == 0
    assert curve([one], None).average_precision == pytest.approx(1)


def test_nothing_found_and_nothing_there() -> None:
    assert curve([found([], [], [FACE])], 0).average_precision == 0
    assert np.isnan(curve([found([FACE], [0.9], [])], 0).average_precision)
    assert mean_average_precision([found([FACE], [0.9], [FACE])], 2) == pytest.approx(1)  # label 1 has no face


def test_recall_at_one_false_alarm_a_picture() -> None:
    boxes = [FACE, NOWHERE, [300, 0, 320, 20], OTHER]
    got = curve([found(boxes, [0.9, 0.8, 0.7, 0.6], [FACE, OTHER])], None)
    assert got.recall_at_one == 0.5
    assert curve([found(boxes, [0.9, 0.8, 0.7, 0.6], [FACE, OTHER]), found([], [], [])], None).recall_at_one == 1


def test_it_agrees_with_pycocotools() -> None:
    rng = np.random.default_rng(5)
    pictures = []
    for _ in range(30):
        corners = rng.uniform(0, 300, (6, 2))
        faces = np.concatenate([corners, corners + rng.uniform(10, 80, (6, 1))], axis=1)
        shaken = faces + rng.normal(0, 4, faces.shape)
        kept = rng.random(6) < 0.8
        labels = rng.integers(0, 2, 6)
        said = np.where(rng.random(6) < 0.85, labels, 1 - labels)
        scores = rng.random(6)
        pictures.append(
            found(shaken[kept].tolist(), scores[kept].tolist(), faces.tolist(), said[kept].tolist(), labels.tolist())
        )
    theirs = coco_figures(pictures, ("with_mask", "without_mask"))
    assert mean_average_precision(pictures, 2) == pytest.approx(theirs["AP50"], abs=1e-6)


def test_it_agrees_with_pycocotools_about_faces_to_be_ignored() -> None:
    rng = np.random.default_rng(6)
    pictures = []
    for _ in range(40):
        places = rng.permutation(16)[:6]
        corners = np.stack([places % 4, places // 4], 1) * 100.0 + rng.uniform(0, 15, (6, 2))
        faces = np.concatenate([corners, corners + rng.uniform(20, 80, (6, 1))], axis=1)
        shaken = faces + rng.normal(0, 3, faces.shape)
        labels, counts = rng.integers(0, 2, 6), rng.random(6) < 0.6
        said = np.where(rng.random(6) < 0.8, labels, 1 - labels)
        pictures.append(
            found(
                shaken.tolist(), rng.random(6).tolist(), faces.tolist(), said.tolist(), labels.tolist(), counts.tolist()
            )
        )
    theirs = coco_figures(pictures, ("with_mask", "without_mask"))
    assert mean_average_precision(pictures, 2) == pytest.approx(theirs["AP50"], abs=1e-6)
    everything = [dataclasses.replace(one, counts=np.ones_like(one.counts)) for one in pictures]
    assert mean_average_precision(everything, 2) != pytest.approx(theirs["AP50"], abs=0.02)
