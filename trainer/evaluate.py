"""How well a model does on a labelled folder, with intervals, by slice, against another model.

Three kinds of folder: one that ``maskgen generate`` wrote, plain folders of
faces by label, and photographs with a COCO ``annotations.json``, whose
ground-truth boxes are cut out. Runs LiteRT, so no TensorFlow is loaded.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.categories import label_of
from maskgen.errors import DatasetError, InputError
from trainer import metrics
from trainer.bundle import LITERT_NAME, Bundle, predicted_labels
from trainer.config import Incorrect
from trainer.dataset import Faces, Sample, compile_pattern, decode, relabel, scan
from trainer.litert import LiteRTModel
from trainer.metrics import Interval

logger = logging.getLogger(__name__)

NUMERIC_BANDS: Final = 12
"""A field with more different numbers than this is cut into bands."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of one field.

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


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same images."""

    other: str
    only_this: int
    only_other: int
    p: float
    other_balanced_accuracy: Interval
    difference: Interval


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

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
    truth: metrics.Ints
    predicted: metrics.Ints
    confusion: metrics.Ints
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
            "auc": metrics.clean(self.auc),
            "per_label": self.per_label,
            "confusion": self.confusion.tolist(),
        }
        if self.slices:
            document["slices"] = [
                {
                    "field": item.name,
                    "value": item.value,
                    "n": item.n,
                    "balanced_accuracy": item.balanced_accuracy.to_json(),
                    "recall": {label: share.to_json() for label, share in item.recall.items()},
                }
                for item in self.slices
            ]
        if self.comparison is not None:
            other = self.comparison
            document["comparison"] = {
                "other": other.other,
                "only_this_right": other.only_this,
                "only_other_right": other.only_other,
                "p": metrics.clean(other.p),
                "other_balanced_accuracy": other.other_balanced_accuracy.to_json(),
                "difference": other.difference.to_json(),
            }
        return document


def evaluate(
    bundle: Bundle,
    folder: Path,
    *,
    face_px: int | None = None,
    min_box: float = 0,
    split: str | None = None,
    incorrect: Incorrect = "drop",
    group_by: str | None = None,
    slices: Sequence[str] = (),
    compare: Bundle | None = None,
    threshold: float | None = None,
    file: str = LITERT_NAME,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Judge a model on a labelled folder.

    Args:
        bundle: the model.
        folder: generated, plain or COCO.
        face_px: first shrink every face to this longer side.
        min_box: leave boxes out whose shorter side has fewer pixels (COCO).
        split: of a generated folder; None for ``test`` where there is one,
            else everything.
        incorrect: what an incorrectly worn mask counts as with two classes.
        group_by: regular expression naming the person, for plain folders.
        slices: fields of the metadata, or regular expressions with named
            groups on the file name.
        compare: another model, judged on the same images.
        threshold: instead of the model's own.
        file: which of the model's files to run.
        threads: faces judged at once.
        progress: told how many of how many are done.

    Raises:
        DatasetError: nothing there to judge by.
        BundleError: the model lacks the file.
        InputError: a slice is neither a field nor a pattern.
    """
    samples, left_out = find_samples(folder, min_box=min_box, group_by=group_by, split=split)
    kept = relabel(samples, bundle.labels, incorrect)
    if len(kept) < len(samples):
        left_out["incorrect_mask"] = len(samples) - len(kept)
    if not kept:
        raise DatasetError(f"{folder} has no face this model can be judged by")
    labelled = [_slice_fields(sample, slices) for sample in kept] if slices else kept
    faces = decode(
        labelled, bundle.labels, bundle.input_size_wh, margin=bundle.margin_wh, face_px=face_px, threads=threads
    )
    if not len(faces):
        raise DatasetError(f"none of the {len(kept)} images in {folder} can be read")
    if len(faces) < len(kept):
        left_out["unreadable"] = len(kept) - len(faces)
    probabilities = run(bundle.path(file), faces.pixels, threads=threads, progress=progress)
    result = judge(faces, probabilities, bundle.labels, bundle.threshold if threshold is None else threshold)
    result = replace(result, left_out=left_out)
    if slices:
        result = replace(result, slices=_slices(result, slices, folder))
    if compare is not None:
        result = replace(result, comparison=_compare(result, faces, compare, face_px, threads))
    return result


def run(
    path: Path, rois: NDArray[np.uint8], *, threads: int = 2, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Probabilities of many faces, several single-threaded interpreters side by side."""
    threads = max(1, min(threads, len(rois) // 16 or 1))
    edges = np.linspace(0, len(rois), threads + 1).astype(int)
    step = 16
    done = [0] * threads

    def part(number: int) -> NDArray[np.float32]:
        network = LiteRTModel(path)
        found = []
        for start in range(edges[number], edges[number + 1], step):
            stop = min(start + step, edges[number + 1])
            found.append(network.predict(rois[start:stop]))
            done[number] = stop - edges[number]
            if progress is not None:
                progress(sum(done), len(rois))
        return np.concatenate(found) if found else np.empty((0, network.classes), np.float32)

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(part, range(threads))))


def judge(faces: Faces, probabilities: NDArray[np.float32], labels: Sequence[str], threshold: float) -> Evaluation:
    """Turn probabilities into figures."""
    names = tuple(labels)
    truth = faces.targets
    predicted = np.array(
        [names.index(label) for label in predicted_labels(probabilities, names, threshold)], dtype=np.int64
    )
    counts = metrics.confusion(truth, predicted, len(names))
    groups = [sample.group for sample in faces.samples]
    resampled = metrics.resampled_confusions(truth, predicted, groups, len(names))
    masked = names.index("with_mask")
    ece, *_ = metrics.calibration(probabilities.argmax(axis=1) == truth, probabilities.max(axis=1))
    return Evaluation(
        labels=names,
        threshold=threshold,
        samples=faces.samples,
        probabilities=probabilities,
        truth=truth,
        predicted=predicted,
        confusion=counts,
        balanced_accuracy=metrics.interval(
            float(metrics.balanced_accuracy(counts)), metrics.balanced_accuracy(resampled)
        ),
        accuracy=metrics.interval(float(metrics.accuracy(counts)), metrics.accuracy(resampled)),
        auc=metrics.auc(truth == masked, probabilities[:, masked]),
        ece=ece,
        per_label={label: _of_label(counts, number) for number, label in enumerate(names)},
        groups=len(set(groups)),
        faces=faces,
    )


def _of_label(counts: metrics.Ints, number: int) -> dict[str, Any]:
    n, said, hits = int(counts[number].sum()), int(counts[:, number].sum()), int(counts[number, number])
    return {
        "n": n,
        "recall": metrics.clean(hits / n) if n else None,
        "precision": metrics.clean(hits / said) if said else None,
    }


# ---------------------------------------------------------------- folders


def find_samples(
    folder: Path, *, min_box: float = 0, group_by: str | None = None, split: str | None = None
) -> tuple[list[Sample], dict[str, int]]:
    """The labelled faces of a folder of any of the three kinds, and what was left out.

    Raises:
        DatasetError: it is none of the three.
    """
    folder = Path(folder)
    if (folder / "annotations.json").is_file() and (folder / "images").is_dir():
        return _from_coco(folder, min_box)
    samples = scan(folder, group_by=group_by)
    splits = {sample.split for sample in samples}
    chosen = split or ("test" if "test" in splits else None)
    if chosen is not None and chosen != "all":
        samples = [sample for sample in samples if sample.split == chosen]
        if not samples:
            raise DatasetError(
                f"{folder} has no split called {chosen} (it has {', '.join(sorted(splits - {''})) or 'none'})"
            )
    return samples, {}


def _from_coco(folder: Path, min_box: float) -> tuple[list[Sample], dict[str, int]]:
    path = folder / "annotations.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        names = {entry["id"]: str(entry["name"]) for entry in document["categories"]}
        files = {entry["id"]: str(entry["file_name"]) for entry in document["images"]}
        annotations = [
            (files[entry["image_id"]], names[entry["category_id"]], [float(side) for side in entry["bbox"]])
            for entry in document["annotations"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} is no COCO file: {type(error).__name__} {error}") from None
    samples: list[Sample] = []
    left_out: Counter[str] = Counter()
    strangers: set[str] = set()
    for file, category, bbox in annotations:
        label = label_of(category)
        if label is None:
            strangers.add(category)
            continue
        image = folder / "images" / file
        if not image.is_file():
            raise DatasetError(f"{path} names {file}, which is not in {folder / 'images'}")
        left, top, width, height = bbox
        if min(width, height) < min_box:
            left_out[f"smaller than {min_box:g} px"] += 1
            continue
        record = {"width": width, "height": height, "face_px": max(width, height)}
        box = (left, top, left + width, top + height)
        samples.append(Sample(image, f"images/{file}", label, file, "", box, record))
    if strangers:
        logger.warning("categories that are no label were left out: %s", ", ".join(sorted(strangers)))
    return samples, dict(left_out)


# ---------------------------------------------------------------- slices


def _slice_fields(sample: Sample, slices: Sequence[str]) -> Sample:
    """Add what the patterns find in the file's name to the sample's fields."""
    found: dict[str, Any] = {}
    for text in slices:
        if "(?P<" in text:
            pattern = compile_pattern(text, "--slice")
            if pattern is not None and (match := pattern.search(sample.path.name)):
                found |= match.groupdict()
    return replace(sample, record={**sample.record, "label": sample.label, **found})


def _slices(result: Evaluation, slices: Sequence[str], folder: Path) -> tuple[Slice, ...]:
    fields: list[str] = []
    for text in slices:
        fields += list(re.compile(text).groupindex) if "(?P<" in text else [text]
    found: list[Slice] = []
    for name in fields:
        values = [sample.record.get(name) for sample in result.samples]
        if all(value is None for value in values):
            known = sorted({key for sample in result.samples for key in sample.record})
            raise InputError(
                f"--slice {name!r} is no field of {folder} and finds nothing in its file names "
                f"(fields: {', '.join(known[:20]) or 'none'}); a pattern needs named groups such as (?P<age>\\d+)"
            )
        words = _bands(values)
        found.extend(
            _one_slice(result, name, word, np.array([w == word for w in words]))
            for word in sorted(set(words) - {""}, key=_natural)
        )
    return tuple(found)


def _bands(values: Sequence[Any]) -> list[str]:
    """Values as words; many different numbers become bands of ten, or tenths of their range."""
    numbers: list[float | None] = []
    for value in values:
        try:
            numbers.append(None if value is None or isinstance(value, bool) else float(value))
        except (TypeError, ValueError):
            return ["" if value is None else str(value) for value in values]
    known = np.array([number for number in numbers if number is not None])
    if len(np.unique(known)) <= NUMERIC_BANDS:
        return ["" if value is None else str(value) for value in values]
    if known.max() - known.min() > 20 and np.all(known == np.rint(known)):
        return ["" if n is None else f"{int(n // 10) * 10}-{int(n // 10) * 10 + 9}" for n in numbers]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, 6)))
    places = [
        None if n is None else int(np.clip(np.searchsorted(edges, n, "right") - 1, 0, len(edges) - 2)) for n in numbers
    ]
    return ["" if p is None else f"{edges[p]:.3g} to {edges[p + 1]:.3g}" for p in places]


def _natural(text: str) -> list[Any]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def _one_slice(result: Evaluation, name: str, value: str, chosen: NDArray[np.bool_]) -> Slice:
    truth, predicted = result.truth[chosen], result.predicted[chosen]
    classes = len(result.labels)
    counts = metrics.confusion(truth, predicted, classes)
    groups = [sample.group for sample, take in zip(result.samples, chosen, strict=True) if take]
    resampled = metrics.resampled_confusions(truth, predicted, groups, classes, resamples=500)
    return Slice(
        name,
        value,
        int(chosen.sum()),
        metrics.interval(float(metrics.balanced_accuracy(counts)), metrics.balanced_accuracy(resampled)),
        {
            label: metrics.wilson(int(counts[number, number]), int(counts[number].sum()))
            for number, label in enumerate(result.labels)
            if counts[number].sum()
        },
        {label: int(counts[number].sum()) for number, label in enumerate(result.labels) if counts[number].sum()},
    )


def _compare(result: Evaluation, faces: Faces, other: Bundle, face_px: int | None, threads: int) -> Comparison:
    if other.labels != result.labels:
        raise InputError(f"the models know different labels: {list(result.labels)} and {list(other.labels)}")
    theirs = decode(
        faces.samples, other.labels, other.input_size_wh, margin=other.margin_wh, face_px=face_px, threads=threads
    )
    judged = judge(theirs, run(other.path(LITERT_NAME), theirs.pixels, threads=threads), other.labels, other.threshold)
    first, second, p = metrics.mcnemar(result.predicted == result.truth, judged.predicted == judged.truth)
    groups = [sample.group for sample in faces.samples]
    classes = len(result.labels)
    # The same seed draws the same groups for both, so the difference is paired.
    mine, yours = (
        metrics.balanced_accuracy(metrics.resampled_confusions(item.truth, item.predicted, groups, classes))
        for item in (result, judged)
    )
    gap = result.balanced_accuracy.value - judged.balanced_accuracy.value
    return Comparison(
        str(other.folder), first, second, p, judged.balanced_accuracy, metrics.interval(gap, mine - yours)
    )
