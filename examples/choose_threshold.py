"""Chooses the threshold of a finished classifier again, on validation faces drawn since, and says so in its folder.

    python examples/choose_threshold.py assets/models/classifier DATASET

DATASET was written by ``maskgen generate``; only its validation split is looked
at. The network stays as it is. ``bundle.json``, ``metrics.json``, the report,
the plots and the section "How well it does" of ``README.md`` are written anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from shipping import say

from maskgen.io.files import write_whole
from trainer.bundle import LITERT_NAME, Bundle
from trainer.data.dataset import load
from trainer.data.faces import Crop, decode
from trainer.metrics import classification
from trainer.metrics.evaluate import judge, run
from trainer.report import classification as report

BEGIN, END = "## How well it does\n", "These images come from the same source"
PLOTS = ("confusion_matrix.png", "roc.png", "reliability.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("dataset", type=Path)
    args = parser.parse_args()
    bundle = Bundle.load(args.model)
    labels = bundle.labels
    found = load(args.dataset, classes=len(labels), incorrect="drop", val_fraction=0.2, group_by=None, seed=0)
    faces = decode(found.val, labels, Crop(bundle.input_size_wh, bundle.margin_wh), threads=2)
    probabilities = run(bundle.path(LITERT_NAME), faces.pixels, threads=2)
    masked = labels.index("with_mask")
    threshold = classification.choose_threshold(faces.targets == masked, probabilities[:, masked])
    say(f"{bundle.threshold:g} -> {threshold:g}")
    result = judge(faces, probabilities, labels, threshold)
    with tempfile.TemporaryDirectory() as place:
        report.write_report(result, Path(place), title=args.model.name)
        for name in ("metrics.json", "classification_report.txt"):
            shutil.copyfile(Path(place) / name, args.model / name)
        for name in PLOTS:
            Image.open(Path(place) / name).convert("RGB").quantize(48).save(args.model / name, optimize=True)
    plan = json.loads((args.model / "bundle.json").read_text(encoding="utf-8"))
    plan["threshold"] = threshold
    write_whole(args.model / "bundle.json", (json.dumps(plan, indent=2) + "\n").encode())
    card = args.model / "README.md"
    text = card.read_text(encoding="utf-8")
    head, tail = text[: text.index(BEGIN)], text[text.index(END) :]
    section = _section(threshold, report.text_report(result))
    write_whole(card, (head + section + tail).encode())


def _section(threshold: float, report: str) -> str:
    return (
        f"{BEGIN}\nMeasured on validation faces that `maskgen generate` drew after the network was trained, of people"
        f" held out from training; they chose the threshold {threshold:g} on P(with_mask).\n\n"
        f"```\n{report.rstrip()}\n```\n\n"
    )


if __name__ == "__main__":
    main()
