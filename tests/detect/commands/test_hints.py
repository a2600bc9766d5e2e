"""YuNet is mentioned once, to people."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect.commands import hints
from detect.detector import Detector
from maskgen import weights


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    notes: list[str] = []
    monkeypatch.setattr(hints, "note", notes.append)
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MASKGEN_OFFLINE", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    return notes


def found_by(name: str, painted: Detector) -> Detector:
    painted.found_by = name
    return painted


def test_once(told: list[str], painted: Detector) -> None:
    for _ in range(3):
        hints.mention_yunet(found_by("onestage", painted))
    (note,) = told
    assert "maskgen doctor --download yunet" in note


def test_not_where_it_is_used_or_nobody_looks(
    told: list[str], painted: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints.mention_yunet(found_by("fused", painted))
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    hints.mention_yunet(found_by("onestage", painted))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(weights, "locate", lambda name: Path(name))
    hints.mention_yunet(found_by("onestage", painted))
    assert told == []
