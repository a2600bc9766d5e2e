"""Where the files that ship with the package lie: in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from maskgen.errors import MaskgenError

BUNDLE_NAME: Final = "bundle.json"
"""The file by which a model folder is known."""


def assets_dir(name: str) -> Path:
    """The folder of packaged files called ``name`` (``masks``, ``models``).

    Raises:
        MaskgenError: the installation carries no such folder.
    """
    package = Path(__file__).parent
    for candidate in (package / "_assets" / name, package.parent / "assets" / name):
        if candidate.is_dir():
            return candidate
    raise MaskgenError(f"no packaged folder assets/{name}; the installation is incomplete: install maskgen again")


def packaged_model(name: str) -> Path | None:
    """The model folder that ships with maskgen under a name; None where this installation carries none."""
    try:
        folder = assets_dir("models") / name
    except MaskgenError:
        return None
    return folder if (folder / BUNDLE_NAME).is_file() else None
