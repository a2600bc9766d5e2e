from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from maskgen.errors import TrainError
from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.epochs import Plan, Run, train_epochs
from trainer.loop.progress import Reporter
from trainer.loop.steps import put

if TYPE_CHECKING:
    from pathlib import Path


class Counter:
    """A network of one number, which every step raises by one; its validation losses are told beforehand."""

    phase, title, remedy, steps = "count", "counting", "count less", 2

    def __init__(self, *losses: float) -> None:
        import keras

        self.network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        self.network.set_weights([np.zeros((1, 1), np.float32)])
        self.optimizer = keras.optimizers.SGD(0.5)
        self.optimizer.build(self.network.trainable_variables)
        self.averaged = self.network.trainable_variables
        self.losses = dict(enumerate(losses, 1))
        self.epoch = 0

    @property
    def value(self) -> float:
        return float(self.network.get_weights()[0][0, 0])

    def batches(self, epoch: int, skip: int) -> Iterator[int]:
        self.epoch = epoch + 1
        return iter(range(skip, self.steps))

    def step(self, batch: int) -> dict[str, float]:
        self.network.set_weights([self.network.get_weights()[0] + 1])
        return {"loss": float(batch), "part": 10.0 * batch}

    def validate(self) -> dict[str, float]:
        return {"val_loss": self.losses[self.epoch]}


def test_the_best_epoch_stays_and_patience_ends() -> None:
    learner, state = Counter(0.5, 0.3, 0.4, 0.35, 0.1), State("x")
    best: list[float] = []
    train_epochs(learner, Plan(5, patience=2), state, Run(on_best=lambda _: best.append(learner.value)))
    assert [row["val_loss"] for row in state.history] == [0.5, 0.3, 0.4, 0.35]
    assert (best, learner.value) == ([2, 4], 4)
    assert {name: state.history[0][name] for name in ("phase", "epoch", "loss", "part", "learning_rate")} == {
        "phase": "count",
        "epoch": 1,
        "loss": 0.5,
        "part": 5,
        "learning_rate": 0.5,
    }


def test_the_last_epoch_stays_where_it_shall() -> None:
    learner = Counter(0.5, 0.3, 0.4)
    train_epochs(learner, Plan(3, keep_last=True), State("x"), Run())
    assert learner.value == 6


class Killer(Reporter):
    def step(self, done: int, text: str = "") -> None:
        if done == 4:
            raise KeyboardInterrupt


def test_a_killed_run_goes_on_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    plan = Plan(2, checkpoint_s=-1.0)
    with pytest.raises(KeyboardInterrupt):
        train_epochs(Counter(0.5, 0.3), plan, State("x"), Run(folder, reporter=Killer()))
    state = checkpoint.load(folder, "x")
    assert state is not None
    assert (state.epoch, state.step, state.sums) == (1, 1, {"loss": 0.0, "part": 0.0})
    learner = Counter(0.5, 0.3)
    put(learner.network.variables, state.weights)
    train_epochs(learner, plan, state, Run(folder))
    assert (learner.value, [row["loss"] for row in state.history]) == (4, [0.5, 0.5])
    with (tmp_path / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    with pytest.raises(TrainError, match="nan in the validation after epoch 1 of the counting phase; count less"):
        train_epochs(Counter(float("nan")), Plan(1), State("x"), Run())


def test_whoever_listens_may_stop_it() -> None:
    class Stop(Reporter):
        def begin(self, network: Any) -> None:
            self.network = network

        def epoch(self, row: Any) -> None:
            self.network.stop_training = True

    state = State("x")
    train_epochs(Counter(0.5, 0.3), Plan(2), state, Run(reporter=Stop()))
    assert len(state.history) == 1
