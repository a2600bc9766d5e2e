"""How well does a classifier of three labels know badly worn masks on real people, and what does it cost the others?

    python benchmarks/badly_worn.py DATA [MODEL ...] [--margin WIDE HIGH] [--out TABLE.md]

DATA holds labelled folders, of which those that are there are measured: ``press_dev`` and ``scenes_dev`` (``images/``
and a COCO ``annotations.json``), ``mafa_dev``, ``worksite_dev`` and ``real_dev`` (a folder of crops a label, taken as
they are). MODEL is a model folder or a packaged network's name. Boxes of 16 px and more count.

Where badly worn masks are found, they are ranked by P(incorrect_mask): ``r2.2`` and ``r5`` are the recall at the
threshold that 2.2 % and 5 % of all other faces pass, ``pAUC`` the mean recall over six such rates from 1 to 10 %. The
recalls of the labels, and their mean, are those of the bundle's own decision; ``two labels`` leaves badly worn masks
out and takes the likelier of the other two. Intervals of ranks hold 95 % of 2,000 bootstrap samples of the pictures,
those of shares are Wilson's. The turn of a head is read from the five points of YuNet, where it finds the face in the
crop.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from maskgen.types import RGB, Points
from trainer.bundle import LITERT_NAME, Bundle, open_bundle, predicted_labels
from trainer.data.faces import Crop, Faces, decode
from trainer.data.labelled import find_samples
from trainer.data.samples import Sample
from trainer.metrics import classification
from trainer.metrics.evaluate import run

SETS = ("press_dev", "mafa_dev", "worksite_dev", "scenes_dev", "real_dev")
LEAST_PX = 16
RESAMPLES = 2000

FEW_INCORRECT = 10
"""Sets with fewer badly worn masks say nothing about them."""

RATES = (0.01, 0.022, 0.035, 0.05, 0.07, 0.10)
"""Shares of the other faces called badly worn."""

BANDS = ((0, 15), (15, 30), (30, 45), (45, 90))
"""Degrees of turn."""

EYES_TO_NOSE = 64 / 38
"""Distance of the eyes' middles, over how far the nose's tip stands before them (``maskgen.faces.pose.HEAD``)."""

UTK_FIELDS = {"gender": ("men", "women"), "race": ("White", "Black", "Asian", "Indian", "other")}

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measured:
    """One set's faces and what a network says of them.

    Attributes:
        labels: of the network, in output order.
        truth: (N,) indices into them.
        probabilities: (N, C).
        predicted: (N,) by the bundle's own decision.
        groups: N, the picture each face was cut from.
    """

    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: Probabilities
    predicted: NDArray[np.int64]
    groups: tuple[str, ...]

    def part(self, chosen: NDArray[np.bool_]) -> Measured:
        where = np.flatnonzero(chosen)
        groups = tuple(self.groups[i] for i in where)
        return replace(
            self,
            truth=self.truth[where],
            probabilities=self.probabilities[where],
            predicted=self.predicted[where],
            groups=groups,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="*", default=["classifier3"], metavar="MODEL")
    parser.add_argument("--margin", type=float, nargs=2, metavar=("WIDE", "HIGH"), help="instead of the bundle's own")
    parser.add_argument("--only", nargs="*", default=SETS, choices=SETS, metavar="SET")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-turn", action="store_true", help="leave the rows by turn of the head out")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    for name in args.models:
        bundle = open_bundle(name)
        margin = tuple(args.margin) if args.margin else bundle.margin_wh
        say(f"\n{name}, crop {margin[0]:g} wide x {margin[1]:g} high, threshold {bundle.threshold:g}\n")
        say("| faces | n | measure | 95 % |")
        say("|---|---|---|---|")
        for part in args.only:
            if (args.data / part).is_dir():
                _measure(args.data / part, bundle, margin, args, say)
    if args.out:
        args.out.write_text("\n".join(lines).strip() + "\n")


def _measure(
    folder: Path, bundle: Bundle, margin: tuple[float, float], args: argparse.Namespace, say: Callable[[str], None]
) -> None:
    samples = _samples(folder, bundle.labels)
    for face_px in (None, 32, 20) if folder.name == "real_dev" else (None,):
        faces = decode(samples, bundle.labels, Crop(bundle.input_size_wh, margin, face_px))
        found = measured(faces, bundle, args.threads)
        name = folder.name if face_px is None else f"{folder.name}, {face_px} px"
        _rows(name, found, say)
        if face_px is None and folder.name == "press_dev" and not args.no_turn:
            _by_turn(name, found, turns(faces.samples), say)
        if face_px is None and folder.name == "real_dev":
            _by_group(name, found, faces.samples, say)
    if folder.name == "scenes_dev":
        large = np.array([min(s.record["width"], s.record["height"]) >= 32 for s in faces.samples])
        _rows(f"{folder.name}, 32 px and more", found.part(large), say)


def _samples(folder: Path, labels: Sequence[str]) -> list[Sample]:
    samples, _ = find_samples(folder, min_box=LEAST_PX)
    return [sample for sample in samples if sample.label in labels]


def measured(faces: Faces, bundle: Bundle, threads: int = 2) -> Measured:
    """What the bundle's network says of some faces."""
    probabilities = run(bundle.path(LITERT_NAME), faces.pixels, threads=threads)
    names = predicted_labels(probabilities, bundle.labels, bundle.threshold)
    predicted = np.array([bundle.labels.index(name) for name in names], np.int64)
    return Measured(bundle.labels, faces.targets, probabilities, predicted, tuple(s.group for s in faces.samples))


def _rows(name: str, found: Measured, say: Callable[[str], None]) -> None:
    bad = found.labels.index("incorrect_mask") if "incorrect_mask" in found.labels else -1
    if bad >= 0 and (found.truth == bad).sum() >= FEW_INCORRECT:
        count = int((found.truth == bad).sum())
        for title, rates in (("r2.2", (0.022,)), ("r5", (0.05,)), ("pAUC", RATES)):
            say(_row(name, count, f"{title} incorrect", _recall_interval(found, bad, rates)))
    _recalls(name, found, found.predicted, range(len(found.labels)), "", say)
    pair = np.flatnonzero([label != "incorrect_mask" for label in found.labels])
    two = found.part(np.isin(found.truth, pair))
    masked = found.labels.index("with_mask")
    if bad >= 0:
        # Whichever of the two is the likelier: what the network knows of faces with and without a mask.
        likelier = pair[two.probabilities[:, pair].argmax(axis=1)]
        _recalls(name, two, likelier, pair, "two labels: ", say)
    area = classification.auc(two.truth == masked, two.probabilities[:, masked])
    say(_row(name, len(two.truth), "AUC with or without", classification.Interval(area, math.nan, math.nan)))


def _recalls(
    name: str,
    found: Measured,
    predicted: NDArray[np.int64],
    labels: Iterable[int],
    words: str,
    say: Callable[[str], None],
) -> None:
    for number in labels:
        here = found.truth == number
        if here.any():
            groups = [group for group, chosen in zip(found.groups, here, strict=True) if chosen]
            share = classification.share_right(predicted[here] == number, groups)
            say(_row(name, int(here.sum()), f"{words}recall {found.labels[number]}", share))
    balanced = classification.balanced_share_right(found.truth, predicted, found.groups, len(found.labels))
    say(_row(name, len(found.truth), f"{words}balanced", balanced))


def _row(name: str, count: int, title: str, figure: classification.Interval) -> str:
    between = "" if math.isnan(figure.low) else f"{100 * figure.low:.1f} to {100 * figure.high:.1f}"
    return f"| {name} | {count} | {title} **{100 * figure.value:.1f}** | {between} |"


def recall_at(scores: Probabilities, positive: NDArray[np.bool_], rates: Sequence[float]) -> float:
    """Mean recall at the thresholds that these shares of the others pass.

    >>> scores = np.array([0.9, 0.4, 0.5, 0.1], np.float32)
    >>> recall_at(scores, np.array([True, True, False, False]), [0.5])
    0.5
    """
    others = np.sort(scores[~positive])[::-1]
    found = []
    for rate in rates:
        passing = math.floor(rate * len(others))
        threshold = others[passing] if passing < len(others) else -math.inf
        found.append(float((scores[positive] > threshold).mean()))
    return float(np.mean(found))


def _recall_interval(found: Measured, bad: int, rates: Sequence[float]) -> classification.Interval:
    scores, positive = found.probabilities[:, bad], found.truth == bad
    places = {name: number for number, name in enumerate(dict.fromkeys(found.groups))}
    members: list[list[int]] = [[] for _ in places]
    for index, group in enumerate(found.groups):
        members[places[group]].append(index)
    arrays = [np.array(part) for part in members]
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(RESAMPLES):
        where = np.concatenate([arrays[i] for i in rng.integers(0, len(arrays), len(arrays))])
        if positive[where].any():
            draws.append(recall_at(scores[where], positive[where], rates))
    low, high = np.quantile(draws, (0.025, 0.975))
    return classification.Interval(recall_at(scores, positive, rates), float(low), float(high))


# Turn of the head


def _by_turn(name: str, found: Measured, turned: NDArray[np.float64], say: Callable[[str], None]) -> None:
    """Recall of badly worn masks by band, at the threshold that 5 % of all others pass."""
    if "incorrect_mask" not in found.labels:
        return
    bad = found.labels.index("incorrect_mask")
    scores, positive = found.probabilities[:, bad], found.truth == bad
    others = np.sort(scores[~positive])[::-1]
    hits = scores > others[int(0.05 * len(others))]
    bands = [(f"turned {low} to {high} deg", (turned >= low) & (turned < high)) for low, high in BANDS]
    for words, band in (*bands, ("turn unknown", np.isnan(turned))):
        chosen = positive & band
        recall = classification.wilson(int(hits[chosen].sum()), int(chosen.sum()))
        say(_row(f"{name}, {words}", int(chosen.sum()), "r5 incorrect", recall))


def turns(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """(N,) degrees that each head is turned, NaN where no face is found in its box."""
    from maskgen.faces import load
    from maskgen.images import read_rgb
    from trainer.data.preprocess import cut

    detector = load("auto")
    found = np.full(len(samples), np.nan)
    for number, sample in enumerate(samples):
        image = read_rgb(sample.path)
        points = _points(detector.detect, image if sample.box is None else cut(image, sample.box, 2.0))
        if points is not None:
            found[number] = turn_deg(points)
    return found


def _points(detect: Callable[[RGB], list], roi: RGB) -> Points | None:  # type: ignore[type-arg]
    """The five points of the face in the middle of a region, looked for at a size that YuNet likes."""
    import cv2

    factor = 240 / max(roi.shape[:2])
    size = max(1, round(roi.shape[1] * factor)), max(1, round(roi.shape[0] * factor))
    faces = detect(np.asarray(cv2.resize(roi, size, interpolation=cv2.INTER_LINEAR), np.uint8))
    middle = np.array(size) / 2
    near = [face for face in faces if face.points is not None and np.hypot(*(face.box.center_xy - middle)) < 50]
    return near[0].points if near else None


def turn_deg(points: Points) -> float:
    """Degrees a head is turned to either side, from eyes and nose.

    >>> turn_deg(np.array([[0, 0], [64, 0], [32, 30], [0, 0], [0, 0]], float))
    0.0
    """
    eyes = points[1] - points[0]
    apart = float(np.hypot(*eyes))
    if apart < 1e-6:
        return 90.0
    along = float((points[2] - (points[0] + points[1]) / 2) @ eyes) / apart
    return abs(math.degrees(math.atan(EYES_TO_NOSE * along / apart)))


# For whom


def _by_group(name: str, found: Measured, samples: Sequence[Sample], say: Callable[[str], None]) -> None:
    """Bare faces known as bare, by the labels in UTKFace's file names."""
    import re

    bare = found.labels.index("without_mask")
    names = [re.search(r"utk_(\d+)_(\d)_(\d)", sample.name) for sample in samples]
    for field, words in UTK_FIELDS.items():
        for number, word in enumerate(words):
            group = 2 if field == "gender" else 3
            chosen = np.array([bool(m) and m is not None and int(m.group(group)) == number for m in names])
            chosen &= found.truth == bare
            recall = classification.wilson(int((found.predicted[chosen] == bare).sum()), int(chosen.sum()))
            say(_row(f"{name}, {word}", int(chosen.sum()), "recall without_mask", recall))


if __name__ == "__main__":
    main()
