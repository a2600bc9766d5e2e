"""A folder of scenes: COCO files beside their pictures, written by several processes, resumable.

Scenes are made in blocks. A block draws and cuts out its own pool of pieces
once; what it makes hangs on the seed, its split and its number alone. When all
its pictures are written, a line of its own is: a killed run goes on with the
first block that has none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from maskgen import __version__
from maskgen.dataset.record import METADATA, SPLITS
from maskgen.errors import DatasetError, InputError, MaskgenError
from maskgen.images import encode, write_bytes
from maskgen.io.options import to_json
from maskgen.scenes import backgrounds, clothes, pieces
from maskgen.scenes.claim import STATE, claim
from maskgen.scenes.compose import Scene, compose
from maskgen.scenes.settings import Settings as Settings
from maskgen.types import LABELS

log = logging.getLogger(__name__)

BLOCK: Final = 40
"""Scenes of a block."""

POOL: Final = 80
"""Pieces of a block: reading and cutting out is half of the work, at two to three uses a piece."""

CLOTHS: Final = 24
MARK: Final = "scenes.json"
POINT_NAMES: Final = ("right_eye", "left_eye", "nose_tip", "right_mouth_corner", "left_mouth_corner")
"""Of the person's own sides, as COCO and YuNet name them: a person's right eye is the image's left one."""


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
        _places(settings, split)
    claim(output, MARK, {**to_json(settings), "digests": digests}, what="scenes", overwrite=overwrite)
    missing = [block for block in blocks if not _record(output, block).is_file()]
    done = len(blocks) - len(missing)
    if progress is not None:
        progress(done, len(blocks))
    for _ in _run(settings, people, output, missing, workers):
        done += 1
        if progress is not None:
            progress(done, len(blocks))
    summary = Summary(output)
    for split in SPLITS:
        mine = [block for block in blocks if block.split == split]
        if mine:
            summary.counts += _write_coco(output, split, mine)
    summary.seconds = time.perf_counter() - began
    _write_run(settings, digests, output, summary, command)
    return summary


People = Mapping[str, pieces.Index]
"""The pieces of a run by split."""


def _run(settings: Settings, people: People, output: Path, blocks: list[Block], workers: int) -> Iterator[Block]:
    """Make blocks, in any order; yields each when it is written."""
    if workers <= 1 or len(blocks) <= 1:
        for block in blocks:
            yield make_block(settings, people, output, block)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")
    told = (settings, people, output)
    executor = ProcessPoolExecutor(min(workers, len(blocks)), context, _prepare, told)
    try:
        for future in as_completed([executor.submit(_work, block) for block in blocks]):
            yield future.result()
    except BrokenProcessPool as error:
        raise MaskgenError(
            "a worker died, perhaps for want of memory; the same command goes on, with --workers 1 if it happens again"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_told: list[tuple[Settings, People, Path]] = []
"""What this process was told once, if it is a worker."""


def _prepare(settings: Settings, people: People, output: Path) -> None:
    """Begin a worker. Ctrl-C reaches the whole group; only the parent decides."""
    import multiprocessing
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    _told.append((settings, people, output))


def _leave_with(sentinel: int) -> None:
    """End this worker when its parent is killed: nobody else would tell it."""
    import os
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)


def _work(block: Block) -> Block:
    return make_block(*_told[0], block)


@lru_cache(maxsize=4)
def _places(settings: Settings, split: str) -> backgrounds.Places:
    folders = [Path(folder) for folder in settings.backgrounds]
    return backgrounds.find_places(folders, [Path(f) for f in settings.backgrounds_coco], split, settings.split)


def _digest(dataset: Path) -> str:
    """What tells a dataset from another in the same place."""
    path = dataset / METADATA
    if not path.is_file():
        raise InputError(f"{dataset} is no dataset folder; write one with: maskgen generate --crop scene")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def make_block(settings: Settings, people: People, output: Path, block: Block) -> Block:
    """Compose and write the scenes of a block, then its record."""
    from maskgen.dataset.threads import single_threaded

    with single_threaded():
        return _make_block(settings, people, output, block)


def _make_block(settings: Settings, people: People, output: Path, block: Block) -> Block:
    split, number = block.split, block.number
    place = SPLITS.index(split)
    rng = np.random.default_rng([settings.seed, place, number])
    pool = pieces.draw_pool(rng, people[split], POOL)
    cloths = clothes.draw_cloths(rng, CLOTHS)
    places = _places(settings, split)
    (output / split).mkdir(parents=True, exist_ok=True)
    lines = []
    for index in range(block.count):
        chance = np.random.default_rng([settings.seed, place, number, index])
        scene = compose(chance, settings.size, pool, cloths, places, settings.camera)
        name = f"{split}/{block.first + index:06d}.jpg"
        write_bytes(output / name, encode(scene.image, ".jpg", settings.quality))
        lines.append(_describe(name, scene))
    record = _record(output, block)
    record.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(record, json.dumps(lines).encode("ascii"))
    return block


def _record(output: Path, block: Block) -> Path:
    return output / STATE / "blocks" / f"{block.split}-{block.number:06d}-{block.count}.json"


def _describe(name: str, scene: Scene) -> dict[str, Any]:
    height, width = scene.image.shape[:2]
    faces = []
    for face in scene.faces:
        box = face.box.clipped(width, height)
        if box.area <= 0:
            continue
        points: list[float] = []
        for x, y in face.points:
            inside = 0 <= x < width and 0 <= y < height
            points += [round(float(x), 2), round(float(y), 2), 2] if inside else [0, 0, 0]
        faces.append(
            {
                "category_id": LABELS.index(face.label),
                "bbox": [round(v, 2) for v in (box.left, box.top, box.width, box.height)],
                "area": round(box.area, 2),
                "iscrowd": 0,
                "keypoints": points,
                "num_keypoints": sum(1 for v in points[2::3] if v),
                "visible": round(face.visible, 3),
                **({"ignore": 1} if face.ignored else {}),
            }
        )
    return {"file_name": name, "width": width, "height": height, "kind": scene.kind, "faces": faces}


def categories() -> list[dict[str, Any]]:
    """COCO's, one a label."""
    return [
        {"id": i, "name": name, "supercategory": "face", "keypoints": list(POINT_NAMES), "skeleton": []}
        for i, name in enumerate(LABELS)
    ]


def _write_coco(output: Path, split: str, blocks: Sequence[Block]) -> Counter[str]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for block in blocks:
        for line in json.loads(_record(output, block).read_bytes()):
            faces, kind = line.pop("faces"), line["kind"]
            images.append({"id": len(images) + 1, **line})
            counts.update({"scenes": 1, f"split:{split}": 1, f"kind:{kind}": 1})
            for face in faces:
                annotations.append({"id": len(annotations) + 1, "image_id": len(images), **face})
                counts["ignored" if face.get("ignore") else f"label:{LABELS[face['category_id']]}"] += 1
    info = {"description": "scenes composed by maskgen", "version": __version__}
    save_coco(output / f"{split}.json", info, images, annotations)
    return counts


def save_coco(
    path: Path, info: dict[str, Any], images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]
) -> None:
    """Write a COCO file, a line an entry."""

    def rows(values: Sequence[dict[str, Any]]) -> str:
        return ",\n".join(json.dumps(value) for value in values)

    text = (
        f'{{"info": {json.dumps(info)}, "licenses": [], "categories": {json.dumps(categories())},\n'
        f'"images": [\n{rows(images)}],\n"annotations": [\n{rows(annotations)}]}}\n'
    )
    write_bytes(path, text.encode("ascii"))


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
