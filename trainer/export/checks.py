"""Faces that an export is checked on, and others that int8 is calibrated with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError
from trainer.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Checks:
    """What an export is checked with before it is kept.

    Attributes:
        faces: (N, H, W, 3) uint8 real faces of the network's size, to compare on;
            None for two public-domain portraits that come with installed packages, varied.
        calibration: (M, H, W, 3) uint8 others, for int8 to calibrate with; None
            for the same portraits, the other one masked.
        max_shift: largest change of a probability, instead of the limit for the storage.
    """

    faces: NDArray[np.uint8] | None = None
    calibration: NDArray[np.uint8] | None = None
    max_shift: float | None = None


def real_faces(folder: Path, bundle: Bundle, count: int = 256) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Faces of a labelled folder to check a model's files on, and others to calibrate int8 with.

    No group is in both; nothing is taken from a test split, by which the result may be judged.

    Args:
        folder: generated, plain or COCO.
        bundle: the model.
        count: of either, at most.

    Raises:
        DatasetError: there are too few faces for both.
    """
    from trainer.data.faces import Crop, decode
    from trainer.data.labelled import find_samples

    usable = [s for s in find_samples(folder, split="all")[0] if s.split != "test" and s.label in bundle.labels]
    places = {group: number for number, group in enumerate(sorted({sample.group for sample in usable}))}
    halves = [[s for s in usable if places[s.group] % 2 == half] for half in (0, 1)]
    if not all(halves):
        raise DatasetError(
            f"{folder} has {len(places)} people or photos outside its test split; an export is checked on some and "
            "int8 calibrated on others: name a folder with more"
        )
    crop = Crop(bundle.input_size_wh, bundle.margin_wh)
    checked, calibration = (decode(some[:: max(1, len(some) // count)][:count], bundle.labels, crop) for some in halves)
    if not len(checked) or not len(calibration):
        raise DatasetError(f"none of the images in {folder} can be read")
    return np.ascontiguousarray(checked.pixels), np.ascontiguousarray(calibration.pixels)


def portraits(size_wh: tuple[int, int], count: int = 48, *, swapped: bool = False) -> NDArray[np.uint8]:
    """Faces for a check where no others are at hand: two public-domain portraits, varied.

    Eileen Collins (NASA) as scikit-image ships her, Grace Hopper (US Navy) as
    matplotlib ships her. The first of them has the lower face covered by a
    flat colour: the network's other answer. Few people, so calibrate int8 with faces of your own.

    Args:
        size_wh: of the faces.
        count: how many.
        swapped: the other one is covered, and the light and camera are others.
    """
    from matplotlib import cbook
    from skimage import data

    from maskgen.images import read_rgb
    from trainer.data.augment import Augmenter
    from trainer.data.preprocess import cut_rois

    collins = np.ascontiguousarray(data.astronaut()[..., :3])
    hopper = read_rgb(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    people = [
        cut_rois(collins, [[170, 60, 275, 190]], size_wh, 1.15)[0],
        cut_rois(hopper, [[160, 60, 370, 330]], size_wh, 1.15)[0],
    ]
    if swapped:
        people.reverse()
    first = count if swapped else 0
    augmenter = Augmenter("street", seed=7)
    varied = [augmenter(people[number % 2], first + number) for number in range(count)]
    varied[:2] = varied[:2] if swapped else people[:count]
    for number in range(0, count, 2):
        half = size_wh[1] * 55 // 100
        varied[number] = varied[number].copy()
        varied[number][half:] = np.random.default_rng(first + number).integers(90, 230, 3)
    return np.stack(varied)
