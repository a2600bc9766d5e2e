"""A one-stage face detector: MobileNetV2's first blocks, a small feature pyramid, one head for three strides.

Anchor-free: every cell of every map says how likely each label is there, where
the face's box lies and where its five points are. 0.82 million parameters.

Batch normalisation is folded into the backbone's convolutions before training
(its statistics would be frozen anyway), which makes a training step on a CPU
twice as fast (41 instead of 100 ms an image of 320 x 320). Enlarging by two is
a copy of channels and ``depth_to_space``: unlike ``UpSampling2D`` it needs no
size, so that one LiteRT file takes pictures of any size.

Sources:
    Sandler et al., "MobileNetV2", CVPR 2018; Lin et al., "Feature Pyramid
    Networks for Object Detection", CVPR 2017; Ge et al., "YOLOX", 2021 (box
    from centre and size, anchor-free); Wu et al., "YuNet", 2023 (five points).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from maskgen.errors import InputError, WeightsError
from maskgen.faces.onestage_litert import PLACE_VALUES, STRIDES
from trainer.models.compact import folded_weights

BLOCKS: Final = (
    (1, 16, 1),
    *((6, 24, 2), (6, 24, 1)),
    *((6, 32, 2), (6, 32, 1), (6, 32, 1)),
    *((6, 64, 2), (6, 64, 1), (6, 64, 1), (6, 64, 1)),
    *((6, 96, 1), (6, 96, 1), (6, 96, 1)),
    (6, 160, 2),
)
"""Expansion, channels and stride of MobileNetV2's blocks 0 to 13 (its table 2)."""

TAPS: Final = {6: 8, 13: 16}
"""Blocks whose widened input feeds the pyramid, and its stride; the last block's output is stride 32."""

PRIOR: Final = 0.01
"""Score of every cell before training (Lin et al., "Focal Loss", 2017)."""


def build(labels: int, width: int = 64, depth: int = 2) -> Any:
    """A network with fresh values.

    Args:
        labels: number of labels.
        width: channels of the pyramid and the head.
        depth: convolutions before the last of the head's branches.

    Returns:
        A ``keras.Model`` from pixels (N, H, W, 3) float32 0..255, sides that
        are multiples of 32, to three maps (N, H/s, W/s, labels + 14): logits
        of the labels, then box and points as ``maskgen.faces.onestage_litert`` decodes them.
    """
    import keras
    from keras import layers

    pixels = keras.Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)
    x = layers.Conv2D(32, 3, 2, padding="same", activation="relu6", name="Conv1")(x)
    taps: dict[int, Any] = {}
    for number, (expansion, channels, stride) in enumerate(BLOCKS):
        x, wide = _block(x, _prefix(number), expansion, channels, stride)
        if number in TAPS:
            taps[TAPS[number]] = wide
    coarse = _normed(layers.Conv2D(width, 1, use_bias=False, name="lateral32"), "lateral32_bn", x)
    middle = layers.Add(name="merge16")([_lateral(taps[16], width, 16), _doubled(coarse, "double32")])
    middle = _separable(middle, width, "smooth16")
    fine = layers.Add(name="merge8")([_lateral(taps[8], width, 8), _doubled(middle, "double16")])
    fine = _separable(fine, width, "smooth8")
    coarse = _separable(coarse, width, "smooth32")
    return keras.Model(pixels, _head((fine, middle, coarse), labels, width, depth), name="onestage")


def _block(x: Any, prefix: str, expansion: int, channels: int, stride: int) -> tuple[Any, Any]:
    """MobileNetV2's inverted residual, batch normalisation folded; also what it widened its input to."""
    from keras import layers

    wide = x
    if expansion > 1:
        wide = layers.Conv2D(x.shape[-1] * expansion, 1, activation="relu6", name=f"{prefix}expand")(x)
    y = layers.DepthwiseConv2D(3, stride, padding="same", activation="relu6", name=f"{prefix}depthwise")(wide)
    y = layers.Conv2D(channels, 1, name=f"{prefix}project")(y)
    if stride == 1 and x.shape[-1] == channels:
        y = layers.Add(name=f"{prefix}add")([x, y])
    return y, wide


def _normed(convolution: Any, name: str, x: Any) -> Any:
    from keras import layers

    x = layers.BatchNormalization(momentum=0.95, epsilon=1e-3, name=name)(convolution(x))
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _lateral(x: Any, width: int, stride: int) -> Any:
    from keras import layers

    return _normed(layers.Conv2D(width, 1, use_bias=False, name=f"lateral{stride}"), f"lateral{stride}_bn", x)


def _separable(x: Any, width: int, name: str) -> Any:
    from keras import layers

    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    return _normed(layers.Conv2D(width, 1, use_bias=False, name=f"{name}_pointwise"), f"{name}_bn", x)


def _doubled(x: Any, name: str) -> Any:
    """Every pixel four times, as nearest-neighbour enlarging does."""
    import keras
    from keras import layers

    return keras.ops.depth_to_space(layers.Concatenate(name=name)([x, x, x, x]), 2)


def _head(maps: tuple[Any, ...], labels: int, width: int, depth: int) -> list[Any]:
    """The same convolutions on every stride; statistics of each stride's own."""
    from keras import initializers, layers

    def branch(name: str) -> list[tuple[Any, Any]]:
        return [
            (
                layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}{n}_depthwise"),
                layers.Conv2D(width, 1, use_bias=False, name=f"{name}{n}_pointwise"),
            )
            for n in range(depth)
        ]

    small = initializers.RandomNormal(stddev=0.01, seed=1)
    prior = initializers.Constant(math.log(PRIOR / (1 - PRIOR)))
    what = layers.Conv2D(labels, 1, kernel_initializer=small, bias_initializer=prior, name="what", dtype="float32")
    where = layers.Conv2D(PLACE_VALUES, 1, kernel_initializer=small, name="where", dtype="float32")
    branches = branch("class"), branch("place")
    outputs = []
    for stride, shared in zip(STRIDES, maps, strict=True):
        ends = []
        for branch_name, convolutions in zip(("class", "place"), branches, strict=True):
            x = shared
            for n, (depthwise, pointwise) in enumerate(convolutions):
                x = _normed(pointwise, f"{branch_name}{n}_bn{stride}", depthwise(x))
            ends.append(x)
        joined = layers.Concatenate(name=f"stride{stride}", dtype="float32")([what(ends[0]), where(ends[1])])
        outputs.append(joined)
    return outputs


def _prefix(number: int) -> str:
    return "expanded_conv_" if number == 0 else f"block_{number}_"


def _backbone_names() -> Iterator[tuple[str, str]]:
    """Every convolution of the backbone with its batch normalisation, as ``keras.applications`` names them."""
    yield "Conv1", "bn_Conv1"
    for number, (expansion, _, _) in enumerate(BLOCKS):
        for part in ("expand", "depthwise", "project")[expansion == 1 :]:
            name = f"{_prefix(number)}{part}"
            yield name, f"{name}_BN"


def copy_backbone(network: Any, donor: Any) -> None:
    """Give the backbone the weights of a ``keras.applications.MobileNetV2``, batch normalisation folded in.

    Raises:
        WeightsError: the donor is another network, or of another width.
    """
    try:
        for name, norm in _backbone_names():
            network.get_layer(name).set_weights(folded_weights(donor.get_layer(name), donor.get_layer(norm)))
    except ValueError as error:
        raise WeightsError(f"first weights are not those of MobileNetV2 1.0: {str(error).splitlines()[0]}") from None


def freeze_below(network: Any, block: int) -> int:
    """Leave the backbone's blocks below ``block`` as they are; 0 trains everything.

    Returns:
        How many values are now trainable.

    Raises:
        InputError: there is no such block.
    """
    if not 0 <= block <= len(BLOCKS):
        raise InputError(f"--freeze takes a block from 0 to {len(BLOCKS)}, got {block}")
    frozen = {"Conv1"} if block else set()
    frozen |= {name for name, _ in _backbone_names() for number in range(block) if name.startswith(_prefix(number))}
    for layer in network.layers:
        layer.trainable = layer.name not in frozen
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)
