"""How well ``maskgen detect image`` finds masked and bare faces in street photographs: mAP50, AP75, AP.5:.95.

    python benchmarks/scenes.py ../shared/data/scenes_dev [--min-score 0.1] [--every 3] [--cuts] [--json FILE]

Runs the command itself on a folder with COCO ``annotations.json`` and ``images/`` and compares its JSON lines with the
boxes. ``mask_weared_incorrect`` counts as ``without_mask``, and so does what a model of three labels calls
``incorrect_mask``, with the sum of the two probabilities. A face's rank is its face score times its label's
probability; ``--min-score 0.1`` lists those that the usual cut leaves out, and with ``--cuts`` the precision above
every cut is printed. Other words are passed on to the command. Below a size, ground truth is ignored the way COCO
ignores it: neither a miss nor, for a box that lies on it, a false alarm. The size of a face is its box's shorter side.
``recall`` is that of all boxes found, ``1 false`` that at one false alarm a picture, whatever the labels.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

LABEL_OF = {
    "with_mask": "with_mask",
    "without_mask": "without_mask",
    "mask_weared_incorrect": "without_mask",
    "incorrect_mask": "without_mask",
}
LABELS = ("with_mask", "without_mask")
SIZES_PX = (0, 16, 24, 32)
IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--lines", type=Path, help="use these JSON lines instead of running the command")
    parser.add_argument("--every", type=int, default=1, help="look at every n-th picture only")
    parser.add_argument("--cuts", action="store_true", help="also print the precision above every cut")
    known, more = parser.parse_known_args()
    truth = read_truth(known.scenes / "annotations.json")
    pictures = sorted((known.scenes / "images").iterdir())[:: known.every]
    truth = {path.name: truth[path.name] for path in pictures}
    start_s = time.perf_counter()
    if known.lines:
        text = known.lines.read_text()
    else:
        words = ["detect", "image", *map(str, pictures), "--json", *more]
        text = subprocess.run(
            [sys.executable, "-m", "maskgen.app", *words], check=True, capture_output=True, text=True
        ).stdout
    elapsed_s = time.perf_counter() - start_s
    found = {
        Path(line["file"]).name: [two_labels(f) for f in line["faces"]] for line in map(json.loads, text.splitlines())
    }
    figures = evaluate(truth, found)
    figures["ms_a_picture"] = 1000 * elapsed_s / max(1, len(found))
    print(
        f"{len(found)} pictures, {sum(map(len, truth.values()))} faces, {sum(map(len, found.values()))} found, "
        f"{figures['ms_a_picture']:.1f} ms a picture, start to end"
    )
    names = ("map50", *LABELS, "any", "recall", "at_one", "map75", "map50_95")
    heads = ("mAP50", "with", "without", "any", "recall", "1 false", "mAP75", ".5:.95")
    print(f"{'size':>8} " + " ".join(f"{head:>7}" for head in heads))
    for size in SIZES_PX:
        row = figures[str(size)]
        print(f"{'>= ' + str(size) if size else 'all':>8} " + " ".join(f"{row[name]:7.3f}" for name in names))
    if known.cuts:
        figures["cuts"] = precisions(truth, found)
        print(f"{'cut':>8} {'boxes':>7} {'right':>7} {'recall':>7}")
        for cut, (boxes, right, recall) in figures["cuts"].items():
            print(f"{cut:8} {boxes:7d} {right:7.3f} {recall:7.3f}")
    if known.json:
        known.json.write_text(json.dumps(figures, indent=2) + "\n")


def read_truth(path: Path) -> dict[str, list[dict]]:
    """file name -> boxes with ``label`` and ``xyxy``."""
    document = json.loads(path.read_text())
    names = {image["id"]: image["file_name"] for image in document["images"]}
    labels = {category["id"]: LABEL_OF[category["name"]] for category in document["categories"]}
    truth: dict[str, list[dict]] = {name: [] for name in names.values()}
    for box in document["annotations"]:
        x, y, w, h = box["bbox"]
        truth[names[box["image_id"]]].append({"label": labels[box["category_id"]], "xyxy": (x, y, x + w, y + h)})
    return truth


def two_labels(face: dict) -> dict:
    """A found face with one of ``LABELS``."""
    label = LABEL_OF[face["label"]]
    score = sum(value for name, value in face["probabilities"].items() if LABEL_OF[name] == label)
    return {**face, "label": label, "score": score}


def evaluate(truth: dict[str, list[dict]], found: dict[str, list[dict]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for size in SIZES_PX:
        row: dict[str, float] = {}
        for label in LABELS:
            row[label], *_ = average_precision(truth, found, label, size)
        row["any"], row["recall"], row["at_one"] = average_precision(truth, found, None, size)
        row["map50"] = float(np.mean([row[label] for label in LABELS]))
        by_iou = [
            float(np.mean([average_precision(truth, found, label, size, iou)[0] for label in LABELS])) for iou in IOUS
        ]
        row["map75"], row["map50_95"] = by_iou[IOUS.index(0.75)], float(np.mean(by_iou))
        figures[str(size)] = row
    return figures


def precisions(truth: dict[str, list[dict]], found: dict[str, list[dict]]) -> dict[str, tuple[int, float, float]]:
    """cut -> boxes above it, the share that lies on a face of its label, and the share of faces so found."""
    wanted = sum(map(len, truth.values()))
    table = {}
    for cut in (round(0.1 + 0.02 * step, 2) for step in range(36)):
        boxes = hits = 0
        for name, real in truth.items():
            for label in LABELS:
                faces = [f for f in found.get(name, []) if f["label"] == label and rank(f, label) >= cut]
                faces.sort(key=lambda face: -rank(face, label))
                overlap = overlaps(
                    [f["box_xyxy"] for f in faces], [box["xyxy"] for box in real if box["label"] == label]
                )
                boxes += len(faces)
                for row in overlap:
                    best = int(row.argmax()) if row.size else -1
                    if best >= 0 and row[best] >= 0.5:
                        hits += 1
                        overlap[:, best] = 0
        table[f"{cut:.2f}"] = (boxes, hits / max(1, boxes), hits / max(1, wanted))
    return table


def average_precision(
    truth: dict[str, list[dict]], found: dict[str, list[dict]], label: str | None, least_px: float, iou: float = 0.5
) -> tuple[float, float, float]:
    """COCO's average precision at one overlap, the recall reached, and that with one false alarm a picture.

    ``label`` None takes any for any.
    """
    outcomes: list[tuple[float, bool]] = []
    wanted = 0
    for name, boxes in truth.items():
        real = [box["xyxy"] for box in boxes if label in (None, box["label"])]
        counts = [shorter(box) >= least_px for box in real]
        wanted += sum(counts)
        faces = [face for face in found.get(name, []) if label in (None, face["label"])]
        faces.sort(key=lambda face: -rank(face, label))
        taken: set[int] = set()
        overlap = overlaps([face["box_xyxy"] for face in faces], real)
        for row, face in zip(overlap, faces, strict=True):
            # As COCO matches: the best free box that counts, else the best that is ignored.
            best = max(
                (i for i in range(len(real)) if i not in taken and row[i] >= iou),
                key=lambda i: (counts[i], row[i]),
                default=None,
            )
            if best is None:
                if shorter(face["box_xyxy"]) >= least_px:
                    outcomes.append((rank(face, label), False))
                continue
            taken.add(best)
            if counts[best]:
                outcomes.append((rank(face, label), True))
    outcomes.sort(key=lambda outcome: -outcome[0])
    hits = np.cumsum([hit for _, hit in outcomes]) if outcomes else np.zeros(0)
    recall = hits / max(1, wanted)
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(precision) else precision
    at = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    points = [float(envelope[i]) if i < len(envelope) else 0.0 for i in at]
    few = recall[np.arange(1, len(hits) + 1) - hits <= len(truth)]
    return float(np.mean(points)), float(recall[-1]) if len(recall) else 0.0, float(few[-1]) if len(few) else 0.0


def rank(face: dict, label: str | None) -> float:
    return face["face_score"] * (face["score"] if label is not None else 1.0)


def shorter(box: tuple[float, float, float, float]) -> float:
    return min(box[2] - box[0], box[3] - box[1])


def overlaps(found: list, real: list) -> np.ndarray:
    """(N, M) intersection over union."""
    a = np.asarray(found, dtype=float).reshape(-1, 1, 4)
    b = np.asarray(real, dtype=float).reshape(1, -1, 4)
    inner = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(axis=2)
    area = (a[..., 2:] - a[..., :2]).prod(axis=2) + (b[..., 2:] - b[..., :2]).prod(axis=2) - inner
    return inner / np.maximum(area, 1e-9)


if __name__ == "__main__":
    main()
