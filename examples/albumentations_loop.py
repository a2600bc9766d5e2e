"""Masks on faces inside a PyTorch data set, with albumentations; without torch it reads the same batches with NumPy.

python examples/albumentations_loop.py faces/
"""

# ruff: noqa: T201  # an example talks to people

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
from PIL import Image

from maskgen.adapters.albumentations import MaskPeople
from maskgen.types import LABELS


class Faces:
    """Any map-style data set: one picture a file, its label drawn anew every time it is read."""

    def __init__(self, folder: Path, side: int = 112) -> None:
        self.files = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        self.pipeline = A.Compose(
            [
                MaskPeople(accessories=0.2, camera="street", p=0.5),
                A.Resize(side, side),
                A.HorizontalFlip(p=0.5),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        with Image.open(self.files[index]) as picture:
            image = np.asarray(picture.convert("RGB"))
        drawn = self.pipeline(image=image, mask_label=LABELS.index("without_mask"))
        return drawn["image"].transpose(2, 0, 1).astype(np.float32) / 255, drawn["mask_label"]


def batches(faces: Faces) -> Any:
    """Of torch's DataLoader, or plain arrays."""
    try:
        from torch.utils.data import DataLoader
    except ImportError:
        images, labels = zip(*(faces[index] for index in range(len(faces))), strict=True)
        return [(np.stack(images), np.array(labels))]
    return DataLoader(faces, batch_size=16, shuffle=True, num_workers=2)  # type: ignore[arg-type]


def main() -> None:
    faces = Faces(Path(sys.argv[1]))
    for epoch in range(2):
        for images, labels in batches(faces):
            # Your model, your loss, your optimiser: here.
            print(f"epoch {epoch}: {tuple(images.shape)}, {int((labels == 0).sum())} with a mask")


if __name__ == "__main__":
    main()
