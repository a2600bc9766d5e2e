"""Masks on faces inside a tf.data pipeline, and a small Keras network trained on it.

python examples/keras_loop.py faces/
"""

# ruff: noqa: T201  # an example talks to people

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import maskgen
from maskgen.adapters.keras import dataset_map


def main() -> None:
    transform = maskgen.MaskTransform(size=64, camera="street", p=0.5)
    images = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(sys.argv[1]).iterdir())]
    given = tf.data.Dataset.from_generator(
        lambda: images, output_signature=tf.TensorSpec(shape=(None, None, 3), dtype=tf.uint8)
    )
    drawn = given.repeat(8).map(dataset_map(transform)).filter(lambda image, label: label >= 0)
    batches = drawn.map(lambda image, label: (tf.cast(image, tf.float32) / 255, label)).batch(8)
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(batches, epochs=2, verbose=0)
    print("loss", *(f"{loss:.3f}" for loss in history.history["loss"]))


if __name__ == "__main__":
    main()
