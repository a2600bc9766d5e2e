"""The two phases of a classifier's training: the head on cached features, then the network (fine-tuning).

Batch normalisation keeps its stored statistics throughout.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.classifier import steps
from trainer.classifier.head import REMEDY, fit_head
from trainer.classifier.soup import fit_soup
from trainer.config.classifier import TrainConfig
from trainer.data import loader
from trainer.data.augment import Augmenter
from trainer.data.faces import Faces
from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.epochs import Fitted, Plan, Run, train_epochs
from trainer.loop.steps import cosine, one_opencv_thread, put
from trainer.models import BACKBONE, freeze_below
from trainer.models.predict import predict


class FineTuneLearner:
    """The later part of the backbone and the head, learning together on augmented pictures."""

    phase, title = "fine-tune", "fine-tuning"
    remedy = REMEDY

    def __init__(
        self, model: Any, train: Faces, val: Faces, config: TrainConfig, augmenter: Augmenter, run: Run
    ) -> None:
        self.network = model
        self._train, self._val, self._config = train, val, config
        self._augmenter, self._threads = augmenter, run.threads
        self._classes = int(model.output.shape[-1])
        count = self._classes * -(-len(train) // self._classes) if config.balance else len(train)
        self.batch = min(config.batch_size, max(1, len(train)))
        self.steps = -(-count // self.batch)
        freeze_below(model, config.arch, config.fine_tune)
        self.optimizer = _optimizer(config, self.steps * config.epochs)
        steps.compile_network(model, self.optimizer, config)
        self.optimizer.build(model.trainable_variables)
        self.averaged = model.trainable_variables

    def batches(self, epoch: int, skip: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        targets, batch, rng = self._train.targets, self.batch, np.random.default_rng((self._config.seed, 2, epoch))
        order = loader.epoch_order(targets, self._classes, batch, rng, balance=self._config.balance)
        pictures = loader.batches(
            self._train.pixels, order, batch, self._augmenter, epoch, skip=skip, threads=self._threads
        )
        for number, pixels in enumerate(pictures, skip):
            yield pixels, targets[order[number * batch : (number + 1) * batch]]

    def step(self, batch: tuple[NDArray[np.float32], NDArray[np.int64]]) -> dict[str, float]:
        return steps.step(self.network, *batch)

    def validate(self) -> dict[str, float]:
        return steps.judge(predict(self.network, self._val.pixels), self._val.targets, self._config)


def fit(model: Any, train: Faces, val: Faces, config: TrainConfig, run: Run) -> Fitted:
    """Train a classifier in place; at the end it holds the weights of its best epoch.

    Args:
        model: what ``trainer.models.build`` returned, with its first weights.
        train: images to learn from.
        val: images that decide which epoch was the best.
        config: settings.
        run: folder for checkpoints, reporter and the like.

    Raises:
        TrainError: the loss is no number any more, or the disk is full.
    """
    marks = checkpoint.fingerprint(config.to_json(), [s.name for s in (*train.samples, *val.samples)])
    state = checkpoint.load(run.folder, marks) if run.resume and run.folder else None
    fitted = Fitted(resumed=state is not None)
    augmenter = Augmenter(config.augment, config.seed)
    # The head phase leaves the backbone alone, so a resumed run finds the same values here.
    first = model.get_layer(BACKBONE).get_weights()
    with one_opencv_thread():
        if state is None:
            began = time.perf_counter()
            state = State(marks, history=fit_head(model, train, val, config, augmenter, run))
            fitted.seconds["head"] = time.perf_counter() - began
            if run.folder:
                checkpoint.write_history(run.folder, state.history)
        if config.fine_tune != "none" and config.epochs:
            began = time.perf_counter()
            if config.soup > 1:
                fit_soup(model, train, val, config, state, run)
            else:
                _fine_tune(FineTuneLearner(model, train, val, config, augmenter, run), state, run, config)
            step_back(model.get_layer(BACKBONE), first, config.wise)
            fitted.seconds["fine_tune"] = time.perf_counter() - began
    fitted.history = state.history
    return fitted


def _fine_tune(learner: FineTuneLearner, state: State, run: Run, config: TrainConfig) -> None:
    if state.weights:
        put(learner.network.variables, state.weights)
        put(learner.optimizer.variables, state.optimizer)
    train_epochs(learner, _plan(config), state, run)


def _plan(config: TrainConfig) -> Plan:
    return Plan(config.epochs, patience=config.patience, ema=config.ema, checkpoint_s=config.checkpoint_s)


def _optimizer(config: TrainConfig, steps: int) -> Any:
    import keras

    schedule = cosine(config.lr, steps, config.warmup)
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(schedule)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
    return keras.optimizers.Adam(schedule)


def step_back(backbone: Any, first: Sequence[NDArray[Any]], kept: float) -> None:
    """WiSE-FT: keep only a share of what fine-tuning changed, in place.

    A network that was fine-tuned on drawn masks has unlearned some of what
    photographs had taught it. Halfway back it has still learned the task, and
    knows real pictures again: what we measured is in docs/training.md.

    Args:
        backbone: layers as fine-tuning left them.
        first: its weights before, as ``get_weights`` gave them.
        kept: 1 changes nothing, 0 puts the first weights back.

    Source:
        Wortsman et al., "Robust fine-tuning of zero-shot models" (WiSE-FT),
        CVPR 2022, which recommends 0.5 where nothing can be tuned.
    """
    if kept < 1:
        last = backbone.get_weights()
        backbone.set_weights([kept * after + (1 - kept) * before for before, after in zip(first, last, strict=True)])


def expect(network: Any, prior: Sequence[float]) -> None:
    """Prior correction: move probabilities to other label shares than the equal ones learned from, in place.

    Badly worn masks are drawn as often as the others and met seldom: small
    faces without a mask, which cannot be told from them, then pass for them.

    Args:
        network: ends in a dense layer and a softmax.
        prior: share of each label, adding up to 1.

    Source:
        Saerens et al., "Adjusting the outputs of a classifier to new a priori
        probabilities", Neural Computation 14, 2002: probabilities are
        multiplied by new over old shares, here as a shift of the last bias.
    """
    last = next(layer for layer in reversed(network.layers) if layer.weights)
    *kernel, bias = last.get_weights()
    last.set_weights([*kernel, bias + np.log(np.asarray(prior) * len(prior)).astype(bias.dtype)])
