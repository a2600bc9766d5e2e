"""Classification metrics: scikit-learn's and scipy's behind our names, and intervals for images that come in groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Z: Final = 1.959964
"""Standard deviations within which a normal distribution has 95 % of itself."""


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
    """Confusion matrix: (C, C) counts, rows true, columns predicted.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    from sklearn.metrics import confusion_matrix

    if not len(truth):
        return np.zeros((classes, classes), np.int64)
    return np.asarray(confusion_matrix(truth, predicted, labels=range(classes)), np.int64)


def wilson(hits: float, count: float) -> Interval:
    """Wilson score interval of a share at 95 %, which is honest for few images and for 100 %.

    >>> i = wilson(10, 10); round(i.low, 3), i.high
    (0.722, 1.0)

    Source:
        Wilson, "Probable inference, the law of succession", JASA 22, 1927.
    """
    if count == 0:
        return Interval(math.nan, math.nan, math.nan)
    share = hits / count
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Interval(share, 0.0 if hits == 0 else low, 1.0 if hits == count else high)


def share_right(right: NDArray[np.bool_], groups: Sequence[str]) -> Interval:
    """Accuracy with an interval for clustered images: answers of one group stand or fall together.

    Wilson's interval, with as many answers as there would be if they were independent. How much the answers of a
    group hang together is estimated as if there were one group more that is right and one that is wrong altogether,
    so that no interval closes where all answers are right.

    Args:
        right: (N,) whether each answer is right.
        groups: (N,) the person or photo of each.

    >>> i = share_right(np.ones(100, bool), ["anna"] * 50 + ["ben"] * 50); round(i.low, 2), i.high
    (0.44, 1.0)

    Source:
        Korn and Graubard, "Confidence intervals for proportions with small expected number of positive counts",
        Survey Methodology 24, 1998; with Wilson's interval as in Franco et al., JSSAM 7, 2019.
    """
    hits, sizes = _by_group(right, np.zeros(len(right), np.int64), groups, 1)
    return _grouped(hits.sum(axis=1), sizes.sum(axis=1))


def balanced_share_right(truth: Ints, predicted: Ints, groups: Sequence[str], classes: int) -> Interval:
    """Balanced accuracy with its interval: those of the recalls, put together.

    A class's interval is ``share_right``'s; how the recalls move together, by person, widens the whole.

    Args:
        truth, predicted: (N,) class numbers.
        groups: (N,) the person or photo of each.
        classes: how many there are; those that do not occur are left out.

    Source:
        Zou and Donner, "Construction of confidence limits about effect measures" (MOVER),
        Statistics in Medicine 27, 2008.
    """
    hits, sizes = _by_group(truth == predicted, truth, groups, classes)
    if not sizes.size:
        return Interval(math.nan, math.nan, math.nan)
    each = [_grouped(hits[:, number], sizes[:, number]) for number in range(hits.shape[1])]
    recall = np.array([item.value for item in each])
    residuals = hits - recall * sizes
    together = residuals.T @ residuals
    spread = np.sqrt(np.diag(together))
    correlation = together / np.maximum(np.outer(spread, spread), 1e-12)
    np.fill_diagonal(correlation, 1)
    value = float(recall.mean())
    below, above = (
        math.sqrt(max(0.0, gaps @ correlation @ gaps)) / len(each)
        for gaps in (recall - [item.low for item in each], np.array([item.high for item in each]) - recall)
    )
    return Interval(value, max(0.0, value - below), min(1.0, value + above))


def balanced_gap(truth: Ints, predicted: Ints, other: Ints, groups: Sequence[str], classes: int) -> Interval:
    """Paired difference of two models' balanced accuracies on the same images, with its interval.

    In every class there are, for the interval, two groups more: one that only this model gets right, one that only
    the other does. So it does not close where the two agree throughout.

    Args:
        truth: (N,) class numbers.
        predicted, other: (N,) what the two say.
        groups: (N,) the person or photo of each.
        classes: how many there are.

    Source:
        Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
        data", JEBS 37, 2012, with groups in place of images.
    """
    mine, sizes = _by_group(truth == predicted, truth, groups, classes)
    yours, _ = _by_group(truth == other, truth, groups, classes)
    if not sizes.size:
        return Interval(math.nan, math.nan, math.nan)
    count, people = sizes.sum(axis=0), (sizes > 0).sum(axis=0)
    more = count / people
    gaps = (mine - yours).sum(axis=0)
    smoothed = gaps / (count + 2 * more)
    residuals = (mine - yours - smoothed * sizes) / (count + 2 * more)
    covariance = residuals.T @ residuals + np.diag(2 * (more / (count + 2 * more)) ** 2)
    half = Z * math.sqrt(float(covariance.sum())) / len(count)
    value, middle = float((gaps / count).mean()), float(smoothed.mean())
    return Interval(value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half)))


def _by_group(right: NDArray[np.bool_], truth: Ints, groups: Sequence[str], classes: int) -> tuple[Floats, Floats]:
    """(G, C) right answers and images of every group, of the classes that occur."""
    names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    rows = np.array([names[name] for name in groups], dtype=np.int64)
    sizes, hits = np.zeros((len(names), classes)), np.zeros((len(names), classes))
    np.add.at(sizes, (rows, truth), 1.0)
    np.add.at(hits, (rows, truth), right.astype(np.float64))
    occurs = sizes.sum(axis=0) > 0
    return hits[:, occurs], sizes[:, occurs]


def _grouped(hits: Floats, sizes: Floats) -> Interval:
    """Wilson's interval of a share, from right answers and images by group."""
    hits, sizes = hits[sizes > 0], sizes[sizes > 0]
    count = float(sizes.sum())
    if not count:
        return Interval(math.nan, math.nan, math.nan)
    mean = count / len(sizes)
    more_hits, more_sizes = np.append(hits, [mean, 0.0]), np.append(sizes, [mean, mean])
    share, number = more_hits.sum() / more_sizes.sum(), len(more_sizes)
    variance = number / (number - 1) * ((more_hits - share * more_sizes) ** 2).sum() / more_sizes.sum() ** 2
    independent = min(count, float(share * (1 - share) / variance))
    value = float(hits.sum()) / count
    return wilson(value * independent, independent)


def roc(truth: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """ROC curve: false positive rate, true positive rate and threshold, from strict to lenient."""
    from sklearn.metrics import roc_curve

    false_positives, true_positives, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    return false_positives, true_positives, thresholds


def auc(truth: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """Area under the ROC curve; NaN with one class only.

    >>> auc(np.array([True, True, False]), np.array([0.9, 0.4, 0.4]))
    0.75
    """
    from sklearn.metrics import roc_auc_score

    if truth.all() or not truth.any():
        return math.nan
    return float(roc_auc_score(truth, scores))


def precision_recall(truth: NDArray[np.bool_], scores: NDArray[Any]) -> tuple[Floats, Floats]:
    """Recall and precision, from strict to lenient thresholds."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores)
    return recall[-2::-1], precision[-2::-1]  # without scikit-learn's end point at recall 0


def calibration(
    right: NDArray[np.bool_], confidence: NDArray[Any], bins: int = 15
) -> tuple[float, Floats, Floats, Ints]:
    """Expected calibration error (ECE), and per bin mean confidence, accuracy and count.

    Args:
        right: whether each answer is right.
        confidence: how sure the model was of it, in [0, 1].
        bins: of equal width.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    from scipy.stats import binned_statistic

    if not len(right):
        return 0.0, np.full(bins, np.nan), np.full(bins, np.nan), np.zeros(bins, np.int64)
    values = np.stack([np.asarray(confidence, np.float64), right.astype(np.float64)])
    counts, *_ = binned_statistic(values[0], None, "count", bins, (0, 1))
    (mean, share), *_ = binned_statistic(values[0], values, "mean", bins, (0, 1))
    error = float(np.nansum(np.abs(mean - share) * counts) / counts.sum())
    return error, mean, share, counts.astype(np.int64)


def mcnemar(right: NDArray[np.bool_], other_right: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Exact two-sided McNemar test: whether two models differ on the same images.

    Returns:
        Images only the first gets right, images only the other gets right, p.

    >>> mcnemar(np.array([True] * 6), np.array([False] * 6))
    (6, 0, 0.03125)

    Source:
        McNemar, Psychometrika 12, 1947; exact form by the binomial law.
    """
    from scipy.stats import binomtest

    first, other = int((right & ~other_right).sum()), int((~right & other_right).sum())
    return first, other, float(binomtest(first, first + other).pvalue) if first + other else 1.0


UNSEEN: Final = 10
"""Faces of each class that a threshold is chosen as if they had asked for 0.5.

Of what five faces of a class ask for, a third is granted, of 400's 98 %. Without
it a newcomer's run with ten validation images got a threshold of 0.13."""


def choose_threshold(truth: NDArray[np.bool_], scores: NDArray[Any], bandwidth: float = 0.75) -> float:
    """Decision threshold on P(with_mask) with the best smoothed balanced accuracy.

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
    from scipy.special import expit, logit, ndtr

    if truth.all() or not truth.any():
        return 0.5
    limit = logit(0.98)
    cuts = np.linspace(-limit, limit, 401)
    # A histogram stands for the scores: N could be a million.
    edges = np.linspace(-17, 17, 1361)
    odds = np.clip(logit(np.clip(np.asarray(scores, np.float64), 1e-7, 1 - 1e-7)), -16.9, 16.9)
    middles = (edges[:-1] + edges[1:]) / 2
    below = ndtr((cuts[:, None] - middles) / bandwidth)
    masked, bare = (np.histogram(odds[chosen], edges)[0] / chosen.sum() for chosen in (truth, ~truth))
    score = (1 - below) @ masked + below @ bare
    best = cuts[score >= score.max() - 1e-6]
    faces = int(min(truth.sum(), (~truth).sum()))
    odds_at = float(best.mean()) * faces / (faces + UNSEEN)
    found = round(float(expit(odds_at)), 3)
    # What is best of smoothed scores, then drawn halfway to 0.5, may be worse than either end.
    return found if _recalls(truth, scores, found) >= _recalls(truth, scores, 0.5) else 0.5


def _recalls(truth: NDArray[np.bool_], scores: NDArray[Any], threshold: float) -> float:
    """Balanced accuracy of ``scores >= threshold``, as ``trainer.bundle.predicted_labels`` decides."""
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(truth, np.asarray(scores) >= threshold))
