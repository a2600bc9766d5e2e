"""Model soup: the later blocks are fine-tuned several times from one start, and the weights averaged.

Runs that differ in their seed alone are about equally good on drawn
validation faces and far apart on real ones; their mean is as good as the best
of them there, for the price of one network. The blocks before
``TrainConfig.fine_tune`` stay as they are, so that their output for an image
is worked out once and kept: a pass then takes a quarter of the time, and
images are drawn, not augmented; cached maps are mirrored.

Source:
    Wortsman et al., "Model soups: averaging weights of multiple fine-tuned
    models improves accuracy without increasing inference time", ICML 2022.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.classifier import steps
from trainer.config.classifier import TrainConfig
from trainer.data.faces import Faces
from trainer.data.loader import epoch_order
from trainer.loop import checkpoint
from trainer.loop.checkpoint import State
from trainer.loop.epochs import Run
from trainer.loop.steps import Average, cosine, jit, require_number
from trainer.models import BACKBONE, blocks, build, freeze_below
from trainer.models.predict import predict

CACHE_BATCH = 32

Weights = list[NDArray[Any]]


def fit_soup(model: Any, train: Faces, val: Faces, config: TrainConfig, state: State, run: Run) -> None:
    """Fine-tune ``config.soup`` times from the same weights, and give the network the mean of what comes out.

    Args:
        model: what ``trainer.models.build`` returned, with its head fitted.
        train: images to learn from.
        val: images that every run is judged on.
        config: settings.
        state: its history gets a line a run; a run that is killed begins this phase anew.
        run: folder, reporter and the like.
    """
    front, tail = halves(model, config)
    run.reporter.start("maps", len(train))
    maps = cached(front, train.pixels, run.reporter.step)
    val_maps = cached(front, val.pixels)
    first, runs = tail.get_weights(), []
    run.reporter.start("fine-tuning", config.soup * config.epochs)
    for number in range(config.soup):
        tail.set_weights(first)
        began, means = time.perf_counter(), (0.0, 0.0)
        for epoch, means in enumerate(bowl(tail, maps, train.targets, config, number)):
            run.reporter.step(number * config.epochs + epoch + 1, f"loss {means[0]:.3f}")
        runs.append(tail.get_weights())
        scores = steps.judge(predict(tail, val_maps), val.targets, config)
        seconds = round(time.perf_counter() - began, 3)
        row = {
            "phase": "soup",
            "epoch": number + 1,
            "loss": means[0],
            "accuracy": means[1],
            **scores,
            "seconds": seconds,
        }
        state.history.append(row)
        run.reporter.epoch(row)
        if run.folder:
            checkpoint.write_history(run.folder, state.history)
    tail.set_weights(mean(runs))
    give_back(tail, model)
    if run.on_best is not None:
        run.on_best(model)


def halves(model: Any, config: TrainConfig) -> tuple[Any, Any]:
    """A twin of the network in two: pixels to the maps before block ``fine_tune``, and those to probabilities.

    Args:
        model: what ``trainer.models.build`` returned; it stays as it is.
        config: its settings.
    """
    import keras

    twin = build(config, int(model.output.shape[-1]))
    twin.set_weights(model.get_weights())
    freeze_below(twin, config.arch, config.fine_tune)
    backbone = twin.get_layer(BACKBONE)
    prefix = blocks(config.arch)[int(config.fine_tune)]
    names = [layer.name for layer in backbone.layers]
    cut = next(number for number, name in enumerate(names) if name.startswith(prefix))
    # Blocks follow each other: everything from here on reads the map before, or what comes after it.
    seam = backbone.layers[cut - 1].output
    outer = [layer.name for layer in twin.layers]
    scaled = twin.layers[outer.index(BACKBONE) - 1].output
    maps = x = keras.Input(seam.shape[1:], name="maps")
    made = {id(seam): maps}
    for layer in backbone.layers[cut:]:
        wanted, own = layer.input, layer.output
        many = isinstance(wanted, (list, tuple))
        x = layer([made[id(part)] for part in wanted] if many else made[id(wanted)])
        made[id(own)] = x
    for layer in twin.layers[outer.index(BACKBONE) + 1 :]:
        x = layer(x)
    early = keras.Model(backbone.input, seam)
    return keras.Model(twin.input, early(scaled)), keras.Model(maps, x)


def cached(front: Any, pixels: NDArray[np.uint8], progress: Callable[[int], None] | None = None) -> NDArray[np.float16]:
    """(N, h, w, c) the maps of every image."""
    found = np.empty((len(pixels), *front.output.shape[1:]), np.float16)
    for start in range(0, len(pixels), CACHE_BATCH):
        part = pixels[start : start + CACHE_BATCH].astype(np.float32)
        # Another batch size would make the backend trace the network again.
        padded = np.concatenate([part, np.zeros((CACHE_BATCH - len(part), *part.shape[1:]), np.float32)])
        found[start : start + len(part)] = np.asarray(front.predict_on_batch(padded))[: len(part)]
        if progress is not None:
            progress(start + len(part))
    return found


def bowl(
    tail: Any, maps: NDArray[np.float16], targets: NDArray[np.int64], config: TrainConfig, number: int
) -> Iterator[tuple[float, float]]:
    """Fine-tune a tail in place, once; the loss and the accuracy of every pass.

    Args:
        tail: of ``halves``, with its first weights.
        maps, targets: what it learns from.
        config: settings.
        number: of the run, which decides the order of the images and what is mirrored.
    """
    import keras

    classes, batch = int(tail.output.shape[-1]), min(config.batch_size, len(maps))
    rng = np.random.default_rng((config.seed, 3, number))
    count = len(epoch_order(targets, classes, batch, rng, balance=config.balance)) // batch
    optimizer = keras.optimizers.Adam(cosine(config.lr, count * config.epochs, config.warmup))
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    tail.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], jit_compile=jit())
    average = Average(tail.trainable_variables, config.ema)
    one_hot = np.eye(classes, dtype=np.float32)
    done = 0
    for _ in range(config.epochs):
        sums = np.zeros(2)
        order = epoch_order(targets, classes, batch, rng, balance=config.balance)
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            shown = maps[part].astype(np.float32)
            mirrored = rng.random(len(part)) < 0.5
            shown[mirrored] = shown[mirrored, :, ::-1]
            tail.reset_metrics()
            logs = tail.train_on_batch(shown, one_hot[targets[part]], return_dict=True)
            require_number(float(logs["loss"]), f"run {number + 1} of the soup", None, "lower the learning rate (--lr)")
            sums += float(logs["loss"]), float(logs["accuracy"])
            average.update(done)
            done += 1
        yield float(sums[0] / count), float(sums[1] / count)
    with average.swapped_in():
        last = tail.get_weights()
    tail.set_weights(last)


def mean(weights: Sequence[Weights]) -> Weights:
    """The mean of several networks' weights, array by array.

    >>> mean([[np.array([1.0, 2.0])], [np.array([3.0, 4.0])]])
    [array([2., 3.])]
    """
    return [np.mean(parts, axis=0).astype(parts[0].dtype) for parts in zip(*weights, strict=True)]


def give_back(tail: Any, model: Any) -> None:
    """Copy a tail's weights to the layers of the same names in the network, in place."""
    backbone = model.get_layer(BACKBONE)
    inner, outer = ({layer.name: layer for layer in part.layers} for part in (backbone, model))
    for layer in tail.layers:
        if layer.weights:
            (inner.get(layer.name) or outer[layer.name]).set_weights(layer.get_weights())
