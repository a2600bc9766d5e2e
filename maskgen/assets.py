"""Where the files that ship with the package lie: in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path

from maskgen.errors import MaskgenError


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
