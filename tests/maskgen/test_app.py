"""The command as users meet it: started as a process, or in one with a failing command mounted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer

import maskgen
from maskgen import app as maskgen_app
from maskgen import images
from maskgen.cli import console
from maskgen.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAVY = (
    "numpy", "cv2", "dlib", "PIL", "tensorflow", "keras", "albumentations", "matplotlib", "sklearn", "skimage", "scipy",
    "pydantic", "pooch", "supervision", "trackers", "av", "jinja2", "ray", "fsspec", "ai_edge_litert",
)  # fmt: skip


def _maskgen(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "maskgen.app", *arguments],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_nothing_heavy_is_imported_for_the_help() -> None:
    code = f"import maskgen.app, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [[], ["train"], ["detect", "webcam"]])
def test_help_answers_at_once(words: list[str], tmp_path: Path) -> None:
    """Under half a second by the processor's clock: other tests keep the cores busy at the same time.

    The first answer only fills a bytecode cache, as an installation has one and a container with
    `PYTHONDONTWRITEBYTECODE` has none.
    """
    resource = pytest.importorskip("resource", reason="counts a child's processor time, which Windows does not tell")
    cached = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    seconds = []
    for _ in range(6):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        assert _maskgen(*words, "--help", **cached).returncode == 0
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(min(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    assert min(seconds[1:]) < 0.5


def test_help_names_every_command() -> None:
    text = _maskgen("--help").stdout.decode()
    for command in ("generate", "preview", "masks", "train", "train-detector", "evaluate", "detect", "demo", "doctor"):
        assert f" {command} " in text


def test_version() -> None:
    done = _maskgen("--version")
    assert done.returncode == 0
    assert done.stdout.decode().split() == ["maskgen", maskgen.__version__]


def test_wrong_words_exit_2() -> None:
    for words in (["nope"], ["--nope"], ["doctor", "--for", "nobody"]):
        done = _maskgen(*words)
        assert done.returncode == 2, words
        assert b"Traceback" not in done.stderr
    assert b"nobody" in done.stderr


def test_an_error_is_one_line(tmp_path: Path) -> None:
    done = _maskgen("doctor", "--download", "no\nsuch")
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"maskgen: no model file is called 'no\\nsuch'; there are classifier")


@pytest.mark.skipif(sys.platform == "win32", reason="names are text on Windows")
def test_a_name_that_is_no_utf8_is_printed() -> None:
    done = _maskgen(b"doctor", b"--download", b"f\xff.jpg", LC_ALL="C.UTF-8")
    assert done.returncode == 1
    assert b"udcff" in done.stderr or b"\\xff" in done.stderr
    assert b"UnicodeEncodeError" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_reader_that_leaves_is_no_error() -> None:
    # The reader has closed its end before maskgen writes the first byte.
    command = f"( sleep 0.1; exec {sys.executable} -m maskgen.app doctor --for train --json ) | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.stderr == b""


@pytest.fixture(autouse=True)
def _loggers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run main in this process leave its loggers alone."""
    monkeypatch.setattr(console, "log_to_stderr", lambda: None)


def _ending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: Callable[[], None]
) -> tuple[object, str]:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    monkeypatch.setattr(maskgen_app, "app", app)
    monkeypatch.setattr(sys, "argv", ["maskgen"])
    with pytest.raises(SystemExit) as ending:
        maskgen_app.main()
    return ending.value.code, capsys.readouterr().err


def test_what_the_project_raises(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise InputError("no such folder: a\nb; say another")

    assert _ending(monkeypatch, capsys, command) == (1, "maskgen: no such folder: a\\nb; say another\n")


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As on a machine that only detects, asked to train."""

    def command() -> None:
        raise ModuleNotFoundError("No module named 'albumentations'", name="albumentations")

    code, said = _ending(monkeypatch, capsys, command)
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("maskgen: albumentations is not installed (pip install albumentations); maskgen doctor")


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import errno

    def command() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out/a.jpg")

    assert _ending(monkeypatch, capsys, command) == (1, "maskgen: no space is left on the disk: out/a.jpg\n")


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise KeyboardInterrupt

    code, _ = _ending(monkeypatch, capsys, command)
    assert code == 130


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(("stop", "wanted"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("made_of_it", [None, ImportError])
def test_signals_have_their_codes_whatever_a_library_makes_of_them(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stop: signal.Signals,
    wanted: int,
    made_of_it: type[Exception] | None,
) -> None:
    def command() -> None:
        try:
            signal.raise_signal(stop)
        except KeyboardInterrupt:
            if made_of_it is not None:
                raise made_of_it("cannot import name x") from None
            raise

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert _ending(monkeypatch, capsys, command)[0] == wanted
    finally:
        signal.signal(signal.SIGINT, before)


COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
import time
import maskgen.app
import maskgen.scenes.folder
maskgen.scenes.folder.make = lambda *a, **k: time.sleep(60)  # scenes want a dataset of their own
sys.argv[1:] = {words!r}
maskgen.app.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(("stop", "wanted"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", ["generate", "compose", "train"])
def test_every_long_command_ends_with_the_signals_code(
    name: str, stop: signal.Signals, wanted: int, portraits: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    faces = tmp_path / "faces"
    for label in ("with_mask", "without_mask"):
        (faces / label).mkdir(parents=True)
        for number in range(10):
            rng = np.random.default_rng([number, len(label)])
            images.write(faces / label / f"{number}.png", rng.integers(0, 256, (32, 32, 3), np.uint8))
    words = {
        "generate": ["generate", str(portraits), str(out), "--per-face", "100", "--workers", "1"],
        "compose": ["compose", str(faces), str(out)],
        "train": ["train", str(faces), str(out), "--size", "32", "--weights", "none", "--epochs", "1000"],
    }[name]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(words=words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(2.5)  # past the start of Python; loading or at work
    process.send_signal(stop)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == wanted, stderr.decode()
    assert b"Traceback" not in stderr


@pytest.mark.parametrize("surprise", [ZeroDivisionError("division by zero"), OSError("no number")])
def test_a_surprise_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, surprise: Exception) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def command() -> None:
        raise surprise

    monkeypatch.setattr(maskgen_app, "app", app)
    monkeypatch.setattr(sys, "argv", ["maskgen"])
    with pytest.raises(type(surprise)):
        maskgen_app.main()
