"""Evaluation of a detector on scenes: average precision by label and size, recall, milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from maskgen import images
from maskgen.dataset.record import SPLITS
from maskgen.errors import DatasetError, InputError
from maskgen.faces.onestage_litert import OneStage, Raw
from trainer.bundle import LITERT_NAME, Bundle
from trainer.config.detector import IncorrectFaces
from trainer.data import scenes as data
from trainer.data import seen
from trainer.data.scenes import Scene
from trainer.metrics.average_precision import Curve, Found, coco_figures, curves, mean_average_precision

MIN_SCORE: Final = 0.01
"""Boxes below this are not looked at: they move no figure."""

SIZES_PX: Final = (0, 16, 24, 32)
"""Least shorter sides for which figures are given."""

DRAWN: Final = {0: "", 24: ", 24 px and more"}
"""Those of which curves are drawn, and how they are called."""

OVERLAPS: Final = tuple(np.arange(0.5, 0.96, 0.05))
"""COCO's, for the mean over overlaps."""

BANDS_PX: Final = ((0, 16), (16, 32), (32, 96), (96, 1_000_000))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        labels: names in the network's order.
        scenes: what it was measured on.
        found: picture by picture.
        raw: likewise, as the network said it.
        rows: least size -> ``map50``, each label's AP50, ``any`` (boxes
            alone), ``recall`` (boxes of faces, at one false alarm a picture).
        bands: ``low-high`` -> mAP50 of faces of those sizes.
        map: mean over overlaps of 0.5 to 0.95.
        coco: figures by COCO's own rules.
        ms: milliseconds a picture, one thread, decoded picture to faces: median.
        longer_side: what pictures were scaled to; 0 as they are.
        name: of what it was measured on, for people.
        curves: label -> its curve, and the same of faces of 24 px and more.
    """

    labels: tuple[str, ...]
    scenes: tuple[Scene, ...]
    found: tuple[Found, ...]
    raw: tuple[Raw, ...]
    rows: dict[int, dict[str, float]]
    bands: dict[str, float]
    map: float
    coco: dict[str, float]
    ms: float
    longer_side: int
    name: str = ""
    curves: dict[str, Curve] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        faces = sum(int(one.counts.sum()) for one in self.found)
        return {
            "dataset": self.name,
            "pictures": len(self.scenes),
            "faces": faces,
            "longer_side": self.longer_side,
            "by_least_px": {str(size): _plain(row) for size, row in self.rows.items()},
            "map50_by_size": _plain(self.bands),
            "map50_95": _number(self.map),
            "coco": _plain(self.coco),
            "ms_a_picture": round(self.ms, 2),
        }


def evaluate(
    bundle: Bundle,
    folder: Path,
    *,
    split: str | None = None,
    incorrect: IncorrectFaces = "without_mask",
    file: str = LITERT_NAME,
    longer_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a detector on a COCO detection folder.

    Args:
        bundle: the model folder.
        folder: see ``trainer.data.scenes.load``.
        split: ``train``, ``val``, ``test`` or ``all``; None for ``test``,
            else ``val``; a folder with one ``annotations.json`` is taken whole.
        incorrect: what an incorrectly worn mask counts as, where it is no label.
        file: which of the model's files.
        longer_side: instead of the model's own; 0 for pictures as they are.
        progress: told (done, total).

    Raises:
        InputError: the model is no detector, or there is no such split.
    """
    if bundle.task != "detector":
        raise InputError(f"{bundle.folder} is a {bundle.task}, not a detector")
    found = data.load(folder, bundle.labels, incorrect=incorrect)
    whole = split == "all" or (split is None and not any((Path(folder) / f"{s}.json").is_file() for s in SPLITS))
    wish = split or ("test" if "test" in found.parts else "val")
    if not whole and wish not in found.parts:
        raise InputError(f"{folder} has no split {wish}; it has {', '.join(found.parts)} and all")
    scenes = tuple(s for part in found.parts.values() for s in part) if whole else found.parts[wish]
    if not scenes:
        raise DatasetError(f"{folder} holds no pictures to measure on")
    seen.warn(bundle, Path(folder), (scene.path for scene in scenes), found.parts if whole else (wish,))
    model = OneStage(bundle.path(file), len(bundle.labels))
    side = int(bundle.config.get("longer_side", 0)) if longer_side is None else longer_side
    return measure(model, scenes, bundle.labels, side, progress, Path(folder).resolve().name)


def measure(
    model: OneStage,
    scenes: Sequence[Scene],
    labels: Sequence[str],
    longer_side: int,
    progress: Callable[[int, int], None] | None = None,
    name: str = "",
) -> Evaluation:
    """Run a detector over scenes and work the figures out."""
    raws, found, times = [], [], []
    for done, scene in enumerate(scenes, 1):
        image = images.read_rgb(scene.path)
        began = time.perf_counter()
        raw = model.find(image, longer_side or None, MIN_SCORE)
        times.append(time.perf_counter() - began)
        raws.append(raw)
        found.append(Found.of(scene, raw))
        if progress is not None:
            progress(done, len(scenes))
    return judge(found, raws, scenes, labels, longer_side, 1000 * float(np.median(times)), name)


def judge(
    found: Sequence[Found],
    raws: Sequence[Raw],
    scenes: Sequence[Scene],
    labels: Sequence[str],
    longer_side: int = 0,
    ms: float = 0.0,
    name: str = "",
) -> Evaluation:
    """The figures of what was found."""
    numbers = range(len(labels))
    rows: dict[int, dict[str, float]] = {}
    drawn: dict[str, Curve] = {}
    for size in SIZES_PX:
        *by_label, anything = curves(found, (*numbers, None), least_px=size)
        row = {label: one.average_precision for label, one in zip(labels, by_label, strict=True)}
        known = [value for value in row.values() if not np.isnan(value)]
        rows[size] = {
            "map50": float(np.mean(known)) if known else float("nan"),
            **row,
            "any": anything.average_precision,
            "recall": anything.recall_at_one,
        }
        if size in DRAWN:
            drawn |= {f"{label}{DRAWN[size]}": one for label, one in zip(labels, by_label, strict=True)}
    bands = {
        f"{low}-{high}" if high < 1e6 else f"{low}-": mean_average_precision(
            found, len(labels), least_px=low, most_px=high
        )
        for low, high in BANDS_PX
    }
    return Evaluation(
        labels=tuple(labels),
        scenes=tuple(scenes),
        found=tuple(found),
        raw=tuple(raws),
        rows=rows,
        bands=bands,
        map=mean_average_precision(found, len(labels), ious=OVERLAPS),
        coco=coco_figures(found, labels),
        ms=ms,
        longer_side=longer_side,
        name=name,
        curves=drawn,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _plain(row: dict[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in row.items()}
