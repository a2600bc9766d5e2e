"""Average precision of boxes at an overlap, as COCO matches and interpolates.

The rank of a box is its label's score. Faces below a size, and faces marked
so, are ignored: neither a miss nor, for a box that lies on one, a false alarm.

Source:
    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014;
    pycocotools' ``COCOeval``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.onestage_litert import Raw
from trainer.data.scenes import KIND, Scene

POINTS: Final = np.linspace(0, 1, 101)
"""Recalls at which COCO reads precision off."""

LIES_ON: Final = 0.5
"""A box of which this share lies within an ignored region is no false alarm."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a picture, and what is there.

    Attributes:
        boxes: (N, 4) found, xyxy.
        labels: (N,) number of each one's likeliest label.
        scores: (N,) that label's score.
        faces: (M, 4) real.
        face_labels: (M,) theirs.
        counts: (M,) False for faces to be ignored.
    """

    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    faces: NDArray[np.float64]
    face_labels: NDArray[np.int64]
    counts: NDArray[np.bool_]

    @classmethod
    def of(cls, scene: Scene, raw: Raw) -> Found:
        rows = scene.faces
        return cls(
            raw.boxes,
            raw.scores.argmax(axis=1) if len(raw) else np.zeros(0, np.int64),
            raw.scores.max(axis=1, initial=0),
            rows[:, :4].astype(np.float64),
            rows[:, 4].astype(np.int64),
            rows[:, KIND] > 0,
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision against recall.

    Attributes:
        average_precision: COCO's, nan where no face counts.
        recall, precision: (K,) as boxes are added, best first.
        scores: (K,) of those boxes.
        faces: how many count.
        recall_at_one: recall while there is at most one false alarm a picture.
    """

    average_precision: float
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    scores: NDArray[np.float64]
    faces: int
    recall_at_one: float


def curve(
    found: Sequence[Found], label: int | None, *, iou: float = 0.5, least_px: float = 0.0, most_px: float = np.inf
) -> Curve:
    """The curve of one label, or of any label for any.

    Args:
        found: picture by picture.
        label: number; None takes any box for any face.
        iou: least overlap.
        least_px: faces with a shorter side below this are ignored.
        most_px: likewise from this on.
    """
    scores, hits = [], []
    wanted = 0
    for one in found:
        mine = np.ones(len(one.boxes), bool) if label is None else one.labels == label
        # Ignored faces have no sure label: they excuse boxes of any.
        theirs = (one.face_labels == label) | ~one.counts if label is not None else np.ones(len(one.faces), bool)
        boxes, faces = one.boxes[mine], one.faces[theirs]
        shorter = (faces[:, 2:] - faces[:, :2]).min(axis=1, initial=np.inf)
        counts = one.counts[theirs] & (shorter >= least_px) & (shorter < most_px)
        wanted += int(counts.sum())
        sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf)
        outcome = match(boxes, one.scores[mine], faces, counts, iou)
        kept = (outcome == 1) | ((outcome == 0) & (sides >= least_px) & (sides < most_px))
        scores.append(one.scores[mine][kept])
        hits.append(outcome[kept] == 1)
    all_scores = np.concatenate(scores) if scores else np.zeros(0)
    all_hits = np.concatenate(hits) if hits else np.zeros(0, bool)
    order = np.argsort(-all_scores, kind="stable")
    right = np.cumsum(all_hits[order])
    recall = right / max(1, wanted)
    precision = right / np.arange(1, len(right) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    at = np.searchsorted(recall, POINTS, side="left")
    average = float(envelope[np.minimum(at, len(envelope) - 1)].mean()) if wanted else float("nan")
    wrong = np.arange(1, len(right) + 1) - right
    allowed = recall[wrong <= len(found)]
    return Curve(average, recall, precision, all_scores[order], wanted, float(allowed.max()) if len(allowed) else 0.0)


def match(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    faces: NDArray[np.float64],
    counts: NDArray[np.bool_],
    iou: float,
) -> NDArray[np.int64]:
    """Every box's outcome: 1 on a face that counts, 0 a false alarm, -1 ignored.

    The best box chooses first: the free face that counts and that it overlaps
    most, else one that is ignored.
    """
    outcome = np.zeros(len(boxes), np.int64)
    overlap, within = overlaps(boxes, faces)
    free = np.ones(len(faces), bool)
    for row in np.argsort(-scores, kind="stable"):
        possible = np.flatnonzero(free & (overlap[row] >= iou)) if len(faces) else np.zeros(0, np.int64)
        if not len(possible):
            if len(faces) and (within[row][~counts] > LIES_ON).any():
                outcome[row] = -1
            continue
        best = possible[np.lexsort((overlap[row][possible], counts[possible]))[-1]]
        free[best] = not counts[best]  # an ignored face excuses as many boxes as lie on it
        outcome[row] = 1 if counts[best] else -1
    return outcome


def overlaps(boxes: NDArray[np.float64], faces: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, M) intersection over union, and the share of each box that lies within each face."""
    low = np.maximum(boxes[:, None, :2], faces[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], faces[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=2)
    area_b = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
    area_f = (faces[:, 2:] - faces[:, :2]).prod(axis=1)[None]
    return inner / np.maximum(area_b + area_f - inner, 1e-9), inner / np.maximum(area_b, 1e-9)


def mean_average_precision(
    found: Sequence[Found], labels: int, *, iou: float = 0.5, least_px: float = 0.0, most_px: float = np.inf
) -> float:
    """The mean of the labels' average precisions; labels without a face are left out."""
    values = [curve(found, n, iou=iou, least_px=least_px, most_px=most_px).average_precision for n in range(labels)]
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else 0.0
