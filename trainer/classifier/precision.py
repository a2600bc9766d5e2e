"""Mixed precision: layers that compute in float16 on a GPU, and their float32 twins for the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from trainer import models
from trainer.config.classifier import TrainConfig


@contextmanager
def building(config: TrainConfig) -> Iterator[None]:
    """Layers built here have the wanted precision; the default policy is put back."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if _mixed(config) else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _mixed(config: TrainConfig) -> bool:
    if config.precision != "auto":
        return config.precision == "mixed_float16"
    import keras

    try:
        return bool(keras.distribution.list_devices("gpu"))
    except (RuntimeError, AttributeError, ValueError):  # a backend without this question
        return False


def as_float32(network: Any, config: TrainConfig) -> Any:
    """The same network in float32: a file must not depend on the machine it was trained on."""
    import keras

    if not _mixed(config):
        return network
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        twin = models.build(config, int(network.output.shape[-1]))
    finally:
        keras.config.set_dtype_policy(before)
    twin.set_weights([np.asarray(value, np.float32) for value in network.get_weights()])
    return twin
