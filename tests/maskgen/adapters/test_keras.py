from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from drawn_face import photo, turned_landmarks

from maskgen.adapters.keras import dataset_map, layer
from maskgen.transform import MaskTransform
from maskgen.types import LABELS

LANDMARKS = turned_landmarks(0)
SEEDED = MaskTransform(masks=["surgical"], seed=1)


@pytest.mark.parametrize("size", [None, 96])
def test_a_dataset_is_mapped(size: int | None) -> None:
    transform = MaskTransform(masks=["surgical"], seed=1, size=size)
    images, faces = np.stack([photo(n) for n in range(3)]), np.stack([LANDMARKS, LANDMARKS, np.zeros((68, 2))])
    given = tf.data.Dataset.from_tensor_slices((images[:2], faces[:2])).map(dataset_map(transform))
    side = size or 240
    assert given.element_spec[0].shape == (side, side, 3)
    for (image, index), picture in zip(given.as_numpy_iterator(), images[:2], strict=True):
        alone = transform(picture, LANDMARKS)
        assert alone is not None
        assert np.array_equal(image, alone.image)
        assert LABELS[index] == "with_mask"


def test_an_image_without_a_face_says_so() -> None:
    given = tf.data.Dataset.from_tensors((photo(), np.zeros((68, 2)))).map(dataset_map(SEEDED))
    ((image, index),) = given.as_numpy_iterator()
    assert np.array_equal(image, photo())
    assert index == -1


def test_a_layer_masks_while_it_trains(astronaut: np.ndarray) -> None:
    masking = layer(MaskTransform(masks=["surgical"], seed=1, detector="hog"))
    images = np.stack([astronaut[:300, 80:380], np.full((300, 300, 3), 90, np.uint8)]).astype(np.float32)
    model = keras.Sequential([keras.Input((300, 300, 3)), masking])
    assert np.array_equal(model(images, training=False), images)
    drawn = keras.ops.convert_to_numpy(model(images, training=True))
    assert drawn.shape == images.shape
    assert (drawn[0] != images[0]).any(axis=2).mean() > 0.01
    assert np.array_equal(drawn[1], images[1])
