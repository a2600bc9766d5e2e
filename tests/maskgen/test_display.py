"""The window probe: no display, a stale one, a real one under Xvfb; this process survives them all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from maskgen import display

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays by name are X11's")

_AV_CAME_FIRST = display._av_came_first


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(display, "_av_came_first", lambda modules: False)  # other tests import what they like
    probe = display._probe
    probe.cache_clear()
    yield
    probe.cache_clear()


@linux
def test_no_display() -> None:
    window = display.probe()
    assert not window.available
    assert not display.has_window()
    assert window.reason == "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    assert window.opencv is not None
    assert window.framework


@linux
def test_a_stale_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPLAY", ":987")
    window = display.probe()
    assert not window.available
    assert window.reason == "the display :987 cannot be opened"
    assert not list(tmp_path.iterdir())  # no core file


@linux
@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs xvfb-run (apt-get install xvfb)")
def test_a_real_window() -> None:
    code = "from maskgen import display; print(display.probe())"
    done = subprocess.run(
        ["xvfb-run", "--auto-servernum", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "available=True" in done.stdout


def test_the_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def run(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        calls.append(1)
        return subprocess.CompletedProcess([], 0, b"4.14.0 QT\n", b"")

    monkeypatch.setattr(subprocess, "run", run)
    assert display.has_window()
    assert display.probe() == display.Window(True, "4.14.0", "QT", "")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("modules", "hangs"),
    [
        (["sys", "av", "cv2"], True),
        (["sys", "av", "av.error"], True),
        (["sys", "cv2", "av"], False),
        (["sys", "cv2"], False),
        (["sys"], False),
    ],
)
def test_no_window_beside_a_pyav_that_came_first(
    monkeypatch: pytest.MonkeyPatch, modules: list[str], hangs: bool
) -> None:
    monkeypatch.setattr(display, "_av_came_first", lambda _: _AV_CAME_FIRST(modules))
    monkeypatch.setattr(display, "_probe", lambda *_: display.Window(True, "4.14.0", "QT", ""))
    assert display.has_window() is not hangs
    assert ("import cv2 before av" in display.probe().reason) is hangs
    monkeypatch.setattr(display, "_probe", lambda *_: display.Window(True, "4.14.0", "COCOA", ""))
    assert display.has_window()


@pytest.mark.parametrize(
    ("code", "out", "reason"),
    [
        (3, b"4.14.0 none\n", "this OpenCV has no windows"),
        (4, b"libGL.so.1: cannot open shared object file\n", "OpenCV cannot be imported: libGL.so.1"),
        (-6, b"4.14.0 QT\n", "the display :5 cannot be opened"),
    ],
)
def test_what_the_probe_says(monkeypatch: pytest.MonkeyPatch, code: int, out: bytes, reason: str) -> None:
    monkeypatch.setenv("DISPLAY", ":5")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], code, out, b""))
    window = display.probe()
    assert not window.available
    assert window.reason.startswith(reason)


def test_a_display_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(display, "_PROBE", "print('4.14.0 QT', flush=True); import time; time.sleep(60)")
    window = display.probe()
    assert not window.available
    assert window.framework == "QT"
    assert "did not answer" in window.reason
