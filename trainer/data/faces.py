"""Decoded faces: every picture read, cut and resized once, ready for a network."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError, ImageError
from maskgen.images import read_rgb
from trainer.data.preprocess import Margin, cut, fit, shrink_to
from trainer.data.samples import Sample

logger = logging.getLogger(__name__)

IN_MEMORY_BYTES: Final = 2 << 30
"""Decoded faces beyond this lie in a file that is mapped into memory."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Decoded faces, ready for a network.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        targets: (N,) int64, indices into the labels.
        samples: where they came from, N of them.
    """

    pixels: NDArray[np.uint8]
    targets: NDArray[np.int64]
    samples: tuple[Sample, ...]

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class Crop:
    """How faces are cut and resized.

    Attributes:
        size_wh: the network's size.
        margin: for samples with a box.
        face_px: first shrink every face to this longer side.
    """

    size_wh: tuple[int, int]
    margin: Margin = 1.0
    face_px: int | None = None


def decode(
    samples: Sequence[Sample],
    labels: Sequence[str],
    crop: Crop,
    *,
    threads: int = 2,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Faces:
    """Read, cut and resize every face once.

    What cannot be read is left out, with a line in the log.

    Args:
        samples: what to read.
        labels: in output order.
        crop: how to cut and resize.
        threads: decoding threads.
        cache: a file to hold the pixels where they are too many for memory.
        progress: told how many of how many are done.

    Raises:
        DatasetError: a label is not among ``labels``.
    """
    index = {label: number for number, label in enumerate(labels)}
    unknown = sorted({sample.label for sample in samples} - set(index))
    if unknown:
        raise DatasetError(
            f"the images carry labels the model does not know: {', '.join(unknown)} (it knows {', '.join(labels)})"
        )
    pixels = _room((len(samples), crop.size_wh[1], crop.size_wh[0], 3), cache)
    by_path: dict[Path, list[int]] = {}
    for number, sample in enumerate(samples):
        by_path.setdefault(sample.path, []).append(number)

    def one(path: Path, numbers: list[int]) -> str | None:
        return _decode_file(path, [samples[number] for number in numbers], crop, pixels, numbers)

    kept: list[int] = []
    done = 0
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for problem, numbers in zip(pool.map(one, by_path, by_path.values()), by_path.values(), strict=True):
            if problem is None:
                kept += numbers
            else:
                logger.warning("left out: %s", problem)
            done += len(numbers)
            if progress is not None:
                progress(done, len(samples))
    kept.sort()
    if len(kept) < len(samples):
        # In place, so that a mapped file stays one.
        for place, number in enumerate(kept):
            pixels[place] = pixels[number]
        pixels = pixels[: len(kept)]
    chosen = tuple(samples[number] for number in kept)
    return Faces(pixels, np.array([index[sample.label] for sample in chosen], dtype=np.int64), chosen)


def _room(shape: tuple[int, ...], cache: Path | None) -> NDArray[np.uint8]:
    """An array in memory, or in a file that is mapped into it."""
    if cache is None or int(np.prod(shape)) <= IN_MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    cache.parent.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(cache, mode="w+", dtype=np.uint8, shape=shape)


def _decode_file(
    path: Path, samples: Sequence[Sample], crop: Crop, pixels: NDArray[np.uint8], rows: Sequence[int]
) -> str | None:
    """Fill in the rows of a file's faces; why it cannot be read, where it cannot."""
    whole = all(sample.box is None for sample in samples)
    try:
        # A reduced JPEG is enough where the whole picture is the face.
        image = read_rgb(path, max_side=2 * max(crop.size_wh) if whole else None)
    except ImageError as error:
        return str(error)
    for row, sample in zip(rows, samples, strict=True):
        face = image if sample.box is None else cut(image, sample.box, crop.margin)
        pixels[row] = fit(face if crop.face_px is None else shrink_to(face, crop.face_px), crop.size_wh)
    return None


def check_faces(faces: Faces, labels: Sequence[str], name: str) -> None:
    """Refuse decoded faces that nothing can be learned from.

    Raises:
        DatasetError: a class has no readable image, all images are alike, or
            most pictures of one class are pictures of another too.
    """
    counts = np.bincount(faces.targets, minlength=len(labels))
    for label, count in zip(labels, counts, strict=True):
        if count == 0:
            raise DatasetError(f"no {label} image of the {name} split can be read; see the lines above")
    prints = [hashlib.blake2b(picture.tobytes(), digest_size=12).digest() for picture in faces.pixels]
    if len(prints) > 1 and len(set(prints)) == 1:
        raise DatasetError(
            f"all {len(prints)} images of the {name} split are the same picture; there is nothing to learn"
        )
    seen: dict[bytes, set[int]] = {}
    for mark, target in zip(prints, faces.targets, strict=True):
        seen.setdefault(mark, set()).add(int(target))
    torn = sum(1 for targets in seen.values() if len(targets) > 1)
    if torn * 2 > len(seen):
        raise DatasetError(
            f"{torn} of {len(seen)} pictures of the {name} split carry two labels; sort the folders again"
        )
    if torn:
        logger.warning("%d pictures of the %s split carry two labels", torn, name)
