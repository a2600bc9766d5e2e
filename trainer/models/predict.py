"""Predictions of a Keras network for any number of inputs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BATCH: Final = 32


def predict(model: Any, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The network's output for every input, in batches of one size.

    Args:
        model: the ``keras.Model``.
        inputs: (N, ...), pixels as uint8 or features as float32.
    """
    parts = []
    for start in range(0, len(inputs), BATCH):
        part = np.asarray(inputs[start : start + BATCH], dtype=np.float32)
        # Another batch size would make the backend trace the network again.
        padded = np.concatenate([part, np.zeros((BATCH - len(part), *part.shape[1:]), np.float32)])
        parts.append(np.asarray(model.predict_on_batch(padded), dtype=np.float32)[: len(part)])
    if not parts:
        return np.empty((0, *model.output.shape[1:]), np.float32)
    return np.concatenate(parts)
