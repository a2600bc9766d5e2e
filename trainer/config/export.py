"""How a trained network is exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskgen.io.options import option

Format = Literal["litert", "onnx", "saved_model"]
Quantize = Literal["none", "float16", "int8"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What ``maskgen export`` is told."""

    to: Format = option("litert", "The format.")
    quantize: Quantize = option("none", "How LiteRT stores the weights.")
    output: Path | None = option(
        None, "Where to; a model that ships needs it.", metavar="PATH", shown="into the model folder"
    )
    crops: Path | None = option(None, "Real faces (or scenes) to check on, and to calibrate int8.", metavar="DATASET")
    max_shift: float | None = option(None, "Refuse a file that moves a probability by more.", least=0)
    overwrite: bool = option(False, "Replace a file or SavedModel that is there.")
