"""Export of a trained detector from its model folder, checked on real pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from maskgen import images
from maskgen.errors import DatasetError
from maskgen.types import RGB
from trainer.bundle import KERAS_NAME, Bundle, file_sha256
from trainer.config.export import Quantize
from trainer.data import scenes as data
from trainer.data.scenes import Scene
from trainer.export import destination, detector
from trainer.export.formats import file_name

CHECK_PICTURES: Final = 48
"""Pictures on which an exported file is compared with Keras."""


def check_pictures(scenes: Sequence[Scene], count: int = CHECK_PICTURES) -> list[RGB]:
    """Pictures to compare an exported file on, or to calibrate it with, spread over the scenes."""
    chosen = scenes[:: max(1, len(scenes) // count)][:count]
    return [images.read_rgb(scene.path) for scene in chosen]


def export_again(
    bundle: Bundle,
    quantize: str,
    output: Path | None,
    scenes: Path,
    max_shift: float | None,
    *,
    overwrite: bool = False,
) -> detector.Exported:
    """Write a detector's network for LiteRT once more and enter it in its ``bundle.json``.

    Args:
        bundle: the model folder.
        quantize: ``none``, ``float16`` or ``int8``.
        output: where to; None for ``model.tflite`` or ``model_int8.tflite`` and the like in the model folder.
        scenes: real pictures: of ``train`` to calibrate int8 with, of ``val`` to check on; ``test`` stays out of it.
        max_shift: instead of the limit for this storage.
        overwrite: what is there may be replaced.

    Raises:
        InputError: something is in the way.
        TrainError: the file differs too much; it is not kept.
    """
    from trainer.models.weights import load_network

    kind: Quantize = "int8" if quantize == "int8" else "float16" if quantize == "float16" else "none"
    target = destination.choose(bundle, file_name("litert", kind), output, folder=False, overwrite=overwrite)
    found = data.load(scenes, bundle.labels)
    checked, calibration = found.parts.get("val") or (), found.parts.get("train") or ()
    if not checked or (quantize == "int8" and not calibration):
        raise DatasetError(
            f"{scenes} has {len(checked)} pictures to check on (val) and {len(calibration)} to calibrate with (train); "
            "name a folder with both"
        )
    network = load_network(bundle.path(KERAS_NAME))
    made = detector.write(
        network,
        target,
        kind,
        check_pictures(checked),
        len(bundle.labels),
        calibration=check_pictures(calibration) if quantize == "int8" else (),
        max_shift=max_shift,
    )
    if target.parent.resolve() == bundle.folder.resolve():
        replace(
            bundle,
            sha256={**bundle.sha256, target.name: file_sha256(target)},
            export={**bundle.export, target.name: made.to_json()},
        ).save()
    return made
