"""What decides the bytes of a dataset: every setting of ``maskgen generate`` that changes an image.

Workers get it as plain values; ``run.json`` holds it; a folder is only ever
continued under the settings that began it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from maskgen.errors import InputError
from maskgen.types import LABELS, WEARS, Label, Wear

Strength = Literal["none", "mild", "street"]
CountAs = Literal["skip", "with_mask", "without_mask"]
ScarfLabel = Literal["without_mask", "with_mask", "skip"]
Crop = Literal["face", "scene"]

EXTENSIONS: Final = ("jpg", "png", "webp")


@dataclass(frozen=True, slots=True)
class Settings:
    """See ``maskgen generate --help``; names differ from the options only by the underscore.

    Attributes:
        output: root of the dataset folder, a path or an address; the only
            field that changes no byte.
        masks: names of templates, empty for all.
        masks_dir: a folder of templates, None for the packaged ones.
        wardrobe: digest of the templates, so that a run is not continued with
            other pictures.
        wears: how masks are worn, empty for what the classes call for.
        classes: 2 or 3.
        count_incorrect_as: with two classes, what an incorrectly worn mask is.
        confusers: share of the unmasked images in which something else covers
            the face.
        accessories: share of the images with glasses, a cap or hair.
        turn: share of the images in which the head is turned further than it
            was photographed; none in scenes.
        camera: how hard the camera treats the picture.
        scarf_label: what a scarf or bandana pulled over the nose counts as.
        per_face: images per face and class.
        crop: ``face`` or ``scene``.
        size: side of a written face, pixels.
        split: shares of train, val and test.
        seed: of the run.
        group_by: None, ``folder`` or a regular expression.
        detector: name of the face detector.
        predictor: file of the 68-point model, None for the one found.
        extension: of the written images.
        quality: of JPEG and WebP.
        min_face: smaller faces are left out; longer side in the photo's pixels.
        max_side: photos are decoded no larger; 0 for no limit.
        keep_masked: people who wear a mask already are taken for bare ones.
    """

    output: str
    masks: tuple[str, ...] = ()
    masks_dir: str | None = None
    wardrobe: str = ""
    wears: tuple[Wear, ...] = ()
    classes: int = 2
    count_incorrect_as: CountAs = "skip"
    confusers: float = 0.12
    accessories: float = 0.2
    turn: float = 0.0
    camera: Strength = "street"
    scarf_label: ScarfLabel = "without_mask"
    per_face: int = 1
    crop: Crop = "face"
    size: int = 224
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    group_by: str | None = None
    detector: str = "auto"
    predictor: str | None = None
    extension: str = "jpg"
    quality: int = 92
    min_face: int = 24
    max_side: int = 2048
    keep_masked: bool = False

    def __post_init__(self) -> None:
        def need(held: bool, what: str) -> None:
            if not held:
                raise InputError(what)

        need(self.classes in (2, 3), f"--classes takes 2 or 3, got {self.classes}")
        need(1 <= self.per_face <= 10_000, f"--per-face takes 1 to 10000, got {self.per_face}")
        need(16 <= self.size <= 2048, f"--size takes 16 to 2048 pixels, got {self.size}")
        need(1 <= self.quality <= 100, f"--quality takes 1 to 100, got {self.quality}")
        need(self.min_face >= 1, f"--min-face takes at least 1 pixel, got {self.min_face}")
        need(self.max_side == 0 or self.max_side >= 64, f"--max-side takes 0 or at least 64, got {self.max_side}")
        need(0 <= self.confusers <= 1, f"--confusers takes a share of 0 to 1, got {self.confusers}")
        need(0 <= self.accessories <= 1, f"--accessories takes a share of 0 to 1, got {self.accessories}")
        need(0 <= self.turn <= 1, f"--turn takes a share of 0 to 1, got {self.turn}")
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
        for name, value, choices in (
            ("--camera", self.camera, get_args(Strength)),
            ("--crop", self.crop, get_args(Crop)),
            ("--count-incorrect-as", self.count_incorrect_as, get_args(CountAs)),
            ("--scarf-label", self.scarf_label, get_args(ScarfLabel)),
        ):
            need(value in choices, f"{name} takes {', '.join(choices)}; got {value!r}")
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
        return {
            f.name: list(value) if isinstance(value := getattr(self, f.name), tuple) else value
            for f in dataclasses.fields(self)
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Settings:
        """The settings that ``to_json`` wrote.

        Raises:
            InputError: a field is unknown or out of bounds.
        """
        known = {f.name for f in dataclasses.fields(Settings)}
        if unknown := set(data) - known:
            raise InputError(f"settings of another version of maskgen: {sorted(unknown)} unknown")
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        try:
            return Settings(**plain)
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"settings that maskgen did not write: {error}") from error

    def differences(self, other: Settings) -> list[str]:
        """The options in which two runs differ, worded ``--seed 0, not 1`` (theirs, not ours)."""
        words = []
        for f in dataclasses.fields(self):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            if f.name in ("output",) or mine == theirs:
                continue
            if f.name == "wardrobe":
                words.append("other mask pictures of the same names")
            else:
                words.append(f"--{f.name.replace('_', '-')} {_shown(theirs)}, not {_shown(mine)}")
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
