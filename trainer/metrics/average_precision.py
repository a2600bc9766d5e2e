"""Average precision (AP) of a detector's boxes, by pycocotools.

The rank of a box is its label's score. Faces below a size, and faces marked
so, are ignored: neither a miss nor, for a box that lies on one, a false alarm.

Source:
    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.onestage_litert import Raw
from trainer.data.scenes import KIND, Scene

LIES_ON: Final = 0.5
"""A box of which this share lies within an ignored region is no false alarm."""


@dataclass(frozen=True, slots=True)
class Found:
    """Detections and ground truth of one picture.

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
    """Precision-recall curve with its average precision.

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


def curves(
    found: Sequence[Found],
    labels: Sequence[int | None],
    *,
    iou: float = 0.5,
    least_px: float = 0.0,
    most_px: float = np.inf,
) -> tuple[Curve, ...]:
    """Precision-recall curves of several labels.

    Args:
        found: picture by picture.
        labels: numbers; None takes any box for any face.
        iou: least overlap (intersection over union).
        least_px: faces with a shorter side below this are ignored.
        most_px: likewise from this on.
    """
    if not found:
        return tuple(Curve(float("nan"), np.zeros(0), np.zeros(0), np.zeros(0), 0, 0.0) for _ in labels)
    judged = _judged(found, labels, (iou,), least_px, most_px)
    return tuple(_curve(judged, place, len(found)) for place in range(len(labels)))


def curve(
    found: Sequence[Found], label: int | None, *, iou: float = 0.5, least_px: float = 0.0, most_px: float = np.inf
) -> Curve:
    """Precision-recall curve of one label; see ``curves``."""
    return curves(found, (label,), iou=iou, least_px=least_px, most_px=most_px)[0]


def mean_average_precision(
    found: Sequence[Found],
    labels: int,
    *,
    ious: Sequence[float] = (0.5,),
    least_px: float = 0.0,
    most_px: float = np.inf,
) -> float:
    """Mean average precision (mAP) over labels and overlaps; labels without a face are left out."""
    if not found:
        return 0.0
    averages = _averages(_judged(found, range(labels), ious, least_px, most_px))
    known = averages[~np.isnan(averages)]
    return float(known.mean()) if len(known) else 0.0


def coco_figures(found: Sequence[Found], labels: Sequence[str]) -> dict[str, float]:
    """AP, AP50, AP75 and AP by size, by COCO's own rules; nothing where nothing was found.

    COCO counts at most 100 boxes a picture; its sizes are areas: small below
    32 x 32, large from 96 x 96 pixels on. A box is ignored on a face to be
    ignored by the overlap that is asked for, not by ``LIES_ON``.
    """
    from pycocotools.cocoeval import COCOeval

    if not any(len(one.boxes) for one in found):
        return {}
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        truth, results = _as_coco(found, range(len(labels)), shorter_side=False)
        judged = COCOeval(truth, results, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    names = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
    return {name: float(value) for name, value in zip(names, judged.stats, strict=False) if value >= 0}


def _judged(
    found: Sequence[Found], labels: Sequence[int | None], ious: Sequence[float], least_px: float, most_px: float
) -> Any:
    """pycocotools' evaluation, accumulated, with every label as a category."""
    from pycocotools.cocoeval import COCOeval

    class Evaluation(COCOeval):  # type: ignore[misc]
        def computeIoU(self, image: int, category: int) -> Any:
            shares = super().computeIoU(image, category)
            ignored = np.array([face["iscrowd"] for face in self._gts[image, category]], bool)
            if len(shares):  # of each box that lies within an ignored face
                shares[:, ignored] = shares[:, ignored] >= LIES_ON
            return shares

    within = (least_px, float(np.nextafter(most_px, 0)))
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        judged = Evaluation(*_as_coco(found, labels, within), "bbox")
        judged.params.iouThrs = np.asarray(ious)
        judged.params.areaRng, judged.params.areaRngLbl = [list(within)], ["all"]
        judged.params.maxDets = [max(1, *(len(one.boxes) for one in found))]
        judged.evaluate()
        judged.accumulate()
    return judged


def _as_coco(
    found: Sequence[Found],
    labels: Sequence[int | None],
    within: tuple[float, float] = (0.0, np.inf),
    *,
    shorter_side: bool = True,
) -> tuple[Any, Any]:
    """Ground truth and detections as pycocotools wants them.

    Args:
        found: picture by picture.
        labels: one a category; None for any.
        within: faces with a shorter side outside are ignored.
        shorter_side: sizes are shorter sides, not areas.
    """
    truth: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image, one in enumerate(found, 1):
        sides = one.faces[:, 2:] - one.faces[:, :2]
        counts = one.counts & (sides.min(axis=1, initial=np.inf) >= within[0])
        counts &= sides.min(axis=1, initial=np.inf) <= within[1]
        for category, label in enumerate(labels, 1):
            # What a face marked so wears is not sure: it excuses boxes of every label.
            # pycocotools heeds "iscrowd" alone; "ignore" it overwrites.
            for number in np.flatnonzero((one.face_labels == label) | ~one.counts | (label is None)):
                entry = _entry(truth, image, category, one.faces[number], shorter_side)
                truth.append({**entry, "iscrowd": int(not counts[number])})
            for number in np.flatnonzero((one.labels == label) | (label is None)):
                entry = _entry(results, image, category, one.boxes[number], shorter_side)
                results.append({**entry, "score": float(one.scores[number])})
    return _document(truth, len(found), len(labels)), _document(results, len(found), len(labels))


def _entry(before: Sequence[Any], image: int, category: int, box: Any, shorter_side: bool) -> dict[str, Any]:
    left, top, width, height = float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])
    return {
        "id": len(before) + 1,
        "image_id": image,
        "category_id": category,
        "bbox": [left, top, width, height],
        "area": min(width, height) if shorter_side else width * height,
    }


def _document(annotations: list[dict[str, Any]], images: int, categories: int) -> Any:
    from pycocotools.coco import COCO

    document = COCO()
    document.dataset = {
        "images": [{"id": number} for number in range(1, images + 1)],
        "categories": [{"id": number, "name": str(number)} for number in range(1, categories + 1)],
        "annotations": annotations,
    }
    document.createIndex()
    return document


def _averages(judged: Any) -> NDArray[np.float64]:
    """(overlaps, categories) average precisions; nan where no face counts."""
    precision = judged.eval["precision"][:, :, :, 0, 0]
    return np.asarray(np.where(precision[:, 0] < 0, np.nan, precision.mean(axis=1)))


def _curve(judged: Any, place: int, pictures: int) -> Curve:
    """One category's curve at the first overlap."""
    answers = [one for one in judged.evalImgs[place * pictures : (place + 1) * pictures] if one is not None]
    faces = sum(int((one["gtIgnore"] == 0).sum()) for one in answers)
    scores = np.concatenate([np.zeros(0), *(np.asarray(one["dtScores"], np.float64) for one in answers)])
    hits = np.concatenate([np.zeros(0, bool), *(one["dtMatches"][0] > 0 for one in answers)])
    kept = np.concatenate([np.zeros(0, bool), *(~one["dtIgnore"][0] for one in answers)])
    order = np.argsort(-scores[kept], kind="stable")
    right, scores = np.cumsum(hits[kept][order]), scores[kept][order]
    count = np.arange(1, len(right) + 1)
    recall = right / max(1, faces)
    allowed = recall[count - right <= pictures]
    at_one = float(allowed.max()) if len(allowed) else 0.0
    return Curve(float(_averages(judged)[0, place]), recall, right / count, scores, faces, at_one)
