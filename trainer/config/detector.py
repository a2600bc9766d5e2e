"""Everything that the training of a detector can be told; kept in the model folder's ``bundle.json``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from maskgen.errors import InputError
from trainer.config.classifier import LiteRT

IncorrectFaces = Literal["ignore", "with_mask", "without_mask"]
Keep = Literal["best", "last"]

AUTO: Final = -1
"""The value of ``freeze`` that hangs on the first weights."""


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """The settings of a detector's training run.

    Attributes:
        classes: 2 (with, without) or 3 (and incorrect).
        incorrect: with 2 classes, what an incorrectly worn mask counts as.
        weights: ``auto``, ``packaged``, ``imagenet``, ``none``, or a detector's
            model folder.
        width: channels of the pyramid and the head.
        freeze: the backbone's blocks below this one stay as they are; ``AUTO``
            is 0 where the network starts from random values, which no block
            may keep, else 3.
        sizes: sides of the square training pictures; one is drawn for every step.
        zoom: least and most that a scene is enlarged by.
        mosaic: share of training pictures put together from four.
        min_face_px: faces with a shorter side are ignored.
        also_share: share of training pictures from the second folder, where one is given.
        epochs: passes over the scenes.
        batch_size: pictures a step.
        lr: highest learning rate.
        weight_decay: AdamW's, of kernels only.
        warmup: share of the steps over which the rate rises.
        ema: momentum of the weights' moving average, 0 for none.
        keep: ``best`` keeps the weights of the epoch with the best validation
            figure, ``last`` those of the last.
        val_fraction: share of the scenes held out where nothing is.
        longer_side: what pictures are scaled to when the model is used; 0 leaves them.
        litert: how ``model.tflite`` stores its weights.
        checkpoint_s: seconds between checkpoints.
        seed: everything random follows from it.
    """

    classes: int = 2
    incorrect: IncorrectFaces = "without_mask"
    weights: str = "auto"
    width: int = 64
    freeze: int = AUTO
    sizes: tuple[int, ...] = (256, 320, 384)
    zoom: tuple[float, float] = (0.5, 1.8)
    mosaic: float = 0.25
    min_face_px: float = 5.0
    also_share: float = 0.3
    epochs: int = 20
    batch_size: int = 16
    lr: float = 1e-3
    weight_decay: float = 0.02
    warmup: float = 0.05
    ema: float = 0.998
    keep: Keep = "best"
    val_fraction: float = 0.1
    longer_side: int = 448
    litert: LiteRT = "float16"
    checkpoint_s: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.freeze == AUTO:
            object.__setattr__(self, "freeze", 0 if self.weights == "none" else 3)
        for name, kinds in (("incorrect", IncorrectFaces), ("litert", LiteRT), ("keep", Keep)):
            if getattr(self, name) not in get_args(kinds):
                raise InputError(f"{name} must be one of {', '.join(get_args(kinds))}, got {getattr(self, name)!r}")
        if self.classes not in (2, 3):
            raise InputError(f"classes must be 2 or 3, got {self.classes}")
        if not self.sizes or any(size % 32 or not 64 <= size <= 2048 for size in self.sizes):
            raise InputError(f"sizes must be multiples of 32 from 64 to 2048, got {list(self.sizes)}")
        if len(self.zoom) != 2 or not 0.05 <= self.zoom[0] <= self.zoom[1] <= 20:
            raise InputError(f"zoom must be two numbers from 0.05 to 20, the smaller first, got {list(self.zoom)}")
        for name, low, high in (
            ("width", 8, 512),
            ("freeze", 0, 14),
            ("mosaic", 0, 1),
            ("min_face_px", 0, 1000),
            ("also_share", 0, 1),
            ("epochs", 1, 10_000),
            ("batch_size", 1, 4096),
            ("lr", 1e-9, 10),
            ("weight_decay", 0, 10),
            ("warmup", 0, 0.9),
            ("ema", 0, 0.99999),
            ("val_fraction", 0.01, 0.9),
            ("longer_side", 0, 4096),
            ("seed", 0, 2**32 - 1),
        ):
            value = getattr(self, name)
            if not math.isfinite(value) or not low <= value <= high:
                raise InputError(f"{name} must lie between {low} and {high}, got {value}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the network's scores, in order."""
        return ("with_mask", "without_mask", "incorrect_mask")[: self.classes]

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``from_json`` turns back into equal settings."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DetectorConfig:
        """The settings that ``to_json`` wrote; names of other versions are left out."""
        known = {field.name for field in dataclasses.fields(cls)}
        given: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in values.items() if name in known
        }
        return cls(**given)
