"""What people are told once: that a second face detector can be had."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from detect.commands.common import note
from detect.detector import OWN, Detector
from maskgen import weights

_TOLD: Final = "told-of-yunet"


def mention_yunet(detector: Detector) -> None:
    """Say on a terminal, once on a machine, that YuNet's file would find more faces."""
    if detector.found_by != OWN or sys.stderr is None or not sys.stderr.isatty() or weights.offline():
        return
    told = weights.cache_dir() / _TOLD
    if weights.locate("yunet") is not None or told.exists():
        return
    note("maskgen: more bare faces are found with a second face detector: maskgen doctor --download yunet")
    with contextlib.suppress(OSError):  # a home that cannot be written to is told again
        told.parent.mkdir(parents=True, exist_ok=True)
        told.touch()
