"""The tutorials' own job, their way and ours: the time to 98, 99 and 99.7 % validation accuracy.

    python benchmarks/tutorial.py FACES                       draw a dataset from these photos, then both sides
    python benchmarks/tutorial.py FACES --sides maskgen       one of them: maskgen, classic
    python benchmarks/tutorial.py --dataset FOLDER            on a dataset drawn before

The dataset is what the face-mask tutorials had: sharp crops of unmasked faces, and the same faces with a mask drawn on
(``--camera none``, no hands or cups before the face, no glasses drawn), two of each label for every face, about as many
images as theirs. 80 % of the photos train, 20 % validate; a face and its masked twins stay together, which the
tutorials' random split does not see to.

``classic`` is the tutorials' script, line for line: MobileNetV2 with ImageNet weights, base frozen, 7 x 7 average
pooling, Dense 128 ReLU, Dropout 0.5, Dense 2 softmax, binary cross-entropy, Adam 1e-4 with decay 1e-4 / 20, batches of
32, 20 epochs at 224 px, Keras' own ImageDataGenerator (rotation 20, zoom 0.15, shift 0.2, shear 0.15, flip).
``maskgen`` is ``maskgen train`` with the settings in ``PRESET``, from the same ImageNet weights.

Each side runs in a process of its own. The clock of each starts before Keras is imported and stops at the end of the
first epoch whose validation accuracy, the likelier label taken, reaches a goal; reading the images and, with
maskgen, caching features are counted. Both then run on to their end. Beside seconds by the clock stand those of all
cores together (CPU), which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_BEGAN = time.perf_counter()

GOALS = (0.98, 0.99, 0.995, 0.997)
PRESET: dict[str, Any] = {"weights": "imagenet", "augment": "classic", "size": 160, "fine_tune": "6", "views": 2}
"""What ``maskgen train`` is told beyond its defaults: for 1,300 sharp pictures the early blocks have more to learn
than the default, from block 13 on, lets them."""

SIDES = ("maskgen", "classic")

Epochs = list[tuple[str, float, float, float]]
"""Phase, validation accuracy, seconds by the clock and of CPU since the start, epoch by epoch."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path, nargs="?", help="a folder of photos of unmasked faces")
    parser.add_argument("--dataset", type=Path, help="a dataset folder drawn before, in place of FACES")
    parser.add_argument("--sides", nargs="*", default=SIDES, choices=SIDES)
    parser.add_argument("--limit", type=int, help="only so many photos")
    parser.add_argument("--epochs", type=int, default=20, help="of the classic script")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side is not None:
        run_side(arguments)
        return 0
    if (arguments.faces is None) == (arguments.dataset is None):
        parser.error("give FACES, or --dataset")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}{load}", flush=True)
    with tempfile.TemporaryDirectory() as temp:
        dataset = arguments.dataset
        if dataset is None:
            dataset = Path(temp) / "dataset"
            draw(arguments.faces, dataset, arguments.limit)
        found: dict[str, dict[str, Any]] = {}
        for side in arguments.sides:
            words = ["--dataset", str(dataset), "--epochs", str(arguments.epochs), "--seed", str(arguments.seed)]
            done = subprocess.run(
                [sys.executable, __file__, "--side", side, *words],
                stdout=subprocess.PIPE,
                text=True,
                check=False,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "NO_ALBUMENTATIONS_UPDATE": "1"},
            )
            if done.returncode:
                return 1
            found[side] = json.loads(done.stdout.splitlines()[-1])
            show(side, found[side])
    if len(found) == 2:
        compare(found["maskgen"], found["classic"])
    return 0


def draw(faces: Path, dataset: Path, limit: int | None) -> None:
    """A dataset as the tutorials had it: sharp, nothing before the face but masks."""
    from maskgen.dataset.pipeline import Run, generate
    from maskgen.dataset.settings import Settings

    began = time.perf_counter()
    photos = sorted(str(path) for path in faces.rglob("*") if path.is_file())[:limit]
    settings = Settings(
        str(dataset), per_face=2, camera="none", confusers=0.0, accessories=0.0, split=(0.8, 0.2, 0.0), seed=1
    )
    summary = generate(photos, settings, Run())
    print(f"{summary.counts['images']} images drawn in {time.perf_counter() - began:.0f} s", flush=True)


def run_side(arguments: argparse.Namespace) -> None:
    """One side, in this process; the last line of stdout is what it found."""
    from trainer.data.dataset import load

    found = load(arguments.dataset)
    train = {s.group for s in found.train}
    if train & {s.group for s in found.val}:
        sys.exit("a photo is in both splits")
    epochs = (maskgen_side if arguments.side == "maskgen" else classic_side)(arguments)
    print(
        json.dumps(
            {
                "train": len(found.train),
                "val": len(found.val),
                "val_groups": len({sample.group for sample in found.val}),
                "epochs": epochs,
                "total": clock(),
            }
        )
    )


def maskgen_side(arguments: argparse.Namespace) -> Epochs:
    """``maskgen train``; phase, validation accuracy and seconds since the start for every epoch."""
    from trainer.api import train
    from trainer.config.classifier import TrainConfig
    from trainer.loop.progress import Reporter

    epochs: Epochs = []

    class Clock(Reporter):
        def epoch(self, row: Any) -> None:
            epochs.append((row["phase"], float(row["val_accuracy"]), *clock()))
            say(len(epochs), *epochs[-1])

    with tempfile.TemporaryDirectory() as temp:
        config = TrainConfig(**PRESET, seed=arguments.seed)
        train(arguments.dataset, Path(temp) / "model", config, reporter=Clock())
    return epochs


def classic_side(arguments: argparse.Namespace) -> Epochs:
    """The tutorials' script."""
    import keras
    import numpy as np
    from keras.applications.mobilenet_v2 import preprocess_input
    from keras.utils import img_to_array, load_img

    try:
        from keras.src.legacy.preprocessing.image import ImageDataGenerator
    except ImportError:
        sys.exit("this Keras no longer has ImageDataGenerator; the figures were made with 3.15")
    from trainer.data.dataset import load

    keras.utils.set_random_seed(arguments.seed)
    found = load(arguments.dataset)

    def read(samples: Any) -> tuple[Any, Any]:
        data = [preprocess_input(img_to_array(load_img(sample.path, target_size=(224, 224)))) for sample in samples]
        labels = [found.labels.index(sample.label) for sample in samples]
        return np.array(data, dtype="float32"), keras.utils.to_categorical(labels, 2)

    train_x, train_y = read(found.train)
    val_x, val_y = read(found.val)
    aug = ImageDataGenerator(
        rotation_range=20,
        zoom_range=0.15,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.15,
        horizontal_flip=True,
        fill_mode="nearest",
    )
    base = keras.applications.MobileNetV2(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
    head = keras.layers.AveragePooling2D(pool_size=(7, 7))(base.output)
    head = keras.layers.Flatten(name="flatten")(head)
    head = keras.layers.Dense(128, activation="relu")(head)
    head = keras.layers.Dropout(0.5)(head)
    head = keras.layers.Dense(2, activation="softmax")(head)
    model = keras.Model(inputs=base.input, outputs=head)
    for layer in base.layers:
        layer.trainable = False
    # decay= of the old Adam: the rate divided by 1 + decay * step.
    rate = keras.optimizers.schedules.InverseTimeDecay(1e-4, decay_steps=1, decay_rate=1e-4 / 20)
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(rate), metrics=["accuracy"])
    epochs: Epochs = []

    def note(epoch: int, logs: Any) -> None:
        epochs.append(("classic", float(logs["val_accuracy"]), *clock()))
        say(epoch + 1, *epochs[-1])

    model.fit(
        # Not their steps_per_epoch, len(train_x) // 32: Keras 3 takes what is left over for the whole next epoch.
        aug.flow(train_x, train_y, batch_size=32),
        validation_data=(val_x, val_y),
        epochs=arguments.epochs,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=note)],
        verbose=0,
    )
    return epochs


def clock() -> tuple[float, float]:
    return time.perf_counter() - _BEGAN, time.process_time()


def say(number: int, phase: str, accuracy: float, seconds: float, cpu: float) -> None:
    line = f"  {phase:>9} epoch {number:>2}: {100 * accuracy:6.2f} % at {seconds:6.1f} s ({cpu:.1f} CPU)"
    print(line, file=sys.stderr, flush=True)


def reached(found: dict[str, Any], goal: float) -> tuple[float, float] | None:
    """Seconds, by the clock and of CPU, to the end of the first epoch at a goal."""
    return next(((s, cpu) for _, accuracy, s, cpu in found["epochs"] if accuracy >= goal), None)


def show(side: str, found: dict[str, Any]) -> None:
    accuracies = [accuracy for _, accuracy, _, _ in found["epochs"]]
    best = max(accuracies)
    print(
        f"{side:<8} {found['train']} training and {found['val']} validation images ({found['val_groups']} photos); "
        f"best {100 * best:.2f} % ({round((1 - best) * found['val'])} wrong) in epoch {1 + accuracies.index(best)} of "
        f"{len(accuracies)}, last {100 * accuracies[-1]:.2f} %; whole run {words(found['total'])}",
        flush=True,
    )
    for goal in GOALS:
        when = reached(found, goal)
        print(f"         {100 * goal:.1f} %: {words(when) if when else 'never'}", flush=True)


def words(seconds: Sequence[float]) -> str:
    return f"{seconds[0]:.0f} s ({seconds[1]:.0f} CPU)"


def compare(ours: dict[str, Any], classic: dict[str, Any]) -> None:
    for goal in GOALS:
        mine, theirs = reached(ours, goal), reached(classic, goal)
        if mine is None:
            print(f"{100 * goal:.1f} %: maskgen did not reach it")
            continue
        end = theirs or classic["total"]
        how = "" if theirs else "more than "
        why = "" if theirs else f": the classic script's {len(classic['epochs'])} epochs never got there"
        sooner = f"{end[0] / mine[0]:.1f} times sooner by the clock, {end[1] / mine[1]:.1f} by CPU"
        print(f"{100 * goal:.1f} %: {how}{sooner}{why}")


if __name__ == "__main__":
    sys.exit(main())
