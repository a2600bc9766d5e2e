"""Export of a detector to LiteRT, checked against Keras on real pictures before it is kept."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError, TrainError
from maskgen.faces.onestage_litert import OneStage, Raw, decode, fitted, suppress
from maskgen.types import RGB
from trainer.config.export import Quantize
from trainer.export.convert import elsewhere, quiet, to_litert

logger = logging.getLogger(__name__)

LIMITS: Final = {"none": 1e-3, "float16": 0.03, "int8": 0.35}
"""Largest change of any face's score that is put up with, by storage."""

LOST_LIMIT: Final = {"none": 0.0, "float16": 0.005, "int8": 0.05}
"""Largest share of faces above ``SURE`` that may have no counterpart."""

SURE: Final = 0.4
"""Score from which a face of Keras's is looked for in the file's: near the threshold of a trained detector."""

FAINT: Final = 0.05
"""Score that is asked for instead where a network, hardly trained, is sure of no face at all."""

SAME_IOU: Final = 0.7
"""Least overlap of a face with its counterpart."""

CHECK_SIDES: Final = (320, 480, 640)
"""Longer sides at which pictures are compared."""

CALIBRATION_SIDE: Final = 416
"""Longer side of the pictures that int8 learns its ranges from."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written and checked.

    Attributes:
        path: the file.
        pictures, faces: compared, at every size together.
        lost: faces above ``SURE`` in Keras without a counterpart.
        max_shift, mean_shift: change of the scores.
        min_iou: of the faces' boxes with their counterparts.
        size: bytes.
    """

    path: Path
    pictures: int
    faces: int
    lost: int
    max_shift: float
    mean_shift: float
    min_iou: float
    size: int

    def summary(self) -> str:
        """One line for people."""
        return (
            f"{self.path}: {self.size} bytes; largest change of a score {self.max_shift:.2g}, mean "
            f"{self.mean_shift:.2g}; {self.lost} of {self.faces} faces lost on {self.pictures} pictures"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "pictures": self.pictures,
            "faces": self.faces,
            "faces_lost": self.lost,
            "max_shift": float(f"{self.max_shift:.3g}"),
            "mean_shift": float(f"{self.mean_shift:.3g}"),
            "min_iou": float(f"{self.min_iou:.3g}"),
            "bytes": self.size,
        }


def write(
    network: Any,
    target: Path,
    quantize: Quantize,
    pictures: Sequence[RGB],
    labels: int,
    *,
    calibration: Sequence[RGB] = (),
    max_shift: float | None = None,
) -> Exported:
    """Convert a detector, compare, and keep the file if it agrees.

    Args:
        network: the ``keras.Model``.
        target: the file.
        quantize: how the weights are stored.
        pictures: (H, W, 3) uint8 real ones, to check on.
        labels: number of labels.
        calibration: others, which ``int8`` calibrates with.
        max_shift: instead of the limit for this storage.

    Raises:
        InputError: there are no pictures to check on, or for int8 none to calibrate with.
        TrainError: it differs by more than the limit, or cannot be converted.
    """
    if not pictures:
        raise InputError("a detector's export is checked on pictures; none were given")
    if quantize == "int8" and not calibration:
        raise InputError("int8 is calibrated on pictures that it is not checked on; none were given")
    limit = LIMITS[quantize] if max_shift is None else max_shift
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as work:
        made = Path(work) / target.name
        with quiet():
            convert(network, made, quantize, calibration)
            figures = compare(network, made, pictures, labels)
            if not figures[1]:
                figures = compare(network, made, pictures, labels, FAINT)
        exported = Exported(target, *figures, made.stat().st_size)
        logger.info("%s: largest shift of a score %.2g on %d faces", target.name, exported.max_shift, exported.faces)
        # One face at the edge of ``SURE`` may go, unless there are so few that it says something.
        allowed = LOST_LIMIT[quantize] * exported.faces + (exported.faces > 20)
        if not exported.faces:
            raise TrainError(
                f"the detector finds no face on the {exported.pictures} pictures, so nothing could be compared; "
                "train it longer, or name pictures with faces"
            )
        if not exported.max_shift <= limit or exported.lost > allowed:
            raise TrainError(
                f"the LiteRT file ({quantize}) moves a score by {exported.max_shift:.3f} (limit {limit:g}) and loses "
                f"{exported.lost} of {exported.faces} faces; it was not kept: choose another --quantize, "
                "or raise --max-shift knowingly"
            )
        made.replace(target)
    return exported


def compare(
    network: Any, path: Path, pictures: Sequence[RGB], labels: int, least: float = SURE
) -> tuple[int, int, int, float, float, float]:
    """Faces that Keras and the file find: pictures, faces, lost, largest and mean shift, least IoU.

    Args:
        network: the ``keras.Model``.
        path: the file.
        pictures: (H, W, 3) uint8.
        labels: number of labels.
        least: score from which a face of Keras's is looked for in the file's.
    """
    runner = OneStage(path, labels)
    faces = lost = 0
    shifts: list[float] = []
    ious: list[float] = []
    for number, picture in enumerate(pictures):
        pixels, _ = fitted(picture, CHECK_SIDES[number % len(CHECK_SIDES)])
        maps = [np.asarray(m[0], np.float32) for m in network(pixels[None].astype(np.float32), training=False)]
        sure = suppress(decode(maps, labels, least))
        other = suppress(decode(runner.maps(pixels), labels, least / 2))
        faces += len(sure)
        for box, scores in zip(sure.boxes, sure.scores, strict=True):
            overlap = _iou(box, other)
            best = int(overlap.argmax()) if len(overlap) else -1
            if best < 0 or overlap[best] < SAME_IOU:
                lost += 1
                continue
            ious.append(float(overlap[best]))
            shifts.append(float(np.abs(other.scores[best] - scores).max()))
    largest, mean = (max(shifts), float(np.mean(shifts))) if shifts else (0.0, 0.0)
    return len(pictures), faces, lost, largest, mean, min(ious, default=1.0)


def _iou(box: NDArray[np.float64], found: Raw) -> NDArray[np.float64]:
    low, high = np.maximum(box[:2], found.boxes[:, :2]), np.minimum(box[2:], found.boxes[:, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=1)
    area = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(inner / np.maximum(area - inner, 1e-9))


def convert(network: Any, path: Path, quantize: Quantize, pictures: Sequence[RGB]) -> None:
    """Write the file, unchecked, whatever backend Keras runs on.

    Args:
        network: the ``keras.Model``.
        path: the file.
        quantize: how the weights are stored.
        pictures: (H, W, 3) uint8, which int8 calibrates with.

    Raises:
        TrainError: TensorFlow failed in a process of its own.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        elsewhere(convert, network, path, (quantize,), pictures)
        return
    # What cannot be done in int8 without loss (the last convolutions' logits) stays float.
    path.write_bytes(to_litert(network, quantize, lambda: map(_calibrating, pictures), all_int8=False))


def _calibrating(picture: RGB) -> NDArray[np.float32]:
    return fitted(picture, CALIBRATION_SIDE)[0][None].astype(np.float32)
