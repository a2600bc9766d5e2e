"""Evaluation of a classifier on a labelled folder: with intervals, by slice, against another model.

Three kinds of folder: one that ``maskgen generate`` wrote, plain folders of
faces by label, and photographs with a COCO ``annotations.json``, whose
ground-truth boxes are cut out. Runs LiteRT, so no TensorFlow is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError, InputError
from trainer.bundle import LITERT_NAME, Bundle
from trainer.config.classifier import Incorrect
from trainer.data import seen
from trainer.data.faces import Crop, Faces, decode
from trainer.data.labelled import find_samples
from trainer.data.samples import relabel
from trainer.metrics import classification, slices
from trainer.metrics.evaluation import Comparison, Evaluation, judge
from trainer.models.litert import LiteRTModel


@dataclass(frozen=True, slots=True)
class Measure:
    """What a classifier is measured on, and how.

    Attributes:
        face_px: first shrink every face to this longer side.
        min_box: leave boxes out whose shorter side has fewer pixels (COCO).
        split: of a generated folder; None for ``test`` where there is one,
            else everything.
        incorrect: what an incorrectly worn mask counts as with two classes.
        group_by: regular expression naming the person, for plain folders.
        slices: fields of the metadata, or regular expressions with named
            groups on the file name.
        threshold: instead of the model's own.
        file: which of the model's files to run.
    """

    face_px: int | None = None
    min_box: float = 0
    split: str | None = None
    incorrect: Incorrect = "drop"
    group_by: str | None = None
    slices: Sequence[str] = ()
    threshold: float | None = None
    file: str = LITERT_NAME


def evaluate(
    bundle: Bundle,
    folder: Path,
    measure: Measure = Measure(),
    *,
    compare: Bundle | None = None,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate a classifier on a labelled folder.

    Args:
        bundle: the model.
        folder: generated, plain or COCO.
        measure: what of it, and how.
        compare: another model, judged on the same images.
        threads: faces judged at once.
        progress: told how many of how many are done.

    Raises:
        DatasetError: nothing there to judge by.
        BundleError: the model lacks the file.
        InputError: a slice is neither a field nor a pattern.
    """
    faces, left_out = _faces(bundle, Path(folder), measure, threads)
    probabilities = run(bundle.path(measure.file), faces.pixels, threads=threads, progress=progress)
    threshold = bundle.threshold if measure.threshold is None else measure.threshold
    result = replace(judge(faces, probabilities, bundle.labels, threshold), left_out=left_out)
    if measure.slices:
        result = replace(result, slices=slices.by_slice(result, measure.slices, folder))
    if compare is not None:
        result = replace(result, comparison=_compare(result, compare, measure.face_px, threads))
    return result


def _faces(bundle: Bundle, folder: Path, measure: Measure, threads: int) -> tuple[Faces, dict[str, int]]:
    """The decoded faces of a folder that a model can be judged by, and what was left out."""
    samples, left_out = find_samples(folder, min_box=measure.min_box, group_by=measure.group_by, split=measure.split)
    kept = relabel(samples, bundle.labels, measure.incorrect)
    if len(kept) < len(samples):
        left_out["incorrect_mask"] = len(samples) - len(kept)
    if not kept:
        raise DatasetError(f"{folder} has no face this model can be judged by")
    seen.warn(bundle, folder, (s.path for s in kept), {s.split for s in kept}, threads)
    labelled = [slices.with_fields(sample, measure.slices) for sample in kept] if measure.slices else kept
    crop = Crop(bundle.input_size_wh, bundle.margin_wh, measure.face_px)
    faces = decode(labelled, bundle.labels, crop, threads=threads)
    if not len(faces):
        raise DatasetError(f"none of the {len(kept)} images in {folder} can be read")
    if len(faces) < len(kept):
        left_out["unreadable"] = len(kept) - len(faces)
    return faces, left_out


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


def _compare(result: Evaluation, other: Bundle, face_px: int | None, threads: int) -> Comparison:
    if other.labels != result.labels:
        raise InputError(f"the models know different labels: {list(result.labels)} and {list(other.labels)}")
    crop = Crop(other.input_size_wh, other.margin_wh, face_px)
    theirs = decode(result.samples, other.labels, crop, threads=threads)
    judged = judge(theirs, run(other.path(LITERT_NAME), theirs.pixels, threads=threads), other.labels, other.threshold)
    first, second, p = classification.mcnemar(result.predicted == result.truth, judged.predicted == judged.truth)
    groups = [sample.group for sample in result.samples]
    gap = classification.balanced_gap(result.truth, result.predicted, judged.predicted, groups, len(result.labels))
    return Comparison(str(other.folder), first, second, p, judged.balanced_accuracy, gap)
