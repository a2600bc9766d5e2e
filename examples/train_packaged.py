"""Trains the classifier that ships with maskgen: faces in, ``assets/models/classifier`` out.

    python examples/train_packaged.py FACES... --work /tmp/packaged --weights imagenet

Every photo comes from FACES (folders of people without masks) and every mask
from ``maskgen generate``; no real masked face is looked at. All layers learn,
batch normalisation is folded away, and the weights are rounded to 16 bits, so
that ``model.keras`` and ``model.tflite`` hold the same ones. Each step can be
repeated alone: what is finished is kept, an unfinished training run goes on.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    options = _parse()
    dataset, model = options.work / "dataset", options.work / "model"
    began = time.perf_counter()
    generate = [
        *("generate", *options.faces, dataset),
        *(
            "--classes",
            options.classes,
            "--per-face",
            options.per_face,
            "--size",
            options.image_size,
            "--seed",
            options.seed,
        ),
        *("--split", options.split, "--workers", options.workers),
        *options.generate_option,
    ]
    _maskgen(*generate)
    train = [
        *("train", dataset, model, "--weights", options.weights, "--classes", options.classes),
        *("--size", options.size, "--head", options.head, "--fine-tune", options.fine_tune),
        *("--epochs", options.epochs, "--head-epochs", options.head_epochs, "--views", options.views),
        *("--head-limit", options.head_limit, "--batch-size", options.batch_size, "--lr", options.lr),
        *("--label-smoothing", options.label_smoothing, "--ema", options.ema, "--patience", options.epochs),
        *("--augment", options.augment, "--seed", options.seed, "--threads", options.workers),
        *("--litert", "float16", "--compact", "--resume"),
        *options.train_option,
    ]
    _maskgen(*train)
    for folder in options.evaluate:
        for extra in ([], ["--face-px", 32], ["--face-px", 20]):
            _say(f"--- {folder} {' '.join(map(str, extra))}")
            _maskgen("evaluate", model, folder, "--min-box", 16, *extra)
    if options.install is not None:
        _install(model, options.install)
    _say(f"{(time.perf_counter() - began) / 60:.1f} minutes")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", nargs="+", help="folders of people without masks")
    parser.add_argument("--work", type=Path, required=True, help="for the dataset and the model")
    parser.add_argument(
        "--install", type=Path, help="copy the finished model folder here, e.g. assets/models/classifier"
    )
    parser.add_argument("--evaluate", nargs="*", default=[], help="labelled folders to measure on; never trained on")
    generating = parser.add_argument_group("generating")
    generating.add_argument("--per-face", type=int, default=2)
    generating.add_argument("--image-size", type=int, default=224)
    generating.add_argument("--split", default="90/10")
    generating.add_argument("--generate-option", nargs=argparse.REMAINDER, default=[], help="passed on; must come last")
    training = parser.add_argument_group("training")
    training.add_argument("--weights", default="imagenet")
    training.add_argument("--classes", type=int, default=2)
    training.add_argument("--size", type=int, default=160)
    training.add_argument("--head", default="classic")
    training.add_argument("--fine-tune", default="all")
    training.add_argument("--epochs", type=int, default=10)
    training.add_argument("--head-epochs", type=int, default=10)
    training.add_argument("--head-limit", type=int, default=3000)
    training.add_argument("--views", type=int, default=1)
    training.add_argument("--batch-size", type=int, default=32)
    training.add_argument("--lr", type=float, default=1.5e-4)
    training.add_argument("--label-smoothing", type=float, default=0.05)
    training.add_argument("--ema", type=float, default=0.99)
    training.add_argument("--augment", default="street")
    training.add_argument("--train-option", action="append", default=[], help="one word, passed on to maskgen train")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 a script talks


def _maskgen(*words: object) -> None:
    command = [sys.executable, "-m", "maskgen.app", *(str(word) for word in words)]
    _say("+ maskgen", *command[3:])
    subprocess.run(command, check=True)


def _install(model: Path, target: Path) -> None:
    """Copy what the package needs; pictures of training faces stay behind."""
    target.mkdir(parents=True, exist_ok=True)
    for name in (
        "model.keras",
        "model.tflite",
        "metrics.json",
        "classification_report.txt",
        "history.csv",
        "README.md",
    ):
        shutil.copyfile(model / name, target / name)
    for name in ("curves.png", "confusion_matrix.png", "roc.png", "reliability.png"):
        shutil.copyfile(model / name, target / name)
    shutil.copyfile(model / "bundle.json", target / "bundle.json")
    size = sum(path.stat().st_size for path in target.iterdir())
    _say(f"{target}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
