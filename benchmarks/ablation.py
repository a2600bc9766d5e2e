"""What moves the classifier's figures on real faces: the recipe of the packaged one, changed in one thing at a time.

    python benchmarks/ablation.py FACES REAL SCENES --work FOLDER [--only NAME] [--out TABLE.md]

Every row generates its own dataset from FACES (one image of each class and face), fine-tunes MobileNetV2 in every layer
for one pass at 160 px, and judges it at the threshold that its own validation split gave. A shorter recipe than the
packaged classifier's, so compare rows with each other. "All of it kept" is the same training as the row above it,
without the step halfway back to the first weights (WiSE-FT). FACES, REAL and SCENES as in ``sim2real.py``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

# This folder's own modules, whatever the script was started from.
sys.path.insert(0, str(Path(__file__).parent))

from sim2real import COVERED, balanced, folder_faces, scene_faces

SIZE = 160


@dataclass(frozen=True)
class Row:
    """One change.

    Attributes:
        name: of the row.
        generate: words for ``maskgen generate``.
        train: words for ``maskgen train``.
        sources: folders of FACES; empty for all.
        kept: shares of what fine-tuning changed that are judged.
    """

    name: str
    generate: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    kept: tuple[float, ...] = (0.5,)


ROWS = (
    Row("the recipe", kept=(0.5, 1.0, 0.75, 0.25)),
    Row("frozen backbone, head only", train=("--fine-tune", "none"), kept=(1.0,)),
    Row("without the camera", generate=("--camera", "none"), kept=(0.5, 1.0)),
    Row("without confusers", generate=("--confusers", "0"), kept=(0.5, 1.0)),
    Row("without accessories", generate=("--accessories", "0")),
    Row("surgical masks only", generate=("--masks", "surgical,surgical_tied")),
    Row("with turned heads", generate=("--turn", "0.2")),
    Row("augmentation: street", train=("--augment", "street")),
    Row("from block 10 on", train=("--fine-tune", "10")),
    Row("portraits only", sources=("portraits",)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("faces", "real", "scenes"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--work", type=Path, required=True, help="datasets and models; what is finished is kept")
    parser.add_argument("--only", nargs="*", default=[], help="rows whose names hold one of these")
    parser.add_argument("--per-face", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    tests = _tests(args.real, args.scenes)
    lines = [f"| changed | threshold | {' | '.join(COVERED)} |", "|---" * (len(COVERED) + 2) + "|"]
    print("\n".join(lines), flush=True)
    for row in ROWS:
        if args.only and not any(word in row.name for word in args.only):
            continue
        began = time.perf_counter()
        model = _train(row, args)
        for kept in row.kept:
            threshold, figures = _judge(model, kept, tests)
            name = row.name if kept == row.kept[0] else f"{row.name}, {kept:.0%} of it kept"
            if kept == 1.0 and len(row.kept) > 1:
                name = f"{row.name}, all of it kept"
            lines.append(f"| {name} | {threshold:.2f} | {' | '.join(figures)} |")
            print(lines[-1], flush=True)
        print(f"<!-- {time.perf_counter() - began:.0f} s -->", flush=True)
    if args.out:
        args.out.write_text("\n".join(lines) + "\n")


def _train(row: Row, args: argparse.Namespace) -> Path:
    """Datasets that were drawn alike are drawn once; a finished model is kept."""
    sources = row.sources or tuple(sorted(folder.name for folder in args.faces.iterdir() if folder.is_dir()))
    dataset = args.work / ("data-" + "-".join(word.strip("-").replace(",", "-") for word in (*row.generate, *sources)))
    model = args.work / ("model-" + row.name.replace(" ", "-").replace(",", "").replace(":", ""))
    if (model / "bundle.json").exists():
        return model
    folders = [args.faces / source for source in sources]
    common = ("--classes", 2, "--per-face", args.per_face, "--size", SIZE, "--seed", 1, "--split", "90/10")
    if not (dataset / "run.json").exists():
        _maskgen("generate", *folders, dataset, *common, *row.generate)
    recipe = {
        "--weights": "imagenet",
        "--size": SIZE,
        "--fine-tune": "all",
        "--epochs": args.epochs,
        "--seed": 1,
        "--head-epochs": 10,
        "--head-limit": 3000,
        "--views": 1,
        "--lr": 2e-4,
        "--ema": 0.99,
        "--augment": "mild",
        **dict(zip(row.train[::2], row.train[1::2], strict=True)),
    }
    _maskgen("train", dataset, model, "--resume", *(word for pair in recipe.items() for word in pair))
    return model


def _maskgen(*words: object) -> None:
    subprocess.run(
        [sys.executable, "-m", "maskgen.app", *map(str, words)], check=True, stdout=sys.stderr, stderr=sys.stderr
    )


def _judge(model: Path, kept: float, tests: dict[str, Any]) -> tuple[float, list[str]]:
    """Balanced accuracy in per cent with a 95 % bootstrap interval, at the threshold from validation data."""
    import keras

    from trainer import models
    from trainer.bundle import Bundle
    from trainer.classifier.fit import step_back
    from trainer.config.classifier import TrainConfig
    from trainer.data.dataset import load
    from trainer.data.faces import Crop, decode
    from trainer.metrics import classification
    from trainer.models.predict import predict
    from trainer.models.weights import load_network, start

    bundle = Bundle.load(model)
    config = TrainConfig.from_json(bundle.config)
    network = load_network(bundle.path("model.keras"))
    fresh = models.build(config, len(bundle.labels))
    start(fresh, config)
    step_back(network.get_layer(models.BACKBONE), fresh.get_layer(models.BACKBONE).get_weights(), kept)
    found = load(_dataset_of(model), classes=2, seed=config.seed)
    val = decode(found.val, found.labels, Crop(config.input_size_wh))
    masked = found.labels.index("with_mask")
    threshold = classification.choose_threshold(val.targets == masked, predict(network, val.pixels)[:, masked])
    figures = []
    for name in COVERED:
        faces, truth = tests[name]
        value, low, high = balanced((predict(network, faces)[:, masked] >= threshold).astype(np.int64), truth)
        figures.append(f"{value:.1f} ({low:.1f} to {high:.1f})")
    keras.backend.clear_session()
    return threshold, figures


def _dataset_of(model: Path) -> Path:
    from trainer.bundle import Bundle

    return model.parent / str(Bundle.load(model).dataset["name"])


def _tests(real: Path, scenes: Path) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """(N, 160, 160, 3) uint8 and (N,) 1 for with_mask, by name."""
    from trainer.data.preprocess import fit, shrink_to

    crops = list(folder_faces(real))
    faces: dict[str, list[tuple[NDArray[np.uint8], int]]] = {"native": crops}
    for name, face_px in (("32 px", 32), ("20 px", 20)):
        faces[name] = [(shrink_to(image, face_px), label) for image, label in crops]
    for least in (16, 32):
        faces[f"scenes >= {least} px"] = list(scene_faces(scenes, least))
    return {
        name: (np.stack([fit(image, (SIZE, SIZE)) for image, _ in some]), np.array([label for _, label in some]))
        for name, some in faces.items()
    }


if __name__ == "__main__":
    main()
