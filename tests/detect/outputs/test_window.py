"""The window, on an X server of its own and on none."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from painting import paint
from servers import MjpegServer, TransportStream, free_port

from detect.outputs.base import StopWatching
from detect.outputs.window import Window
from detect.results import FrameResult

SHOWN = """
import sys
import numpy as np
from maskgen import display
assert display.has_window(), display.probe()
import cv2
from detect.results import FrameResult
from detect.outputs.base import StopWatching
from detect.outputs.window import TITLE, Window

keys = iter(sys.argv[2])
real = cv2.waitKey
def typed(ms):
    real(ms)
    return ord(next(keys, "q"))
cv2.waitKey = typed
window = Window(__import__("pathlib").Path(sys.argv[1]))
picture = np.full((120, 160, 3), 60, np.uint8)
shown = 0
try:
    for index in range(100):
        window.write(FrameResult(index, index / 10, picture), picture)
        shown += 1
except StopWatching:
    pass
window.close()
print(shown, len(window.saved))
"""


def script(path: Path, display: str | None, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if display is not None:
        environment["DISPLAY"] = display
    return subprocess.run(
        [sys.executable, "-c", SHOWN, str(path), *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def display() -> str:
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("needs Xvfb")
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    if not number:
        pytest.skip("Xvfb does not start here")
    yield f":{number}"  # type: ignore[misc]
    process.terminate()
    process.wait()


@pytest.mark.parametrize(
    ("keys", "shown", "saved"),
    [("xxq", 2, 0), ("xsxq", 3, 1), ("x s xxq", 4, 1)],
    ids=["q quits", "s saves", "space pauses and goes on"],
)
def test_keys(display: str, tmp_path: Path, keys: str, shown: int, saved: int) -> None:
    done = script(tmp_path, display, keys)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(shown), str(saved)]
    assert len(list(tmp_path.glob("maskgen-*.png"))) == saved


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
@pytest.mark.parametrize("name", [None, ":987"], ids=["no display", "a stale display"])
def test_without_a_display_nothing_aborts(name: str | None, tiny_model: Path, tmp_path: Path) -> None:
    from detect.outputs.mp4 import Mp4Writer

    writer = Mp4Writer(tmp_path / "clip.mp4", 10)
    for index in range(30):
        writer.write(np.full((120, 160, 3), 90, np.uint8), index / 10)
    writer.close()
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if name is not None:
        environment["DISPLAY"] = name
    words = ["detect", "webcam", str(tmp_path / "clip.mp4"), "-m", str(tiny_model), "--faces", "hog", "--port", "0"]
    # Without a display: the page. With one that does not answer, and a window wanted: one clear line.
    cases = [([], 0, "in a browser")] if name is None else [(["--window"], 1, "no window here")]
    for extra, code, story in cases:
        done = subprocess.run(
            [sys.executable, "-m", "maskgen.app", *words, "--seconds", "0.5", *extra],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        assert (done.returncode, story in done.stderr) == (code, True), done.stderr
        assert "Traceback" not in done.stderr


LIMIT_S = 3.0
"""The longest that a run may live on after it was told to end."""


@contextlib.contextmanager
def cameras(kind: str, clip: Path) -> Iterator[str]:
    """What ``detect webcam`` takes: a network camera, a stream, a file."""
    if kind == "http":
        with MjpegServer(lambda number: paint((160, 120), (20, 20, 50, bool(number % 2)))) as server:
            yield server.url
    elif kind == "stream":
        with TransportStream(clip, free_port()) as stream:
            yield stream.url
    else:
        yield str(clip)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of nothing much."""
    from detect.outputs.mp4 import Mp4Writer

    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    writer = Mp4Writer(path, 10)
    for index in range(100):
        writer.write(np.full((120, 160, 3), 90 + index, np.uint8), index / 10)
    writer.close()
    return path


def press_q(display: str) -> None:
    keys = shutil.which("xdotool")
    if keys is None:
        pytest.skip("needs xdotool")
    subprocess.run(
        [keys, "search", "--sync", "--onlyvisible", "--name", "^maskgen", "windowfocus", "--sync", "key", "q"],
        env={**os.environ, "DISPLAY": display},
        timeout=30,
        check=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("kind", "shown", "end"),
    [
        ("http", "--window", "q"),
        ("http", "--window", signal.SIGINT),
        ("http", "--window", signal.SIGTERM),
        ("stream", "--window", signal.SIGINT),
        ("file", "--window", "q"),
        ("http", "--page", signal.SIGINT),
        ("stream", "--page", signal.SIGTERM),
    ],
)
def test_a_camera_ends_when_it_is_told_to(
    display: str, clip: Path, tiny_model: Path, kind: str, shown: str, end: str | signal.Signals
) -> None:
    """PyAV loaded before OpenCV made the window hang, deaf to every key and signal."""
    with cameras(kind, clip) as address:
        words = ["detect", "webcam", address, "--json", "--loop", "-m", str(tiny_model), "--faces", "hog", shown]
        with subprocess.Popen(
            [sys.executable, "-m", "maskgen.app", *words, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "DISPLAY": display},
        ) as process:
            watchdog = threading.Timer(60, process.kill)
            watchdog.start()
            try:
                assert process.stdout is not None
                assert all(process.stdout.readline() for _ in range(5)), "it hung, or ended by itself"
                began_s = time.monotonic()
                press_q(display) if isinstance(end, str) else process.send_signal(end)
                _, stderr = process.communicate(timeout=30)
                took_s = time.monotonic() - began_s
            finally:
                watchdog.cancel()
                process.kill()
    assert b"Traceback" not in stderr, stderr.decode()
    # Which of the codes a signal gives is for test_video_command.py to say.
    assert process.returncode in ((0,) if end == "q" else (130,) if end == signal.SIGINT else (0, 130, 143))
    assert took_s < LIMIT_S


def test_closing_a_window_that_never_opened_is_nothing(tmp_path: Path) -> None:
    window = Window(tmp_path)
    window.write(FrameResult(0, 0.0, np.zeros((2, 2, 3), np.uint8)), None)
    window.close()
    assert issubclass(StopWatching, Exception)
