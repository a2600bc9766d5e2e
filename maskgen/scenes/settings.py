"""What decides the bytes of a folder of scenes: the settings of ``maskgen compose``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskgen.dataset.settings import Strength, split_option
from maskgen.io import options
from maskgen.io.options import option


def _paths(given: Sequence[Path]) -> tuple[str, ...]:
    return tuple(map(str, given))


def _several(help: str, metavar: str) -> Any:
    """An option that may be given more than once."""
    return option((), help, metavar=metavar, typed=list[Path], read=_paths, show=list)


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``maskgen compose`` draws; its options say what each field means.

    Attributes:
        datasets: folders that ``maskgen generate --crop scene`` wrote.
    """

    datasets: tuple[str, ...]
    scenes: int = option(1000, "How many, all splits together.", "--scenes", "-n", least=1)
    size: int = option(416, "Longer side of a scene in pixels; 4:3, 3:4, 1:1 and 16:9 occur.", least=64, most=4096)
    split: tuple[float, float, float] = split_option((0.95, 0.05, 0.0))
    seed: int = option(0, "The same seed draws the same scenes.")
    backgrounds: tuple[str, ...] = _several("Pictures that show nobody; may be said again.", "FOLDER")
    backgrounds_coco: tuple[str, ...] = _several("The parts of its pictures without a box serve too.", "COCO.json")
    camera: Strength = option("street", "How hard the camera treats scenes.")
    quality: int = option(90, "Of the JPEG files.", least=1, most=100)

    def __post_init__(self) -> None:
        options.check(self)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How ``maskgen compose`` runs; nothing here changes a byte of the scenes."""

    workers: int = option(0, "Processes; 0: one a core.", least=0)
    overwrite: bool = option(False, "Delete the scenes that the folder holds, and begin anew.")
