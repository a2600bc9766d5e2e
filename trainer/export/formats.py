"""Conversion of a classifier's network to LiteRT, ONNX and SavedModel, and inference of the files."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError
from trainer.config.export import Format, Quantize
from trainer.export.convert import elsewhere, to_litert
from trainer.models.litert import LiteRTModel


def file_name(to: Format, quantize: Quantize) -> str:
    """What an export is called in the model folder."""
    if to == "onnx":
        return "model.onnx"
    if to == "saved_model":
        return "saved_model"
    return "model.tflite" if quantize == "none" else f"model_{quantize}.tflite"


def check_converter(to: Format) -> None:
    """See that a format's packages are installed.

    Raises:
        InputError: one is not.
    """
    missing = [name for name in (("onnx", "tf2onnx") if to == "onnx" else ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f'--to onnx needs {missing[0]}; install it with: pip install "maskgen[onnx]"')


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
        check_converter(to)
        network.predict_on_batch(np.asarray(faces[:1], np.float32))
        network.export(path, format="onnx", verbose=False)
        return
    network.export(path, format="tf_saved_model", verbose=False)


def run(path: Path, to: Format, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An exported file's probabilities of (N, H, W, 3) uint8 faces."""
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
