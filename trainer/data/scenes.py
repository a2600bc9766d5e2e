"""Dataset of a detector: pictures with boxes, labels and landmarks, from COCO detection folders.

A face is a row of 21 numbers (``FACE_VALUES``): its box xyxy in pixels, its
label's number, its kind (1 a face, -1 to be ignored, 0 padding), and five
points x, y, known in the order of ``maskgen.types.Face``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.dataset.record import RUN
from maskgen.errors import DatasetError
from trainer.config.detector import IncorrectFaces
from trainer.data import coco

FACE_VALUES: Final = 21
KIND: Final = 5
"""Column of a face's kind."""

POINTS: Final = 6
"""First column of its points."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and its faces.

    Attributes:
        path: the picture's file.
        size_wh: its size in pixels, as the annotations say.
        faces: (N, 21) float32.
    """

    path: Path
    size_wh: tuple[int, int]
    faces: NDArray[np.float32]

    @property
    def real(self) -> NDArray[np.float32]:
        """The rows that are faces to be found."""
        return self.faces[self.faces[:, KIND] > 0]


@dataclass(frozen=True, slots=True)
class Scenes:
    """A detection folder.

    Attributes:
        folder: where it lies.
        labels: names by number.
        parts: split -> its scenes.
        digest: what it is, for ``bundle.json``.
    """

    folder: Path
    labels: tuple[str, ...]
    parts: Mapping[str, tuple[Scene, ...]]
    digest: Mapping[str, Any]


def load(
    folder: Path, labels: Sequence[str], *, incorrect: IncorrectFaces = "without_mask", val_fraction: float = 0.1
) -> Scenes:
    """Read a detection folder.

    Args:
        folder: see ``trainer.data.coco.read_folder``; without ``val.json`` a part of ``train`` becomes ``val``.
        labels: the network's, in order.
        incorrect: what an incorrectly worn mask counts as, where it is no label.
        val_fraction: share held out where there is no ``val.json``; which
            pictures hangs on their names alone.

    Raises:
        DatasetError: there is no such folder, or it is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"no folder of scenes at {folder}; make one with: maskgen compose")
    parts = {
        split or "train": tuple(_scene(picture, labels, incorrect) for picture in pictures)
        for split, pictures in coco.read_folder(folder).items()
    }
    if "val" not in parts and "train" in parts:
        held = [_share(scene.path.name) < val_fraction for scene in parts["train"]]
        scenes = parts["train"]
        parts["val"] = tuple(scene for scene, out in zip(scenes, held, strict=True) if out)
        parts["train"] = tuple(scene for scene, out in zip(scenes, held, strict=True) if not out)
    digest: dict[str, Any] = {"name": folder.resolve().name}
    if (folder / RUN).is_file():
        digest["run_sha256"] = hashlib.sha256((folder / RUN).read_bytes()).hexdigest()
    for split, scenes in parts.items():
        counts = Counter(labels[int(row[4])] for scene in scenes for row in scene.real)
        digest[split] = {"pictures": len(scenes), "faces": dict(sorted(counts.items()))}
    return Scenes(folder, tuple(labels), parts, digest)


def _scene(picture: coco.Picture, labels: Sequence[str], incorrect: IncorrectFaces) -> Scene:
    rows = [_row(face, labels, incorrect) for face in picture.faces]
    return Scene(picture.path, picture.size_wh, np.array(rows, np.float32).reshape(-1, FACE_VALUES))


def _row(face: coco.Face, labels: Sequence[str], incorrect: IncorrectFaces) -> NDArray[np.float32]:
    label = str(face.label if face.label in labels else incorrect)
    known = label in labels
    row = np.zeros(FACE_VALUES, np.float32)
    row[:4] = face.box_xyxy
    row[4] = list(labels).index(label) if known else 0
    row[KIND] = 1 if known and not face.ignored else -1
    if face.points:
        row[POINTS:] = np.array(face.points, np.float32).ravel()
    return row


def _share(name: str) -> float:
    """A number from 0 to 1 that hangs on a name alone."""
    return int(hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8], 16) / 0xFFFFFFFF


def ignoring_small(scene: Scene, least_px: float) -> Scene:
    """The scene with faces whose shorter side is less than ``least_px`` to be ignored."""
    faces = scene.faces.copy()
    shorter = np.minimum(faces[:, 2] - faces[:, 0], faces[:, 3] - faces[:, 1])
    faces[shorter < least_px, KIND] = -1
    return replace(scene, faces=faces)
