"""Everything that a training run can be told; kept in the model folder's ``bundle.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from maskgen.errors import InputError
from maskgen.io import options
from maskgen.io.options import option
from trainer.config.run import RECORDED

Architecture = Literal["mobilenetv2", "resnet50"]
Head = Literal["classic", "gap"]
Optimizer = Literal["adam", "rmsprop", "sgd"]
Policy = Literal["none", "classic", "mild", "street"]
Incorrect = Literal["drop", "with_mask", "without_mask"]
Precision = Literal["auto", "float32", "mixed_float16"]
LiteRT = Literal["float32", "float16", "int8"]

ALPHAS: Final = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""Widths that Keras has ImageNet weights for."""

PERSON: Final = "The person in file names; for plain folders."

_NETWORK, _LEARNS, _FACES, _KEPT = "The network", "How it learns", "What it learns from", "What is kept"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The settings of ``maskgen train``; its options say what each field means.

    ``fine_tune="auto"`` is ``all`` where the network starts from random
    values, which no block may keep, else block 13. The head of the network
    always learns with Adam; ``wise`` is WiSE-FT's alpha; without
    ``incorrect_prior`` a third is expected, as it learns from.
    """

    arch: Architecture = option("mobilenetv2", "The network.")
    head: Head = option("classic", "Its last layers (mobilenetv2).", group=_NETWORK)
    alpha: float = option(
        1.0, "Its width (mobilenetv2).", group=_NETWORK, metavar="|".join(f"{width:g}" for width in ALPHAS)
    )
    size: int = option(224, "Side of its input in pixels.", least=32, most=1024)
    hidden: int = option(128, "Units of its hidden layer.", group=_NETWORK, least=1, most=8192)
    dropout: float = option(0.5, "Share of them dropped while training.", group=_NETWORK, least=0, most=0.95)
    weights: str = option("auto", "auto, packaged, imagenet, none, a folder or file.", metavar="WHICH")
    classes: int = option(2, "3 adds incorrect_mask.", least=2, most=3)
    incorrect: Incorrect = option(
        "drop", "Label of badly worn masks: drop, with_mask, without_mask.", group=_FACES, metavar="LABEL|drop"
    )
    augment: Policy = option("street", "What images go through.", metavar="none|classic|mild|street")
    views: int = option(3, "Augmented views in the head phase.", group=_LEARNS, least=1, most=100)
    head_epochs: int = option(12, "Passes of the head phase.", group=_LEARNS, least=0, most=10_000)
    head_limit: int | None = option(None, "Most images the head phase looks at.", group=_LEARNS)
    fine_tune: str = option(
        "auto",
        "The backbone learns from this block on.",
        metavar="auto|all|none|BLOCK",
        shown="auto: 13, or all with --weights none",
    )
    epochs: int = option(5, "Passes through the network.", least=0, most=10_000)
    batch_size: int = option(32, "Images a step.", least=1, most=65_536)
    optimizer: Optimizer = option("adam", "For passes through the network.", group=_LEARNS)
    lr: float = option(1.5e-4, "Highest learning rate.", metavar="X", least=1e-9, most=10)
    head_lr: float = option(2e-3, "Highest learning rate there.", group=_LEARNS, metavar="X", least=1e-9, most=10)
    warmup: float = option(0.08, "Share of steps over which it rises.", group=_LEARNS, least=0, most=0.9)
    label_smoothing: float = option(0.05, "How far targets stay from 0 and 1.", group=_LEARNS, least=0, most=0.49)
    ema: float = option(0.0, "Momentum of averaged weights.", group=_LEARNS, metavar="X", least=0, most=0.99999)
    wise: float = option(1.0, "Share of its changes that is kept (WiSE-FT).", group=_LEARNS, least=0, most=1)
    soup: int = option(1, "Runs whose weights are averaged; with --augment none.", group=_LEARNS, least=1, most=100)
    incorrect_prior: float | None = option(
        None, "Share of badly worn masks in use (3 classes).", group=_LEARNS, metavar="X"
    )
    patience: int = option(4, "Epochs without progress until it stops.", group=_LEARNS, least=1, most=10_000)
    balance: bool = option(True, "Every class equally often.", group=_FACES)
    val_fraction: float = option(0.2, "Held out where there are no splits.", group=_FACES, least=0.01, most=0.9)
    group_by: str | None = option(None, PERSON, group=_FACES, metavar="REGEX")
    margin: float = option(1.15, "How far detect widens faces.", group=_KEPT, least=0.5, most=4)
    margin_high: float = option(1.0, "How far it heightens them.", group=_KEPT, least=0.5, most=4)
    precision: Precision = option("auto", "auto, float32 or mixed_float16.", group=_LEARNS, metavar="NAME")
    litert: LiteRT = option("float32", "Weights of model.tflite.", group=_KEPT)
    compact: bool = option(False, "Round weights to 16 bits and compress them.", group=_KEPT)
    checkpoint_s: float = option(120.0, "Seconds between checkpoints.", group=_KEPT)
    seed: int = option(0, "Everything random follows from it.", metavar="N", least=0, most=2**32 - 1)

    def __post_init__(self) -> None:
        options.check(self)
        if self.arch == "mobilenetv2" and self.alpha not in ALPHAS:
            raise InputError(f"--alpha takes {', '.join(map(str, ALPHAS))}; got {self.alpha}")
        if self.incorrect_prior is not None:
            if self.classes != 3:
                raise InputError("--incorrect-prior needs --classes 3")
            if not 0 < self.incorrect_prior < 1:
                raise InputError(f"--incorrect-prior takes a share between 0 and 1, got {self.incorrect_prior}")
        if self.fine_tune == "auto":
            object.__setattr__(self, "fine_tune", "all" if self.weights == "none" else "13")
        if self.fine_tune not in ("all", "none") and not self.fine_tune.isdigit():
            raise InputError(f"--fine-tune takes auto, all, none or a block's number, got {self.fine_tune!r}")
        if self.soup > 1 and (self.augment != "none" or self.fine_tune in ("all", "none", "0")):
            raise InputError(
                "--soup learns from what the blocks before --fine-tune say of an image, worked out once: use --augment "
                f"none and a block from 1 on, 13 say; got {self.augment} and {self.fine_tune}"
            )

    @property
    def input_size_wh(self) -> tuple[int, int]:
        return self.size, self.size

    @property
    def margin_wh(self) -> tuple[float, float]:
        return self.margin, self.margin_high

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``from_json`` turns back into equal settings."""
        return options.to_json(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The settings that ``to_json`` wrote, also within a model folder's ``config``.

        Raises:
            InputError: a name is unknown or a value cannot be.
        """
        return options.from_json(cls, {name: value for name, value in values.items() if name not in RECORDED})
