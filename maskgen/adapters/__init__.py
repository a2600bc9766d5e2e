"""``MaskTransform`` in other people's libraries: one module each, loaded only where it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from maskgen.errors import MaskgenError


class MissingExtraError(MaskgenError, ImportError):
    """An adapter's library is not installed."""


def need(module: str, package: str | None = None) -> Any:
    """A library that only one adapter needs.

    Raises:
        MissingExtraError: it is not installed; the message names what to install.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = package or module
        raise MissingExtraError(
            f"this adapter needs {package}, which cannot be imported ({error}); pip install {package}"
        ) from error
