"""Addresses of other kinds, opened by plug-ins."""

from __future__ import annotations

from typing import Any

import pytest

from detect.sources import SOURCES, open_source
from maskgen.errors import SourceError
from maskgen.io.registry import Plugin


def test_a_plug_in_opens_what_stands_under_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def open_drum(address: str, **options: Any) -> Any:
        asked.append((address, options))
        return "a source"

    monkeypatch.setattr(SOURCES, "_plugins", {"drum": Plugin("detect.sources", "drum", "drums 1.0", "drums:open")})
    monkeypatch.setattr(SOURCES, "_loaded", {"drum": open_drum})
    assert open_source("DRUM://bass", live=True, give_up_s=2.0) == "a source"
    ((address, options),) = asked
    assert address == "DRUM://bass"
    assert options == {"live": True, "loop": False, "give_up_s": 2.0, "open_timeout_s": 10.0, "read_timeout_s": 10.0}


def test_what_nobody_registered_is_left_to_ffmpeg() -> None:
    with pytest.raises(SourceError, match="drum://"):
        open_source("drum://bass", live=True, give_up_s=0.0, open_timeout_s=2.0)
