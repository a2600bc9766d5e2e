"""How good a classifier's answers are: plain arithmetic on arrays, nothing read, nothing drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES: Final = 2000
"""Bootstrap resamples; the 2.5 % quantile then rests on 50 of them."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval; NaN where there is nothing to measure."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        return {name: clean(getattr(self, name)) for name in ("value", "low", "high")}


def clean(value: float, digits: int = 6) -> float | None:
    """A number for JSON: rounded, and None for NaN.

    >>> clean(float("nan")) is None, clean(0.12345678)
    (True, 0.123457)
    """
    return round(float(value), digits) if math.isfinite(value) else None


def confusion(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """(C, C) counts, rows true, columns predicted.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(counts: NDArray[Any]) -> Any:
    """Mean recall over the classes that occur, from (..., C, C) counts.

    >>> float(balanced_accuracy(np.array([[3, 1], [0, 4]])))
    0.875
    """
    totals = counts.sum(axis=-1)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    recall = np.where(totals > 0, hits / np.maximum(totals, 1), np.nan)
    present = np.maximum((totals > 0).sum(axis=-1), 1)
    return np.where((totals > 0).any(axis=-1), np.nansum(recall, axis=-1) / present, np.nan)


def accuracy(counts: NDArray[Any]) -> Any:
    """Share of right answers, from (..., C, C) counts."""
    totals = counts.sum(axis=(-1, -2))
    hits = np.diagonal(counts, axis1=-2, axis2=-1).sum(axis=-1)
    return np.where(totals > 0, hits / np.maximum(totals, 1), np.nan)


def resampled_confusions(
    truth: Ints, predicted: Ints, groups: Sequence[str], classes: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Ints:
    """Confusion counts of bootstrap samples drawn by group, not by image.

    Images of one person stand or fall together; drawing them one by one would
    make the intervals too narrow.

    Returns:
        (R, C, C) counts.

    Source:
        Field and Welsh, "Bootstrapping clustered data", JRSS B 69, 2007.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    cells = np.zeros((len(names), classes * classes), np.int64)
    rows = np.array([names[name] for name in groups], dtype=np.int64)
    np.add.at(cells, (rows, truth * classes + predicted), 1)
    rng = np.random.default_rng(seed)
    found = np.empty((resamples, classes * classes), np.int64)
    step = max(1, 4_000_000 // max(1, len(names)))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        weights = rng.multinomial(len(names), np.full(len(names), 1 / max(1, len(names))), size=count)
        found[start : start + count] = weights @ cells
    return found.reshape(resamples, classes, classes)


def interval(value: float, samples: NDArray[Any]) -> Interval:
    """A figure and the middle 95 % of its resampled values."""
    usable = samples[np.isfinite(samples)]
    if not len(usable) or not math.isfinite(value):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(usable, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))


def wilson(hits: int, count: int) -> Interval:
    """A share and its 95 % score interval, which is honest for few images and for 100 %.

    >>> i = wilson(10, 10); round(i.low, 3), i.high
    (0.722, 1.0)

    Source:
        Wilson, "Probable inference, the law of succession", JASA 22, 1927.
    """
    if count == 0:
        return Interval(math.nan, math.nan, math.nan)
    z = 1.959964
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return Interval(share, max(0.0, middle - half), 1.0 if hits == count else min(1.0, middle + half))


def roc(truth: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """False positive rate, true positive rate and threshold, from strict to lenient."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = np.asarray(scores, np.float64)[order], truth[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_scores)), len(hits) - 1) if len(hits) else np.empty(0, np.int64)
    true_positives, false_positives = np.cumsum(hits)[ends], np.cumsum(~hits)[ends]
    positives, negatives = max(1, int(truth.sum())), max(1, int((~truth).sum()))
    return (
        np.concatenate([[0.0], false_positives / negatives]),
        np.concatenate([[0.0], true_positives / positives]),
        np.concatenate([[math.inf], sorted_scores[ends]]),
    )


def auc(truth: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """Area under the ROC curve; NaN with one class only.

    >>> auc(np.array([True, True, False]), np.array([0.9, 0.4, 0.4]))
    0.75
    """
    if truth.all() or not truth.any():
        return math.nan
    x, y, _ = roc(truth, scores)
    return float(np.trapezoid(y, x))


def precision_recall(truth: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[Floats, Floats]:
    """Recall and precision, from strict to lenient thresholds."""
    _, recall, thresholds = roc(truth, scores)
    counts = np.searchsorted(np.sort(-np.asarray(scores, np.float64)), -thresholds[1:], side="right")
    hits = recall[1:] * truth.sum()
    return recall[1:], hits / np.maximum(counts, 1)


def calibration(
    right: NDArray[np.bool_], confidence: NDArray[Any], bins: int = 15
) -> tuple[float, Floats, Floats, Ints]:
    """Expected calibration error, and per bin mean confidence, accuracy and count.

    Args:
        right: whether each answer is right.
        confidence: how sure the model was of it, in [0, 1].
        bins: of equal width.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    place = np.clip((np.asarray(confidence) * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=np.asarray(confidence, np.float64), minlength=bins)
    hits = np.bincount(place, weights=right.astype(np.float64), minlength=bins)
    with np.errstate(invalid="ignore"):
        mean, share = sums / counts, hits / counts
    gaps = np.where(counts > 0, np.abs(np.nan_to_num(mean) - np.nan_to_num(share)), 0)
    return float((gaps * counts).sum() / max(1, counts.sum())), mean, share, counts


def mcnemar(right: NDArray[np.bool_], other_right: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Whether two models differ on the same images: exact two-sided McNemar test.

    Returns:
        Images only the first gets right, images only the other gets right, p.

    >>> mcnemar(np.array([True] * 6), np.array([False] * 6))
    (6, 0, 0.03125)

    Source:
        McNemar, Psychometrika 12, 1947; exact form by the binomial law.
    """
    first, other = int((right & ~other_right).sum()), int((~right & other_right).sum())
    total = first + other
    tail = sum(math.comb(total, k) for k in range(min(first, other) + 1))
    return first, other, min(1.0, 2 * tail / 2**total)


UNSEEN: Final = 10
"""Faces of each class that a threshold is chosen as if they had asked for 0.5.

Of what five faces of a class ask for, a third is granted, of 400's 98 %. Without
it a newcomer's run with ten validation images got a threshold of 0.13."""


def choose_threshold(truth: NDArray[np.bool_], scores: NDArray[Any], bandwidth: float = 0.75) -> float:
    """The threshold on P(with_mask) with the best smoothed balanced accuracy.

    Every score counts as a normal distribution of log-odds around itself, so
    that one odd face among few does not decide, and a stretch where all
    thresholds are equally good gives its middle. Few faces say little: the
    log-odds are drawn to those of 0.5 as if ``UNSEEN`` faces of each class had
    asked for it. Kept within [0.02, 0.98], and never one that is right about
    these faces less often than 0.5 is.

    Args:
        truth: (N,) whether it is with_mask.
        scores: (N,) P(with_mask).
        bandwidth: standard deviation of a score, in log-odds.

    >>> choose_threshold(np.array([True, True, False, False]), np.array([0.8, 0.7, 0.3, 0.2]))
    0.5
    """
    if truth.all() or not truth.any():
        return 0.5
    limit = math.log(0.98 / 0.02)
    cuts = np.linspace(-limit, limit, 401)
    # A histogram stands for the scores: N could be a million.
    edges = np.linspace(-17, 17, 1361)
    odds = np.clip(_log_odds(np.asarray(scores, np.float64)), -16.9, 16.9)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.vectorize(math.erf)((cuts[:, None] - middles) / (bandwidth * math.sqrt(2))) / 2 + 0.5
    masked, bare = (np.histogram(odds[chosen], edges)[0] / chosen.sum() for chosen in (truth, ~truth))
    score = (1 - below) @ masked + below @ bare
    best = cuts[score >= score.max() - 1e-6]
    faces = int(min(truth.sum(), (~truth).sum()))
    odds_at = float(best.mean()) * faces / (faces + UNSEEN)
    found = float(round(1 / (1 + math.exp(-odds_at)), 3))
    # What is best of smoothed scores, then drawn halfway to 0.5, may be worse than either end.
    return found if _recalls(truth, scores, found) >= _recalls(truth, scores, 0.5) else 0.5


def _recalls(truth: NDArray[np.bool_], scores: NDArray[Any], threshold: float) -> float:
    """Balanced accuracy of ``scores >= threshold``, as ``trainer.bundle.predicted_labels`` decides."""
    masked = np.asarray(scores) >= threshold
    return float((masked[truth].mean() + (~masked)[~truth].mean()) / 2)


def _log_odds(values: Floats) -> Floats:
    values = np.clip(values, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(values / (1 - values)))
