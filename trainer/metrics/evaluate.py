"""How well a model does on a labelled folder, with intervals, by slice, against another model.

Three kinds of folder: one that ``maskgen generate`` wrote, plain folders of
faces by label, and photographs with a COCO ``annotations.json``, whose
ground-truth boxes are cut out. Runs LiteRT, so no TensorFlow is loaded.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError, InputError
from trainer.bundle import LITERT_NAME, Bundle, predicted_labels
from trainer.config.classifier import Incorrect
from trainer.data import coco, seen
from trainer.data.dataset import Faces, Sample, compile_pattern, decode, relabel, scan
from trainer.metrics import classification
from trainer.metrics.bands import bands
from trainer.metrics.classification import Interval
from trainer.models.litert import LiteRTModel

logger = logging.getLogger(__name__)


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
                "p": classification.clean(other.p),
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
    seen.warn(bundle, Path(folder), (s.path for s in kept), {s.split for s in kept}, threads)
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


# ---------------------------------------------------------------- folders


def find_samples(
    folder: Path, *, min_box: float = 0, group_by: str | None = None, split: str | None = None
) -> tuple[list[Sample], dict[str, int]]:
    """The labelled faces of a folder of any of the three kinds, and what was left out.

    Args:
        folder: generated, plain or COCO.
        min_box: leave boxes out whose shorter side has fewer pixels (COCO).
        group_by: names the person of a picture that no line of metadata knows.
        split: one of the folder's, or ``all``; None for ``test`` where there is one, else all.

    Raises:
        DatasetError: it is none of the three, or has no such split.
    """
    folder = Path(folder)
    left_out: dict[str, int] = {}
    if coco.is_folder(folder):
        samples, left_out = _from_coco(folder, min_box)
    else:
        samples = scan(folder, group_by=group_by)
    splits = {sample.split for sample in samples}
    chosen = split or ("test" if "test" in splits else None)
    if chosen is not None and chosen != "all":
        samples = [sample for sample in samples if sample.split == chosen]
        if not samples:
            raise DatasetError(
                f"{folder} has no split called {chosen} (it has {', '.join(sorted(splits - {''})) or 'none'})"
            )
    return samples, left_out


def _from_coco(folder: Path, min_box: float) -> tuple[list[Sample], dict[str, int]]:
    samples: list[Sample] = []
    left_out: Counter[str] = Counter()
    for split, pictures in coco.read_folder(folder).items():
        for picture in pictures:
            name = picture.path.relative_to(folder).as_posix()
            for face in picture.faces:
                left, top, right, bottom = face.box_xyxy
                width, height = right - left, bottom - top
                if face.ignored or face.label is None:
                    left_out["ignored"] += 1
                elif min(width, height) < min_box:
                    left_out[f"smaller than {min_box:g} px"] += 1
                else:
                    record = {"width": width, "height": height, "face_px": max(width, height)}
                    samples.append(Sample(picture.path, name, face.label, name, split, face.box_xyxy, record))
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
        banded = bands(values)
        order = dict.fromkeys(word for _, word in sorted(banded))
        words = np.array([word for _, word in banded])
        found.extend(_one_slice(result, name, word, words == word) for word in order)
    return tuple(found)


def _one_slice(result: Evaluation, name: str, value: str, chosen: NDArray[np.bool_]) -> Slice:
    truth, predicted = result.truth[chosen], result.predicted[chosen]
    groups = [sample.group for sample, take in zip(result.samples, chosen, strict=True) if take]
    counts = classification.confusion(truth, predicted, len(result.labels)).sum(axis=1)
    present = [(number, label) for number, label in enumerate(result.labels) if counts[number]]
    return Slice(
        name,
        value,
        int(chosen.sum()),
        classification.balanced_share_right(truth, predicted, groups, len(result.labels)),
        {label: _recall(truth, predicted, groups, number) for number, label in present},
        {label: int(counts[number]) for number, label in present},
    )


def _recall(truth: classification.Ints, predicted: classification.Ints, groups: Sequence[str], number: int) -> Interval:
    mine = truth == number
    return classification.share_right(predicted[mine] == number, [groups[int(place)] for place in np.flatnonzero(mine)])


def _compare(result: Evaluation, faces: Faces, other: Bundle, face_px: int | None, threads: int) -> Comparison:
    if other.labels != result.labels:
        raise InputError(f"the models know different labels: {list(result.labels)} and {list(other.labels)}")
    theirs = decode(
        faces.samples, other.labels, other.input_size_wh, margin=other.margin_wh, face_px=face_px, threads=threads
    )
    judged = judge(theirs, run(other.path(LITERT_NAME), theirs.pixels, threads=threads), other.labels, other.threshold)
    first, second, p = classification.mcnemar(result.predicted == result.truth, judged.predicted == judged.truth)
    groups = [sample.group for sample in faces.samples]
    gap = classification.balanced_gap(result.truth, result.predicted, judged.predicted, groups, len(result.labels))
    return Comparison(str(other.folder), first, second, p, judged.balanced_accuracy, gap)
