"""The head phase: the layers after the backbone learn on cached features.

The backbone stays as it is, so its output for a view is worked out once and
kept: a pass then takes a second instead of a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainer.classifier import steps
from trainer.config.classifier import TrainConfig
from trainer.data import loader
from trainer.data.augment import Augmenter
from trainer.data.faces import Faces
from trainer.loop.checkpoint import State
from trainer.loop.epochs import Plan, Run, train_epochs
from trainer.loop.steps import cosine, jit
from trainer.models import FEATURES
from trainer.models.predict import BATCH, predict

HEAD_BATCH: Final = 64

REMEDY: Final = "lower the learning rate (--lr, --head-lr), or turn mixed precision off (--precision float32)"
"""What to do about a loss that is no number."""

_FIRST_VIEW: Final = 1_000_000
"""Number of the first view; smaller ones are the epochs of fine-tuning."""


class HeadLearner:
    """The layers after the features, as a network of their own, on cached features."""

    phase = title = "head"
    remedy = REMEDY

    def __init__(
        self,
        model: Any,
        views: Sequence[NDArray[np.float32]],
        targets: NDArray[np.int64],
        val: tuple[NDArray[np.float32], NDArray[np.int64]],
        config: TrainConfig,
        rng: np.random.Generator,
    ) -> None:
        """Compile the head.

        Args:
            model: the whole network; its layers are shared, not copied.
            views: (N, D) features of each augmented view of the images.
            targets: (N,) their classes.
            val: the same of the validation split, one view.
            config: settings.
            rng: that every epoch's order is drawn from, one after the other.
        """
        import keras

        self.network = _head_of(model)
        self.averaged: Sequence[Any] = ()
        self.batch = min(HEAD_BATCH, max(1, len(targets)))
        self.steps = -(-len(targets) // self.batch)
        self._views, self._targets, self._val = views, targets, val
        self._config, self._rng = config, rng
        epochs = epochs_of(config)
        self.optimizer = keras.optimizers.Adam(cosine(config.head_lr, epochs * self.steps, config.warmup))
        steps.compile_network(self.network, self.optimizer, config)

    def batches(self, epoch: int, skip: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        features, targets, batch = self._views[epoch % len(self._views)], self._targets, self.batch
        classes = int(self.network.output.shape[-1])
        order = loader.epoch_order(targets, classes, batch, self._rng, balance=self._config.balance)
        for start in range(skip * batch, len(order), batch):
            part = order[start : start + batch]
            yield features[part], targets[part]

    def step(self, batch: tuple[NDArray[np.float32], NDArray[np.int64]]) -> dict[str, float]:
        return steps.step(self.network, *batch)

    def validate(self) -> dict[str, float]:
        features, targets = self._val
        return steps.judge(predict(self.network, features), targets, self._config)


def epochs_of(config: TrainConfig) -> int:
    """Passes over the cached features; with nothing to fine-tune the others are added."""
    return config.head_epochs + (config.epochs if config.fine_tune == "none" else 0)


def fit_head(
    model: Any, train: Faces, val: Faces, config: TrainConfig, augmenter: Augmenter, run: Run
) -> list[dict[str, Any]]:
    """Train the layers after the features on several augmented views of every image.

    Returns:
        The history, a line an epoch.
    """
    epochs = epochs_of(config)
    if not epochs:
        return []
    rng = np.random.default_rng((config.seed, 1))
    chosen = np.arange(len(train))
    if config.head_limit is not None and len(train) > config.head_limit:
        classes = int(model.output.shape[-1])
        chosen = loader.epoch_order(train.targets, classes, 1, rng, balance=True)[: config.head_limit]
    views = 1 if config.augment == "none" else min(config.views, epochs)
    features, val_features = _features(model, train, val, chosen, views, augmenter, run)
    learner = HeadLearner(model, features, train.targets[chosen], (val_features, val.targets), config, rng)
    state = State("")
    train_epochs(learner, Plan(epochs), state, Run(reporter=run.reporter))
    return state.history


def _features(
    model: Any, train: Faces, val: Faces, chosen: NDArray[np.int64], views: int, augmenter: Augmenter, run: Run
) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
    """What the backbone says of every view of the chosen images, and of the validation images as they are."""
    import keras

    extractor = keras.Model(model.input, model.get_layer(FEATURES).output)
    extractor.compile(jit_compile=jit())
    total = views * len(chosen) + len(val)
    run.reporter.start("features", total)
    done = 0
    seen: list[NDArray[np.float32]] = []
    order = np.resize(chosen, -(-len(chosen) // BATCH) * BATCH)
    for view in range(_FIRST_VIEW, _FIRST_VIEW + views):
        parts = []
        for pixels in loader.batches(train.pixels, order, BATCH, augmenter, view, threads=run.threads):
            parts.append(np.asarray(extractor.predict_on_batch(pixels), np.float32))
            done += len(pixels)
            run.reporter.step(min(done, total))
        seen.append(np.concatenate(parts)[: len(chosen)])
    return seen, predict(extractor, val.pixels)


def _head_of(model: Any) -> Any:
    """The layers after the features as a network of their own; they are shared, not copied."""
    import keras

    names = [layer.name for layer in model.layers]
    x = features = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="cached")
    for layer in model.layers[names.index(FEATURES) + 1 :]:
        x = layer(x)
    return keras.Model(features, x, name="head")
