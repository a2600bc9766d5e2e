"""Keras and tf.data: a function for ``Dataset.map``, and a layer that masks people while it trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.adapters import need
from maskgen.transform import MaskTransform
from maskgen.types import LABELS, Label


def dataset_map(transform: MaskTransform, label: Label = "with_mask") -> Callable[..., Any]:
    """For ``tf.data``: (image, ...) to (masked image, index of its label in ``LABELS``).

    Images are (H, W, 3) uint8. A second element of a sample, where there is one, is the face: landmarks or box.
    An image without a usable face comes back as it was, with index -1: ``filter`` leaves it out.

    Raises:
        MissingExtraError: tensorflow is not installed.
    """
    tf = need("tensorflow")

    def draw(image: NDArray[np.uint8], *face: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        masked = transform(image, face[0] if face else None, label)
        if masked is None:
            return image, np.array(-1, np.int64)
        return masked.image, np.array(LABELS.index(masked.label), np.int64)

    def mapped(image: Any, *face: Any) -> tuple[Any, Any]:
        drawn, index = tf.numpy_function(draw, [image, *face], [tf.uint8, tf.int64])
        size = transform.size
        drawn.set_shape(image.shape if size is None else (size, size, 3))
        index.set_shape(())
        return drawn, index

    return mapped


def layer(transform: MaskTransform, label: Label = "with_mask", **options: Any) -> Any:
    """A layer that masks a batch of (N, H, W, 3) pictures of 0 to 255 in training, and passes others through.

    It runs on the CPU and belongs before a model, not into one that is exported.

    Raises:
        MissingExtraError: keras or tensorflow is not installed.
    """
    keras, tf = need("keras"), need("tensorflow")

    def draw(images: NDArray[Any]) -> NDArray[Any]:
        drawn = images.copy()
        for at, image in enumerate(images):
            masked = transform(np.clip(image, 0, 255).astype(np.uint8), None, label)
            if masked is not None:
                drawn[at] = masked.image
        return drawn

    class MaskPeople(keras.layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, images: Any, training: bool = False) -> Any:
            if not training:
                return images
            drawn = tf.numpy_function(draw, [images], images.dtype)
            drawn.set_shape(images.shape)
            return drawn

    return MaskPeople(trainable=False, **options)
