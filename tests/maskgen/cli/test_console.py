"""What reaches the terminal."""

from __future__ import annotations

import errno
import io
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgen.cli import console


@given(st.text(alphabet=st.characters()))
def test_printable_is_one_line_that_encodes(text: str) -> None:
    line = console.printable(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")
    assert console.printable(line) == line  # said once is enough


def test_printable() -> None:
    assert console.printable("plain name.jpg") == "plain name.jpg"
    assert console.printable("tab\tbell\a") == "tab\\tbell\\x07"
    assert console.printable("\x1b[31mred") == "\\x1b[31mred"
    assert console.printable(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\\xe9"
    assert console.printable(12) == "12"
    assert console.printable("") == ""


def test_any_name_reaches_an_ascii_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    console.tolerate_any_name()
    print("Grüße \udcff", flush=True)  # noqa: T201
    assert raw.getvalue() == b"Gr\\xfc\\xdfe \\udcff\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "x", "a\nb"), "no space is left on the disk: a\\nb"),
        (PermissionError(errno.EACCES, "x", "a", None, "b"), "not allowed: a, b"),
        (OSError(errno.ENOSPC, "x"), "no space is left on the disk"),
        (OSError(errno.ENOSPC, "x", 5), "no space is left on the disk"),
        (OSError("said by a library, without a number"), None),
        (OSError(errno.EINVAL, "x"), None),
    ],
)
def test_in_one_line(error: OSError, line: str | None) -> None:
    assert console.in_one_line(error) == line


def test_warnings_of_the_libraries_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    ours = [logging.getLogger(name) for name in ("maskgen", "trainer", "detect")]
    before = [list(logger.handlers) for logger in ours]
    try:
        console.log_to_stderr()
        console.log_to_stderr()
        logging.getLogger("maskgen.weights").warning("%s is\nempty", "a.onnx")
        logging.getLogger("trainer.classifier.fit").info("not shown")
        assert capsys.readouterr().err == "maskgen: a.onnx is\\nempty\n"
    finally:
        for logger, handlers in zip(ours, before, strict=True):
            logger.handlers = handlers


def test_stderr_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    console.say_error("nobody hears")
