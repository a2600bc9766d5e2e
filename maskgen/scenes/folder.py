"""Composes a folder of scenes: COCO files beside their pictures, resumable.

Scenes are made in blocks. A block draws and cuts out its own pool of pieces
once; what it makes hangs on the seed, its split and its number alone
(``block``). When all its pictures are written, a record of its own is: a killed
run goes on with the first block that has none.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from maskgen import __version__
from maskgen.dataset.record import METADATA, SPLITS
from maskgen.errors import DatasetError, InputError
from maskgen.images import write_bytes
from maskgen.io.options import to_json
from maskgen.scenes import backgrounds, pieces, work
from maskgen.scenes.claim import STATE, claim
from maskgen.scenes.coco import save_coco
from maskgen.scenes.settings import Settings as Settings
from maskgen.types import LABELS

BLOCK: Final = 40
"""Scenes of a block."""

MARK: Final = "scenes.json"
FACTORY: Final = "maskgen.scenes.block:open_worker"

People = Mapping[str, pieces.Index]
"""The pieces of a run by split."""


@dataclass(slots=True)
class Summary:
    """What a run made: ``counts`` by word, ``seconds`` of this run."""

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """Some scenes of a split: the unit of work, and of going on after a kill.

    Attributes:
        split: train, val or test.
        number: from 0 in each split.
        first: number of its first scene.
        count: its scenes.
    """

    split: str
    number: int
    first: int
    count: int

    @property
    def name(self) -> str:
        return f"{self.split}-{self.number:06d}-{self.count}"


def plan(settings: Settings) -> list[Block]:
    """The blocks of a run, every split filled up to its share."""
    counts = [round(settings.scenes * share) for share in settings.split]
    counts[0] += settings.scenes - sum(counts)
    blocks: list[Block] = []
    for split, count in zip(SPLITS, counts, strict=True):
        blocks += [Block(split, first // BLOCK, first, min(BLOCK, count - first)) for first in range(0, count, BLOCK)]
    return blocks


def make(
    settings: Settings,
    output: Path,
    *,
    workers: int = 1,
    overwrite: bool = False,
    command: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Compose scenes, or finish what an earlier run began.

    Args:
        settings: what to make.
        output: the folder to write.
        workers: processes; the scenes are the same for any number.
        overwrite: delete the scenes that the folder holds.
        command: for ``run.json``.
        progress: told blocks done and blocks in all.

    Raises:
        InputError: the folder holds something else, or scenes of other settings.
        DatasetError: a dataset cannot be read or has no face for a split.
    """
    began = time.perf_counter()
    blocks = plan(settings)
    digests = {folder: _digest(Path(folder)) for folder in settings.datasets}
    people = pieces.index([Path(folder) for folder in settings.datasets])
    for split in {block.split for block in blocks}:
        if not any(people[split].values()):
            raise DatasetError(
                f"{', '.join(settings.datasets)}: no face in the split {split}; give the datasets one "
                "(maskgen generate --split 95/5/0) or leave it out (maskgen compose --split 100/0/0)"
            )
        places_of(settings, split)
    claim(output, MARK, {**to_json(settings), "digests": digests}, what="scenes", overwrite=overwrite)
    missing = {block.name: block for block in blocks if not record_of(output, block).is_file()}
    told = {"settings": settings, "people": people, "output": output, "blocks": missing}
    progress = progress or (lambda _, __: None)
    progress(len(blocks) - len(missing), len(blocks))
    with closing(work.outcomes(FACTORY, told, missing, min(workers, len(missing)))) as outcomes:
        for number, _ in enumerate(outcomes, len(blocks) - len(missing) + 1):
            progress(number, len(blocks))
    summary = Summary(output)
    for split in SPLITS:
        mine = [block for block in blocks if block.split == split]
        if mine:
            summary.counts += _write_coco(output, split, mine)
    summary.seconds = time.perf_counter() - began
    _write_run(settings, digests, output, summary, command)
    return summary


@lru_cache(maxsize=4)
def places_of(settings: Settings, split: str) -> backgrounds.Places:
    """The backgrounds of a split."""
    folders = [Path(folder) for folder in settings.backgrounds]
    return backgrounds.find_places(folders, [Path(f) for f in settings.backgrounds_coco], split, settings.split)


def _digest(dataset: Path) -> str:
    """What tells a dataset from another in the same place."""
    path = dataset / METADATA
    if not path.is_file():
        raise InputError(f"{dataset} is no dataset folder; write one with: maskgen generate --crop scene")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def record_of(output: Path, block: Block) -> Path:
    """The file that says that a block is whole, and what its scenes show."""
    return output / STATE / "blocks" / f"{block.name}.json"


def _write_coco(output: Path, split: str, blocks: Sequence[Block]) -> Counter[str]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for block in blocks:
        for line in json.loads(record_of(output, block).read_bytes()):
            faces, kind = line.pop("faces"), line["kind"]
            images.append({"id": len(images) + 1, **line})
            counts.update({"scenes": 1, f"split:{split}": 1, f"kind:{kind}": 1})
            for face in faces:
                annotations.append({"id": len(annotations) + 1, "image_id": len(images), **face})
                counts["ignored" if face.get("ignore") else f"label:{LABELS[face['category_id']]}"] += 1
    info = {"description": "scenes composed by maskgen", "version": __version__}
    save_coco(output / f"{split}.json", info, images, annotations)
    return counts


def _write_run(
    settings: Settings, digests: Mapping[str, str], output: Path, summary: Summary, command: Sequence[str]
) -> None:
    run = {
        "version": __version__,
        "command": list(command),
        "seed": settings.seed,
        "settings": to_json(settings),
        "datasets": dict(digests),
        "labels": list(LABELS),
        "counts": dict(sorted(summary.counts.items())),
        "seconds": round(summary.seconds, 2),
    }
    write_bytes(output / "run.json", json.dumps(run, indent=2).encode("ascii") + b"\n")
