"""What a run and an evaluation look like: text, pictures, one HTML page, a model card."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.io.files import write_whole
from trainer.bundle import Bundle
from trainer.metrics import classification
from trainer.report.page import BLUE, GREY, ORANGE, new_figure, page, save_figure, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from maskgen.types import RGB
    from trainer.metrics.classification import Interval
    from trainer.metrics.evaluate import Evaluation

MISTAKES: Final = 64
_TILE: Final = 112


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
        lines += ["", f"{'slice':<34} {'images':>7}  {'balanced accuracy':<30} recall by label"]
        for item in result.slices:
            recalls = ", ".join(f"{label} {percent(share)}" for label, share in item.recall.items())
            name = f"{item.name} = {item.value}"
            lines.append(f"{name:<34.34} {item.n:>7}  {percent(item.balanced_accuracy):<30} {recalls}")
    if result.comparison is not None:
        other = result.comparison
        lines += [
            "",
            f"against {other.other}: it has {percent(other.other_balanced_accuracy)}; difference "
            f"{100 * other.difference.value:+.2f} points ({100 * other.difference.low:+.2f} to "
            f"{100 * other.difference.high:+.2f})",
            f"only this one right: {other.only_this}, only the other right: {other.only_other}, "
            f"McNemar p = {other.p:.4g}",
        ]
    return "\n".join(lines) + "\n"


def write_report(result: Evaluation, folder: Path, *, title: str, history: Sequence[Mapping[str, Any]] = ()) -> None:
    """Pictures, text, figures and ``report.html`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "classification_report.txt", text_report(result).encode())
    write_whole(folder / "metrics.json", (json.dumps(metrics_json(result), indent=2) + "\n").encode())
    pictures: dict[str, str] = {}
    if history:
        pictures["curves.png"] = "Loss and balanced accuracy by epoch"
        save_figure(_curves(history), folder / "curves.png")
    for name, caption, draw in (
        ("confusion_matrix.png", "Confusion matrix", _confusion),
        ("roc.png", "ROC and precision-recall", _roc),
        ("reliability.png", "Calibration", _reliability),
    ):
        pictures[name] = caption
        save_figure(draw(result), folder / name)
    sheet = mistakes_sheet(result)
    if sheet is not None:
        from maskgen.images import write

        pictures["mistakes.png"] = "The worst mistakes: true label, and the probability it was given"
        write(folder / "mistakes.png", sheet)
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


def worst(result: Evaluation, count: int = MISTAKES) -> list[int]:
    """Indices of wrong answers, the surest first."""
    given = result.probabilities[np.arange(len(result.truth)), result.truth]
    wrong = np.flatnonzero(result.truth != result.predicted)
    return [int(index) for index in wrong[np.argsort(given[wrong], kind="stable")][:count]]


def mistakes_sheet(result: Evaluation) -> RGB | None:
    """Up to 64 wrong answers as one picture; None when there are none."""
    import cv2

    indices = worst(result)
    if not indices:
        return None
    columns = min(8, len(indices))
    rows = -(-len(indices) // columns)
    strip = 30
    sheet = np.full((rows * (_TILE + strip), columns * (_TILE + 4), 3), 255, np.uint8)
    for place, index in enumerate(indices):
        top, left = place // columns * (_TILE + strip), place % columns * (_TILE + 4)
        sheet[top : top + _TILE, left : left + _TILE] = cv2.resize(
            result.faces.pixels[index], (_TILE, _TILE), interpolation=cv2.INTER_AREA
        )
        label = result.labels[result.truth[index]].removesuffix("_mask")
        lines = (
            f"{label} {result.probabilities[index, result.truth[index]]:.2f}",
            result.samples[index].path.stem[-15:],
        )
        for number, line in enumerate(lines):
            ascii_line = line.encode("ascii", "replace").decode()
            cv2.putText(
                sheet,
                ascii_line,
                (left + 2, top + _TILE + 12 + 13 * number),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.34,
                (40, 40, 40),
                1,
                cv2.LINE_AA,
            )
    return sheet


# ---------------------------------------------------------------- pictures


def _curves(history: Sequence[Mapping[str, Any]]) -> Figure:
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


def _confusion(result: Evaluation) -> Figure:
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


def _roc(result: Evaluation) -> Figure:
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


def _reliability(result: Evaluation) -> Figure:
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


# ---------------------------------------------------------------- page and card


def _html(result: Evaluation, title: str, folder: Path, pictures: Mapping[str, str]) -> str:
    parts = [
        table(
            ("", ""),
            [
                ("faces", str(len(result.samples))),
                ("groups", str(result.groups)),
                ("balanced accuracy", percent(result.balanced_accuracy)),
                ("accuracy", percent(result.accuracy)),
                ("area under the ROC curve", f"{result.auc:.5f}" if np.isfinite(result.auc) else "-"),
                ("calibration error (ECE)", f"{100 * result.ece:.2f} %"),
                ("threshold on P(with_mask)", f"{result.threshold:g}"),
                *((f"left out: {why}", str(count)) for why, count in result.left_out.items()),
            ],
        ),
        table(
            ("label", "images", "recall", "precision"),
            [
                (
                    label,
                    str(row["n"]),
                    *(f"{100 * row[k]:.2f} %" if row[k] is not None else "-" for k in ("recall", "precision")),
                )
                for label, row in result.per_label.items()
            ],
        ),
    ]
    if result.slices:
        parts.append("<h2>Slices</h2>")
        parts.append(
            table(
                ("slice", "images", "balanced accuracy", *(f"recall of {label}" for label in result.labels)),
                [
                    (
                        f"{item.name} = {item.value}",
                        str(item.n),
                        percent(item.balanced_accuracy),
                        *(percent(item.recall[label]) if label in item.recall else "-" for label in result.labels),
                    )
                    for item in result.slices
                ],
            )
        )
    if result.comparison is not None:
        parts.append(f"<h2>Comparison</h2><pre>{html.escape(text_report(result).rsplit(chr(10) * 2, 1)[-1])}</pre>")
    return page(title, parts, folder, pictures)


def model_card(bundle: Bundle, result: Evaluation, source: str, judged_on: str) -> str:
    """``README.md`` of a model folder."""
    counts = bundle.dataset.get("counts", {})
    lines = [
        "# Face-mask classifier",
        "",
        f"Says of a face cut out of a picture whether it is {', '.join(bundle.labels[:-1])} or {bundle.labels[-1]}. "
        f"{bundle.arch}, {bundle.input_size_wh[0]} x {bundle.input_size_wh[1]} px, "
        f"made by maskgen on {bundle.created}.",
        "",
        "## What it was trained on",
        "",
        f"The folder `{bundle.dataset.get('name', '?')}`; first weights: {source}.",
        "",
        "| split | " + " | ".join(bundle.labels) + " | groups |",
        "|---|" + "---|" * (len(bundle.labels) + 1),
    ]
    for split, per_label in counts.items():
        cells = " | ".join(str(per_label.get(label, 0)) for label in bundle.labels)
        lines.append(f"| {split} | {cells} | {bundle.dataset.get('groups', {}).get(split, '')} |")
    lines += [
        "",
        "## How well it does",
        "",
        f"Measured on {judged_on}, with the threshold {bundle.threshold:g} on P(with_mask) that validation data chose.",
        "",
        "```",
        text_report(result).rstrip(),
        "```",
        "",
        "These images come from the same source as the training images. Photographs of other places, cameras and "
        "people are harder: measure on your own with `maskgen evaluate` before you rely on it.",
        "",
        "## Formats",
        "",
        "| file | bytes | largest change of a probability against Keras |",
        "|---|---|---|",
    ]
    for name, entry in bundle.export.items():
        lines.append(f"| {name} | {entry['bytes']} | {entry['max_shift']:g} on {entry['faces']} faces |")
    lines += [
        "",
        "## What it must not be used for",
        "",
        "It sees whether cloth covers nose and mouth. It does not know who somebody is, how they are, whether a mask "
        "protects, or why one is not worn; it must not decide alone about anybody's access, work or punishment. "
        "Faces under 20 px, profiles, and hands, scarves or printed faces before the mouth are where it errs most.",
        "",
    ]
    return "\n".join(lines)
