"""What decides the bytes of a dataset: every setting of ``maskgen generate`` that changes an image.

Workers get it as plain values; ``run.json`` holds it; a folder is only ever
continued under the settings that began it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from maskgen.errors import InputError
from maskgen.io import options
from maskgen.io.options import option
from maskgen.labels import LABELS, WEARS, Label, Wear

Strength = Literal["none", "mild", "street"]
CountAs = Literal["skip", "with_mask", "without_mask"]
ScarfLabel = Literal["without_mask", "with_mask", "skip"]
Crop = Literal["face", "scene"]

EXTENSIONS: Final = ("jpg", "png", "webp")

_DRAWN, _WRITTEN, _RUN = "What is drawn", "What is written", "How it runs"


def _shares(text: str) -> tuple[float, float, float]:
    from maskgen.dataset.split import parse_fractions

    return parse_fractions(text)


def split_option(default: tuple[float, float, float]) -> Any:
    """The option ``--split`` of whatever is written in three splits."""
    text = "/".join(f"{100 * share:g}" for share in default)
    return option(
        default, "Shares of train, val and test.", metavar=text, typed=str, read=_shares, show=lambda shares: text
    )


def _extension(text: str) -> str:
    return text.lstrip(".").replace("jpeg", "jpg")


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``maskgen generate`` draws and writes; its options say what each field means.

    Attributes:
        output: root of the dataset folder, a path or an address; the only
            field that changes no byte.
        wardrobe: digest of the templates, so that a run is not continued with
            other pictures.
    """

    output: str
    masks: tuple[str, ...] = option((), "Names of masks, with commas.", metavar="NAMES", shown="all")
    masks_dir: str | None = option(
        None, "A folder of masks to use in place of ours.", group=_DRAWN, metavar="FOLDER", typed=Path | None, read=str
    )
    wardrobe: str = ""
    wears: tuple[Wear, ...] = option(
        (), f"How masks are worn, with commas: {', '.join(WEARS)}.", "--wear", metavar="NAMES", shown="all but chin_out"
    )
    classes: int = option(2, "3 writes incorrect_mask as well.", least=2, most=3)
    count_incorrect_as: CountAs = option(
        "skip", "Label of badly worn masks: skip, with_mask, without_mask.", group=_DRAWN, metavar="LABEL|skip"
    )
    confusers: float = option(0.12, "Share of bare faces behind a hand, cup...", least=0, most=1)
    accessories: float = option(0.2, "Share of faces with glasses, a cap or hair.", group=_DRAWN, least=0, most=1)
    turn: float = option(0.0, "Share of heads turned 12 to 45 degrees further.", group=_DRAWN, least=0, most=1)
    camera: Strength = option("street", "How hard the camera treats pictures.", group=_DRAWN)
    scarf_label: ScarfLabel = option(
        "without_mask", "Label of a scarf over the nose, or skip.", group=_DRAWN, metavar="LABEL|skip"
    )
    per_face: int = option(1, "Images of each class for every face.", least=1, most=10_000)
    crop: Crop = option("face", "A square around each face, or the whole photo.")
    size: int = option(224, "Side of a written face in pixels.", least=16, most=2048)
    split: tuple[float, float, float] = split_option((0.8, 0.1, 0.1))
    seed: int = option(0, "The same seed draws the same images.")
    group_by: str | None = option(
        None, "Keep a person in one split, by folder or path.", group=_WRITTEN,
        metavar="folder|REGEX",
    )  # fmt: skip
    detector: str = option("auto", "auto, hog, yunet, onestage, cnn, haar, ssd or mtcnn.", group=_RUN, metavar="NAME")
    predictor: str | None = option(
        None, "dlib's 68-point model.", group=_RUN, metavar="FILE", typed=Path | None, read=str
    )
    extension: str = option(
        "jpg", "Written as jpg, png or webp.", "--image", group=_WRITTEN, metavar="|".join(EXTENSIONS), read=_extension
    )
    quality: int = option(92, "Of JPEG and WebP.", group=_WRITTEN, least=1, most=100)
    min_face: int = option(24, "Leave out smaller faces; pixels of the photo.", group=_RUN, least=1)
    max_side: int = option(2048, "Read photos no larger, in pixels; 0: any.", group=_RUN)
    keep_masked: bool = option(False, "Keep people who wear a mask already.", group=_DRAWN)

    def __post_init__(self) -> None:
        options.check(self)

        def need(held: bool, what: str) -> None:
            if not held:
                raise InputError(what)

        need(self.max_side == 0 or self.max_side >= 64, f"--max-side takes 0 or at least 64, got {self.max_side}")
        need(not (self.turn and self.crop == "scene"), "--turn needs --crop face: a scene keeps its heads")
        shares = len(self.split) == 3 and min(self.split) >= 0 and math.isclose(sum(self.split), 1, abs_tol=1e-6)
        need(shares, f"split takes three shares that add up to 1, got {self.split}")
        need(self.extension in EXTENSIONS, f"images are written as {', '.join(EXTENSIONS)}, not {self.extension!r}")
        for wear in self.wears:
            need(wear in WEARS, f"--wear takes {', '.join(WEARS)}; got {wear!r}")
        bad = [wear for wear in self.wears if wear != "correct"]
        remedy = f"--wear {','.join(self.wears)} draws nothing for"
        if self.classes == 3:
            need(not self.wears or "correct" in self.wears, f"{remedy} with_mask; add correct")
            need(not self.wears or bool(bad), f"{remedy} incorrect_mask; add nose_out or another")
        elif self.wears and "correct" not in self.wears:
            words = "; use --count-incorrect-as with_mask, or --classes 3"
            need(self.count_incorrect_as == "with_mask", f"{remedy} with_mask{words}")
        if self.group_by not in (None, "folder"):
            try:
                re.compile(str(self.group_by))
            except re.error as error:
                raise InputError(
                    f"--group-by takes folder or a regular expression, got {self.group_by!r}: {error}"
                ) from error

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes that are written."""
        return LABELS if self.classes == 3 else LABELS[:2]

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``from_json`` undoes it."""
        return options.to_json(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Settings:
        """The settings that ``to_json`` wrote.

        Raises:
            InputError: a field is unknown or out of bounds.
        """
        return options.from_json(Settings, data)

    def differences(self, other: Settings) -> list[str]:
        """The options in which two runs differ, worded ``--seed 0, not 1`` (theirs, not ours)."""
        words = []
        for f in fields(self):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            if f.name in ("output",) or mine == theirs:
                continue
            if f.name == "wardrobe":
                words.append("other mask pictures of the same names")
            else:
                words.append(f"{options.name_of(self, f.name)} {_shown(theirs)}, not {_shown(mine)}")
        return words

    def digest(self) -> str:
        """12 hex digits that stand for the settings."""
        data = self.to_json()
        del data["output"]
        return hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:12]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "(all)"
    return "(none)" if value is None else str(value)


@dataclass(slots=True)
class RunOptions:
    """How ``maskgen generate`` runs; nothing here changes a byte of the dataset."""

    engine: str = option("local", "local, or ray for a cluster.", group=_RUN, metavar="local|ray")
    workers: int = option(0, "Processes; 0: one a core.", group=_RUN, least=0)
    timeout_s: float = option(120.0, "Seconds to wait for an image of a photo.", "--timeout", group=_RUN, least=0.1)
    ray_address: str | None = option(None, "Of a running Ray cluster, such as auto.", group=_RUN)
    overwrite: bool = option(False, "Delete the dataset that OUT holds, and begin anew.", group=_RUN)
    retry: tuple[str, ...] = option(
        (), "Try again what was skipped for these reasons, or all.", group=_RUN, metavar="REASONS"
    )
