"""Training of a detector: its optimizer, its steps, its validation by mAP50."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError
from maskgen.faces.onestage_litert import PAD_VALUE, PLACE_VALUES, STRIDES, Raw, decode, fitted, suppress
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import Scene, ignoring_small
from trainer.detector.batches import batch_of, batches, epoch_plan
from trainer.detector.losses import detection_loss
from trainer.detector.views import Views
from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.epochs import Fitted, Plan, Run, train_epochs
from trainer.loop.steps import cosine, jit, one_opencv_thread, put
from trainer.metrics.average_precision import Found, mean_average_precision
from trainer.models.onestage import freeze_below

VAL_BATCH: Final = 8
VAL_MOST: Final = 250
"""Scenes that decide which epoch was the best, at most."""

VAL_SCORE: Final = 0.02

PARTS: Final = ("score_loss", "box_loss", "point_loss")


def cells(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Anchor points: centres (A, 2) and strides (A,) of every feature-map cell, finest map first."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        centres.append((np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) * stride)
        strides.append(np.full(rows.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def stepper(network: Any, size: int, labels: int) -> Any:
    """The network with its loss as one Keras model, for square pictures of one size; weights are shared."""
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


class DetectorLearner:
    """A detector in training: a step for each size of picture and number of faces that batches are padded to."""

    phase, title = "train", "training"
    remedy = "lower the learning rate (--lr)"

    def __init__(
        self,
        network: Any,
        train: Sequence[Scene],
        val: Sequence[Scene],
        config: DetectorConfig,
        threads: int,
        also: Sequence[Scene] = (),
    ) -> None:
        import keras

        self.network = network
        self._config, self._threads, self._val = config, threads, val
        self._counts = len(train), len(also)
        self._views = (Views(train, config), *((Views(also, config),) if also else ()))
        plan = epoch_plan(*self._counts, config, 0)
        self.batch = batch_of(plan, config)
        self.steps = len(plan) // self.batch
        freeze_below(network, config.freeze)
        self.optimizer = keras.optimizers.AdamW(
            cosine(config.lr, self.steps * config.epochs, config.warmup),
            weight_decay=config.weight_decay,
            global_clipnorm=10.0,
        )
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer.build(network.trainable_variables)
        self.averaged: Sequence[Any] = [v for v in network.variables if "float" in str(v.dtype)]
        self._steppers: dict[tuple[int, int], Any] = {}

    def batches(self, epoch: int, skip: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        plan = epoch_plan(*self._counts, self._config, epoch)
        return batches(self._views, plan, self.batch, epoch, skip=skip, threads=self._threads)

    def step(self, batch: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> dict[str, float]:
        """The loss and its three parts."""
        pixels, faces = batch
        shape = (int(pixels.shape[1]), int(faces.shape[1]))
        if shape not in self._steppers:
            # One for each shape: Keras would otherwise compile a single step for all, slower on each.
            self._steppers[shape] = stepper(self.network, shape[0], len(self._config.labels))
            self._steppers[shape].compile(optimizer=self.optimizer, jit_compile=jit())
        self._steppers[shape].reset_metrics()
        logs = self._steppers[shape].train_on_batch(pixels.astype(np.float32), faces, return_dict=True)
        return {name: float(logs[name]) for name in ("loss", *PARTS)}

    def validate(self) -> dict[str, float]:
        map50 = validate(self.network, self._val, self._config)
        return {"val_loss": 1 - map50, "val_map50": map50}


def fit(
    network: Any,
    train: Sequence[Scene],
    val: Sequence[Scene],
    config: DetectorConfig,
    run: Run,
    also: Sequence[Scene] = (),
) -> Fitted:
    """Train a detector in place; at the end it holds the weights of its best epoch.

    Args:
        network: what ``trainer.models.onestage.build`` returned, with its first weights.
        train: scenes to learn from.
        val: scenes that decide which epoch was the best.
        config: settings.
        run: folder for checkpoints, reporter and the like.
        also: a second folder's scenes, mixed in by ``config.also_share``.

    Raises:
        DatasetError: there is nothing to learn from.
        TrainError: the loss is no number any more, or the disk is full.
    """
    if not any(len(scene.real) for scene in train):
        raise DatasetError("no scene of the training split holds a face; nothing can be learned")
    judged = val[:: max(1, -(-len(val) // VAL_MOST))]
    if not any(len(ignoring_small(one, config.min_face_px).real) for one in judged):
        raise DatasetError(
            f"no scene of the validation split holds a face of {config.min_face_px:g} px or more; "
            "no epoch can be judged"
        )
    marks = checkpoint.fingerprint(config.to_json(), [str(s.path.name) for s in (*train, *val, *also)])
    state = (checkpoint.load(run.folder, marks) if run.resume and run.folder else None) or State(marks)
    fitted = Fitted(resumed=bool(state.weights), history=state.history)
    began = time.perf_counter()
    learner = DetectorLearner(network, train, judged, config, run.threads, also)
    if state.weights:
        put(network.variables, state.weights)
        put(learner.optimizer.variables, state.optimizer)
    with one_opencv_thread():
        train_epochs(learner, _plan(config), state, run)
    fitted.seconds["train"] = time.perf_counter() - began
    return fitted


def _plan(config: DetectorConfig) -> Plan:
    return Plan(config.epochs, ema=config.ema, keep_last=config.keep == "last", checkpoint_s=config.checkpoint_s)


def validate(network: Any, scenes: Sequence[Scene], config: DetectorConfig) -> float:
    """Mean average precision (mAP50) on scenes as they are used: scaled to ``longer_side``.

    On one canvas, so that one compiled step does.

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
