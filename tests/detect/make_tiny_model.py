"""Draws the network that detect's tests use: a lower half that is bluer than red is a mask.

Run it again after a change of the model folder's form (needs TensorFlow):

    python tests/detect/make_tiny_model.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parent / "data" / "tiny.tflite"
SIZE = 32


def main() -> None:
    import keras

    inputs = keras.Input((SIZE, SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    halves = keras.layers.Flatten()(keras.layers.AveragePooling2D((SIZE // 2, SIZE))(scaled))
    outputs = keras.layers.Dense(2, activation="softmax")(halves)
    model = keras.Model(inputs, outputs)
    weights = np.zeros((6, 2), dtype=np.float32)
    weights[3], weights[5] = (-3, 3), (3, -3)  # red and blue of the lower half
    model.layers[-1].set_weights([weights, np.zeros(2, dtype=np.float32)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        model.export(str(path), format="litert", verbose=False)
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
