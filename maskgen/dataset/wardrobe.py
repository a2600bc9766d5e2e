"""Masks of a run: which are drawn, whether they can be worn as asked, what their pictures sum up to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maskgen.dataset.settings import Settings
from maskgen.errors import InputError

if TYPE_CHECKING:
    from maskgen.io.registry import Plugin
    from maskgen.templates.template import MaskTemplate


def open_wardrobe(settings: Settings) -> Mapping[str, MaskTemplate]:
    """The templates that the settings name.

    Raises:
        InputError: there is none.
    """
    from maskgen.templates.reader import load_wardrobe

    folder = Path(settings.masks_dir) if settings.masks_dir else None
    wardrobe = load_wardrobe(folder, settings.masks or None)
    if not wardrobe:
        raise InputError(f"no masks in {folder or 'the package'}; see maskgen masks list")
    return wardrobe


def masks_in_use(settings: Settings) -> dict[str, Path]:
    """The folders of the masks that are drawn, by name.

    Raises:
        TemplateError: there is no such mask.
    """
    from maskgen.templates.reader import find_masks

    return find_masks(Path(settings.masks_dir) if settings.masks_dir else None, settings.masks or None)


def check_wears(settings: Settings, masks: dict[str, Path]) -> None:
    """Whether masks can be worn as the settings ask.

    Raises:
        InputError: a wear that is named, or every usual one, is beyond them all.
    """
    from maskgen.render.sampling import INCORRECT, unwearable
    from maskgen.templates.reader import wears_of

    worn = {wear for folder in masks.values() for wear in wears_of(folder)}
    beyond = [wear for wear in settings.wears if wear not in worn]
    if beyond:
        raise unwearable(beyond, worn)
    usual = [wear for wear, _ in INCORRECT]
    badly_worn = settings.classes == 3 or settings.count_incorrect_as != "skip"
    if badly_worn and not settings.wears and worn.isdisjoint(usual):
        raise unwearable(usual, worn)


def digest(masks: dict[str, Path], plugins: Sequence[Plugin] = ()) -> str:
    """12 hex digits that stand for the pictures of masks, and for what plug-ins draw beside them."""
    summed = hashlib.sha256()
    for name, folder in masks.items():
        for path in sorted(folder.iterdir()):
            if path.suffix in (".png", ".json"):
                summed.update(f"{name}/{path.name}".encode())
                summed.update(path.read_bytes())
    for plugin in plugins:
        summed.update(str(plugin).encode())
    return summed.hexdigest()[:12]
