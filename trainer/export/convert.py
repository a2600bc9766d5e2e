"""Conversion of Keras networks to LiteRT, whatever backend Keras runs on; int8 quantization."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import TrainError
from maskgen.quiet import quiet_stderr
from trainer.config.export import Quantize

if TYPE_CHECKING:
    from pathlib import Path


_ELSEWHERE = """
import importlib, sys
from pathlib import Path
import numpy as np
from trainer.models.weights import load_network

target, module, name, *words = sys.argv[1:]
pictures = list(np.load(Path(target).with_name("pictures.npz")).values())
network = load_network(Path(target).with_name("network.keras"))
getattr(importlib.import_module(module), name)(network, Path(target), *words, pictures)
"""


def to_litert(
    network: Any, quantize: Quantize, samples: Callable[[], Iterable[NDArray[np.float32]]], *, all_int8: bool = True
) -> bytes:
    """What a ``.tflite`` file holds; needs Keras on TensorFlow.

    Args:
        network: the ``keras.Model``.
        quantize: how the weights are stored.
        samples: gives inputs (1, H, W, 3), pixel values 0..255, that int8
            learns its ranges from; asked as often as need be.
        all_int8: with int8, refuse to leave any layer in float and take
            uint8 pixels; else what has no int8 form stays float, and so does
            the input.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if quantize == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    elif quantize == "int8":
        kinds = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8] + ([] if all_int8 else [tf.lite.OpsSet.TFLITE_BUILTINS])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample] for sample in samples())
        converter.target_spec.supported_ops = kinds
        # Pixels are whole numbers from 0 to 255 already; outputs keep their fineness.
        converter.inference_input_type = tf.uint8 if all_int8 else tf.float32
        converter.inference_output_type = tf.float32
    return bytes(converter.convert())


def elsewhere(
    convert: Callable[..., None],
    network: Any,
    target: Path,
    words: Sequence[str],
    pictures: Iterable[NDArray[np.uint8]],
) -> None:
    """Call ``convert(network, target, *words, pictures)`` in a Python that runs Keras on TensorFlow.

    Args:
        convert: a function at the top of its module.
        network: the ``keras.Model``.
        target: the file to write, in a folder of its own.
        words: more arguments.
        pictures: (H, W, 3) uint8, of any sizes.

    Raises:
        TrainError: it failed there.
    """
    saved, kept = target.with_name("network.keras"), target.with_name("pictures.npz")
    network.save(saved)
    np.savez(kept, *pictures)
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(target), convert.__module__, convert.__name__, *words],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    saved.unlink()
    kept.unlink()
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainError(f"TensorFlow, which converts networks, failed on {target.name}: {last}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Converters talk on stdout, stderr, as warnings and from C++; none of it is news."""
    before, handlers = logging.root.manager.disable, logging.root.handlers[:]
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), open(os.devnull, "w") as sink:  # noqa: PTH123 a device, not a path
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), quiet_stderr():
                yield
    finally:
        logging.disable(before)
        # absl adds one that would write to the closed sink for the rest of the process.
        logging.root.handlers[:] = handlers
