from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import TrainError
from trainer import models
from trainer.classifier.fit import expect, fit, step_back
from trainer.config.classifier import TrainConfig
from trainer.data.faces import Faces
from trainer.data.samples import Sample
from trainer.loop import checkpoint
from trainer.loop.epochs import Run
from trainer.loop.progress import Reporter
from trainer.models.predict import predict

from ..conftest import small_network


def _config(**changes: Any) -> TrainConfig:
    settings = {"size": 32, "alpha": 0.35, "weights": "none", "augment": "none", "fine_tune": "17", "epochs": 2}
    return TrainConfig(**{**settings, "head_epochs": 1, "batch_size": 4, "checkpoint_s": 0.0, **changes})


def _faces(count: int, name: str, seed: int = 0) -> Faces:
    targets = np.arange(count, dtype=np.int64) % 2
    pixels = np.random.default_rng(seed).integers(0, 60, (count, 32, 32, 3)).astype(np.uint8)
    pixels[targets == 1, 16:] += 150
    samples = tuple(Sample(Path(f"{name}{n}"), f"{name}{n}", "with_mask", "g") for n in range(count))
    return Faces(pixels, targets, samples)


def _small(config: TrainConfig) -> Any:
    import keras

    keras.utils.set_random_seed(config.seed)
    return small_network(config, 2)


class Killer(Reporter):
    """Raises in the middle of an epoch, as Ctrl-C would."""

    def __init__(self, at: int) -> None:
        self.at, self.phase = at, ""

    def start(self, phase: str, total: int) -> None:
        self.phase = phase

    def step(self, done: int, text: str = "") -> None:
        if self.phase == "fine-tuning" and done == self.at:
            raise KeyboardInterrupt


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    config = _config(ema=0.9, wise=0.5)
    train, val = _faces(12, "a"), _faces(4, "b", 1)
    whole = _small(config)
    first = fit(whole, train, val, config, Run(tmp_path / "whole" / "checkpoints"))

    with pytest.raises(KeyboardInterrupt):
        fit(_small(config), train, val, config, Run(tmp_path / "cut" / "checkpoints", reporter=Killer(5)))
    again = _small(config)
    second = fit(again, train, val, config, Run(tmp_path / "cut" / "checkpoints", resume=True))

    assert second.resumed
    assert not first.resumed
    for mine, theirs in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    columns = [key for key in first.history[0] if key not in ("seconds", "learning_rate")]
    for one, other in zip(first.history, second.history, strict=True):
        assert [one[c] for c in columns] == pytest.approx([other[c] for c in columns], abs=1e-5)
    with (tmp_path / "cut" / "history.csv").open() as file:
        assert [row["phase"] for row in csv.DictReader(file)] == ["head", "fine-tune", "fine-tune"]


def test_fine_tuning_leaves_the_statistics_of_batch_normalisation_alone(tmp_path: Path) -> None:
    config = _config(fine_tune="all", epochs=1)
    network = _small(config)
    backbone = network.get_layer(models.BACKBONE)

    def statistics() -> list[Any]:
        return [np.array(value.numpy()) for value in backbone.variables if "moving_" in value.path]

    before = statistics()
    fit(network, _faces(12, "a"), _faces(4, "b", 1), config, Run(tmp_path / "checkpoints"))
    assert before
    for old, new in zip(before, statistics(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(("kept", "expected"), [(1.0, [3.0, -1.0]), (0.5, [2.0, 1.0]), (0.0, [1.0, 3.0])])
def test_a_share_of_what_the_backbone_learned_is_kept(kept: float, expected: list[float]) -> None:
    import keras

    layer = keras.layers.BatchNormalization(center=True, scale=True)
    layer.build((None, 2))
    first = [np.array([1.0, 3.0], np.float32), *layer.get_weights()[1:]]
    layer.set_weights([np.array([3.0, -1.0], np.float32), *first[1:]])
    step_back(layer, first, kept)
    np.testing.assert_allclose(layer.get_weights()[0], expected)
    for now, before in zip(layer.get_weights()[1:], first[1:], strict=True):
        np.testing.assert_array_equal(now, before)


def test_probabilities_move_to_the_shares_that_are_expected() -> None:
    """(0.5, 0.3, 0.2) times (1.2, 1.2, 0.6), over their sum: 0.6, 0.36 and 0.12 of 1.08."""
    import keras

    given = keras.Input((2,))
    network = keras.Model(given, keras.layers.Softmax()(keras.layers.Dense(3)(given)))
    network.layers[1].set_weights([np.zeros((2, 3), np.float32), np.log(np.array([0.5, 0.3, 0.2], np.float32))])
    expect(network, (0.4, 0.4, 0.2))
    found = predict(network, np.zeros((1, 2), np.float32))
    np.testing.assert_allclose(found, [[0.6 / 1.08, 0.36 / 1.08, 0.12 / 1.08]], atol=1e-6)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    mark = checkpoint.fingerprint({"lr": 1}, ["a"])
    checkpoint.save(tmp_path, checkpoint.State(mark, weights=[np.ones(3)], best=[np.zeros((2, 2)), np.ones(1)]))
    state = checkpoint.load(tmp_path, mark)
    assert state is not None
    assert [array.shape for array in state.best] == [(2, 2), (1,)]
    with pytest.raises(TrainError, match="other settings or other images"):
        checkpoint.load(tmp_path, checkpoint.fingerprint({"lr": 2}, ["a"]))
    assert checkpoint.load(tmp_path / "absent", mark) is None


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.npz").write_bytes(b"PK half of it")
    with pytest.raises(TrainError, match="damaged"):
        checkpoint.load(tmp_path, "x")


def test_a_full_disk_keeps_the_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(tmp_path, checkpoint.State("x", epoch=1))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TrainError, match=r"No space left.*--resume"):
        checkpoint.save(tmp_path, checkpoint.State("x", epoch=2))
    state = checkpoint.load(tmp_path, "x")
    assert state is not None
    assert state.epoch == 1


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.setattr(keras.Model, "train_on_batch", lambda *_, **__: {"loss": float("nan"), "accuracy": 0.0})
    config = _config(head_epochs=0)
    with pytest.raises(TrainError, match=r"loss became nan in epoch 1.*--lr"):
        fit(_small(config), _faces(4, "a"), _faces(2, "b"), config, Run(tmp_path / "checkpoints"))


@pytest.mark.parametrize("phase", ["head", "fine-tuning"])
def test_a_network_that_broke_at_the_end_of_an_epoch_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """The loss of every step was a number; what the last one made of the weights is none."""
    scores = {"val_loss": float("nan"), "val_accuracy": 0.5, "val_balanced_accuracy": 0.5}
    monkeypatch.setattr("trainer.classifier.steps.judge", lambda *_: scores)
    config = _config(head_epochs=int(phase == "head"))
    with pytest.raises(
        TrainError, match=rf"loss became nan in the validation after epoch 1 of the {phase} phase.*--lr"
    ):
        fit(_small(config), _faces(4, "a"), _faces(2, "b"), config, Run(tmp_path / "checkpoints"))
    assert not (tmp_path / "checkpoints" / checkpoint.NAME).exists()


def _fit(folder: Path, network: Any = None, *, reporter: Reporter | None = None, **changes: Any) -> tuple[Any, Any]:
    """A run of the small network on faces that a line through two pixels tells apart."""
    config = _config(**{"dropout": 0.0, "lr": 0.03, "head_epochs": 0, **changes})
    network = network or _small(config)
    fitted = fit(
        network,
        _faces(24, "a"),
        _faces(8, "b", 1),
        config,
        Run(folder / "checkpoints", reporter=reporter or Reporter()),
    )
    return network, fitted


def test_fine_tuning_learns(tmp_path: Path) -> None:
    _, fitted = _fit(tmp_path, epochs=6, warmup=0.0, label_smoothing=0.0)
    assert fitted.history[-1]["val_loss"] < 0.35
    assert fitted.history[-1]["accuracy"] == 1
    assert fitted.history[0]["loss"] > 0.4  # it did not begin there


def test_the_head_learns(tmp_path: Path) -> None:
    network, fitted = _fit(tmp_path, fine_tune="none", epochs=0, head_epochs=20, head_lr=0.05)
    assert fitted.history[-1]["val_accuracy"] == 1
    assert fitted.history[-1]["val_loss"] < 0.5 * fitted.history[0]["loss"]
    for mine, first in zip(
        network.get_layer("backbone").get_weights(), _small(_config()).get_layer("backbone").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, first)


@pytest.mark.parametrize(("wise", "stays"), [(0.0, True), (1.0, False)])
def test_wise_decides_how_much_the_backbone_keeps(tmp_path: Path, wise: float, stays: bool) -> None:
    network, _ = _fit(tmp_path, wise=wise, epochs=1)
    first = _small(_config())
    for name, same in (("backbone", stays), ("logits", False)):
        pairs = zip(network.get_layer(name).get_weights(), first.get_layer(name).get_weights(), strict=True)
        assert all(np.array_equal(mine, before) for mine, before in pairs) is same, name


@pytest.mark.parametrize("balance", [True, False])
def test_training_and_validation_loss_are_of_one_kind(tmp_path: Path, balance: bool) -> None:
    """Two pictures, one three times as common: with the weights held still, both losses are the same figure."""
    both = _faces(2, "a")
    rows = np.array([0, 0, 0, 1] * 3)
    faces = Faces(both.pixels[rows], both.targets[rows], tuple(both.samples[0] for _ in rows))
    config = _config(lr=1e-9, head_lr=1e-9, dropout=0.0, label_smoothing=0.4, balance=balance, epochs=1)
    network = _small(config)
    kernel, _ = network.get_layer("logits").get_weights()
    network.get_layer("logits").set_weights([kernel, np.array([4.0, 0.0], np.float32)])
    for row in fit(network, faces, faces, config, Run(tmp_path / "checkpoints")).history:
        assert row["loss"] == pytest.approx(row["val_loss"], rel=1e-3), row["phase"]


def test_every_image_of_every_epoch_is_augmented_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: list[tuple[int, ...]] = []
    policies = set()

    def seen(self: Any, image: np.ndarray, *number: int) -> np.ndarray:
        policies.add((self.policy, self.seed))
        numbers.append(number)
        return image

    monkeypatch.setattr("trainer.data.augment.Augmenter.__call__", seen)
    _fit(tmp_path, augment="classic", seed=3, epochs=2, head_epochs=2, views=2)
    assert policies == {("classic", 3)}
    assert {first for first, _ in numbers} == {0, 1, 1_000_000, 1_000_001}
    assert len(set(numbers)) == len(numbers)


def _orders(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What every pass over the images shows, in order."""
    from trainer.data import loader

    orders: list[list[int]] = []
    real = loader.batches

    def batches(pixels: Any, order: np.ndarray, *more: Any, **options: Any) -> Any:
        orders.append(order.tolist())
        return real(pixels, order, *more, **options)

    monkeypatch.setattr(loader, "batches", batches)
    return orders


def test_every_epoch_has_an_order_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = _orders(monkeypatch)
    _fit(tmp_path, epochs=2)
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(24))
    assert orders[0] != orders[1]


def test_the_head_looks_at_no_more_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = _orders(monkeypatch)
    _fit(tmp_path, epochs=0, head_epochs=1, head_limit=6)
    assert len(set(orders[0])) == 6
    assert [n % 2 for n in orders[0][:6]].count(0) == 3  # three of either class


class Listener(Reporter):
    """Keeps the head's weights as every epoch leaves them."""

    def __init__(self, network: Any) -> None:
        self.network, self.weights = network, []

    def epoch(self, row: Any) -> None:
        self.weights.append([np.array(value) for value in self.network.get_layer("logits").get_weights()])


def test_the_head_keeps_its_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([0.5, 0.3, 0.4])
    rest = {"val_accuracy": 1.0, "val_balanced_accuracy": 1.0}
    monkeypatch.setattr("trainer.classifier.steps.judge", lambda *_: {"val_loss": next(losses), **rest})
    network = _small(_config())
    heard = Listener(network)
    _fit(tmp_path, network, reporter=heard, fine_tune="none", epochs=0, head_epochs=3, head_lr=0.05)
    kept = network.get_layer("logits").get_weights()[0]
    assert [np.array_equal(kept, kernel) for kernel, _ in heard.weights] == [False, True, False]


@pytest.mark.parametrize(("block", "learned"), [("17", {"Conv_1"}), ("16", {"Conv_1", "block_16_expand"})])
def test_fine_tuning_begins_at_the_block_it_was_told(tmp_path: Path, block: str, learned: set[str]) -> None:
    network, _ = _fit(tmp_path, fine_tune=block, epochs=1)
    first = _small(_config()).get_layer("backbone")
    changed = {
        layer.name
        for layer in network.get_layer("backbone").layers
        if layer.weights and not np.array_equal(layer.get_weights()[0], first.get_layer(layer.name).get_weights()[0])
    }
    assert changed == learned


def test_a_moving_average_stays_behind(tmp_path: Path) -> None:
    first = _small(_config()).get_layer("logits").get_weights()[0]
    moved = [
        np.abs(_fit(tmp_path / str(ema), ema=ema, epochs=1)[0].get_layer("logits").get_weights()[0] - first).mean()
        for ema in (0.0, 0.999)
    ]
    assert moved[1] < 0.99 * moved[0]


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("rmsprop", "RMSprop"), ("sgd", "SGD")])
def test_the_optimizer_is_the_one_asked_for(name: str, kind: str) -> None:
    from trainer.classifier.fit import _optimizer

    assert type(_optimizer(_config(optimizer=name), 10)).__name__ == kind


def test_it_stops_early_and_restores_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([0.5, 0.4, 0.6, 0.7, 0.8])
    seen: list[list[np.ndarray]] = []

    def scores(*_: Any) -> dict[str, float]:
        return {"val_loss": next(losses), "val_accuracy": 1.0, "val_balanced_accuracy": 1.0}

    monkeypatch.setattr("trainer.classifier.steps.judge", scores)
    config = _config(epochs=9, patience=2, head_epochs=0, lr=1e-3)
    network = _small(config)
    fitted = fit(
        network,
        _faces(4, "a"),
        _faces(2, "b"),
        config,
        Run(tmp_path / "checkpoints", on_best=lambda best: seen.append(best.get_weights())),
    )
    assert len(fitted.history) == 4
    assert len(seen) == 2
    for mine, theirs in zip(network.get_weights(), seen[-1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    config = _config(augment="classic", fine_tune="none", epochs=1)
    made = []
    for name in "ab":
        network = _small(config)
        fit(network, _faces(8, "a"), _faces(4, "b"), config, Run(tmp_path / name / "checkpoints"))
        made.append(network.get_weights())
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_trains_names_no_backend() -> None:
    folder = Path(models.__file__).parent
    for path in (
        *folder.glob("*.py"),
        *(folder.parent / "classifier").glob("*.py"),
        *(folder.parent / "loop").glob("[!p]*.py"),
    ):
        code = path.read_text()
        assert "import tensorflow" not in code, path
        assert " tf." not in code, path


_ELSEWHERE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import keras
assert keras.backend.backend() == sys.argv[3]
from tests.trainer.classifier.test_fit import _config, _faces, _small
from trainer.classifier.fit import fit
from trainer.loop.epochs import Run
config = _config(epochs=1)
fitted = fit(_small(config), _faces(4, "a"), _faces(2, "b"), config, Run(Path(sys.argv[1])))
assert [row["phase"] for row in fitted.history] == ["head", "fine-tune"], fitted.history
"""


@pytest.mark.slow
def test_another_keras_backend_trains(tmp_path: Path) -> None:
    backend = "jax"
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(tmp_path / "checkpoints"), str(Path(__file__).parents[3]), backend],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(Path(models.__file__).parents[2]),
            # Nobody waits for the network it makes; compiling it well takes most of the time.
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
