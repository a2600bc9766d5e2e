"""The best detector whose model file is present."""

from __future__ import annotations

from typing import Final

PREFERENCE: Final[tuple[tuple[str, str | None], ...]] = (
    ("yunet", "yunet"),
    ("onestage", "detector"),
    ("hog", None),
)
"""Best first: a detector, and the name under which ``weights`` knows its file."""


FOR_MASKS: Final = tuple(pair for pair in PREFERENCE if pair[0] != "onestage")
"""The same for laying masks on: the one-stage detector once took a round emblem for a face to draw on."""


def choose(preference: tuple[tuple[str, str | None], ...] = PREFERENCE) -> str:
    """The first of ``preference`` that needs no file or has it on this machine.

    Nothing is downloaded: a run must not change its detector when a network
    comes and goes.
    """
    from maskgen import weights

    return next(name for name, file in preference if file is None or weights.locate(file) is not None)
