"""The training loop of any network: epochs of steps, validation, checkpoints, a moving average, early stopping.

Keras alone, no backend's own functions: TensorFlow, JAX and PyTorch train alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.progress import Reporter
from trainer.loop.steps import Average, keep, require_number


class Learner(Protocol):
    """A network in training: its optimizer, its batches, its validation.

    Attributes:
        phase: its word in ``history.csv``.
        title: the phase for people.
        network: whose weights are kept.
        optimizer: of those weights.
        averaged: variables that a moving average is kept of.
        steps: an epoch has.
        remedy: what people can do about a loss that is no number.
    """

    phase: str
    title: str
    network: Any
    optimizer: Any
    averaged: Sequence[Any]
    steps: int
    remedy: str

    def batches(self, epoch: int, skip: int) -> Iterator[Any]:
        """The batches of an epoch but for the first ``skip``."""

    def step(self, batch: Any) -> Mapping[str, float]:
        """Train on a batch; its figures, ``loss`` first."""

    def validate(self) -> Mapping[str, float]:
        """Validation figures, ``val_loss`` among them."""


@dataclass(frozen=True, slots=True)
class Run:
    """How a training run is carried out; nothing of it changes the network.

    Attributes:
        folder: for checkpoints; None for none.
        resume: go on from the checkpoint there, if there is one.
        threads: that make batches.
        reporter: who is told.
        on_best: called with the network after every epoch that is the best.
    """

    folder: Path | None = None
    resume: bool = False
    threads: int = 2
    reporter: Reporter = field(default_factory=Reporter)
    on_best: Callable[[Any], None] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """When a training loop ends, what it keeps.

    Attributes:
        epochs: at most.
        patience: epochs without a lower validation loss before it stops.
        ema: momentum of the weights' moving average, 0 for none.
        keep_last: the last epoch counts as the best, whatever it scores.
        checkpoint_s: seconds between checkpoints.
    """

    epochs: int
    patience: float = math.inf
    ema: float = 0.0
    keep_last: bool = False
    checkpoint_s: float = math.inf


@dataclass(slots=True)
class Fitted:
    """What a training run gave.

    Attributes:
        history: one line an epoch.
        seconds: by phase.
        resumed: it went on from a checkpoint.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    resumed: bool = False


def train_epochs(learner: Learner, plan: Plan, state: State, run: Run) -> None:
    """Train a network in place; at the end it holds the weights of its best epoch.

    Args:
        learner: the network and what it learns from.
        plan: when to end, what to keep.
        state: where to begin; kept up to date, so that a run can go on.
        run: folder, reporter and the like.

    Raises:
        TrainError: the loss is no number any more, or the disk is full.
    """
    average = Average(learner.averaged, plan.ema, state.average)
    network = learner.network
    network.stop_training = False  # Keras callbacks set it
    run.reporter.begin(network)
    run.reporter.start(learner.title, learner.steps * plan.epochs)
    while state.epoch < plan.epochs and state.stale < plan.patience and not network.stop_training:
        began = time.perf_counter()
        means = _steps_of_an_epoch(learner, plan, state, run, average)
        with average.swapped_in():
            row = _row(learner, state.epoch, means, began)
            where = f"the validation after epoch {state.epoch + 1} of the {learner.title} phase"
            require_number(row["val_loss"], where, run.folder, learner.remedy)
            _keep_best(learner, plan, state, run, row["val_loss"])
        state.history.append(row)
        state.epoch, state.step, state.sums = state.epoch + 1, 0, {}
        if run.folder is not None:
            keep(run.folder, state, network, learner.optimizer, average)
            checkpoint.write_history(run.folder, state.history)
        run.reporter.epoch(row)
    run.reporter.end()
    if state.best:
        network.set_weights(state.best)


def _steps_of_an_epoch(learner: Learner, plan: Plan, state: State, run: Run, average: Average) -> dict[str, float]:
    """The rest of an epoch's steps; means of their figures over the whole epoch."""
    last_save = time.monotonic()
    before = state.epoch * learner.steps
    for batch in learner.batches(state.epoch, state.step):
        figures = learner.step(batch)
        where = f"epoch {state.epoch + 1} of the {learner.title} phase"
        require_number(figures["loss"], where, run.folder, learner.remedy)
        state.sums = {name: state.sums.get(name, 0.0) + value for name, value in figures.items()}
        average.update(before + state.step)
        state.step += 1
        run.reporter.step(before + state.step, f"loss {state.sums['loss'] / state.step:.3f}")
        due = time.monotonic() - last_save > plan.checkpoint_s and state.step < learner.steps
        if due and run.folder is not None:
            keep(run.folder, state, learner.network, learner.optimizer, average)
            last_save = time.monotonic()
    return {name: value / state.step for name, value in state.sums.items()}


def _row(learner: Learner, epoch: int, means: Mapping[str, float], began: float) -> dict[str, Any]:
    """An epoch's line of ``history.csv``."""
    import keras

    scores = learner.validate()
    return {
        "phase": learner.phase,
        "epoch": epoch + 1,
        **means,
        **scores,
        "learning_rate": float(keras.ops.convert_to_numpy(learner.optimizer.learning_rate)),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _keep_best(learner: Learner, plan: Plan, state: State, run: Run, loss: float) -> None:
    if loss < state.best_loss or plan.keep_last:
        state.best_loss, state.stale, state.best = loss, 0, learner.network.get_weights()
        if run.on_best is not None:
            run.on_best(learner.network)
    else:
        state.stale += 1
