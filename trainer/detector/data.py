"""COCO detection folders: ``train.json`` and ``val.json`` beside their pictures, or one ``annotations.json``.

A face is a row of 21 numbers (``FACE_VALUES``): its box xyxy in pixels, its
label's number, its kind (1 a face, -1 to be ignored, 0 padding), and five
points x, y, known in the order of ``maskgen.types.Face``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.categories import MEANINGS, label_of
from maskgen.errors import DatasetError
from trainer.detector.config import IncorrectFaces

FACE_VALUES: Final = 21
KIND: Final = 5
"""Column of a face's kind."""

POINTS: Final = 6
"""First column of its points."""

_PLACES: Final = ("", "images", "{split}")
"""Folders that a picture's name may be relative to."""


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
        folder: ``train.json``, ``val.json``, ``test.json``, whichever are
            there; or ``annotations.json``, which becomes ``train`` and ``val``.
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
    files = {split: folder / f"{split}.json" for split in ("train", "val", "test")}
    parts = {s: read_coco(path, folder, labels, incorrect, s) for s, path in files.items() if path.is_file()}
    if not parts and (folder / "annotations.json").is_file():
        parts["train"] = read_coco(folder / "annotations.json", folder, labels, incorrect)
    if not parts:
        raise DatasetError(f"{folder} holds no train.json and no annotations.json, so it is no COCO detection folder")
    if "val" not in parts and "train" in parts:
        held = [_share(scene.path.name) < val_fraction for scene in parts["train"]]
        scenes = parts["train"]
        parts["val"] = tuple(scene for scene, out in zip(scenes, held, strict=True) if out)
        parts["train"] = tuple(scene for scene, out in zip(scenes, held, strict=True) if not out)
    digest: dict[str, Any] = {"name": folder.resolve().name}
    if (folder / "run.json").is_file():
        digest["run_sha256"] = hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()
    for split, scenes in parts.items():
        counts = Counter(labels[int(row[4])] for scene in scenes for row in scene.real)
        digest[split] = {"pictures": len(scenes), "faces": dict(sorted(counts.items()))}
    return Scenes(folder, tuple(labels), parts, digest)


def read_coco(
    path: Path, folder: Path, labels: Sequence[str], incorrect: IncorrectFaces = "without_mask", split: str = ""
) -> tuple[Scene, ...]:
    """The scenes of one COCO file.

    Args:
        path: the file.
        folder: where its pictures lie, in ``images``, in a folder of the split's name, or as they are named.
        labels: the network's, in order.
        incorrect: what an incorrectly worn mask counts as, where it is no label.
        split: its name; empty where the folder has none.

    Raises:
        DatasetError: it is no COCO file, names an unknown category, or a
            picture is missing.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        categories = {int(c["id"]): str(c["name"]) for c in document["categories"]}
        images = {int(i["id"]): i for i in document["images"]}
        rows: dict[int, list[NDArray[np.float32]]] = {number: [] for number in images}
        numbers = {number: _number(name, labels, incorrect, path) for number, name in categories.items()}
        for annotation in document["annotations"]:
            rows[int(annotation["image_id"])].append(_row(annotation, numbers[int(annotation["category_id"])]))
        scenes = []
        for number, image in images.items():
            faces = np.array(rows[number], np.float32).reshape(-1, FACE_VALUES)
            where = _find(folder, str(image["file_name"]), split)
            scenes.append(Scene(where, (int(image["width"]), int(image["height"])), faces))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} is no COCO file of boxes: {type(error).__name__} {error}") from None
    return tuple(scenes)


def _number(name: str, labels: Sequence[str], incorrect: IncorrectFaces, path: Path) -> int:
    """A category's number among the labels; -1 where its faces are ignored."""
    meant = label_of(name)
    if meant is None:
        raise DatasetError(f"{path}: category {name!r} is unknown; known are {', '.join(MEANINGS)}")
    label = meant if meant in labels else incorrect
    return list(labels).index(label) if label in labels else -1


def _row(annotation: Mapping[str, Any], label: int) -> NDArray[np.float32]:
    x, y, width, height = (float(value) for value in annotation["bbox"])
    ignored = annotation.get("ignore") or annotation.get("iscrowd") or label < 0 or width <= 0 or height <= 0
    row = np.zeros(FACE_VALUES, np.float32)
    row[: KIND + 1] = (x, y, x + width, y + height, max(label, 0), -1 if ignored else 1)
    points = annotation.get("keypoints")
    if points:
        named = np.array(points, np.float32).reshape(-1, 3)
        if len(named) == 5:
            named[:, 2] = named[:, 2] > 0
            row[POINTS:] = named.ravel()
    return row


def _find(folder: Path, name: str, split: str) -> Path:
    for place in _PLACES:
        path = folder / place.format(split=split) / name
        if path.is_file():
            return path
    raise DatasetError(f"{folder} lacks the picture {name} that its annotations name")


def _share(name: str) -> float:
    """A number from 0 to 1 that hangs on a name alone."""
    return int(hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8], 16) / 0xFFFFFFFF


def ignoring_small(scene: Scene, least_px: float) -> Scene:
    """The scene with faces whose shorter side is less than ``least_px`` to be ignored."""
    faces = scene.faces.copy()
    shorter = np.minimum(faces[:, 2] - faces[:, 0], faces[:, 3] - faces[:, 1])
    faces[shorter < least_px, KIND] = -1
    return replace(scene, faces=faces)
