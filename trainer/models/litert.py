"""Inference of ``.tflite`` files with LiteRT: starts in 0.2 s, needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import BundleError, ShapeError
from maskgen.io.tensors import dequantise, quantise
from maskgen.quiet import quiet_stderr


class LiteRTModel:
    """A classifier file, loaded once; not to be shared between threads.

    Images go through one at a time: on a CPU batches gain nothing (facts of
    the project: 3.1 ms a 224 x 224 face and thread, float32).

    Attributes:
        path: the file.
        size_wh: width and height of its input.
        classes: number of outputs.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load a file.

        Args:
            path: float32, float16 or integer ``.tflite`` with one (1, H, W, 3)
                input holding pixel values 0..255 and one (1, C) output.
            threads: CPU threads for one image.

        Raises:
            BundleError: the file is missing, damaged or of another form.
        """
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]

        self.path = Path(path)
        if not self.path.is_file():
            raise BundleError(f"no model file at {self.path}")
        try:
            with quiet_stderr():
                self._interpreter = Interpreter(model_path=str(self.path), num_threads=max(1, threads))
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{self.path} is not a model that LiteRT can run: {str(error).splitlines()[0]}") from None
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise BundleError(f"{self.path} has {len(inputs)} inputs and {len(outputs)} outputs; one of each expected")
        self._input, self._output = inputs[0], outputs[0]
        shape = tuple(int(side) for side in self._input["shape"])
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
            raise BundleError(f"{self.path} takes an input of shape {shape}; (1, H, W, 3) expected")
        self.size_wh: tuple[int, int] = shape[2], shape[1]
        self.classes = int(self._output["shape"][-1])

    def predict(self, rois: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of every face.

        Args:
            rois: (N, H, W, 3) uint8, RGB, of the model's size.

        Returns:
            (N, C) float32, rows adding up to 1.

        Raises:
            ShapeError: the ROIs have another size.
        """
        expected = (self.size_wh[1], self.size_wh[0], 3)
        if rois.ndim != 4 or rois.shape[1:] != expected:
            raise ShapeError(f"rois must be (N, {', '.join(map(str, expected))}), got {rois.shape}")
        probabilities = np.empty((len(rois), self.classes), dtype=np.float32)
        for row, roi in zip(probabilities, rois, strict=True):
            self._interpreter.set_tensor(self._input["index"], quantise(roi[None], self._input))
            self._interpreter.invoke()
            row[...] = _probabilities(self._interpreter.get_tensor(self._output["index"]), self._output)[0]
        return probabilities


def _probabilities(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    """Rows of an output; eight bits do not add up to 1, a float network's rows do and stay as they are."""
    found = dequantise(values, detail)
    if values.dtype.kind == "f":
        return found
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6), dtype=np.float32)
