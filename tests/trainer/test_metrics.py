from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import metrics


def test_balanced_accuracy_leaves_out_classes_that_do_not_occur() -> None:
    counts = np.array([[3, 1, 0], [0, 0, 0], [1, 0, 1]])
    assert metrics.balanced_accuracy(counts) == pytest.approx((0.75 + 0.5) / 2)
    assert math.isnan(metrics.balanced_accuracy(np.zeros((2, 2), int)))
    assert metrics.accuracy(counts) == pytest.approx(4 / 6)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[bool, int]]) -> None:
    truth = np.array([t for t, _ in pairs])
    scores = np.array([s for _, s in pairs], float)
    if truth.all() or not truth.any():
        assert math.isnan(metrics.auc(truth, scores))
        return
    gaps = scores[truth][:, None] - scores[~truth][None]
    assert metrics.auc(truth, scores) == pytest.approx(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def test_precision_recall_by_hand() -> None:
    recall, precision = metrics.precision_recall(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    np.testing.assert_allclose(recall, [0.5, 0.5, 1])
    np.testing.assert_allclose(precision, [1, 0.5, 2 / 3])


def test_bootstrap_by_group_is_wider_than_by_image() -> None:
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1], 100).astype(np.int64)
    # Twenty people of ten images each; a person is right or wrong altogether.
    right = np.repeat(rng.random(20) < 0.7, 10)
    predicted = np.where(right, truth, 1 - truth)
    people = [str(number // 10) for number in range(200)]
    spread = [
        np.std(metrics.balanced_accuracy(metrics.resampled_confusions(truth, predicted, groups, 2)))
        for groups in (people, [str(number) for number in range(200)])
    ]
    assert spread[0] > 2 * spread[1]


def test_bootstrap_repeats_and_keeps_the_number_of_groups() -> None:
    truth = np.array([0, 1, 1, 0], np.int64)
    first = metrics.resampled_confusions(truth, truth, list("abcd"), 2, resamples=50)
    assert (first.sum(axis=(1, 2)) == 4).all()
    np.testing.assert_array_equal(first, metrics.resampled_confusions(truth, truth, list("abcd"), 2, resamples=50))


def test_calibration_of_a_model_that_is_too_sure() -> None:
    error, confidence, share, counts = metrics.calibration(np.array([True, False]), np.array([0.95, 0.95]), bins=10)
    assert error == pytest.approx(0.45)
    assert (confidence[9], share[9], counts[9], counts.sum()) == (pytest.approx(0.95), 0.5, 2, 2)


def test_mcnemar_counts_only_disagreements() -> None:
    a = np.array([True, True, False, True])
    assert metrics.mcnemar(a, a) == (0, 0, 1.0)
    assert metrics.mcnemar(a, ~a) == (3, 1, pytest.approx(0.625))


def test_threshold_lies_between_the_classes_and_ignores_one_odd_face() -> None:
    rng = np.random.default_rng(1)
    masked, bare = rng.uniform(0.6, 0.99, 200), rng.uniform(0.01, 0.2, 200)
    truth = np.repeat([True, False], 200)
    clean = metrics.choose_threshold(truth, np.concatenate([masked, bare]))
    assert 0.25 < clean < 0.6
    odd = metrics.choose_threshold(np.append(truth, False), np.concatenate([masked, bare, [0.999]]))
    assert odd == pytest.approx(clean, abs=0.02)
    assert metrics.choose_threshold(np.array([True]), np.array([0.9])) == 0.5


def test_few_faces_hardly_move_the_threshold() -> None:
    truth, scores = np.repeat([True, False], 5), np.repeat([0.3, 0.02], 5)
    few = metrics.choose_threshold(truth, scores)
    many = metrics.choose_threshold(np.tile(truth, 100), np.tile(scores, 100))
    assert many == pytest.approx(0.09, abs=0.02)
    assert 0.25 < few < 0.45


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32)), min_size=2, max_size=12))
def test_a_chosen_threshold_never_loses_to_one_half(faces: list[tuple[bool, float]]) -> None:
    truth = np.array([masked for masked, _ in faces])
    scores = np.array([score for _, score in faces], np.float32)
    if truth.all() or not truth.any():
        return
    chosen, half = (
        metrics.balanced_accuracy(metrics.confusion(truth.astype(int), (scores >= threshold).astype(int), 2))
        for threshold in (metrics.choose_threshold(truth, scores), 0.5)
    )
    assert chosen >= half


def test_a_threshold_that_lost_to_one_half() -> None:
    """Right about three of these ten at 0.235, which the smoothed scores ask for, and about five at 0.5."""
    masked, bare = [0.19, 0.8, 0.19, 0.08, 0.86], [0.86, 0.88, 0.47, 0.27, 0.01]
    assert metrics.choose_threshold(np.repeat([True, False], 5), np.array(masked + bare)) == 0.5


def test_interval_of_nothing_is_null_in_json() -> None:
    assert metrics.interval(math.nan, np.array([math.nan])).to_json() == {"value": None, "low": None, "high": None}
    assert metrics.wilson(0, 0).to_json()["value"] is None
