"""Batches of augmented images, made by threads ahead of the network; epoch order, class balance."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from trainer.data.augment import Augmenter

AHEAD = 4
"""Batches prepared in advance for every thread."""


def epoch_order(
    targets: NDArray[np.int64], classes: int, batch_size: int, rng: np.random.Generator, *, balance: bool
) -> NDArray[np.int64]:
    """Epoch order: the indices of its images, a whole number of batches.

    Balanced, every class comes equally often: a rare class repeats, a common
    one shows another part of itself every epoch.

    Args:
        targets: (N,) class of every image.
        classes: how many there are.
        batch_size: images a step.
        rng: this epoch's.
        balance: draw every class equally often.

    Returns:
        (M,) indices, M the next multiple of ``batch_size`` from N on.
    """
    count = len(targets)
    if balance:
        each = -(-count // classes)
        order = np.concatenate([_repeat(np.flatnonzero(targets == label), each, rng) for label in range(classes)])
        rng.shuffle(order)
    else:
        order = rng.permutation(count)
    wanted = -(-len(order) // batch_size) * batch_size
    return np.resize(order, wanted)


def _repeat(indices: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if len(indices) == 0:
        return indices
    rounds = [rng.permutation(indices) for _ in range(-(-count // len(indices)))]
    return np.concatenate(rounds)[:count]


def batches(
    pixels: NDArray[np.uint8],
    order: NDArray[np.int64],
    batch_size: int,
    augmenter: Augmenter,
    number: int,
    *,
    skip: int = 0,
    threads: int = 2,
) -> Iterator[NDArray[np.float32]]:
    """Augmented batches in order.

    Args:
        pixels: (N, H, W, 3) uint8.
        order: indices, in the order they shall be seen.
        batch_size: images a batch; the last one may be smaller.
        augmenter: what happens to each.
        number: of the epoch; with the place in the order it seeds an image.
        skip: batches to leave out at the start, for resuming.
        threads: augmenting threads.

    Yields:
        (B, H, W, 3) float32, pixel values 0..255.
    """
    starts = range(skip * batch_size, len(order), batch_size)

    def make(start: int) -> NDArray[np.float32]:
        chosen = order[start : start + batch_size]
        numbers = [(number, start + place) for place in range(len(chosen))]
        return augmenter.batch([pixels[index] for index in chosen], numbers).astype(np.float32)

    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="augment")
    waiting: deque[Future[NDArray[np.float32]]] = deque()
    try:
        upcoming = iter(starts)
        for start in upcoming:
            waiting.append(pool.submit(make, start))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
