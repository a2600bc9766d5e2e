"""Milliseconds of CPU time a photo, stage by stage, in one process.

    python benchmarks/stages.py FOLDER [--limit 60] [--per-face 1] [--detector auto] [--turn 0]

Runs a worker's whole way for every photo, writing included, and counts the
time inside each stage; stages that lie in one another are indented. CPU time,
so that other work on the machine matters less than to a stopwatch; it still
raises every number by a third or so. That is why bare dlib (its frontal face
detector with one enlargement, what MaskTheFace does first) is timed in the
same minute, and two workers' rate given as a multiple of its rate in one process.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

STAGES = """
maskgen.dataset.worker read_input
maskgen.dataset.worker source_id
maskgen.dataset.worker decode_rgb
maskgen.faces.landmarks FaceFinder.find
.maskgen.faces.landmarks FaceFinder._detect
.maskgen.faces.landmarks FaceFinder._landmarks
.maskgen.faces.landmarks head_pose
maskgen.render.sampling draw
.maskgen.render.camera draw
maskgen.render.face render
.maskgen.render.shot cut
.maskgen.render.face_light estimate_light
.maskgen.render.wear.warp mask_layer
..maskgen.render.wear.warp targets
..maskgen.render.wear.warp build_mesh
..maskgen.render.wear.warp _dress
..maskgen.render.wear.warp _inverse_map
..maskgen.render.wear.warp _remap
..maskgen.render.wear.warp _with_straps
.maskgen.occluders.confusers layer
.maskgen.occluders.accessories layer
.maskgen.render.canvas lay
..maskgen.render.composite place
..maskgen.render.composite light_layer
..maskgen.render.composite shadow
..maskgen.render.composite grain
..maskgen.render.composite encode
.maskgen.render.camera apply
..maskgen.render.camera _recode
..maskgen.render.camera _add_noise
.maskgen.render.measures polygons
maskgen.dataset.pair describe
maskgen.dataset.pair encode
maskgen.dataset.worker record_line
maskgen.dataset.worker PhotoWorker._write
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--per-face", type=int, default=1)
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--turn", type=float, default=0.0, help="share of heads that are turned")
    parser.add_argument("--rounds", type=int, default=1, help="take the quickest of so many")
    options = parser.parse_args()

    from maskgen.dataset.engines.base import Task
    from maskgen.dataset.settings import Settings
    from maskgen.dataset.worker import open_worker

    photos = sorted(p for p in options.folder.rglob("*") if p.is_file())
    photos = photos[:: max(1, len(photos) // options.limit)][: options.limit]
    spent: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    lines = [line for line in STAGES.splitlines() if line]
    for line in lines:
        _wrap(line.lstrip("."), spent, calls)
    with tempfile.TemporaryDirectory() as out:
        settings = Settings(out, per_face=options.per_face, detector=options.detector, turn=options.turn)
        for split, label in itertools.product(("train", "val", "test"), settings.labels):
            (Path(out) / split / label).mkdir(parents=True)
        worker = open_worker(settings.to_json())
        tasks = [Task(number, str(path)) for number, path in enumerate(photos)]
        outcomes = [worker.do(task) for task in tasks]
        bare = _bare_dlib(photos[::6])
        best: tuple[float, dict[str, float]] | None = None
        for _ in range(options.rounds):
            spent.clear()
            calls.clear()
            began = time.process_time_ns()
            for task in tasks:
                worker.do(task)
            total = (time.process_time_ns() - began) / 1e6
            bare = min(bare, _bare_dlib(photos[::6]))
            if best is None or total < best[0]:
                best = total, dict(spent)
    assert best is not None
    images = sum(outcome.counts.get("images", 0) for outcome in outcomes)
    total, spent = best[0], defaultdict(float, best[1])
    count = len(photos)
    print(f"{count} photos, {images} images: {total / count:.2f} ms a photo, {total / max(images, 1):.2f} ms an image")
    print(
        f"bare dlib {bare:.2f} ms: two workers would reach {2 * bare * count / total:.1f} x its rate in photos, "
        f"{2 * bare * images / total:.1f} x in images"
    )
    for line in lines:
        name = line.lstrip(".")
        indent = "  " * (len(line) - len(name))
        if calls[name]:
            print(f"  {indent + name.split()[1]:<28}{spent[name] / count:8.2f} ms{calls[name] / count:7.2f} calls")


def _bare_dlib(photos: list[Path]) -> float:
    import dlib

    from maskgen.images import read_rgb

    detector, images = dlib.get_frontal_face_detector(), [read_rgb(path) for path in photos]
    began = time.process_time_ns()
    for image in images:
        detector(image, 1)
    return (time.process_time_ns() - began) / 1e6 / len(images)


def _wrap(name: str, spent: dict[str, float], calls: dict[str, int]) -> None:
    module_name, function_name = name.split()
    owner: Any = importlib.import_module(module_name)
    *way, last = function_name.split(".")
    for part in way:
        owner = getattr(owner, part)
    if hasattr(owner, last):
        setattr(owner, last, _timed(getattr(owner, last), name, spent, calls))


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float], calls: dict[str, int]) -> Any:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time_ns()
        try:
            return function(*args, **kwargs)
        finally:
            spent[name] += (time.process_time_ns() - began) / 1e6
            calls[name] += 1

    return timed


if __name__ == "__main__":
    main()
