from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from trainer.metrics.average_precision import Found, coco_figures, curve, curves, mean_average_precision


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
    got = curve([found([FACE, FACE], [0.9, 0.8], [FACE])], 0)
    assert (got.recall.tolist(), got.precision.tolist(), got.scores.tolist()) == ([1, 1], [1, 0.5], [0.9, 0.8])


def test_the_best_box_takes_the_face_it_overlaps_most_and_one_that_counts_first() -> None:
    near = [2, 0, 22, 20]
    got = curve([found([FACE, near], [0.9, 0.8], [near, FACE])], 0)
    assert got.precision.tolist() == [1, 1]
    # It lies wholly on the face to be ignored, and takes the other.
    got = curve([found([FACE], [0.9], [FACE, near], counts=[False, True])], 0)
    assert (got.faces, got.recall.tolist()) == (1, [1])


def test_any_number_of_boxes_may_lie_on_an_ignored_region() -> None:
    within = [[0, 0, 8, 8], [10, 0, 20, 12], [100, 100, 120, 120]]
    got = curve([found([*within, OTHER], [0.9, 0.8, 0.7, 0.6], [FACE, OTHER], counts=[False, True])], 0)
    assert got.precision.tolist() == [0, 0.5]  # the third box and the face; the two within are left out
    # Half of it outside: at an overlap of 0.75 too, half within is enough.
    half = found([[10, 0, 29, 20], OTHER], [0.9, 0.6], [FACE, OTHER], counts=[False, True])
    assert curve([half], 0, iou=0.75).average_precision == pytest.approx(1)
    beyond = found([[12, 0, 29, 20], OTHER], [0.9, 0.6], [FACE, OTHER], counts=[False, True])
    assert curve([beyond], 0, iou=0.75).average_precision == pytest.approx(0.5)


def test_the_mean_over_overlaps_by_hand() -> None:
    # The box covers 0.72 of the face: right at overlaps of 0.5 to 0.7, five of COCO's ten.
    one = found([[0, 0, 100, 72]], [0.9], [[0, 0, 100, 100]])
    overlaps = np.arange(0.5, 0.96, 0.05)
    assert mean_average_precision([one], 1, ious=overlaps) == pytest.approx(0.5)
    assert coco_figures([one], ("with_mask",))["AP"] == pytest.approx(0.5)
    # At 16 px and more its twin in the small is left out, above and below alike.
    small = found([[0, 0, 10, 10], NOWHERE], [0.9, 0.8], [[0, 0, 10, 10], NOWHERE])
    assert mean_average_precision([small], 1, least_px=16) == pytest.approx(1)
    assert curve([small], 0, most_px=16).faces == 1
    assert curve([small], 0, least_px=10, most_px=20).faces == 1  # 20 itself is beyond


def test_many_labels_at_once_are_the_same_as_one_by_one() -> None:
    pictures = [found([FACE, OTHER], [0.9, 0.8], [FACE, OTHER], labels=[0, 1], face_labels=[0, 0])]
    together = curves(pictures, (0, 1, None))
    assert [one.average_precision for one in together] == pytest.approx([51 / 101, np.nan, 1], nan_ok=True)
    assert curves([], (0,))[0].faces == 0


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


def test_it_agrees_with_cocos_own_rules() -> None:
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


def test_it_agrees_with_cocos_own_rules_about_faces_to_be_ignored() -> None:
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
