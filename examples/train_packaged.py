r"""Trains the classifiers that ship with maskgen: faces in, ``assets/models/classifier`` or ``classifier3`` out.

    python examples/train_packaged.py FACES... --work /tmp/packaged
    python examples/train_packaged.py FACES... --work /tmp/packaged3 --classes 3 --per-face 2 \
        --weights packaged --epochs 1 --head-limit 6000 --wise 0.75 --litert int8 --incorrect-prior 0.1

Every photo comes from FACES (folders of people without masks) and every mask
from ``maskgen generate``; no real masked face is looked at. All layers learn
and then go part of the way back (``--wise``: half of it, a quarter with three
classes), batch normalisation is folded away, and the weights are rounded to 8
significant bits, so that ``model.keras`` and a float16 ``model.tflite`` hold
the same ones. The packaged networks were trained with ``--generate-option
--group-by 'celebrities/([a-z]+)_'``; the one of three classes starts from the
one of two and ships as ``model.tflite`` alone.
Each step can be repeated alone: what is finished is kept, an unfinished
training run goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from shipping import install, maskgen, say

SOURCES = """Photographs of unmasked people only; every mask was drawn by `maskgen generate`
(`examples/train_packaged.py`): 3,000 aligned faces of UTKFace (non-commercial research), 522 tight crops of
celebrities from RMFD (research) and 408 portraits from the web that a tutorial collected (research use). None of
the pictures is part of this package. Few of these faces are turned by more than 35 degrees, and age, gender and race
are spread as those collections have them. Whether a model may be used where its pictures may not differs by country;
the file NOTICE says more.
"""


def main() -> None:
    options = _parse()
    dataset, model = options.work / "dataset", options.work / "model"
    began = time.perf_counter()
    generate = [
        *("generate", *options.faces, dataset),
        *("--classes", options.classes, "--per-face", options.per_face),
        *("--size", options.image_size, "--seed", options.seed),
        *("--split", options.split, "--workers", options.workers),
        *options.generate_option,
    ]
    maskgen(*generate)
    train = [
        *("train", dataset, model, "--weights", options.weights, "--classes", options.classes),
        *("--size", options.size, "--head", options.head, "--fine-tune", options.fine_tune),
        *("--epochs", options.epochs, "--head-epochs", options.head_epochs, "--views", options.views),
        *("--head-limit", options.head_limit, "--batch-size", options.batch_size, "--lr", options.lr),
        *("--label-smoothing", options.label_smoothing, "--ema", options.ema, "--patience", options.epochs),
        *("--augment", options.augment, "--seed", options.seed, "--threads", options.workers),
        *("--wise", options.wise, "--soup", options.soup),
        *("--litert", options.litert, "--compact", "--resume"),
        *(() if options.incorrect_prior is None else ("--incorrect-prior", options.incorrect_prior)),
        *options.train_option,
    ]
    maskgen(*train)
    for folder in options.evaluate:
        for extra in ([], ["--face-px", 32], ["--face-px", 20]):
            say(f"--- {folder} {' '.join(map(str, extra))}")
            maskgen("evaluate", model, folder, "--min-box", 16, *extra)
    if options.install is not None:
        plots = ("curves.png", "confusion_matrix.png", "roc.png", "reliability.png")
        # Training starts from the network of two classes; the other is only run and judged.
        without = ("model.keras",) if options.classes > 2 else ()
        install(model, options.install, "classification_report.txt", plots, SOURCES, without)
    say(f"{(time.perf_counter() - began) / 60:.1f} minutes")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", nargs="+", help="folders of people without masks")
    parser.add_argument("--work", type=Path, required=True, help="for the dataset and the model")
    parser.add_argument(
        "--install", type=Path, help="copy the finished model folder here, e.g. assets/models/classifier"
    )
    parser.add_argument("--evaluate", nargs="*", default=[], help="labelled folders to measure on; never trained on")
    generating = parser.add_argument_group("generating")
    generating.add_argument("--per-face", type=int, default=3)
    generating.add_argument("--image-size", type=int, default=160)
    generating.add_argument("--split", default="90/10")
    generating.add_argument("--generate-option", nargs=argparse.REMAINDER, default=[], help="passed on; must come last")
    training = parser.add_argument_group("training")
    training.add_argument("--weights", default="imagenet")
    training.add_argument("--classes", type=int, default=2)
    training.add_argument("--size", type=int, default=160)
    training.add_argument("--head", default="classic")
    training.add_argument("--fine-tune", default="all")
    training.add_argument("--epochs", type=int, default=2)
    training.add_argument("--head-epochs", type=int, default=10)
    training.add_argument("--head-limit", type=int, default=3000)
    training.add_argument("--views", type=int, default=1)
    training.add_argument("--batch-size", type=int, default=32)
    training.add_argument("--lr", type=float, default=2e-4)
    training.add_argument("--label-smoothing", type=float, default=0.05)
    training.add_argument("--ema", type=float, default=0.99)
    training.add_argument("--wise", type=float, default=0.5)
    training.add_argument("--soup", type=int, default=1)
    training.add_argument("--incorrect-prior", type=float)
    training.add_argument("--augment", default="mild")
    training.add_argument("--litert", default="float16")
    training.add_argument("--train-option", action="append", default=[], help="one word, passed on to maskgen train")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
