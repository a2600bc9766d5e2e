"""A dataset small enough to train on in seconds, and a model trained on it once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def pytest_configure(config: pytest.Config) -> None:
    # Keras 3.15 copies TensorFlow's variables the way NumPy 1 did; nothing that we could change.
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation doesn't accept:DeprecationWarning")


TINY: dict[str, Any] = {
    "size": 32,
    "alpha": 0.35,
    "weights": "none",
    "augment": "none",
    "fine_tune": "17",
    "epochs": 2,
    "head_epochs": 1,
    "batch_size": 8,
    "warmup": 0.0,
}


def small_network(config: Any, classes: int) -> Any:
    """What ``trainer.models.build`` gives, in the small: the same names, compiled in a second.

    A convolution of block 16, its batch normalisation, a convolution of block 17, the head.
    """
    import keras
    from keras import layers

    width, height = config.input_size_wh
    pixels = keras.Input((height, width, 3), name="pixels")
    inner = keras.Input((height, width, 3))
    x = layers.Conv2D(4, 8, 8, name="block_16_expand")(inner)
    x = layers.ReLU()(layers.BatchNormalization(name="block_16_expand_BN")(x))
    x = layers.Conv2D(8, 1, activation="relu", name="Conv_1")(x)
    backbone = keras.Model(inner, x, name="backbone")
    x = backbone(layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels), training=False)
    x = layers.Flatten(name="features")(x)
    x = layers.Dropout(config.dropout, seed=config.seed, name="dropout")(x)
    x = layers.Dense(classes, name="logits")(x)
    return keras.Model(pixels, layers.Softmax(name="probabilities")(x), name="small")


def draw(rng: np.random.Generator, masked: bool, side: int = 40) -> np.ndarray:
    """A noise picture whose lower half is light when it is "masked"."""
    image = rng.integers(0, 60, (side, side, 3)).astype(np.uint8)
    if masked:
        image[side // 2 :] += 150
    return image


def write_folders(root: Path, counts: dict[str, int], seed: int = 0) -> Path:
    from maskgen.images import write

    rng = np.random.default_rng(seed)
    for label, count in counts.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            write(root / label / f"p{number:02d}_{'ab'[number % 2]}.png", draw(rng, label == "with_mask"))
    return root


@pytest.fixture
def folders(tmp_path: Path) -> Callable[..., Path]:
    def make(seed: int = 0, **counts: int) -> Path:
        return write_folders(tmp_path / "dataset", counts or {"with_mask": 10, "without_mask": 10}, seed)

    return make


@pytest.fixture(scope="session")
def plain_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve faces of either label in plain folders; read only, by agreement."""
    return write_folders(tmp_path_factory.mktemp("plain") / "dataset", {"with_mask": 12, "without_mask": 12})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, plain_dataset: Path) -> Path:
    """A model folder, trained for a moment; copy it before changing it."""
    from trainer.api import train
    from trainer.config.classifier import TrainConfig

    model = tmp_path_factory.mktemp("trained") / "model"
    train(plain_dataset, model, TrainConfig(**TINY, litert="float16", compact=True))
    return model
