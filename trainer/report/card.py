"""Model card of a classifier: the ``README.md`` of its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.bundle import Bundle
from trainer.report.classification import text_report

if TYPE_CHECKING:
    from trainer.metrics.evaluation import Evaluation


def model_card(bundle: Bundle, result: Evaluation, source: str, judged_on: str) -> str:
    """The model card.

    Args:
        bundle: the model folder.
        result: its evaluation.
        source: of its first weights.
        judged_on: what it was evaluated on, for people.
    """
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
