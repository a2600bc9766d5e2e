"""Draws one block of scenes from its own pool of pieces, and its record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from maskgen.dataset.record import SPLITS
from maskgen.images import encode, write_bytes
from maskgen.scenes import clothes, coco, folder, pieces
from maskgen.scenes.compose import compose
from maskgen.scenes.work import SceneWorker

POOL: Final = 80
"""Pieces of a block: reading and cutting out is half of the work, at two to three uses a piece."""

CLOTHS: Final = 24


def open_worker(told: dict[str, Any]) -> SceneWorker:
    """The worker of a run, from what ``folder.make`` tells it."""
    return BlockWorker(**told)


class BlockWorker(SceneWorker):
    """Draws the blocks of a run; a task is a block's name."""

    def __init__(
        self, settings: folder.Settings, people: folder.People, output: Path, blocks: Mapping[str, folder.Block]
    ) -> None:
        self._settings, self._people, self._output, self._blocks = settings, people, output, blocks

    def lines(self, source: str) -> list[str]:
        """Write a block's pictures, then its record: nothing else is to be known of it."""
        block = self._blocks[source]
        (self._output / block.split).mkdir(parents=True, exist_ok=True)
        record = folder.record_of(self._output, block)
        record.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(record, json.dumps(list(self._written(block))).encode("ascii"))
        return []

    def _written(self, block: folder.Block) -> Iterator[dict[str, Any]]:
        """Write the pictures of a block, and say what each shows."""
        settings, at = self._settings, [self._settings.seed, SPLITS.index(block.split), block.number]
        rng = np.random.default_rng(at)
        pool = pieces.draw_pool(rng, self._people[block.split], POOL)
        cloths = clothes.draw_cloths(rng, CLOTHS)
        places = folder.places_of(settings, block.split)
        for index in range(block.count):
            chance = np.random.default_rng([*at, index])
            scene = compose(chance, settings.size, pool, cloths, places, settings.camera)
            name = f"{block.split}/{block.first + index:06d}.jpg"
            write_bytes(self._output / name, encode(scene.image, ".jpg", settings.quality))
            yield coco.describe(name, scene)
