"""Everything that the training of a detector can be told; kept in the model folder's ``bundle.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from maskgen.errors import InputError
from maskgen.io import options
from maskgen.io.options import option
from trainer.config.classifier import LiteRT
from trainer.config.run import RECORDED

IncorrectFaces = Literal["ignore", "with_mask", "without_mask"]
Keep = Literal["best", "last"]

AUTO: Final = -1
"""The value of ``freeze`` that hangs on the first weights."""

_NETWORK, _LEARNS, _SCENES, _KEPT = "The network", "How it learns", "What it learns from", "What is kept"


def _freeze(text: str) -> int:
    if text == "auto":
        return AUTO
    if text.isdigit():
        return int(text)
    raise InputError(f"--freeze takes auto or a number of blocks, got {text!r}")


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """The settings of ``maskgen train-detector``; its options say what each field means.

    ``freeze=AUTO`` is 0 where the network starts from random values, which no
    block may keep, else 3. The weight decay is AdamW's, of kernels only.
    """

    classes: int = option(2, "3 adds incorrect_mask.", least=2, most=3)
    incorrect: IncorrectFaces = option(
        "without_mask",
        "Label of badly worn masks: ignore, with_mask, without_mask.",
        group=_SCENES,
        metavar="LABEL|ignore",
    )
    weights: str = option("auto", "auto, packaged, imagenet, none or a detector.", metavar="WHICH")
    width: int = option(64, "Channels of its pyramid and head.", group=_NETWORK, least=8, most=512)
    freeze: int = option(
        AUTO,
        "Blocks of the backbone that stay as they are.",
        metavar="auto|N",
        shown="auto: 3, or 0 with --weights none",
        typed=str,
        read=_freeze,
        show=lambda blocks: "auto" if blocks == AUTO else str(blocks),
    )
    sizes: tuple[int, ...] = option((256, 320, 384), "Sides of training pictures.", metavar="PX,PX")
    zoom: tuple[float, float] = option(
        (0.5, 1.8), "Least and most that a scene is enlarged by.", group=_LEARNS, metavar="X,X"
    )
    mosaic: float = option(0.25, "Share of pictures put together from four.", group=_LEARNS, least=0, most=1)
    min_face_px: float = option(
        5.0, "Ignore faces with a shorter side.", "--min-face", group=_SCENES, least=0, most=1000
    )
    also_share: float = option(0.3, "Share of training pictures from --also.", group=_SCENES, least=0, most=1)
    epochs: int = option(20, "Passes over the scenes.", least=1, most=10_000)
    batch_size: int = option(16, "Pictures a step.", least=1, most=4096)
    lr: float = option(1e-3, "Highest learning rate.", metavar="X", least=1e-9, most=10)
    weight_decay: float = option(0.02, "Of AdamW.", group=_LEARNS, least=0, most=10)
    warmup: float = option(0.05, "Share of the steps over which the rate rises.", group=_LEARNS, least=0, most=0.9)
    ema: float = option(
        0.998, "Momentum of averaged weights; 0: none.", group=_LEARNS, metavar="X", least=0, most=0.99999
    )
    keep: Keep = option("best", "Which epoch's weights stay.", group=_KEPT)
    val_fraction: float = option(0.1, "Held out where there are no splits.", group=_SCENES, least=0.01, most=0.9)
    longer_side: int = option(448, "Of pictures in use; 0: as they are.", least=0, most=4096)
    litert: LiteRT = option("float16", "Weights of model.tflite.", group=_KEPT)
    checkpoint_s: float = option(120.0, "Seconds between checkpoints.", group=_KEPT)
    seed: int = option(0, "Everything random follows from it.", metavar="N", least=0, most=2**32 - 1)

    def __post_init__(self) -> None:
        if self.freeze == AUTO:
            object.__setattr__(self, "freeze", 0 if self.weights == "none" else 3)
        options.check(self)
        if not 0 <= self.freeze <= 14:
            raise InputError(f"--freeze takes 0 to 14, got {self.freeze}")
        if not self.sizes or any(size % 32 or not 64 <= size <= 2048 for size in self.sizes):
            raise InputError(f"--sizes takes multiples of 32 from 64 to 2048, got {list(self.sizes)}")
        if len(self.zoom) != 2 or not 0.05 <= self.zoom[0] <= self.zoom[1] <= 20:
            raise InputError(f"--zoom takes two numbers from 0.05 to 20, the smaller first, got {list(self.zoom)}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the network's scores, in order."""
        return ("with_mask", "without_mask", "incorrect_mask")[: self.classes]

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``from_json`` turns back into equal settings."""
        return options.to_json(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DetectorConfig:
        """The settings that ``to_json`` wrote, also within a model folder's ``config``.

        Raises:
            InputError: a name is unknown or a value cannot be.
        """
        return options.from_json(cls, {name: value for name, value in values.items() if name not in RECORDED})
