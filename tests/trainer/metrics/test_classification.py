from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from trainer.metrics import classification


def test_confusion_has_a_row_for_classes_that_do_not_occur() -> None:
    truth, said = np.array([0, 0, 2]), np.array([0, 2, 2])
    assert classification.confusion(truth, said, 3).tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert classification.confusion(truth[:0], said[:0], 2).tolist() == [[0, 0], [0, 0]]


def test_roc_by_hand() -> None:
    truth, scores = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.8, 0.1])
    false_positives, true_positives, thresholds = classification.roc(truth, scores)
    np.testing.assert_allclose(false_positives, [0, 0, 0.5, 1])
    np.testing.assert_allclose(true_positives, [0, 0.5, 1, 1])
    np.testing.assert_allclose(thresholds, [np.inf, 0.9, 0.8, 0.1])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[bool, int]]) -> None:
    truth = np.array([t for t, _ in pairs])
    scores = np.array([s for _, s in pairs], float)
    if truth.all() or not truth.any():
        assert math.isnan(classification.auc(truth, scores))
        return
    gaps = scores[truth][:, None] - scores[~truth][None]
    assert classification.auc(truth, scores) == pytest.approx(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def test_precision_recall_by_hand() -> None:
    recall, precision = classification.precision_recall(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    np.testing.assert_allclose(recall, [0.5, 0.5, 1])
    np.testing.assert_allclose(precision, [1, 0.5, 2 / 3])


def test_wilson_is_scipys() -> None:
    for hits, count in ((0, 7), (3, 7), (7, 7), (998, 1000)):
        theirs = stats.binomtest(hits, count).proportion_ci(method="wilson")
        mine = classification.wilson(hits, count)
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_answers_of_one_person_are_not_independent() -> None:
    rng = np.random.default_rng(0)
    # Twenty people of ten images each; a person is right or wrong altogether.
    right = np.repeat(rng.random(20) < 0.7, 10)
    people, alone = [str(number // 10) for number in range(200)], [str(number) for number in range(200)]
    wide, narrow = classification.share_right(right, people), classification.share_right(right, alone)
    assert wide.value == narrow.value == right.mean()
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert narrow.low == pytest.approx(classification.wilson(int(right.sum()), 200).low, abs=0.002)


@pytest.mark.parametrize("images", [10, 1000])
def test_no_interval_closes_at_hundred_per_cent(images: int) -> None:
    truth = np.tile([0, 1], images // 2).astype(np.int64)
    for people, least in ((images, 0.2 / images), (5, 0.1)):
        groups = [str(number % people) for number in range(images)]
        for found in (
            classification.share_right(truth == truth, groups),
            classification.balanced_share_right(truth, truth, groups, 2),
        ):
            assert (found.value, found.high) == (1.0, 1.0)
            assert 1 - found.low > least
        gap = classification.balanced_gap(truth, truth, truth, groups, 2)
        assert gap.value == 0
        assert gap.low < -least < least < gap.high


def test_recalls_that_move_together_widen_the_balanced_accuracy() -> None:
    rng = np.random.default_rng(1)
    bad = rng.random(100) < 0.1  # a hundred people, masked and bare: wrong in both or in neither
    truth = np.tile([0, 1], 100).astype(np.int64)
    people = np.repeat(np.arange(100), 2).astype(str).tolist()
    together = np.where(np.repeat(bad, 2), 1 - truth, truth)
    apart = truth.copy()
    apart[np.flatnonzero(bad) * 2] = 1
    apart[(np.flatnonzero(bad) + 1) % 100 * 2 + 1] = 0
    wide, narrow = (classification.balanced_share_right(truth, said, people, 2) for said in (together, apart))
    assert wide.value == narrow.value
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


@pytest.mark.parametrize(("share", "people"), [(0.97, 1), (0.9, 1), (0.97, 5), (0.8, 5)])
def test_intervals_hold_the_truth_as_often_as_they_say(share: float, people: int) -> None:
    """Of simulated sets of 200 images, ``people`` each of one person, at least 92 % (95 % but for chance)."""
    rng = np.random.default_rng(3)
    truth = np.tile([0, 1], 100).astype(np.int64)
    groups = [str(number // people) for number in range(200)]
    held = 0
    for _ in range(300):
        own = rng.beta(share * 4, (1 - share) * 4, 200 // people) if people > 1 else np.full(200, share)
        right = rng.random(200) < np.repeat(own, people)
        found = classification.balanced_share_right(truth, np.where(right, truth, 1 - truth), groups, 2)
        held += found.low <= share <= found.high
    assert held / 300 > 0.92


def test_the_gap_of_two_models_by_hand() -> None:
    truth = np.repeat([0, 1], 50).astype(np.int64)
    other = truth.copy()
    other[:5] = 1  # five masked faces that only this model gets right
    gap = classification.balanced_gap(truth, truth, other, [str(number) for number in range(100)], 2)
    assert gap.value == pytest.approx(0.05)
    # Bonett and Price: 5 and 0 of 50 become 6 and 1 of 52; 0 and 0 become 1 and 1.
    spread = np.sqrt(sum((a + b) / 52 - ((a - b) / 52) ** 2 for a, b in ((6, 1), (1, 1))) / 52) / 2
    assert gap.low == pytest.approx(5 / 52 / 2 - 1.96 * spread, abs=1e-3)
    back = classification.balanced_gap(truth, other, truth, [str(number) for number in range(100)], 2)
    assert (back.low, back.high) == pytest.approx((-gap.high, -gap.low))


def test_calibration_of_a_model_that_is_too_sure() -> None:
    error, confidence, share, counts = classification.calibration(
        np.array([True, False]), np.array([0.95, 0.95]), bins=10
    )
    assert error == pytest.approx(0.45)
    assert (confidence[9], share[9], counts[9], counts.sum()) == (pytest.approx(0.95), 0.5, 2, 2)
    assert classification.calibration(np.array([True]), np.array([1.0]))[0] == 0  # sure to the brim, and right
    assert classification.calibration(np.zeros(0, bool), np.zeros(0))[0] == 0


def test_mcnemar_counts_only_disagreements() -> None:
    a = np.array([True, True, False, True])
    assert classification.mcnemar(a, a) == (0, 0, 1.0)
    assert classification.mcnemar(a, ~a) == (3, 1, pytest.approx(0.625))


def test_threshold_lies_between_the_classes_and_ignores_one_odd_face() -> None:
    rng = np.random.default_rng(1)
    masked, bare = rng.uniform(0.6, 0.99, 200), rng.uniform(0.01, 0.2, 200)
    truth = np.repeat([True, False], 200)
    clean = classification.choose_threshold(truth, np.concatenate([masked, bare]))
    assert 0.25 < clean < 0.6
    odd = classification.choose_threshold(np.append(truth, False), np.concatenate([masked, bare, [0.999]]))
    assert odd == pytest.approx(clean, abs=0.02)
    assert classification.choose_threshold(np.array([True]), np.array([0.9])) == 0.5


def test_few_faces_hardly_move_the_threshold() -> None:
    truth, scores = np.repeat([True, False], 5), np.repeat([0.3, 0.02], 5)
    few = classification.choose_threshold(truth, scores)
    many = classification.choose_threshold(np.tile(truth, 100), np.tile(scores, 100))
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
        balanced_accuracy_score(truth, scores >= threshold)
        for threshold in (classification.choose_threshold(truth, scores), 0.5)
    )
    assert chosen >= half


def test_a_threshold_that_lost_to_one_half() -> None:
    """Right about three of these ten at 0.235, which the smoothed scores ask for, and about five at 0.5."""
    masked, bare = [0.19, 0.8, 0.19, 0.08, 0.86], [0.86, 0.88, 0.47, 0.27, 0.01]
    assert classification.choose_threshold(np.repeat([True, False], 5), np.array(masked + bare)) == 0.5


def test_interval_of_nothing_is_null_in_json() -> None:
    nothing = np.zeros(0, np.int64)
    for found in (
        classification.wilson(0, 0),
        classification.share_right(nothing == 1, []),
        classification.balanced_share_right(nothing, nothing, [], 2),
        classification.balanced_gap(nothing, nothing, nothing, [], 2),
    ):
        assert found.to_json() == {"value": None, "low": None, "high": None}
