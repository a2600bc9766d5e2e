"""How a training run is carried out, whatever it learns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from maskgen.io.options import option

RECORDED: Final = frozenset({"first_weights", "strides", "nms_iou"})
"""What ``config`` of a model folder holds beside the settings of its run."""

_RUN: Final = "How it runs"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``maskgen train`` and ``train-detector`` are told beyond the settings of the model."""

    resume: bool = option(False, "Go on where this run stopped.", group=_RUN)
    overwrite: bool = option(False, "Replace a finished model.", group=_RUN)
    threads: int = option(2, "For reading and augmenting.", group=_RUN, least=1)
    tensorboard: Path | None = option(None, "A folder for TensorBoard's files.", group=_RUN, metavar="FOLDER")
