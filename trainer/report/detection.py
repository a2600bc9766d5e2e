"""Report of a detector's evaluation: text, curves, a sheet of pictures, one HTML page, a model card."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen import images
from maskgen.io.files import write_whole
from trainer.bundle import Bundle
from trainer.data.scenes import KIND
from trainer.metrics.detection import Evaluation
from trainer.report.page import BLUE, GREY, ORANGE, new_figure, page, save_figure, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from maskgen.types import RGB

SHEET: Final = 24
"""Pictures on the sheet."""

_CELL_WH: Final = (336, 252)
_COLOURS: Final = {"with_mask": (0, 190, 90), "without_mask": (235, 60, 40), "incorrect_mask": (245, 170, 0)}


def text_report(result: Evaluation) -> str:
    """The report for a terminal and for ``detection_report.txt``."""
    names = [*result.labels, "any"]
    lines = [f"{'faces':>8} {'mAP50':>7} " + " ".join(f"{name:>14}" for name in names) + f" {'recall':>7}"]
    for size, row in result.rows.items():
        shown = f">= {size} px" if size else "all"
        cells = " ".join(f"{row[name]:14.3f}" for name in names)
        lines.append(f"{shown:>8} {row['map50']:7.3f} {cells} {row['recall']:7.3f}")
    lines += [
        "",
        "labels: average precision at an overlap (IoU) of 0.5; any: boxes alone; recall: share of faces found,",
        "whatever the label, while there is at most one false alarm a picture; size: the shorter side.",
        "",
        "",
        "mAP50 by size: " + ", ".join(f"{band} px {value:.3f}" for band, value in result.bands.items()),
        f"mAP over overlaps of 0.5 to 0.95: {result.map:.3f}",
    ]
    if result.coco:
        lines.append("pycocotools: " + ", ".join(f"{name} {value:.3f}" for name, value in result.coco.items()))
    side = f"scaled to {result.longer_side} px" if result.longer_side else "as they are"
    faces = sum(int(one.counts.sum()) for one in result.found)
    lines.append(
        f"{len(result.scenes)} pictures {side}, {faces} faces; {result.ms:.1f} ms a picture on one thread (median)"
    )
    return "\n".join(lines) + "\n"


def write_report(
    result: Evaluation, folder: Path, *, title: str, history: Sequence[Mapping[str, Any]] = (), threshold: float = 0.4
) -> None:
    """Write figures, curves, the sheet and one page that holds them all.

    Args:
        result: what was measured.
        folder: where to; made if need be.
        title: of the page.
        history: lines of ``history.csv``, for a run's own report.
        threshold: faces above it are drawn on the sheet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "metrics.json", (json.dumps(result.to_json(), indent=2) + "\n").encode())
    write_whole(folder / "detection_report.txt", text_report(result).encode())
    pictures = {"precision_recall.png": "Precision and recall at an overlap of 0.5, by label"}
    save_figure(_precision_recall(result), folder / "precision_recall.png")
    if history:
        save_figure(_curves(history), folder / "curves.png")
        pictures["curves.png"] = "Training"
    images.write(folder / "sheet.jpg", sheet(result, threshold), 88)
    pictures["sheet.jpg"] = "Pictures with what was found; white: real faces"
    write_whole(folder / "report.html", _html(result, title, folder, pictures).encode())


def _precision_recall(result: Evaluation) -> Figure:
    figure, (axis,) = new_figure(6.4, 5)
    colours = (BLUE, ORANGE, GREY)
    for number, (name, drawn) in enumerate(result.curves.items()):
        style = ":" if "px" not in name else "-"
        colour = colours[number % len(result.labels)]
        shown = f"{name} ({drawn.average_precision:.3f})"
        axis.plot(drawn.recall, drawn.precision, style, color=colour, label=shown)
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(frameon=False, loc="lower left")
    return figure


def _curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    figure, (losses, scores) = new_figure(10, 4, 2)
    x = [row["epoch"] for row in history]
    losses.plot(x, [float(row["loss"]) for row in history], color=BLUE, marker=".", label="training loss")
    scores.plot(x, [float(row["val_map50"]) for row in history], color=ORANGE, marker=".", label="validation mAP50")
    for axis in (losses, scores):
        axis.set_xlabel("epoch")
        axis.legend(frameon=False)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def sheet(result: Evaluation, threshold: float, count: int = SHEET) -> RGB:
    """Pictures spread over the evaluation, each with its boxes; real faces are framed in white."""
    import cv2

    chosen = range(0, len(result.scenes), max(1, len(result.scenes) // count))[:count]
    width, height = _CELL_WH
    cells = []
    for number in chosen:
        scene, raw = result.scenes[number], result.raw[number]
        image = images.read_rgb(scene.path)
        factor = min(width / image.shape[1], height / image.shape[0])
        size_wh = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
        small = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        cell = np.full((height, width, 3), 24, np.uint8)
        cell[: small.shape[0], : small.shape[1]] = small
        for row in scene.faces[scene.faces[:, KIND] > 0]:
            _frame(cell, row[:4] * factor, (255, 255, 255), 1)
        for box, scores in zip(raw.boxes, raw.scores, strict=True):
            if scores.max() >= threshold:
                _frame(cell, box * factor, _COLOURS[result.labels[int(scores.argmax())]], 2)
        cells.append(cell)
    columns = 4
    cells += [np.full((height, width, 3), 24, np.uint8)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[start : start + columns], axis=1) for start in range(0, len(cells), columns)]
    return np.concatenate(rows)


def _frame(cell: RGB, box: Any, colour: tuple[int, int, int], thickness: int) -> None:
    import cv2

    x0, y0, x1, y1 = (round(float(value)) for value in box)
    cv2.rectangle(cell, (x0, y0), (x1, y1), colour, thickness)


def _html(result: Evaluation, title: str, folder: Path, pictures: Mapping[str, str]) -> str:
    names = ["map50", *result.labels, "any", "recall"]
    rows = [
        (f"{size} px and more" if size else "all", *(f"{row[name]:.3f}" for name in names))
        for size, row in result.rows.items()
    ]
    parts = [
        table(("faces", "mAP50", *result.labels, "boxes alone", "recall at one false alarm a picture"), rows),
        f"<pre>{html.escape(text_report(result))}</pre>",
    ]
    return page(title, parts, folder, pictures)


def model_card(bundle: Bundle, result: Evaluation, source: str) -> str:
    """``README.md`` of a detector's folder."""
    digest = bundle.dataset
    also = digest.get("also")
    folders = f"The folder `{digest.get('name', '?')}`" + (f" and the folder `{also['name']}`" if also else "")
    lines = [
        "# Face detector: with and without mask",
        "",
        f"Finds the faces of a picture and says of each whether it is {', '.join(bundle.labels[:-1])} or "
        f"{bundle.labels[-1]}, with its box and five points. {bundle.arch}, pictures of any size, made by maskgen on "
        f"{bundle.created}.",
        "",
        "## What it was trained on",
        "",
        f"{folders}; first weights: {source}.",
        "",
        "| split | pictures | " + " | ".join(bundle.labels) + " |",
        "|---|" + "---|" * (len(bundle.labels) + 1),
    ]
    parts = [(name, digest) for name in ("train", "val", "test")] + ([("train", also)] if also else [])
    for split, where in parts:
        if split in where:
            cells = " | ".join(str(where[split]["faces"].get(label, 0)) for label in bundle.labels)
            lines.append(f"| {split} of `{where.get('name')}` | {where[split]['pictures']} | {cells} |")
    lines += [
        "",
        "## How well it does",
        "",
        f"Measured on {result.name}:",
        "",
        "```",
        text_report(result).rstrip(),
        "```",
        "",
        "These pictures come from the same source as the training pictures. Photographs of other places, cameras and "
        "people are harder: measure on your own with `maskgen evaluate` before you rely on it.",
        "",
        "## Formats",
        "",
        "| file | bytes | largest change of a score against Keras |",
        "|---|---|---|",
    ]
    for name, entry in bundle.export.items():
        lines.append(
            f"| {name} | {entry['bytes']} | {entry['max_shift']:g} on {entry['faces']} faces of {entry['pictures']} "
            f"pictures, {entry['faces_lost']} lost |"
        )
    lines += [
        "",
        "## What it must not be used for",
        "",
        "It sees whether cloth covers nose and mouth. It does not know who somebody is, how they are, whether a mask "
        "protects, or why one is not worn; it must not decide alone about anybody's access, work or punishment. "
        "Faces under 16 px, backs of heads, profiles, and hands, scarves or printed faces before the mouth are where "
        "it errs most.",
        "",
    ]
    return "\n".join(lines)
