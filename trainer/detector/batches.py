"""Batches for detector training, made by threads ahead of the network; multi-scale, seeded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import RGB
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import FACE_VALUES, KIND
from trainer.detector.views import Views

ROOM: Final = (12, 32, 96)
"""Numbers of faces a batch is padded to: a compiled step for each, and no more."""

AHEAD: Final = 3
"""Batches that wait for the network."""

Picture = tuple[RGB, NDArray[np.float32]]


def epoch_plan(scenes: int, also: int, config: DetectorConfig, epoch: int) -> list[tuple[int, int, int]]:
    """Sampling plan of an epoch: (folder, scene, size) for every picture, whole batches only.

    Args:
        scenes: number of scenes of the first folder, each shown once.
        also: number of the second folder's, drawn at random to take
            ``config.also_share`` of the epoch; 0 for none.
    """
    rng = np.random.default_rng((config.seed, 2, epoch))
    order = [(0, int(number)) for number in rng.permutation(scenes)]
    if also and config.also_share:
        share = min(config.also_share, 0.99)
        more = max(1, round(len(order) * share / (1 - share)))
        drawn = np.concatenate([rng.permutation(also) for _ in range(-(-more // also))])[:more]
        order += [(1, int(number)) for number in drawn]
        rng.shuffle(order)
    batch = min(config.batch_size, len(order))
    steps = len(order) // batch
    sizes = rng.choice(config.sizes, steps)
    return [(*order[i], int(sizes[i // batch])) for i in range(steps * batch)]


def batch_of(plan: list[tuple[int, int, int]], config: DetectorConfig) -> int:
    """Batch size: what was asked for, or the whole of a plan that is shorter."""
    return min(config.batch_size, len(plan))


def batches(
    views: tuple[Views, ...],
    plan: list[tuple[int, int, int]],
    batch: int,
    epoch: int,
    *,
    skip: int = 0,
    threads: int = 2,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """The pictures of a plan, in order.

    Args:
        views: of each folder.
        plan: what ``epoch_plan`` gave.
        batch: pictures a step, as ``batch_of`` has it.
        epoch: its number; with the place in the plan it seeds a picture.
        skip: batches to leave out at the start, for resuming.
        threads: making pictures.

    Yields:
        (B, S, S, 3) uint8 pictures of one size and their (B, M, 21) float32
        faces, padded with zeros.
    """
    with ThreadPoolExecutor(max_workers=max(1, threads), thread_name_prefix="views") as pool:
        waiting: deque[list[Future[Picture]]] = deque()
        starts = iter(range(skip * batch, len(plan), batch))
        try:
            while True:
                while len(waiting) < AHEAD and (start := next(starts, None)) is not None:
                    part = enumerate(plan[start : start + batch], start)
                    waiting.append([pool.submit(views[f], n, size, (3, epoch, place)) for place, (f, n, size) in part])
                if not waiting:
                    return
                made = [future.result() for future in waiting.popleft()]
                yield np.stack([pixels for pixels, _ in made]), padded([faces for _, faces in made])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def padded(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Pads the faces of several pictures to one array; of too many, the largest that count."""
    most = max((len(faces) for faces in parts), default=0)
    room = next((room for room in ROOM if room >= most), ROOM[-1])
    out = np.zeros((len(parts), room, FACE_VALUES), np.float32)
    for row, faces in zip(out, parts, strict=True):
        if len(faces) > room:
            area = np.prod(faces[:, 2:4] - faces[:, :2], axis=1)
            faces = faces[np.lexsort((-area, faces[:, KIND] < 0))[:room]]
        row[: len(faces)] = faces
    return out
