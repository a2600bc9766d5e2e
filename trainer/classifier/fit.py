"""The two phases of a training run: the head on cached features, then the network.

Keras alone, no backend's own functions: TensorFlow, JAX and PyTorch train
alike. Batch normalisation keeps its stored statistics throughout.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainer.config.classifier import TrainConfig
from trainer.data.augment import Augmenter
from trainer.data.dataset import Faces
from trainer.data.loader import batches, epoch_order
from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.progress import Reporter
from trainer.loop.steps import Average, cosine, jit, keep, one_opencv_thread, put, require_number
from trainer.models import BACKBONE, FEATURES, freeze_below

REMEDY: Final = "lower the learning rate (--lr, --head-lr), or turn mixed precision off (--precision float32)"
"""What to do about a loss that is no number."""

HEAD_BATCH: Final = 64
PREDICT_BATCH: Final = 32


@dataclass(slots=True)
class Fitted:
    """What a run gave.

    Attributes:
        history: one line an epoch.
        seconds: by phase.
        resumed: it went on from a checkpoint.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    resumed: bool = False


def fit(
    model: Any,
    train: Faces,
    val: Faces,
    config: TrainConfig,
    folder: Path,
    *,
    resume: bool = False,
    threads: int = 2,
    reporter: Reporter | None = None,
    on_best: Callable[[Any], None] | None = None,
) -> Fitted:
    """Train a network in place; at the end it holds the weights of its best epoch.

    Args:
        model: what ``trainer.models.build`` returned, with its first weights.
        train: images to learn from.
        val: images that decide which epoch was the best.
        config: settings.
        folder: the run's own folder, for checkpoints.
        resume: go on from the checkpoint there, if there is one.
        threads: augmenting threads.
        reporter: who is told.
        on_best: called with the network after every epoch that is the best.

    Raises:
        TrainError: the loss is no number any more, or the disk is full.
    """
    reporter = reporter or Reporter()
    marks = checkpoint.fingerprint(config.to_json(), [s.name for s in (*train.samples, *val.samples)])
    state = checkpoint.load(folder, marks) if resume else None
    fitted = Fitted(resumed=state is not None)
    augmenter = Augmenter(config.augment, config.seed)
    # The head phase leaves the backbone alone, so a resumed run finds the same values here.
    first = model.get_layer(BACKBONE).get_weights()
    with one_opencv_thread():
        if state is None:
            began = time.perf_counter()
            history = _fit_head(model, train, val, config, augmenter, threads, reporter)
            fitted.seconds["head"] = time.perf_counter() - began
            state = State(marks, history=history)
            checkpoint.write_history(folder, history)
        if config.fine_tune != "none" and config.epochs:
            began = time.perf_counter()
            if config.soup > 1:
                _cook(model, train, val, config, folder, state, reporter, on_best)
            else:
                _fine_tune(model, train, val, config, augmenter, folder, state, threads, reporter, on_best)
            step_back(model.get_layer(BACKBONE), first, config.wise)
            fitted.seconds["fine_tune"] = time.perf_counter() - began
    fitted.history = state.history
    return fitted


# ---------------------------------------------------------------- head


def _fit_head(
    model: Any,
    train: Faces,
    val: Faces,
    config: TrainConfig,
    augmenter: Augmenter,
    threads: int,
    reporter: Reporter,
) -> list[dict[str, Any]]:
    """Train the layers after the features on several augmented views of every image.

    The backbone stays as it is, so its output for a view is worked out once
    and kept: a pass then takes a second instead of a minute.
    """
    import keras

    epochs = config.head_epochs + (config.epochs if config.fine_tune == "none" else 0)
    if not epochs:
        return []
    classes = int(model.output.shape[-1])
    views = 1 if config.augment == "none" else min(config.views, epochs)
    rng = np.random.default_rng((config.seed, 1))
    chosen = np.arange(len(train))
    if config.head_limit is not None and len(train) > config.head_limit:
        chosen = epoch_order(train.targets, classes, 1, rng, balance=True)[: config.head_limit]
    extractor = keras.Model(model.input, model.get_layer(FEATURES).output)
    extractor.compile(jit_compile=jit())
    total = views * len(chosen) + len(val)
    reporter.start("features", total)
    done = 0
    seen: list[NDArray[np.float32]] = []
    for view in range(views):
        order = np.resize(chosen, -(-len(chosen) // PREDICT_BATCH) * PREDICT_BATCH)
        parts = []
        for pixels in batches(train.pixels, order, PREDICT_BATCH, augmenter, 1_000_000 + view, threads=threads):
            parts.append(np.asarray(extractor.predict_on_batch(pixels), np.float32))
            done += len(pixels)
            reporter.step(min(done, total))
        seen.append(np.concatenate(parts)[: len(chosen)])
    val_features = predict(extractor, val.pixels)
    targets = train.targets[chosen]

    head = _head_of(model)
    batch = min(HEAD_BATCH, max(1, len(chosen)))
    steps = -(-len(chosen) // batch)
    optimizer = keras.optimizers.Adam(cosine(config.head_lr, epochs * steps, config.warmup))
    _compile(head, optimizer, config)
    reporter.start("head", epochs)
    history: list[dict[str, Any]] = []
    best_loss, best = math.inf, head.get_weights()
    for epoch in range(epochs):
        began = time.perf_counter()
        features = seen[epoch % views]
        order = epoch_order(targets, classes, batch, rng, balance=config.balance)
        sums = np.zeros(2)
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            sums += _step(head, features[part], targets[part], classes, "head", epoch)
        row = _row(
            "head",
            epoch + 1,
            sums / (len(order) // batch),
            _judge(predict(head, val_features), val.targets, config),
            began,
        )
        # The last step of an epoch may break a network whose own loss was still a number.
        require_number(row["val_loss"], f"the validation after epoch {epoch + 1} of the head phase", None, REMEDY)
        history.append(row)
        reporter.epoch(row)
        reporter.step(epoch + 1, f"val loss {row['val_loss']:.3f}")
        if row["val_loss"] < best_loss:
            best_loss, best = row["val_loss"], head.get_weights()
    head.set_weights(best)
    return history


def _head_of(model: Any) -> Any:
    """The layers after the features as a network of their own; they are shared, not copied."""
    import keras

    names = [layer.name for layer in model.layers]
    x = features = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="cached")
    for layer in model.layers[names.index(FEATURES) + 1 :]:
        x = layer(x)
    return keras.Model(features, x, name="head")


# ---------------------------------------------------------------- fine-tuning


def _fine_tune(
    model: Any,
    train: Faces,
    val: Faces,
    config: TrainConfig,
    augmenter: Augmenter,
    folder: Path,
    state: State,
    threads: int,
    reporter: Reporter,
    on_best: Callable[[Any], None] | None,
) -> None:
    """Train the later part of the backbone and the head together."""
    classes = int(model.output.shape[-1])
    batch = min(config.batch_size, max(1, len(train)))
    steps = -(-classes * -(-len(train) // classes) // batch) if config.balance else -(-len(train) // batch)
    freeze_below(model, config.arch, config.fine_tune)
    optimizer = _optimizer(config, steps * config.epochs)
    _compile(model, optimizer, config)
    optimizer.build(model.trainable_variables)
    if state.weights:
        put(model.variables, state.weights)
        put(optimizer.variables, state.optimizer)
    average = Average(model.trainable_variables, config.ema, state.average)
    reporter.start("fine-tuning", steps * config.epochs)
    last_save = time.monotonic()

    while state.epoch < config.epochs and state.stale < config.patience:
        epoch = state.epoch
        began = time.perf_counter()
        order = epoch_order(
            train.targets, classes, batch, np.random.default_rng((config.seed, 2, epoch)), balance=config.balance
        )
        for pixels in batches(train.pixels, order, batch, augmenter, epoch, skip=state.step, threads=threads):
            part = order[state.step * batch : (state.step + 1) * batch]
            loss, right = _step(model, pixels, train.targets[part], classes, "fine-tuning", epoch, folder)
            state.loss, state.accuracy = state.loss + loss, state.accuracy + right
            average.update(epoch * steps + state.step)
            state.step += 1
            reporter.step(epoch * steps + state.step, f"loss {state.loss / state.step:.3f}")
            if time.monotonic() - last_save > config.checkpoint_s and state.step < steps:
                keep(folder, state, model, optimizer, average)
                last_save = time.monotonic()
        with average.swapped_in():
            scores = _judge(predict(model, val.pixels), val.targets, config)
            means = np.array([state.loss, state.accuracy]) / steps
            row = _row("fine-tune", epoch + 1, means, scores, began)
            where = f"the validation after epoch {epoch + 1} of the fine-tuning phase"
            require_number(row["val_loss"], where, folder, REMEDY)
            row["learning_rate"] = float(_number(optimizer.learning_rate))
            state.history.append(row)
            if row["val_loss"] < state.best_loss:
                state.best_loss, state.stale, state.best = row["val_loss"], 0, model.get_weights()
                if on_best is not None:
                    on_best(model)
            else:
                state.stale += 1
        state.epoch, state.step, state.loss, state.accuracy = epoch + 1, 0, 0.0, 0.0
        keep(folder, state, model, optimizer, average)
        checkpoint.write_history(folder, state.history)
        last_save = time.monotonic()
        reporter.epoch(row)
    if state.best:
        model.set_weights(state.best)


def _cook(
    model: Any,
    train: Faces,
    val: Faces,
    config: TrainConfig,
    folder: Path,
    state: State,
    reporter: Reporter,
    on_best: Callable[[Any], None] | None,
) -> None:
    """Fine-tune ``config.soup`` times from the same weights, and give the network the mean of what comes out."""
    from trainer.classifier import soup

    front, tail = soup.halves(model, config)
    reporter.start("maps", len(train))
    maps = soup.cached(front, train.pixels, reporter.step)
    val_maps = soup.cached(front, val.pixels)
    first = tail.get_weights()
    runs = []
    reporter.start("fine-tuning", config.soup * config.epochs)
    for number in range(config.soup):
        tail.set_weights(first)
        began = time.perf_counter()
        for epoch, means in enumerate(soup.bowl(tail, maps, train.targets, config, number)):
            reporter.step(number * config.epochs + epoch + 1, f"loss {means[0]:.3f}")
        runs.append(tail.get_weights())
        scores = _judge(predict(tail, val_maps), val.targets, config)
        state.history.append(_row("soup", number + 1, np.array(means), scores, began))
        reporter.epoch(state.history[-1])
        checkpoint.write_history(folder, state.history)
    tail.set_weights(soup.mean(runs))
    soup.give_back(tail, model)
    if on_best is not None:
        on_best(model)


def step_back(backbone: Any, first: Sequence[NDArray[Any]], kept: float) -> None:
    """Keep only a share of what fine-tuning changed, in place.

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
    """Move a network's probabilities to other shares of its labels than the equal ones it learned from, in place.

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


# ---------------------------------------------------------------- shared


def predict(model: Any, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The network's output for every input, in batches of one size.

    Args:
        inputs: (N, ...), pixels as uint8 or features as float32.
    """
    parts = []
    for start in range(0, len(inputs), PREDICT_BATCH):
        part = np.asarray(inputs[start : start + PREDICT_BATCH], dtype=np.float32)
        # Another batch size would make the backend trace the network again.
        padded = np.concatenate([part, np.zeros((PREDICT_BATCH - len(part), *part.shape[1:]), np.float32)])
        parts.append(np.asarray(model.predict_on_batch(padded), dtype=np.float32)[: len(part)])
    if not parts:
        return np.empty((0, *model.output.shape[1:]), np.float32)
    return np.concatenate(parts)


def _step(
    model: Any,
    inputs: NDArray[Any],
    targets: NDArray[np.int64],
    classes: int,
    phase: str,
    epoch: int,
    folder: Path | None = None,
) -> tuple[float, float]:
    """One step; its own loss and accuracy."""
    truth = np.eye(classes, dtype=np.float32)[targets]
    model.reset_metrics()
    logs = model.train_on_batch(inputs, truth, return_dict=True)
    loss = float(logs["loss"])
    require_number(loss, f"epoch {epoch + 1} of the {phase} phase", folder, REMEDY)
    return loss, float(logs["accuracy"])


def _judge(probabilities: NDArray[np.float32], targets: NDArray[np.int64], config: TrainConfig) -> dict[str, float]:
    """Validation figures; the loss is smoothed like the training loss."""
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


def _row(phase: str, epoch: int, means: NDArray[Any], scores: dict[str, float], began: float) -> dict[str, Any]:
    return {
        "phase": phase,
        "epoch": epoch,
        "loss": float(means[0]),
        "accuracy": float(means[1]),
        **scores,
        "learning_rate": math.nan,
        "seconds": round(time.perf_counter() - began, 3),
    }


def _compile(model: Any, optimizer: Any, config: TrainConfig) -> None:
    import keras

    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], jit_compile=jit())


def _optimizer(config: TrainConfig, steps: int) -> Any:
    import keras

    schedule = cosine(config.lr, steps, config.warmup)
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(schedule)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
    return keras.optimizers.Adam(schedule)


def _number(value: Any) -> float:
    import keras

    return float(keras.ops.convert_to_numpy(value))
