"""Export of a trained classifier, checked against Keras on real faces before it is kept."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError, TrainError
from trainer import input_card
from trainer.bundle import KERAS_NAME, Bundle, file_sha256
from trainer.config.export import Format, Quantize
from trainer.export import destination, formats
from trainer.export.checks import Checks, portraits
from trainer.export.convert import quiet
from trainer.models.predict import predict

logger = logging.getLogger(__name__)

LIMITS: Final = {"none": 1e-3, "float16": 2e-2, "int8": 0.5}
"""Largest change of any probability that is put up with, by storage.

int8 moves faces the network is unsure of a good deal and the others hardly at
all, so its mean is limited too, unless the caller names a limit. The packaged
classifier moves by 0.38 at most and 0.02 on average, and is as often right on
real faces as before (docs/training.md).
"""

INT8_MEAN_LIMIT: Final = 0.03


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written and checked.

    Attributes:
        path: the file, or the folder of a SavedModel.
        max_shift, mean_shift: change of the probabilities against Keras.
        faces: on how many faces.
        changed: how many of them got another label at the threshold.
        size: bytes.
    """

    path: Path
    max_shift: float
    mean_shift: float
    faces: int
    changed: int
    size: int

    def summary(self) -> str:
        """One line for people."""
        return (
            f"{self.path}: {self.size} bytes; largest change of a probability {self.max_shift:.2g}, mean "
            f"{self.mean_shift:.2g}; {self.changed} of {self.faces} labels changed"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "input_range": list(input_card.INPUT_RANGE),
            "max_shift": float(f"{self.max_shift:.3g}"),
            "mean_shift": float(f"{self.mean_shift:.3g}"),
            "faces": self.faces,
            "labels_changed": self.changed,
            "bytes": self.size,
        }


def export(
    bundle: Bundle,
    to: Format,
    quantize: Quantize = "none",
    *,
    output: Path | None = None,
    overwrite: bool = False,
    checks: Checks = Checks(),  # noqa: B008 frozen
) -> Exported:
    """Write a model folder's network in another format.

    Args:
        bundle: the model folder; needs its ``model.keras``.
        to: the format.
        quantize: how LiteRT stores the weights.
        output: where to; None for the model folder.
        overwrite: what is there may be replaced.
        checks: faces to check on and to calibrate with.

    Raises:
        InputError: the words do not go together, something is in the way, a
            converter is not installed, or there are no faces to check on.
        TrainError: the result differs too much; nothing is kept.
    """
    from trainer.models.weights import load_network

    if quantize != "none" and to != "litert":
        raise InputError(f"--quantize {quantize} is for --to litert")
    name = formats.file_name(to, quantize)
    target = destination.choose(bundle, name, output, folder=to == "saved_model", overwrite=overwrite)
    formats.check_converter(to)
    if checks.faces is None:
        checks = replace(checks, faces=portraits(bundle.input_size_wh))
    _check_faces(checks)
    if checks.calibration is None and quantize == "int8":
        checks = replace(checks, calibration=portraits(bundle.input_size_wh, swapped=True))
    network = load_network(bundle.path(KERAS_NAME))
    exported = write(network, target, to, quantize, checks, threshold=bundle.threshold)
    input_card.attach(exported.path, bundle)
    return replace(exported, size=exported.path.stat().st_size) if exported.path.is_file() else exported


def write(
    network: Any, target: Path, to: Format, quantize: Quantize, checks: Checks, *, threshold: float = 0.5
) -> Exported:
    """Convert a network, compare, and keep the file if it agrees.

    Args:
        network: the ``keras.Model``.
        target: the file or folder.
        to: the format.
        quantize: how LiteRT stores the weights.
        checks: faces to compare on; for int8, others to calibrate with.
        threshold: on P(with_mask), at which changed labels are counted.

    Raises:
        InputError: a converter is not installed, there are no faces to check
            on, or int8 has nothing to calibrate with.
        TrainError: it differs by more than the limit, or cannot be converted.
    """
    faces, calibration = _check_faces(checks), checks.calibration
    if calibration is None or not len(calibration):
        if quantize == "int8":
            raise InputError("int8 is calibrated on faces that it is not checked on; none were given")
        calibration = faces
    expected = predict(network, faces)
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as work:
        made = Path(work) / target.name
        with quiet():
            formats.convert(network, made, to, quantize, calibration)
            found = formats.run(made, to, faces)
        gaps = np.abs(found - expected)
        changed = int(((found[:, 0] >= threshold) != (expected[:, 0] >= threshold)).sum())
        size = made.stat().st_size if made.is_file() else sum(f.stat().st_size for f in made.rglob("*") if f.is_file())
        result = Exported(target, float(gaps.max()), float(gaps.mean()), len(faces), changed, size)
        logger.info("%s: largest probability shift %.2g on %d faces", target.name, result.max_shift, len(faces))
        _check_shift(result, to, quantize, checks.max_shift)
        destination.put(made, target)
    return result


def _check_faces(checks: Checks) -> NDArray[np.uint8]:
    if checks.faces is None or not len(checks.faces):
        raise InputError("an export is checked on faces, and none were given; name a dataset that holds some (--crops)")
    return checks.faces


def _check_shift(result: Exported, to: Format, quantize: Quantize, max_shift: float | None) -> None:
    limit = LIMITS[quantize] if max_shift is None else max_shift
    too_far = ""
    if not result.max_shift <= limit:  # NaN is no agreement either
        too_far = f"a probability by {result.max_shift:.3f}, more than {limit:g}"
    if quantize == "int8" and max_shift is None and result.mean_shift > INT8_MEAN_LIMIT:
        too_far = f"probabilities by {result.mean_shift:.4f} on average, more than {INT8_MEAN_LIMIT:g}"
    if too_far:
        raise TrainError(
            f"the {to} file ({quantize}) moves {too_far}; it was not kept: choose another --quantize, "
            "name faces of your own with --crops, or raise --max-shift knowingly"
        )


def record(bundle: Bundle, exported: Exported) -> None:
    """Enter a file of the model folder in its ``bundle.json``."""
    if exported.path.parent.resolve() != bundle.folder.resolve() or not exported.path.is_file():
        return
    name = exported.path.name
    replace(
        bundle,
        sha256={**bundle.sha256, name: file_sha256(exported.path)},
        export={**bundle.export, name: exported.to_json()},
    ).save()
