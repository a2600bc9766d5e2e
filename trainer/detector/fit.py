"""The training loop of a detector.

Keras alone, no backend's own functions. A step is compiled once for each size
of picture and number of faces that batches are padded to.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError
from maskgen.faces.onestage_litert import PAD_VALUE, PLACE_VALUES, STRIDES, Raw, decode, fitted, suppress
from trainer.classifier.fit import Fitted
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import Scene, ignoring_small
from trainer.detector.batches import batch_of, batches, epoch_plan
from trainer.detector.losses import detection_loss
from trainer.detector.views import Views
from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.progress import Reporter
from trainer.loop.steps import Average, cosine, jit, keep, one_opencv_thread, put, require_number, take
from trainer.metrics.average_precision import Found, mean_average_precision
from trainer.models.onestage import freeze_below

VAL_BATCH: Final = 8
VAL_MOST: Final = 250
"""Scenes that decide which epoch was the best, at most."""

VAL_SCORE: Final = 0.02

REMEDY: Final = "lower the learning rate (--lr)"

PARTS: Final = ("score_loss", "box_loss", "point_loss")


def cells(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centres (A, 2) and strides (A,) of every cell of the maps of a picture, finest map first."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        centres.append((np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) * stride)
        strides.append(np.full(rows.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def stepper(network: Any, size: int, labels: int) -> Any:
    """The network with its loss, for square pictures of one size; weights are shared."""
    import keras
    from keras import ops

    centres, strides = cells(size, size)

    class Stepper(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.parts = [keras.metrics.Mean(name=name) for name in PARTS]

        def call(self, pixels: Any, training: bool = False) -> Any:
            maps = self.network(pixels, training=training)
            flat = [ops.reshape(m, (-1, int(m.shape[1]) * int(m.shape[2]), labels + PLACE_VALUES)) for m in maps]
            return ops.concatenate(flat, axis=1)

        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            losses = detection_loss(y_pred, ops.convert_to_tensor(centres), ops.convert_to_tensor(strides), y, labels)
            for metric, value in zip(self.parts, losses, strict=True):
                metric.update_state(value)
            return losses[0] + losses[1] + losses[2]

    return Stepper()


def fit(
    network: Any,
    train: Sequence[Scene],
    val: Sequence[Scene],
    config: DetectorConfig,
    folder: Path,
    *,
    also: Sequence[Scene] = (),
    resume: bool = False,
    threads: int = 2,
    reporter: Reporter | None = None,
    on_best: Callable[[Any], None] | None = None,
) -> Fitted:
    """Train a detector in place; at the end it holds the weights of its best epoch.

    Args:
        network: what ``trainer.models.onestage.build`` returned, with its first weights.
        train: scenes to learn from.
        val: scenes that decide which epoch was the best.
        config: settings.
        folder: the run's own folder, for checkpoints.
        also: a second folder's scenes, mixed in by ``config.also_share``.
        resume: go on from the checkpoint there, if there is one.
        threads: augmenting threads.
        reporter: who is told.
        on_best: called with the network after every epoch that is the best.

    Raises:
        DatasetError: there is nothing to learn from.
        TrainError: the loss is no number any more, or the disk is full.
    """
    import keras

    if not any(len(scene.real) for scene in train):
        raise DatasetError("no scene of the training split holds a face; nothing can be learned")
    judged = val[:: max(1, -(-len(val) // VAL_MOST))]
    if not any(len(ignoring_small(one, config.min_face_px).real) for one in judged):
        raise DatasetError(
            f"no scene of the validation split holds a face of {config.min_face_px:g} px or more; "
            "no epoch can be judged"
        )
    reporter = reporter or Reporter()
    marks = checkpoint.fingerprint(config.to_json(), [str(s.path.name) for s in (*train, *val, *also)])
    state = (checkpoint.load(folder, marks) if resume else None) or State(marks)
    fitted = Fitted(resumed=bool(state.weights))
    began_all = time.perf_counter()
    views = (Views(train, config), *((Views(also, config),) if also else ()))
    plan = epoch_plan(len(train), len(also), config, 0)
    batch = batch_of(plan, config)
    steps = len(plan) // batch
    freeze_below(network, config.freeze)
    optimizer = keras.optimizers.AdamW(
        cosine(config.lr, steps * config.epochs, config.warmup), weight_decay=config.weight_decay, global_clipnorm=10.0
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(network.trainable_variables)
    if state.weights:
        put(network.variables, state.weights)
        put(optimizer.variables, state.optimizer)
    floats = [v for v in network.variables if "float" in str(v.dtype)]
    average = Average(floats, config.ema, state.average)
    steppers: dict[tuple[int, int], Any] = {}
    reporter.start("training", steps * config.epochs)
    last_save = time.monotonic()

    with one_opencv_thread():
        while state.epoch < config.epochs:
            epoch, began = state.epoch, time.perf_counter()
            plan = epoch_plan(len(train), len(also), config, epoch)
            for pixels, faces in batches(views, plan, batch, epoch, skip=state.step, threads=threads):
                shape = (int(pixels.shape[1]), int(faces.shape[1]))
                if shape not in steppers:
                    # One for each shape: Keras would otherwise compile a single step for all, slower on each.
                    steppers[shape] = stepper(network, shape[0], len(config.labels))
                    steppers[shape].compile(optimizer=optimizer, jit_compile=jit())
                losses = _step(steppers[shape], pixels, faces, epoch, folder)
                state.loss += losses[0]
                average.update(epoch * steps + state.step)
                state.step += 1
                reporter.step(epoch * steps + state.step, f"loss {state.loss / state.step:.3f}")
                if time.monotonic() - last_save > config.checkpoint_s and state.step < steps:
                    keep(folder, state, network, optimizer, average)
                    last_save = time.monotonic()
            with average.swapped_in():
                map50 = validate(network, judged, config)
                require_number(map50, f"the validation after epoch {epoch + 1}", folder, REMEDY)
                row = {
                    "phase": "train",
                    "epoch": epoch + 1,
                    "loss": state.loss / max(1, steps),
                    **dict(zip(PARTS, losses[1:], strict=True)),
                    "val_loss": 1 - map50,
                    "val_map50": map50,
                    "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
                    "seconds": round(time.perf_counter() - began, 1),
                }
                state.history.append(row)
                if 1 - map50 < state.best_loss or config.keep == "last":
                    state.best_loss, state.best = 1 - map50, take(network.variables)
                    if on_best is not None:
                        on_best(network)
            state.epoch, state.step, state.loss = epoch + 1, 0, 0.0
            keep(folder, state, network, optimizer, average)
            checkpoint.write_history(folder, state.history)
            last_save = time.monotonic()
            reporter.epoch(row)
            reporter.note(
                f"epoch {epoch + 1:>3}  loss {row['loss']:.3f}  validation mAP50 {map50:.3f}  {row['seconds']:.0f} s"
            )
    if state.best:
        put(network.variables, state.best)
    fitted.history = state.history
    fitted.seconds["train"] = time.perf_counter() - began_all
    return fitted


def _step(model: Any, pixels: NDArray[np.uint8], faces: NDArray[np.float32], epoch: int, folder: Path) -> list[float]:
    """One step: the loss and its three parts."""
    model.reset_metrics()
    logs = model.train_on_batch(pixels.astype(np.float32), faces, return_dict=True)
    loss = float(logs["loss"])
    require_number(loss, f"epoch {epoch + 1}", folder, REMEDY)
    return [loss, *(float(logs[name]) for name in PARTS)]


def validate(network: Any, scenes: Sequence[Scene], config: DetectorConfig) -> float:
    """mAP50 on scenes as they are used: scaled to ``longer_side``, on one canvas so that one compiled step does.

    Returns:
        The figure; NaN where the network gives what is no number.
    """
    from maskgen import images

    labels = len(config.labels)
    longer = config.longer_side or max(max(scene.size_wh) for scene in scenes)
    side = -(-longer // STRIDES[-1]) * STRIDES[-1]
    found: list[Found] = []
    for start in range(0, len(scenes), VAL_BATCH):
        part = scenes[start : start + VAL_BATCH]
        canvas = np.full((VAL_BATCH, side, side, 3), PAD_VALUE, np.float32)
        scales = []
        for row, scene in zip(canvas, part, strict=False):
            pixels, scale = fitted(images.read_rgb(scene.path), longer)
            row[: pixels.shape[0], : pixels.shape[1]] = pixels
            scales.append(scale)
        maps = [np.asarray(m, np.float32) for m in network.predict_on_batch(canvas)]
        if not all(np.isfinite(m).all() for m in maps):
            return math.nan
        for place, (scene, scale) in enumerate(zip(part, scales, strict=True)):
            raw = suppress(decode([m[place] for m in maps], labels, VAL_SCORE))
            raw = Raw(raw.boxes / scale, raw.scores, raw.points / scale)
            found.append(Found.of(ignoring_small(scene, config.min_face_px), raw))
    return mean_average_precision(found, labels)
