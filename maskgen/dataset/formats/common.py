"""What the forms share: faces as supervision's detections, and images put where a form wants them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.dataset.reader import read_dataset, read_run
from maskgen.dataset.record import RUN, Record
from maskgen.io.files import whole
from maskgen.types import LABELS, Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    import supervision as sv

_SEGMENTATION: Final = "coco_raw_segmentation"
_AREA: Final = "area"
"""Where supervision looks for what COCO says of an object beyond its box."""


def labels_of(dataset: Path) -> list[str]:
    """The dataset's classes, in the order that gives them their numbers."""
    labels = read_run(dataset).get("labels") if (dataset / RUN).is_file() else None
    if isinstance(labels, list) and labels:
        return [str(label) for label in labels]
    present = {face.label for record in read_dataset(dataset, check_files=False) for face in record.faces}
    return [label for label in LABELS if label in present]


def detections_of(record: Record, labels: Sequence[str]) -> sv.Detections:
    """The faces of an image: boxes clipped to it, and the exact polygons of their masks as COCO has them."""
    import supervision as sv

    width, height = record.size_wh
    boxes, polygons, areas = [], [], []
    for face in record.faces:
        box = Box(*face.box_xyxy).clipped(width, height)
        boxes.append(box.xyxy)
        flat = [[float(v) for xy in polygon for v in xy] for polygon in face.coverage if len(polygon) >= 3]
        polygons.append(flat)
        areas.append(sum(map(_area, flat)) if flat else box.area)
    segments = np.empty(len(polygons), dtype=object)
    segments[:] = polygons
    return sv.Detections(
        xyxy=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        class_id=np.array([labels.index(face.label) for face in record.faces], dtype=int),
        data={_SEGMENTATION: segments, _AREA: np.array(areas)},
    )


def _area(flat: list[float]) -> float:
    """Of a polygon x1, y1, x2, y2, ... (shoelace formula).

    >>> _area([0, 0, 4, 0, 4, 3, 0, 3])
    12.0
    """
    x, y = np.array(flat[::2], dtype=float), np.array(flat[1::2], dtype=float)
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def link(source: Path, target: Path) -> None:
    """Put an image in a second place, whole or not at all: a hard link where the disk has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole(target) as temp:
        try:
            os.link(source, temp)
        except OSError:
            shutil.copyfile(source, temp)
