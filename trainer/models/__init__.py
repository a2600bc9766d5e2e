"""Backbones and classifiers by name; Keras layers only, so that any Keras backend can train them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, get_args

from maskgen.errors import InputError
from trainer.config.classifier import Architecture
from trainer.models import mobilenetv2, resnet50

if TYPE_CHECKING:
    from trainer.config.classifier import TrainConfig

BACKBONE: Final = "backbone"
"""The name of the layer that holds the convolutions, in every network here."""

FEATURES: Final = "features"
"""The name of the layer whose output the head phase caches: one vector an image."""

ARCHITECTURES: Final[tuple[str, ...]] = get_args(Architecture)


def build(config: TrainConfig, classes: int) -> Any:
    """A network with fresh values: pixels 0..255 in, probabilities out.

    Args:
        config: architecture, head, size and the like.
        classes: number of outputs.

    Returns:
        A ``keras.Model`` from (N, H, W, 3) float32 to (N, classes) float32.
        Batch normalisation always runs on its stored statistics: batches of
        a fine-tuning run are too small and too alike to replace them.

    Raises:
        InputError: the architecture is unknown.
    """
    modules = {"mobilenetv2": mobilenetv2, "resnet50": resnet50}
    if config.arch not in modules:
        raise InputError(f"no architecture is called {config.arch!r}; choose from {', '.join(ARCHITECTURES)}")
    return modules[config.arch].build(config, classes)


def blocks(arch: str) -> tuple[str, ...]:
    """Prefixes of the backbone's layers, block by block, input side first."""
    return mobilenetv2.BLOCKS if arch == "mobilenetv2" else resnet50.BLOCKS


def check_block(arch: str, fine_tune: str) -> None:
    """See that a network has the block from which it is to learn.

    Raises:
        InputError: there is no such block.
    """
    count = len(blocks(arch))
    if fine_tune not in ("all", "none") and not (fine_tune.isdigit() and int(fine_tune) < count):
        raise InputError(f"--fine-tune takes auto, all, none or a block from 0 to {count - 1}, got {fine_tune!r}")


def freeze_below(model: Any, arch: str, fine_tune: str) -> int:
    """Leave only the later part of the backbone trainable, and none of its batch normalisation.

    Args:
        model: what ``build`` returned.
        arch: its architecture.
        fine_tune: ``all``, ``none``, or the number of the first block to train.

    Returns:
        How many values of the backbone are now trainable.

    Raises:
        InputError: there is no such block.
    """
    import keras

    backbone = model.get_layer(BACKBONE)
    names = blocks(arch)
    check_block(arch, fine_tune)
    backbone.trainable = True
    reached = fine_tune == "all"
    for layer in backbone.layers:
        if not reached and fine_tune.isdigit() and layer.name.startswith(names[int(fine_tune)]):
            reached = True
        # Keras 3 hands the outer call's training flag to nested networks, whatever they were built with; a
        # frozen batch normalisation alone keeps to its stored statistics.
        layer.trainable = reached and not isinstance(layer, keras.layers.BatchNormalization)
    if fine_tune == "none":
        backbone.trainable = False
    return sum(math.prod(variable.shape) for variable in backbone.trainable_variables)
