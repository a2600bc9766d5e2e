"""MobileNetV2 with the head that face-mask tutorials use, or a plain one.

Source:
    Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    CVPR 2018; the classic head is that of A. Rosebrock's mask detector, 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from trainer.config.classifier import TrainConfig

BLOCKS: Final[tuple[str, ...]] = ("expanded_conv_", *(f"block_{n}_" for n in range(1, 17)), "Conv_1")
"""Numbered as Keras names them: 13 is ``block_13``, 17 the last convolution."""


def build(config: TrainConfig, classes: int) -> Any:
    """See ``trainer.models.build``.

    ``classic``: AveragePooling over the whole feature map (7 x 7 for 224 x
    224), Flatten, Dense ReLU, Dropout, Dense softmax. ``gap``: global average
    pooling, Dropout, Dense softmax.
    """
    import keras
    from keras import layers

    width, height = config.input_size_wh
    pixels = keras.Input((height, width, 3), name="pixels")
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)
    backbone = keras.applications.MobileNetV2(
        include_top=False, weights=None, alpha=config.alpha, input_shape=(height, width, 3), name="backbone"
    )
    maps = backbone(scaled, training=False)
    if config.head == "classic":
        pooled = layers.AveragePooling2D(pool_size=(int(maps.shape[1]), int(maps.shape[2])), name="pool")(maps)
        x = layers.Flatten(name="features")(pooled)
        x = layers.Dense(config.hidden, activation="relu", name="hidden")(x)
    else:
        x = layers.GlobalAveragePooling2D(name="features")(maps)
    x = layers.Dropout(config.dropout, seed=config.seed, name="dropout")(x)
    # Softmax in float32 whatever the precision of the rest.
    x = layers.Dense(classes, name="logits", dtype="float32")(x)
    outputs = layers.Softmax(name="probabilities", dtype="float32")(x)
    return keras.Model(pixels, outputs, name="mobilenetv2")
