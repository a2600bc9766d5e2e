"""Pieces of scenes: people of a dataset, read and cut out once for many scenes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import SPLITS
from maskgen.errors import DatasetError, ImageError
from maskgen.images import read_rgb
from maskgen.scenes.cutout import Alpha, cut_out, head_of
from maskgen.types import LABELS, RGB, Label, Points

MAX_SIDE: Final = 512
"""Pictures are read no larger: the largest face of a scene is smaller than one of these."""


@dataclass(frozen=True, slots=True)
class Person:
    """A face of a picture.

    Attributes:
        label: what it wears.
        landmarks: (68, 2) float32 in the picture's own pixels.
    """

    label: Label
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PieceRef:
    """Where a piece lies, before it is read.

    Attributes:
        path: the picture's.
        people: its faces.
        size_wh: the picture's.
    """

    path: Path
    people: tuple[Person, ...]
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture in memory.

    Attributes:
        levels: (H, W, 4) uint8 RGB and alpha, each half as large as the one before;
            the colour is not multiplied by the alpha. One level with alpha 255
            everywhere where the picture holds several people.
        scale: of the first level, relative to the picture as it lies on disk.
        people: landmarks in the first level's pixels.
        skin_rgb: (3,) mean colour of the face's middle, sRGB 0 to 255.
        cloth_rgb: (3,) mean colour below the chin, or None where the picture ends there.
        below: how many face heights, chin to brow, the picture shows below the chin.
        crown: how many it shows above the brow.
    """

    levels: tuple[NDArray[np.uint8], ...]
    people: tuple[Person, ...]
    skin_rgb: NDArray[np.float32]
    cloth_rgb: NDArray[np.float32] | None
    below: float
    crown: float

    @property
    def alone(self) -> bool:
        return len(self.people) == 1

    @property
    def photo(self) -> RGB:
        """The whole picture, (H, W, 3)."""
        return self.levels[0][..., :3]


Index = Mapping[Label, Sequence[PieceRef]]


def index(datasets: Sequence[Path]) -> dict[str, dict[Label, list[PieceRef]]]:
    """The pictures of datasets, by split and label.

    Args:
        datasets: folders that ``maskgen generate --crop scene`` wrote.

    Raises:
        DatasetError: a folder is no dataset or was cut to single faces.
    """
    found: dict[str, dict[Label, list[PieceRef]]] = {split: defaultdict(list) for split in SPLITS}
    for folder in datasets:
        for record in read_dataset(folder):
            if record.encoding.get("crop") != "scene":
                raise DatasetError(f"{folder} holds cut-out faces; write it with: maskgen generate --crop scene")
            people = tuple(Person(f.label, np.array(f.landmarks, np.float32)) for f in record.faces if f.landmarks)
            if people and len(people) == len(record.faces) and record.split in found:
                found[record.split][record.label].append(PieceRef(folder / record.file_name, people, record.size_wh))
    return {split: dict(labels) for split, labels in found.items()}


def load(ref: PieceRef) -> Piece:
    """Read a picture and cut its person out.

    Raises:
        DatasetError: the picture cannot be read.
    """
    import cv2

    try:
        photo = read_rgb(ref.path, max_side=MAX_SIDE)
    except ImageError as error:
        raise DatasetError(f"{error}; the dataset is not whole") from error
    factor = np.array([photo.shape[1], photo.shape[0]]) / ref.size_wh
    people = tuple(Person(p.label, (p.landmarks * factor).astype(np.float32)) for p in ref.people)
    alpha: Alpha = np.full(photo.shape[:2], 255, np.uint8)
    landmarks: Points = people[0].landmarks.astype(np.float64)
    below, cloth = 0.0, None
    brow = float(landmarks[17:27, 1].min())
    crown = brow / max(float(landmarks[8, 1]) - brow, 1.0)
    if len(people) == 1:
        alpha, below = cut_out(photo, landmarks)
        below = min(below, reach(alpha, landmarks))
        cloth = _cloth(photo, alpha, landmarks) if below > 0.6 else None
    levels = [np.dstack([photo, alpha])]
    while min(levels[-1].shape[:2]) >= 32:
        size_wh = levels[-1].shape[1] // 2, levels[-1].shape[0] // 2
        levels.append(np.asarray(cv2.resize(levels[-1], size_wh, interpolation=cv2.INTER_AREA), np.uint8))
    return Piece(tuple(levels), people, _skin(photo, landmarks), cloth, below, crown)


def reach(alpha: Alpha, landmarks: Points) -> float:
    """How many face heights a cut-out goes on below the chin: where it lost the shoulders, a scene has to draw them.

    Args:
        alpha: (H, W) uint8.
        landmarks: (68, 2) in its pixels.
    """
    head = head_of(landmarks)
    x, y = landmarks[8]
    half = max(1.0, 0.15 * head.width)
    column = alpha[max(0, int(y)) :, max(0, int(x - half)) : max(1, int(x + half) + 1)]
    if column.size == 0:
        return 0.0
    gone = np.flatnonzero(column.mean(axis=1) < 100)
    return float(gone[0] if len(gone) else len(column)) / head.height


def _skin(photo: RGB, landmarks: Points) -> NDArray[np.float32]:
    """Mean colour between the eyes and above: what a mask leaves bare."""
    x, y = landmarks[27]
    reach = max(2.0, 0.15 * float(np.ptp(landmarks[:17, 0])))
    rows = slice(max(0, int(y - reach)), max(1, int(y + reach)))
    patch = photo[rows, max(0, int(x - reach)) : max(1, int(x + reach))].reshape(-1, 3)
    return np.asarray(patch.mean(axis=0) if len(patch) else (150, 120, 100), np.float32)


def _cloth(photo: RGB, alpha: Alpha, landmarks: Points) -> NDArray[np.float32] | None:
    first = int(max(photo.shape[0] * 0.85, landmarks[8, 1] + 2))
    worn = photo[first:][alpha[first:] > 60]
    return np.asarray(np.median(worn, axis=0), np.float32) if len(worn) > 20 else None


SHARES: Final[Mapping[Label, float]] = {"with_mask": 0.5, "without_mask": 0.38, "incorrect_mask": 0.12}
"""Of a pool of pieces, by label."""


def draw_pool(rng: np.random.Generator, pieces: Index, size: int) -> dict[Label, list[Piece]]:
    """Pick and read the pieces of a group of scenes."""
    present = [label for label in LABELS if pieces.get(label)]
    total = sum(SHARES[label] for label in present)
    pool: dict[Label, list[Piece]] = {}
    for label in present:
        refs = pieces[label]
        count = min(max(2, round(size * SHARES[label] / total)), len(refs))
        chosen = rng.choice(len(refs), count, replace=False)
        pool[label] = [load(refs[int(number)]) for number in chosen]
    return pool
