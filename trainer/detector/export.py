"""A detector for LiteRT, compared with Keras on real pictures before it is kept."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError, TrainError
from maskgen.onestage import OneStage, Raw, decode, fitted, suppress
from maskgen.types import RGB
from trainer.export import _quiet as quiet

logger = logging.getLogger(__name__)

Quantize = Literal["none", "float16", "int8"]

LIMITS: Final = {"none": 1e-3, "float16": 0.03, "int8": 0.35}
"""Largest change of any face's score that is put up with, by storage."""

LOST_LIMIT: Final = {"none": 0.0, "float16": 0.005, "int8": 0.05}
"""Largest share of faces above ``SURE`` that may have no counterpart."""

SURE: Final = 0.4
SAME_IOU: Final = 0.7
CHECK_SIDES: Final = (320, 480, 640)
"""Longer sides at which pictures are compared."""


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
    max_shift: float | None = None,
) -> Exported:
    """Convert a detector, compare, and keep the file if it agrees.

    Args:
        network: the ``keras.Model``.
        target: the file.
        quantize: how the weights are stored; ``int8`` calibrates with the pictures.
        pictures: (H, W, 3) uint8 real ones, to check on.
        labels: number of labels.
        max_shift: instead of the limit for this storage.

    Raises:
        InputError: there are no pictures.
        TrainError: it differs by more than the limit, or cannot be converted.
    """
    if not pictures:
        raise InputError("a detector's export is checked on pictures; none were given")
    limit = LIMITS[quantize] if max_shift is None else max_shift
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as work:
        made = Path(work) / target.name
        with quiet():
            convert(network, made, quantize, pictures)
            figures = compare(network, made, pictures, labels)
        exported = Exported(target, *figures, made.stat().st_size)
        logger.info("%s: largest shift of a score %.2g on %d faces", target.name, exported.max_shift, exported.faces)
        if exported.max_shift > limit or exported.lost > LOST_LIMIT[quantize] * exported.faces + (exported.faces > 20):
            raise TrainError(
                f"the LiteRT file ({quantize}) moves a score by {exported.max_shift:.3f} (limit {limit:g}) and loses "
                f"{exported.lost} of {exported.faces} faces; it was not kept: choose another --quantize, "
                "or raise --max-shift knowingly"
            )
        made.replace(target)
    return exported


def compare(
    network: Any, path: Path, pictures: Sequence[RGB], labels: int
) -> tuple[int, int, int, float, float, float]:
    """Faces that Keras and the file find: pictures, faces, lost, largest and mean shift, least IoU."""
    runner = OneStage(path, labels)
    faces = lost = 0
    shifts: list[float] = []
    ious: list[float] = []
    for number, picture in enumerate(pictures):
        pixels, _ = fitted(picture, CHECK_SIDES[number % len(CHECK_SIDES)])
        maps = [np.asarray(m[0], np.float32) for m in network(pixels[None].astype(np.float32), training=False)]
        sure = suppress(decode(maps, labels, SURE))
        other = suppress(decode(runner.maps(pixels), labels, SURE / 2))
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
    """Write the file, by TensorFlow, whatever backend Keras runs on."""
    import keras

    if keras.backend.backend() != "tensorflow":
        _convert_elsewhere(network, path, quantize, pictures)
        return
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if quantize == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    elif quantize == "int8":

        def calibration() -> Iterator[list[NDArray[np.float32]]]:
            for picture in pictures:
                yield [fitted(picture, 416)[0][None].astype(np.float32)]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        # What cannot be done in int8 without loss (the last convolutions' logits) stays float.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.inference_input_type = tf.float32
        converter.inference_output_type = tf.float32
    path.write_bytes(bytes(converter.convert()))


def _convert_elsewhere(network: Any, path: Path, quantize: Quantize, pictures: Sequence[RGB]) -> None:
    """Only TensorFlow converts: hand the network to a Python that runs Keras on it."""
    folder = path.parent
    network.save(folder / "network.keras")
    np.savez(folder / "pictures.npz", *pictures)
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    code = (
        "import sys, numpy as np; from pathlib import Path; from trainer.detector.export import convert; "
        "from trainer.models.weights import load_network; folder = Path(sys.argv[1]); "
        "pictures = list(np.load(folder / 'pictures.npz').values()); "
        "convert(load_network(folder / 'network.keras'), folder / sys.argv[2], sys.argv[3], pictures)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), path.name, quantize],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "network.keras").unlink()
    (folder / "pictures.npz").unlink()
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainError(f"TensorFlow, which converts networks to LiteRT, failed: {last}")
