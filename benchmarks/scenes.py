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

from trainer.metrics.average_precision import Found, curve, curves, mean_average_precision

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
    """The figures by least size, as ``trainer.metrics.average_precision`` works them out."""
    labelled = [_found(boxes, found.get(name, []), by_label=True) for name, boxes in truth.items()]
    anyhow = [_found(boxes, found.get(name, []), by_label=False) for name, boxes in truth.items()]
    figures: dict[str, object] = {}
    for size in SIZES_PX:
        by_label = curves(labelled, range(len(LABELS)), least_px=size)
        whole = curve(anyhow, None, least_px=size)
        row = {label: one.average_precision for label, one in zip(LABELS, by_label, strict=True)}
        row["any"], row["at_one"] = whole.average_precision, whole.recall_at_one
        row["recall"] = float(whole.recall[-1]) if len(whole.recall) else 0.0
        row["map50"] = float(np.mean([row[label] for label in LABELS]))
        row["map75"] = mean_average_precision(labelled, len(LABELS), ious=(0.75,), least_px=size)
        row["map50_95"] = mean_average_precision(labelled, len(LABELS), ious=IOUS, least_px=size)
        figures[str(size)] = row
    return figures


def precisions(truth: dict[str, list[dict]], found: dict[str, list[dict]]) -> dict[str, tuple[int, float, float]]:
    """cut -> boxes above it, the share that lies on a face of its label, and the share of faces so found."""
    labelled = [_found(boxes, found.get(name, []), by_label=True) for name, boxes in truth.items()]
    by_label = curves(labelled, range(len(LABELS)))
    wanted = sum(map(len, truth.values()))
    table = {}
    for cut in (round(0.1 + 0.02 * step, 2) for step in range(36)):
        above = [int(np.sum(one.scores >= cut)) for one in by_label]
        hits = sum(round(n * one.precision[n - 1]) for n, one in zip(above, by_label, strict=True) if n)
        table[f"{cut:.2f}"] = (sum(above), hits / max(1, sum(above)), hits / max(1, wanted))
    return table


def _found(boxes: list[dict], faces: list[dict], *, by_label: bool) -> Found:
    """A picture; a face's rank is its face score, times its label's probability where labels matter."""
    return Found(
        boxes=np.array([face["box_xyxy"] for face in faces], float).reshape(-1, 4),
        labels=np.array([LABELS.index(face["label"]) for face in faces], np.int64),
        scores=np.array([face["face_score"] * (face["score"] if by_label else 1.0) for face in faces], float),
        faces=np.array([box["xyxy"] for box in boxes], float).reshape(-1, 4),
        face_labels=np.array([LABELS.index(box["label"]) for box in boxes], np.int64),
        counts=np.ones(len(boxes), bool),
    )


if __name__ == "__main__":
    main()
