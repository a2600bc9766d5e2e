"""Everything that a training run can be told; kept in the model folder's ``bundle.json``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from maskgen.errors import InputError

Architecture = Literal["mobilenetv2", "resnet50"]
Head = Literal["classic", "gap"]
Optimizer = Literal["adam", "rmsprop", "sgd"]
Policy = Literal["none", "classic", "mild", "street"]
Incorrect = Literal["drop", "with_mask", "without_mask"]
Precision = Literal["auto", "float32", "mixed_float16"]
LiteRT = Literal["float32", "float16", "int8"]

ALPHAS: Final = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""Widths that Keras has ImageNet weights for."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The settings of a training run.

    Attributes:
        arch: the network.
        head: ``classic`` (pool, Dense ReLU, Dropout, softmax) or ``gap``.
        alpha: width multiplier of MobileNetV2.
        size: side of the square input in pixels, at least 32.
        hidden: units of the head's hidden layer.
        dropout: share of them dropped while training.
        weights: ``auto``, ``packaged``, ``imagenet``, ``none`` or a path.
        classes: 2 (with, without) or 3 (and incorrect).
        incorrect: with 2 classes, what an incorrectly worn mask counts as.
        augment: policy, see ``trainer.data.augment``.
        views: augmented views an image has in the head phase.
        head_epochs: passes over the cached features.
        head_limit: most images the head phase looks at; None for all.
        fine_tune: ``all``, ``none``, or the first backbone block to train;
            ``auto`` is ``all`` where the network starts from random values,
            which no block may keep, else 13.
        epochs: passes through the network while fine-tuning; with
            ``fine_tune="none"`` they are added to the head's.
        batch_size: images a step.
        optimizer: for fine-tuning; the head always uses Adam.
        lr: highest learning rate of fine-tuning.
        head_lr: highest learning rate of the head phase.
        warmup: share of the steps over which the rate rises.
        label_smoothing: in [0, 0.5).
        ema: momentum of the weights' moving average, 0 for none.
        wise: share of what fine-tuning changed in the backbone that is kept at
            the end (WiSE-FT's alpha), 1 for all of it.
        soup: fine-tuning runs whose weights are averaged, see ``trainer.classifier.soup``.
        incorrect_prior: with 3 classes, the share of faces with a badly worn
            mask to expect where the model is used; None for a third, as it
            learns from.
        patience: epochs without a better validation score before it stops.
        balance: draw every class equally often.
        val_fraction: share of the groups held out where nothing is.
        group_by: regular expression on the file name that names the person,
            for folders without ``metadata.jsonl``.
        margin: factor by which detect shall grow a face box's width.
        margin_high: the same for its height.
        precision: ``auto`` is mixed on a GPU, float32 elsewhere.
        litert: how ``model.tflite`` stores its weights.
        compact: round the weights to 16 bits and compress ``model.keras``.
        checkpoint_s: seconds between checkpoints.
        seed: everything random follows from it.
    """

    arch: Architecture = "mobilenetv2"
    head: Head = "classic"
    alpha: float = 1.0
    size: int = 224
    hidden: int = 128
    dropout: float = 0.5
    weights: str = "auto"
    classes: int = 2
    incorrect: Incorrect = "drop"
    augment: Policy = "street"
    views: int = 3
    head_epochs: int = 12
    head_limit: int | None = None
    fine_tune: str = "auto"
    epochs: int = 5
    batch_size: int = 32
    optimizer: Optimizer = "adam"
    lr: float = 1.5e-4
    head_lr: float = 2e-3
    warmup: float = 0.08
    label_smoothing: float = 0.05
    ema: float = 0.0
    wise: float = 1.0
    soup: int = 1
    incorrect_prior: float | None = None
    patience: int = 4
    balance: bool = True
    val_fraction: float = 0.2
    group_by: str | None = None
    margin: float = 1.15
    margin_high: float = 1.0
    precision: Precision = "auto"
    litert: LiteRT = "float32"
    compact: bool = False
    checkpoint_s: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kinds in (
            ("arch", Architecture),
            ("head", Head),
            ("optimizer", Optimizer),
            ("augment", Policy),
            ("incorrect", Incorrect),
            ("precision", Precision),
            ("litert", LiteRT),
        ):
            if getattr(self, name) not in get_args(kinds):
                raise InputError(f"{name} must be one of {', '.join(get_args(kinds))}, got {getattr(self, name)!r}")
        if self.arch == "mobilenetv2" and self.alpha not in ALPHAS:
            raise InputError(f"alpha must be one of {', '.join(map(str, ALPHAS))}, got {self.alpha}")
        if self.classes not in (2, 3):
            raise InputError(f"classes must be 2 or 3, got {self.classes}")
        if self.incorrect_prior is not None:
            if self.classes != 3:
                raise InputError("incorrect_prior needs 3 classes")
            if not 0 < self.incorrect_prior < 1:
                raise InputError(f"incorrect_prior must lie between 0 and 1, got {self.incorrect_prior}")
        for name, low, high in (
            ("size", 32, 1024),
            ("hidden", 1, 8192),
            ("views", 1, 100),
            ("head_epochs", 0, 10_000),
            ("epochs", 0, 10_000),
            ("batch_size", 1, 65_536),
            ("patience", 1, 10_000),
            ("dropout", 0, 0.95),
            ("label_smoothing", 0, 0.49),
            ("ema", 0, 0.99999),
            ("wise", 0, 1),
            ("soup", 1, 100),
            ("warmup", 0, 0.9),
            ("val_fraction", 0.01, 0.9),
            ("lr", 1e-9, 10),
            ("head_lr", 1e-9, 10),
            ("margin", 0.5, 4),
            ("margin_high", 0.5, 4),
            ("seed", 0, 2**32 - 1),
        ):
            value = getattr(self, name)
            if not math.isfinite(value) or not low <= value <= high:
                raise InputError(f"{name} must lie between {low} and {high}, got {value}")
        if self.fine_tune == "auto":
            object.__setattr__(self, "fine_tune", "all" if self.weights == "none" else "13")
        if self.fine_tune not in ("all", "none") and not self.fine_tune.isdigit():
            raise InputError(f"fine_tune must be auto, all, none or a block's number, got {self.fine_tune!r}")
        if self.soup > 1 and (self.augment != "none" or self.fine_tune in ("all", "none", "0")):
            raise InputError(
                "soup learns from what the blocks before fine_tune say of an image, worked out once: use augment none "
                f"and a block from 1 on, 13 say; got {self.augment} and {self.fine_tune}"
            )

    @property
    def input_size_wh(self) -> tuple[int, int]:
        return self.size, self.size

    @property
    def margin_wh(self) -> tuple[float, float]:
        return self.margin, self.margin_high

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``from_json`` turns back into equal settings."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The settings that ``to_json`` wrote; names of other versions are left out."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
