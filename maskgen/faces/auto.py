"""The best detector whose model file is present."""

from __future__ import annotations

from typing import Final

PREFERENCE: Final[tuple[tuple[str, str | None], ...]] = (
    ("yunet", "yunet"),
    ("onestage", "detector"),
    ("hog", None),
)
"""Best first: a detector, and the name under which ``weights`` knows its file."""


def choose() -> str:
    """The first of ``PREFERENCE`` that needs no file or has it on this machine.

    Nothing is downloaded: a run must not change its detector when a network
    comes and goes.
    """
    from maskgen import weights

    return next(name for name, file in PREFERENCE if file is None or weights.locate(file) is not None)
