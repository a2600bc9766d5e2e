"""Milliseconds to draw one masked face, and where they go.

    python benchmarks/render.py [--faces 200] [--size 224]

Faces come from the two public-domain portraits, landmarks included; every
template and colour is drawn. One thread. Finding the face is not counted, nor
is encoding. CPU time, so that other work on the machine matters less.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

STAGES = {
    "maskgen.render.shot": ("cut",),
    "maskgen.render.face_light": ("estimate_light",),
    "maskgen.render.canvas": ("lay",),
    "maskgen.render.measures": ("polygons",),
    "maskgen.render.wear.warp": ("mask_layer", "targets", "build_mesh", "_dress", "_remap", "_with_straps"),
    "maskgen.render.composite": ("place", "light_layer", "shadow", "grain", "encode"),
    "maskgen.render.camera": ("apply",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--size", type=int, default=224)
    options = parser.parse_args()

    import importlib

    import cv2
    from contact_sheets import portraits

    from maskgen.render import sampling
    from maskgen.render.face import render
    from maskgen.templates.reader import load_wardrobe

    cv2.setNumThreads(1)
    wardrobe = load_wardrobe()
    subjects = portraits()
    rows: dict[str, float] = {}
    jobs: dict[str, list[Any]] = {}
    for label in ("with_mask", "without_mask"):
        for camera in ("none", "street"):
            settings = sampling.SamplingSettings(
                size=options.size, camera=camera, confuser_chance=0, accessory_chance=0
            )  # type: ignore[arg-type]
            jobs[f"{label}, camera {camera}"] = [
                (
                    photo,
                    face,
                    sampling.draw(sampling.image_rng(0, name, 0, n, label), label, wardrobe, settings),  # type: ignore[arg-type]
                    wardrobe,
                )
                for n in range(options.faces // len(subjects))
                for name, photo, face in subjects
            ]
    for name, work in jobs.items():
        for job in work:
            render(*job)
        best = min(_elapsed(work, render) for _ in range(3))
        rows[name] = best / len(work)
    print(f"{options.size} px, one thread, ms of CPU time an image")
    for name, ms in rows.items():
        print(f"  {name:32s} {ms:6.2f}")

    spent: dict[str, float] = defaultdict(float)
    for module_name, names in STAGES.items():
        module = importlib.import_module(module_name)
        for name in names:
            setattr(module, name, _timed(getattr(module, name), f"{module_name}.{name}", spent))
    work = jobs["with_mask, camera street"]
    for job in work:
        render(*job)
    print("of with_mask, camera street:")
    for name, ms in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:32s} {ms / len(work):6.2f}")


def _elapsed(work: list[Any], render: Callable[..., Any]) -> float:
    began = time.process_time()
    for job in work:
        render(*job)
    return (time.process_time() - began) * 1e3


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time_ns()
        try:
            return function(*args, **kwargs)
        finally:
            spent[name] += (time.process_time_ns() - began) / 1e6

    return timed


if __name__ == "__main__":
    main()
