"""Trains the one-stage detector that ships with maskgen: faces in, ``assets/models/detector`` out.

    python examples/train_detector.py FACES... --work /tmp/detector --backgrounds FOLDER

Every photo comes from FACES (folders of people without masks), every mask from ``maskgen generate``, every scene from
``maskgen compose``. With ``--also SCENES``, a COCO detection folder of real photographs (see ``maskgen import``), a
second model goes on from the first and sees those too. What is finished is kept, an unfinished training run goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from shipping import install, maskgen, say

SOURCES = """Photographs of unmasked people only; every mask was drawn by `maskgen generate` and every scene put
together by `maskgen compose` (`examples/train_detector.py`): aligned faces of UTKFace (non-commercial research), tight
crops of celebrities from RMFD (research) and portraits from the web that a tutorial collected (research use). None of
the pictures is part of this package. Whether a model may be used where its pictures may not differs by country; the
file NOTICE says more.
"""

ALSO = """At the end it learned from the photographs of `{name}` as well, and from the boxes that people drew on
them: what is measured on those says nothing about it.
"""


def main() -> None:
    options = _parse()
    began = time.perf_counter()
    datasets = []
    for number, folder in enumerate(options.faces):
        dataset = options.work / f"faces{number}"
        datasets.append(dataset)
        words = ("--crop", "scene", "--classes", 3, "--per-face", options.per_face, "--camera", "none")
        more = ("--confusers", 0.25, "--accessories", 0.25, "--split", "95/5/0", "--quality", 95)
        maskgen("generate", folder, dataset, *words, *more, "--workers", options.workers, "--seed", 71 + number)
    scenes, model = options.work / "scenes", options.work / "model"
    backgrounds = [w for folder in options.backgrounds for w in ("--backgrounds", folder)]
    backgrounds += [w for file in options.backgrounds_coco for w in ("--backgrounds-coco", file)]
    count = ("--scenes", options.scenes, "--workers", options.workers, "--seed", options.seed)
    maskgen("compose", *datasets, scenes, *count, *backgrounds)
    _train(options, scenes, model, options.epochs, options.lr)
    if options.also is not None:
        both = options.work / "model_also"
        more = ("--also", options.also, "--also-share", options.also_share, "--weights", model)
        more += ("--keep", "last", "--ema", 0.99, "--sizes", "320,384,448,512")
        _train(options, scenes, both, options.also_epochs, options.also_lr, *more)
        model = both
    for folder in options.evaluate:
        say(f"--- {folder}")
        maskgen("evaluate", model, folder)
    if options.install is not None:
        sources = SOURCES if options.also is None else f"{SOURCES}\n{ALSO.format(name=options.also.resolve().name)}"
        install(model, options.install, "detection_report.txt", ("curves.png", "precision_recall.png"), sources)
    say(f"{(time.perf_counter() - began) / 60:.1f} minutes")


def _train(options: argparse.Namespace, scenes: Path, model: Path, epochs: int, lr: float, *more: object) -> None:
    words = ("--epochs", epochs, "--lr", lr, "--seed", options.seed)
    words += ("--litert", "int8", "--longer-side", options.longer_side)
    maskgen("train-detector", scenes, model, *words, "--threads", options.workers, "--resume", *more)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", nargs="+", type=Path, help="folders of people without masks")
    parser.add_argument("--work", type=Path, required=True, help="for datasets, scenes and models")
    parser.add_argument("--backgrounds", type=Path, action="append", default=[], help="pictures without people")
    parser.add_argument(
        "--backgrounds-coco",
        type=Path,
        action="append",
        default=[],
        help="of whose pictures the empty regions are taken",
    )
    parser.add_argument("--per-face", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--also", type=Path, help="real scenes with boxes, for a second model")
    parser.add_argument("--also-share", type=float, default=0.7)
    parser.add_argument("--also-epochs", type=int, default=5)
    parser.add_argument("--also-lr", type=float, default=1e-3)
    parser.add_argument("--longer-side", type=int, default=512, help="what the model scales pictures to")
    parser.add_argument("--evaluate", type=Path, nargs="*", default=[], help="scenes to measure on")
    parser.add_argument("--install", type=Path, help="copy the model folder here, e.g. assets/models/detector")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
