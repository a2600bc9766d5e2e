"""A trained network in other formats, each checked against Keras on real faces before it is kept."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import DatasetError, InputError, TrainError
from trainer import input_card
from trainer.bundle import KERAS_NAME, Bundle, file_sha256
from trainer.config.export import Format, Quantize
from trainer.export import destination
from trainer.export.convert import elsewhere, quiet, to_litert
from trainer.models.litert import LiteRTModel

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


def file_name(to: Format, quantize: Quantize) -> str:
    """What an export is called in the model folder."""
    if to == "onnx":
        return "model.onnx"
    if to == "saved_model":
        return "saved_model"
    return "model.tflite" if quantize == "none" else f"model_{quantize}.tflite"


def export(
    bundle: Bundle,
    to: Format,
    quantize: Quantize = "none",
    *,
    output: Path | None = None,
    overwrite: bool = False,
    faces: NDArray[np.uint8] | None = None,
    calibration: NDArray[np.uint8] | None = None,
    max_shift: float | None = None,
) -> Exported:
    """Write a model folder's network in another format.

    Args:
        bundle: the model folder; needs its ``model.keras``.
        to: the format.
        quantize: how LiteRT stores the weights.
        output: where to; None for the model folder.
        overwrite: what is there may be replaced.
        faces: (N, H, W, 3) uint8 real faces of the network's size, to check
            on; None for two public-domain portraits that come with installed
            packages, varied.
        calibration: (M, H, W, 3) uint8 others, for int8 to calibrate with;
            None for the same portraits, the other one masked.
        max_shift: instead of the limit for this storage.

    Raises:
        InputError: the words do not go together, something is in the way, a
            converter is not installed, or there are no faces to check on.
        TrainError: the result differs too much; nothing is kept.
    """
    from trainer.models.weights import load_network

    if quantize != "none" and to != "litert":
        raise InputError(f"--quantize {quantize} is for --to litert")
    name = file_name(to, quantize)
    target = destination.choose(bundle, name, output, folder=to == "saved_model", overwrite=overwrite)
    _check_converter(to)
    checked = portraits(bundle.input_size_wh) if faces is None else faces
    _check_faces(checked)
    if calibration is None and quantize == "int8":
        calibration = portraits(bundle.input_size_wh, swapped=True)
    network = load_network(bundle.path(KERAS_NAME))
    exported = write(
        network,
        target,
        to,
        quantize,
        checked,
        calibration=calibration,
        threshold=bundle.threshold,
        max_shift=max_shift,
    )
    input_card.attach(exported.path, bundle)
    return replace(exported, size=exported.path.stat().st_size) if exported.path.is_file() else exported


def write(
    network: Any,
    target: Path,
    to: Format,
    quantize: Quantize,
    faces: NDArray[np.uint8],
    *,
    calibration: NDArray[np.uint8] | None = None,
    threshold: float = 0.5,
    max_shift: float | None = None,
) -> Exported:
    """Convert a network, compare, and keep the file if it agrees.

    Args:
        network: the ``keras.Model``.
        target: the file or folder.
        to: the format.
        quantize: how LiteRT stores the weights.
        faces: (N, H, W, 3) uint8, to compare on.
        calibration: (M, H, W, 3) uint8, none of ``faces`` among them, for int8.
        threshold: on P(with_mask), at which changed labels are counted.
        max_shift: instead of the limit for this storage.

    Raises:
        InputError: a converter is not installed, there are no faces to check
            on, or int8 has nothing to calibrate with.
        TrainError: it differs by more than the limit, or cannot be converted.
    """
    _check_faces(faces)
    limit = LIMITS[quantize] if max_shift is None else max_shift
    from trainer.classifier.fit import predict

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
            convert(network, made, to, quantize, calibration)
            found = _run(made, to, faces)
        gaps = np.abs(found - expected)
        changed = int(((found[:, 0] >= threshold) != (expected[:, 0] >= threshold)).sum())
        size = made.stat().st_size if made.is_file() else sum(f.stat().st_size for f in made.rglob("*") if f.is_file())
        result = Exported(target, float(gaps.max()), float(gaps.mean()), len(faces), changed, size)
        logger.info("%s: largest probability shift %.2g on %d faces", target.name, result.max_shift, len(faces))
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
        destination.put(made, target)
    return result


def _check_faces(faces: NDArray[np.uint8]) -> None:
    if not len(faces):
        raise InputError("an export is checked on faces, and none were given; name a dataset that holds some (--crops)")


def _check_converter(to: Format) -> None:
    missing = [name for name in (("onnx", "tf2onnx") if to == "onnx" else ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f'--to onnx needs {missing[0]}; install it with: pip install "maskgen[onnx]"')


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
    from trainer.data.dataset import decode
    from trainer.metrics.evaluate import find_samples

    usable = [s for s in find_samples(folder, split="all")[0] if s.split != "test" and s.label in bundle.labels]
    places = {group: number for number, group in enumerate(sorted({sample.group for sample in usable}))}
    halves = [[s for s in usable if places[s.group] % 2 == half] for half in (0, 1)]
    if not all(halves):
        raise DatasetError(
            f"{folder} has {len(places)} people or photos outside its test split; an export is checked on some and "
            "int8 calibrated on others: name a folder with more"
        )
    checked, calibration = (
        decode(
            some[:: max(1, len(some) // count)][:count], bundle.labels, bundle.input_size_wh, margin=bundle.margin_wh
        )
        for some in halves
    )
    if not len(checked) or not len(calibration):
        raise DatasetError(f"none of the images in {folder} can be read")
    return np.ascontiguousarray(checked.pixels), np.ascontiguousarray(calibration.pixels)


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


def convert(
    network: Any, path: Path, to: Format, quantize: Quantize, faces: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
) -> None:
    """Write a network in another format, unchecked.

    Args:
        network: the ``keras.Model``.
        path: the file or, for a SavedModel, the folder.
        to: the format.
        quantize: how LiteRT stores the weights.
        faces: (H, W, 3) each, of the network's size; int8 calibrates with them.

    Raises:
        InputError: a converter is not installed.
        TrainError: TensorFlow failed in a process of its own.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        elsewhere(convert, network, path, (to, quantize), faces)
        return
    if to == "litert":
        path.write_bytes(to_litert(network, quantize, lambda: (face[None].astype(np.float32) for face in faces)))
        return
    if to == "onnx":
        _check_converter(to)
        network.predict_on_batch(np.asarray(faces[:1], np.float32))
        network.export(path, format="onnx", verbose=False)
        return
    network.export(path, format="tf_saved_model", verbose=False)


def _run(path: Path, to: Format, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    if to == "litert":
        return LiteRTModel(path).predict(faces)
    if to == "onnx":
        return _run_onnx(path, faces)
    import tensorflow as tf

    # Kept by name: its functions do not keep it alive.
    loaded = tf.saved_model.load(str(path))
    return np.concatenate([np.asarray(loaded.serve(tf.constant(face[None], tf.float32))) for face in faces])


def _run_onnx(path: Path, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """By onnxruntime where it is installed, else by onnx's own reference, slow but right, on a few faces."""
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        session: Any = ReferenceEvaluator(str(path))
        name = session.input_names[0]
    else:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
    return np.concatenate(
        [np.asarray(session.run(None, {name: faces[i : i + 1].astype(np.float32)})[0]) for i in range(len(faces))]
    )
