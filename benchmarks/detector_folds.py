"""What a detector gains from real scenes: k-fold cross-validation on a COCO folder of photographs.

    python benchmarks/detector_folds.py PHOTOS SCENES MODEL --work FOLDER [--folds 3] [-- words for maskgen train]

PHOTOS holds ``annotations.json`` and ``images/``; SCENES is what MODEL was trained on (``maskgen compose``). For every
fold a copy of MODEL goes on learning from SCENES and the other folds' photographs; ``maskgen detect image`` then looks
at the fold that it never saw. The figures are ``benchmarks/scenes.py``'s, over all folds together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # a script beside this one

from scenes import SIZES_PX, evaluate, read_truth, two_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--only", type=int, help="this fold alone")
    parser.add_argument("--face-score", default="0.05")
    parser.add_argument("--labels", default="detector", help="who says what a face wears: detector, classifier, both")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("train", nargs="*", help="after --: passed on to maskgen train-detector")
    known = parser.parse_args()
    options = ("--face-score", known.face_score, "--labels", known.labels)
    found = {}
    for fold in range(known.folds) if known.only is None else [known.only]:
        rest = subset(known.photos, known.work / f"rest{fold}", lambda name, fold=fold: part(name, known.folds) != fold)
        model = known.work / f"model{fold}"
        words = [
            known.scenes,
            model,
            "--also",
            rest,
            "--weights",
            known.model,
            "--keep",
            "last",
            "--resume",
        ]
        maskgen("train-detector", *words, *known.train)
        held = sorted(p for p in (known.photos / "images").iterdir() if part(p.name, known.folds) == fold)
        text = maskgen("detect", "image", *held, "--json", "--model", model, *options)
        lines = map(json.loads, text.splitlines())
        found |= {Path(line["file"]).name: [two_labels(face) for face in line["faces"]] for line in lines}
        (known.work / f"lines{fold}.jsonl").write_text(text)
    truth = read_truth(known.photos / "annotations.json")
    figures = evaluate({name: boxes for name, boxes in truth.items() if name in found}, found)
    print(f"{len(found)} pictures, each seen by a model that never saw it")
    print(f"{'size':>8} {'mAP50':>7} {'with':>7} {'without':>7} {'any':>7} {'recall':>7} {'1 false':>7}")
    for size in SIZES_PX:
        row = figures[str(size)]
        names = ("map50", "with_mask", "without_mask", "any", "recall", "at_one")
        cells = " ".join(f"{row[name]:7.3f}" for name in names)
        print(f"{'>= ' + str(size) if size else 'all':>8} {cells}")
    if known.json:
        known.json.write_text(json.dumps(figures, indent=2) + "\n")


def part(name: str, folds: int) -> int:
    """Which fold a picture is in: it hangs on its name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % folds


def subset(photos: Path, folder: Path, wanted) -> Path:
    """The photographs that are wanted, as a COCO folder of their own; pictures are linked, not copied."""
    document = json.loads((photos / "annotations.json").read_text())
    images = [image for image in document["images"] if wanted(image["file_name"])]
    numbers = {image["id"] for image in images}
    boxes = [box for box in document["annotations"] if box["image_id"] in numbers]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "annotations.json").write_text(json.dumps({**document, "images": images, "annotations": boxes}))
    if not (folder / "images").exists():
        (folder / "images").symlink_to((photos / "images").resolve())
    return folder


def maskgen(*words: object) -> str:
    command = [sys.executable, "-m", "maskgen.app", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
