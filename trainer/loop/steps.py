"""Parts of a training loop: learning-rate schedule, moving average (EMA), NaN guard, variables in and out of NumPy."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import TrainError
from trainer.loop import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

LAST_RATE: Final = 0.02
"""Share of the highest learning rate that the cosine ends at."""


class Average:
    """Exponential moving average (EMA) of variables, or nothing at all."""

    def __init__(self, variables: Sequence[Any], momentum: float, values: Sequence[NDArray[Any]] = ()) -> None:
        """Begin with the variables' values, or go on with ``values``.

        Args:
            variables: of the network, in a lasting order.
            momentum: of the average; 0 for none.
            values: what an earlier run had.
        """
        self._variables = list(variables)
        self._momentum = momentum
        self.values: list[NDArray[Any]] = list(values)
        if momentum and not self.values:
            self.values = take(self._variables)

    def update(self, step: int) -> None:
        if not self._momentum:
            return
        # Young averages must not remember the start for ever (TensorFlow's ExponentialMovingAverage does the same).
        momentum = min(self._momentum, (1 + step) / (10 + step))
        for value, now in zip(self.values, take(self._variables), strict=True):
            value += (1 - momentum) * (now - value)

    @contextlib.contextmanager
    def swapped_in(self) -> Iterator[None]:
        if not self._momentum:
            yield
            return
        saved = take(self._variables)
        put(self._variables, self.values)
        try:
            yield
        finally:
            put(self._variables, saved)


def jit() -> bool:
    """Whether to compile with XLA: JAX is nothing without it; TensorFlow's is 15 times slower here on a CPU."""
    import keras

    return bool(keras.backend.backend() == "jax")


def cosine(rate: float, steps: int, warmup: float) -> Any:
    """Learning-rate schedule: linear warm-up to ``rate`` over a share of the steps, then cosine decay."""
    import keras

    rising = round(steps * warmup)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate * LAST_RATE if rising else rate,
        decay_steps=max(1, steps - rising),
        alpha=LAST_RATE,
        warmup_target=rate if rising else None,
        warmup_steps=rising,
    )


def take(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Copies of the variables' values."""
    import keras

    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def put(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    """Give variables their values.

    Raises:
        TrainError: there are more of one than of the other.
    """
    if len(variables) != len(values):
        raise TrainError(f"the checkpoint has {len(values)} variables, the network {len(variables)}; train again")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def keep(folder: Path, state: checkpoint.State, network: Any, optimizer: Any, average: Average) -> None:
    """Write a checkpoint.

    Args:
        folder: of the checkpoints.
        state: how far the run is; the rest of it is filled in here.
        network: its variables are kept with the seeds of Dropout.
        optimizer: whose variables are kept.
        average: of the weights.

    Raises:
        TrainError: the disk is full or refuses.
    """
    state.weights = take(network.variables)
    state.optimizer = take(optimizer.variables)
    state.average = average.values
    checkpoint.save(folder, state)


def require_number(loss: float, where: str, folder: Path | None, remedy: str) -> None:
    """NaN guard: end a run whose loss is infinite or nan.

    Args:
        loss: of a step.
        where: the epoch, for people.
        folder: of the checkpoints, which need not be there yet; None where none will be.
        remedy: what to do, for people.

    Raises:
        TrainError: it is no number any more.
    """
    if not math.isfinite(loss):
        kept = f"; the best weights so far are in {folder}" if folder and (folder / checkpoint.NAME).is_file() else ""
        raise TrainError(f"the loss became {loss} in {where}{kept}; {remedy}")


@contextlib.contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Augmenting threads must not each start threads of OpenCV's own."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
