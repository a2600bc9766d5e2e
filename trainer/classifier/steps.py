"""One training step of a classifier, and its validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.config.classifier import TrainConfig
from trainer.loop.steps import jit


def compile_network(model: Any, optimizer: Any, config: TrainConfig) -> None:
    """Compile with cross-entropy, labels smoothed."""
    import keras

    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], jit_compile=jit())


def step(model: Any, inputs: NDArray[Any], targets: NDArray[np.int64]) -> dict[str, float]:
    """Train on a batch; its own loss and accuracy."""
    truth = np.eye(int(model.output.shape[-1]), dtype=np.float32)[targets]
    model.reset_metrics()
    logs = model.train_on_batch(inputs, truth, return_dict=True)
    return {"loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}


def judge(probabilities: NDArray[np.float32], targets: NDArray[np.int64], config: TrainConfig) -> dict[str, float]:
    """Validation loss, accuracy and balanced accuracy; the loss is smoothed like the training loss."""
    classes = probabilities.shape[1]
    truth = np.eye(classes)[targets] * (1 - config.label_smoothing) + config.label_smoothing / classes
    losses = -(truth * np.log(np.clip(probabilities, 1e-7, 1))).sum(axis=1)
    right = probabilities.argmax(axis=1) == targets
    recalls = [float(right[targets == label].mean()) for label in range(classes) if (targets == label).any()]
    # Every class weighs the same, as it does in training.
    by_class = [float(losses[targets == label].mean()) for label in range(classes) if (targets == label).any()]
    loss = float(np.mean(by_class)) if config.balance else float(losses.mean())
    return {
        "val_loss": loss,
        "val_accuracy": float(right.mean()),
        "val_balanced_accuracy": float(np.mean(recalls)),
    }
