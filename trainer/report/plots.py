"""Plots of a classifier's report: training curves, confusion matrix, ROC, calibration."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.metrics import classification
from trainer.report.page import BLUE, GREY, ORANGE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from trainer.metrics.evaluation import Evaluation


def curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Loss and accuracy by epoch."""
    figure, (losses, scores) = new_figure(10, 4, 2)
    x = np.arange(1, len(history) + 1)
    ends = [n + 0.5 for n, (a, b) in enumerate(itertools.pairwise(history), 1) if a["phase"] != b["phase"]]
    for axis, names, label in (
        (losses, ("loss", "val_loss"), "cross-entropy (labels smoothed)"),
        (scores, ("accuracy", "val_accuracy", "val_balanced_accuracy"), "share of right answers"),
    ):
        styles = ((BLUE, "-"), (ORANGE, "-"), (ORANGE, ":"))
        for name, (colour, style) in zip(names, styles, strict=False):
            words = name.replace("val_", "validation ").replace("_", " ")
            shown = words if name.startswith("val_") else f"training {words}"
            axis.plot(x, [float(row[name]) for row in history], style, color=colour, marker=".", label=shown)
        for end in ends:
            axis.axvline(end, color=GREY, linewidth=0.8, linestyle="--")
        axis.set_xlabel("epoch" + (" (dashed: from here the backbone learns too)" if ends else ""))
        axis.set_ylabel(label)
        axis.legend(frameon=False)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def confusion_matrix(result: Evaluation) -> Figure:
    """Counts of true against predicted labels, coloured by row share."""
    figure, (axis,) = new_figure(4.6, 4.2)
    counts = result.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.grid(visible=False)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axis.text(column, row, f"{count}\n{100 * shares[row, column]:.1f} %", ha="center", va="center", color=colour)
    axis.set_xticks(range(len(result.labels)), result.labels)
    axis.set_yticks(range(len(result.labels)), result.labels, rotation=90, va="center")
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    return figure


def roc(result: Evaluation) -> Figure:
    """ROC and precision-recall curves of with_mask."""
    figure, (left, right) = new_figure(9, 4.2, 2)
    masked = result.labels.index("with_mask")
    truth, scores = result.truth == masked, result.probabilities[:, masked]
    if truth.any() and not truth.all():
        x, y, _ = classification.roc(truth, scores)
        left.plot(x, y, color=BLUE, label=f"area {result.auc:.4f}")
        said = result.predicted == masked
        here = float((said & ~truth).sum() / (~truth).sum()), float((said & truth).sum() / truth.sum())
        left.plot(*here, "o", color=ORANGE, label=f"threshold {result.threshold:g}")
        left.legend(frameon=False, loc="lower right")
        recall, precision = classification.precision_recall(truth, scores)
        right.plot(recall, precision, color=BLUE)
    left.plot([0, 1], [0, 1], ":", color=GREY)
    left.set_xlabel("share of bare faces called with_mask")
    left.set_ylabel("share of masked faces found")
    right.set_xlabel("recall of with_mask")
    right.set_ylabel("precision of with_mask")
    for axis in (left, right):
        axis.set_xlim(-0.02, 1.02)
        axis.set_ylim(-0.02, 1.02)
    return figure


def reliability(result: Evaluation) -> Figure:
    """Reliability diagram: accuracy against confidence, and how many faces are how sure."""
    figure, (axis, bars) = new_figure(9, 4.2, 2)
    right = result.probabilities.argmax(axis=1) == result.truth
    _, confidence, share, counts = classification.calibration(right, result.probabilities.max(axis=1))
    used = counts > 0
    axis.plot([0, 1], [0, 1], ":", color=GREY, label="perfectly calibrated")
    axis.plot(confidence[used], share[used], "o-", color=BLUE, label=f"this model (ECE {100 * result.ece:.2f} %)")
    axis.set_xlabel("probability of the likeliest label")
    axis.set_ylabel("share that was right")
    axis.legend(frameon=False)
    bins = len(counts)
    bars.bar((np.arange(bins) + 0.5) / bins, counts, width=0.9 / bins, color=BLUE)
    bars.set_yscale("symlog", linthresh=1)
    bars.set_xlabel("probability of the likeliest label")
    bars.set_ylabel("faces")
    for one in (axis, bars):
        one.set_xlim(1 / len(result.labels) - 0.05, 1.02)
    axis.set_ylim(-0.02, 1.02)
    return figure
