"""Masks of other packages: folders of masks that they register by entry point (``maskgen.templates``).

    [project.entry-points."maskgen.templates"]
    party = "party_masks.wardrobe"

names a package, that is a folder beside the code, which holds one folder a mask.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from maskgen.io.registry import Registry

logger = logging.getLogger(__name__)


def _wrong(_name: str, found: Any) -> str | None:
    if not hasattr(found, "__path__"):
        return f"{getattr(found, '__name__', type(found).__name__)} is no package, that is no folder"
    return None if _folders(found) else f"no masks in {_place(found)}; each is a folder with mask.png and mask.json"


FOLDERS: Final[Registry[Any]] = Registry("maskgen.templates", "folder of masks", {}, _wrong)
"""Packages that are folders of masks, by name."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The masks of plug-ins.

    Attributes:
        masks: their folders, by name.
        owners: the package of each, with its version.
        lost: lines about those that cannot be used.
    """

    masks: dict[str, Path] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


@functools.cache
def installed(taken: frozenset[str], check: Callable[[Path], list[str]]) -> Installed:
    """Masks that can be used, and those that cannot: looked at once in a process, and told to the log.

    Args:
        taken: names that are spoken for.
        check: what is wrong with a mask's folder; empty when all is well.
    """
    masks: dict[str, Path] = {}
    owners: dict[str, str] = {}
    lost: list[str] = []
    for plugin in FOLDERS.plugins:
        for folder in _folders(FOLDERS.load(plugin.name)):
            name = folder.name
            problems = check(folder)
            if name in taken:
                problems = ["maskgen has a mask of that name; rename it"]
            elif name in owners:
                masks.pop(name, None)
                problems = [f"{owners[name]} has a mask of that name too; uninstall one of them"]
            owners.setdefault(name, plugin.package)
            if problems:
                lost.append(f'mask "{name}" of {plugin.package} is left out: {problems[0]}')
            else:
                masks[name] = folder
    if multiprocessing.parent_process() is None:  # workers would say it again
        for line in lost:
            logger.warning("%s", line)
    return Installed(masks, owners, tuple(lost))


def _place(package: Any) -> Path:
    return Path(next(iter(package.__path__)))


def _folders(package: Any) -> list[Path]:
    return sorted(path.parent for path in _place(package).glob("*/mask.json"))
