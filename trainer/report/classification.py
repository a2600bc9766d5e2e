"""Report of a classifier's evaluation: text, ``metrics.json``, plots, one HTML page."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgen import images
from maskgen.io.files import write_whole
from trainer.metrics import classification
from trainer.report import mistakes, plots
from trainer.report.page import page, save_figure, table

if TYPE_CHECKING:
    from trainer.metrics.classification import Interval
    from trainer.metrics.evaluation import Comparison, Evaluation


def percent(figure: Interval) -> str:
    """``99.12 % (98.50 to 99.60)``; a dash where nothing was measured."""
    if not np.isfinite(figure.value):
        return "-"
    text = f"{100 * figure.value:.2f} %"
    return text if not np.isfinite(figure.low) else f"{text} ({100 * figure.low:.2f} to {100 * figure.high:.2f})"


def text_report(result: Evaluation) -> str:
    """The report for a terminal and for ``classification_report.txt``."""
    width = max(16, *(len(label) for label in result.labels))
    lines = [f"{'':<{width}} {'images':>7} {'recall':>9} {'precision':>10} {'f1':>9}"]
    for label in result.labels:
        row = result.per_label[label]
        recall, precision = row["recall"], row["precision"]
        f1 = 2 * recall * precision / (recall + precision) if recall and precision else None
        shown = [f"{100 * v:.2f} %" if v is not None else "-" for v in (recall, precision, f1)]
        lines.append(f"{label:<{width}} {row['n']:>7} {shown[0]:>9} {shown[1]:>10} {shown[2]:>9}")
    lines += [
        "",
        f"{'balanced accuracy':<26} {percent(result.balanced_accuracy)}",
        f"{'accuracy':<26} {percent(result.accuracy)}",
        f"{'area under the ROC curve':<26} {result.auc:.5f}" if np.isfinite(result.auc) else "",
        f"{'calibration error (ECE)':<26} {100 * result.ece:.2f} %",
        f"{'threshold on P(with_mask)':<26} {result.threshold:g}",
        "",
        f"{len(result.samples)} faces in {result.groups} groups; 95 % score intervals, in which the faces of a group "
        "stand or fall together.",
    ]
    lines += [f"left out: {count} {why}" for why, count in result.left_out.items()]
    lines += ["", "rows true, columns predicted", f"{'':<{width}} " + " ".join(f"{name:>15}" for name in result.labels)]
    for label, counts in zip(result.labels, result.confusion, strict=True):
        lines.append(f"{label:<{width}} " + " ".join(f"{count:>15}" for count in counts))
    if result.slices:
        lines += ["", *_slice_lines(result)]
    if result.comparison is not None:
        lines += ["", *_comparison_lines(result.comparison)]
    return "\n".join(lines) + "\n"


def _slice_lines(result: Evaluation) -> list[str]:
    lines = [f"{'slice':<34} {'images':>7}  {'balanced accuracy':<30} recall by label"]
    for item in result.slices:
        recalls = ", ".join(f"{label} {percent(share)}" for label, share in item.recall.items())
        name = f"{item.name} = {item.value}"
        lines.append(f"{name:<34.34} {item.n:>7}  {percent(item.balanced_accuracy):<30} {recalls}")
    return lines


def _comparison_lines(other: Comparison) -> list[str]:
    gap = other.difference
    return [
        f"against {other.other}: it has {percent(other.other_balanced_accuracy)}; difference "
        f"{100 * gap.value:+.2f} points ({100 * gap.low:+.2f} to {100 * gap.high:+.2f})",
        f"only this one right: {other.only_this}, only the other right: {other.only_other}, McNemar p = {other.p:.4g}",
    ]


def write_report(result: Evaluation, folder: Path, *, title: str, history: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write figures, text, plots, the sheet of mistakes and one page that holds them all.

    Args:
        result: the evaluation.
        folder: where to; made if need be.
        title: of the page.
        history: lines of ``history.csv``, for a run's own report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "classification_report.txt", text_report(result).encode())
    write_whole(folder / "metrics.json", (json.dumps(metrics_json(result), indent=2) + "\n").encode())
    pictures: dict[str, str] = {}
    if history:
        pictures["curves.png"] = "Loss and balanced accuracy by epoch"
        save_figure(plots.curves(history), folder / "curves.png")
    for name, caption, draw in (
        ("confusion_matrix.png", "Confusion matrix", plots.confusion_matrix),
        ("roc.png", "ROC and precision-recall", plots.roc),
        ("reliability.png", "Calibration", plots.reliability),
    ):
        pictures[name] = caption
        save_figure(draw(result), folder / name)
    sheet = mistakes.sheet(result)
    if sheet is not None:
        pictures["mistakes.png"] = "The worst mistakes: true label, and the probability it was given"
        images.write(folder / "mistakes.png", sheet)
    else:
        (folder / "mistakes.png").unlink(missing_ok=True)
    write_whole(folder / "report.html", _html(result, title, folder, pictures).encode())


def metrics_json(result: Evaluation) -> dict[str, Any]:
    """``--json`` and what does not fit into it."""
    return {
        **result.to_json(),
        "ece": classification.clean(result.ece),
        "groups": result.groups,
        "left_out": result.left_out,
    }


def _html(result: Evaluation, title: str, folder: Path, pictures: Mapping[str, str]) -> str:
    parts = [table(("", ""), _overview(result)), table(("label", "images", "recall", "precision"), _by_label(result))]
    if result.slices:
        recalls = (f"recall of {label}" for label in result.labels)
        parts.append("<h2>Slices</h2>")
        parts.append(table(("slice", "images", "balanced accuracy", *recalls), _by_slice(result)))
    if result.comparison is not None:
        said = "\n".join(_comparison_lines(result.comparison)) + "\n"
        parts.append(f"<h2>Comparison</h2><pre>{html.escape(said)}</pre>")
    return page(title, parts, folder, pictures)


def _overview(result: Evaluation) -> list[tuple[str, str]]:
    return [
        ("faces", str(len(result.samples))),
        ("groups", str(result.groups)),
        ("balanced accuracy", percent(result.balanced_accuracy)),
        ("accuracy", percent(result.accuracy)),
        ("area under the ROC curve", f"{result.auc:.5f}" if np.isfinite(result.auc) else "-"),
        ("calibration error (ECE)", f"{100 * result.ece:.2f} %"),
        ("threshold on P(with_mask)", f"{result.threshold:g}"),
        *((f"left out: {why}", str(count)) for why, count in result.left_out.items()),
    ]


def _by_label(result: Evaluation) -> list[tuple[str, ...]]:
    return [
        (
            label,
            str(row["n"]),
            *(f"{100 * row[k]:.2f} %" if row[k] is not None else "-" for k in ("recall", "precision")),
        )
        for label, row in result.per_label.items()
    ]


def _by_slice(result: Evaluation) -> list[tuple[str, ...]]:
    return [
        (
            f"{item.name} = {item.value}",
            str(item.n),
            percent(item.balanced_accuracy),
            *(percent(item.recall[label]) if label in item.recall else "-" for label in result.labels),
        )
        for item in result.slices
    ]
