"""Evaluation of a classifier: figures from its probabilities, as a record that goes into JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.bundle import predicted_labels
from trainer.data.faces import Faces
from trainer.data.samples import Sample
from trainer.metrics import classification
from trainer.metrics.classification import Interval


@dataclass(frozen=True, slots=True)
class Slice:
    """Figures of the images with one value of one field.

    Attributes:
        name: the field.
        value: its value, or a band of values.
        n: images.
        balanced_accuracy: over the labels that occur in it.
        recall: label -> share found, with a score interval; for
            ``without_mask`` this is the specificity.
    """

    name: str
    value: str
    n: int
    balanced_accuracy: Interval
    recall: dict[str, Interval]
    counts: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return {
            "field": self.name,
            "value": self.value,
            "n": self.n,
            "balanced_accuracy": self.balanced_accuracy.to_json(),
            "recall": {label: share.to_json() for label, share in self.recall.items()},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same images."""

    other: str
    only_this: int
    only_other: int
    p: float
    other_balanced_accuracy: Interval
    difference: Interval

    def to_json(self) -> dict[str, Any]:
        return {
            "other": self.other,
            "only_this_right": self.only_this,
            "only_other_right": self.only_other,
            "p": classification.clean(self.p),
            "other_balanced_accuracy": self.other_balanced_accuracy.to_json(),
            "difference": self.difference.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A classifier's evaluation.

    Attributes:
        labels: in output order.
        threshold: on P(with_mask).
        samples: what was judged, N of them.
        probabilities: (N, C).
        truth, predicted: (N,) indices into the labels.
        confusion: (C, C), rows true.
        auc: of with_mask against everything else.
        ece: expected calibration error of the likeliest label.
        faces: the pixels the network saw, for the sheet of mistakes.
    """

    labels: tuple[str, ...]
    threshold: float
    samples: tuple[Sample, ...]
    probabilities: NDArray[np.float32]
    truth: classification.Ints
    predicted: classification.Ints
    confusion: classification.Ints
    balanced_accuracy: Interval
    accuracy: Interval
    auc: float
    ece: float
    per_label: dict[str, dict[str, Any]]
    groups: int
    faces: Faces
    slices: tuple[Slice, ...] = ()
    comparison: Comparison | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document that ``maskgen evaluate --json`` prints."""
        document: dict[str, Any] = {
            "n": len(self.samples),
            "labels": list(self.labels),
            "threshold": self.threshold,
            "balanced_accuracy": self.balanced_accuracy.to_json(),
            "accuracy": self.accuracy.to_json(),
            "auc": classification.clean(self.auc),
            "per_label": self.per_label,
            "confusion": self.confusion.tolist(),
        }
        if self.slices:
            document["slices"] = [item.to_json() for item in self.slices]
        if self.comparison is not None:
            document["comparison"] = self.comparison.to_json()
        return document


def judge(faces: Faces, probabilities: NDArray[np.float32], labels: Sequence[str], threshold: float) -> Evaluation:
    """Evaluate probabilities against the true labels."""
    names = tuple(labels)
    truth = faces.targets
    predicted = np.array(
        [names.index(label) for label in predicted_labels(probabilities, names, threshold)], dtype=np.int64
    )
    counts = classification.confusion(truth, predicted, len(names))
    groups = [sample.group for sample in faces.samples]
    masked = names.index("with_mask")
    ece, *_ = classification.calibration(probabilities.argmax(axis=1) == truth, probabilities.max(axis=1))
    return Evaluation(
        labels=names,
        threshold=threshold,
        samples=faces.samples,
        probabilities=probabilities,
        truth=truth,
        predicted=predicted,
        confusion=counts,
        balanced_accuracy=classification.balanced_share_right(truth, predicted, groups, len(names)),
        accuracy=classification.share_right(truth == predicted, groups),
        auc=classification.auc(truth == masked, probabilities[:, masked]),
        ece=ece,
        per_label={label: _of_label(counts, number) for number, label in enumerate(names)},
        groups=len(set(groups)),
        faces=faces,
    )


def _of_label(counts: classification.Ints, number: int) -> dict[str, Any]:
    n, said, hits = int(counts[number].sum()), int(counts[:, number].sum()), int(counts[number, number])
    return {
        "n": n,
        "recall": classification.clean(hits / n) if n else None,
        "precision": classification.clean(hits / said) if said else None,
    }
