"""ResNet50: global pooling, Dense ReLU, Dense softmax.

Source:
    He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from trainer.config.classifier import TrainConfig

BLOCKS: Final[tuple[str, ...]] = tuple(
    f"conv{stage}_block{n}_" for stage, count in ((2, 3), (3, 4), (4, 6), (5, 3)) for n in range(1, count + 1)
)
"""0 to 15, the input side first."""

_IMAGENET_BGR_MEAN: Final = (103.939, 116.779, 123.68)
"""What the ImageNet weights were trained with: BGR, mean subtracted, not scaled (Caffe's convention)."""


def build(config: TrainConfig, classes: int) -> Any:
    """See ``trainer.models.build``.

    The backbone's ImageNet weights want blue first; a fixed 1 x 1 convolution
    turns the colours round and takes the mean off, so that the network takes
    RGB 0..255 like the others and needs no custom layer.
    """
    import keras
    from keras import layers

    width, height = config.input_size_wh
    pixels = keras.Input((height, width, 3), name="pixels")
    scaled = layers.Conv2D(
        3,
        1,
        name="scale",
        trainable=False,
        kernel_initializer=keras.initializers.Constant(_reversal()),
        bias_initializer=keras.initializers.Constant([-mean for mean in _IMAGENET_BGR_MEAN]),
    )(pixels)
    backbone = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(height, width, 3), name="backbone"
    )
    maps = backbone(scaled, training=False)
    x = layers.GlobalAveragePooling2D(name="features")(maps)
    x = layers.Dense(config.hidden, activation="relu", name="hidden")(x)
    x = layers.Dropout(config.dropout, seed=config.seed, name="dropout")(x)
    x = layers.Dense(classes, name="logits", dtype="float32")(x)
    outputs = layers.Softmax(name="probabilities", dtype="float32")(x)
    return keras.Model(pixels, outputs, name="resnet50")


def _reversal() -> list[list[list[list[float]]]]:
    """(1, 1, 3, 3): RGB to BGR."""
    return [[[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]]
