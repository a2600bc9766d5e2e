"""Scenes of coloured discs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

LABELS = ("with_mask", "without_mask", "incorrect_mask")
SETTINGS: dict[str, Any] = {
    "width": 32,
    "freeze": 9,
    "sizes": (96,),
    "zoom": (0.9, 1.1),
    "mosaic": 0.0,
    "batch_size": 8,
    "epochs": 12,
    "lr": 4e-3,
    "ema": 0.8,
    "longer_side": 96,
}


def draw_scene(rng: np.random.Generator, side: int = 96) -> tuple[np.ndarray, list[tuple[list[float], int]]]:
    """Two discs on grey noise, green ones "masked", red ones not."""
    import cv2

    image = rng.integers(90, 130, (side, side, 3)).astype(np.uint8)
    faces = []
    for left in (0, side // 2):
        radius = int(rng.integers(9, 20))
        x, y = left + side // 4, int(rng.integers(radius + 1, side - radius - 1))
        label = int(rng.integers(2))
        cv2.circle(image, (x, y), radius, ((20, 200, 60), (220, 50, 30))[label], -1)
        faces.append(([x - radius, y - radius, 2 * radius + 1.0, 2 * radius + 1.0], label))
    return image, faces


def write_scenes(root: Path, **counts: int) -> Path:
    """A COCO detection folder as ``maskgen compose`` lays it out."""
    from maskgen.images import write

    rng = np.random.default_rng(1)
    for split, count in counts.items():
        (root / split).mkdir(parents=True, exist_ok=True)
        pictures, boxes = [], []
        for number in range(1, count + 1):
            image, faces = draw_scene(rng)
            write(root / split / f"{number:03d}.png", image)
            name = f"{split}/{number:03d}.png"
            pictures.append({"id": number, "file_name": name, "width": image.shape[1], "height": image.shape[0]})
            for box, label in faces:
                middle = [box[0] + box[2] / 2, box[1] + box[3] / 2, 2]
                entry = {"id": len(boxes) + 1, "image_id": number, "category_id": label + 1, "bbox": box, "iscrowd": 0}
                boxes.append({**entry, "area": box[2] * box[3], "keypoints": middle * 5})
        categories = [{"id": n, "name": label} for n, label in enumerate(LABELS, 1)]
        document = {"images": pictures, "annotations": boxes, "categories": categories}
        (root / f"{split}.json").write_text(json.dumps(document))
    return root
