"""One worker system, and one place that knows an address from a path."""

from __future__ import annotations

import re
from pathlib import Path

import maskgen

PACKAGE = Path(maskgen.__file__).parent


def _files_with(pattern: str) -> set[str]:
    word = re.compile(pattern)
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if word.search(path.read_text(encoding="utf-8"))
    }


def test_processes_are_started_by_the_engines_alone() -> None:
    found = _files_with(r"\b(?:get_context|Process|ProcessPoolExecutor)\(")
    assert found
    # A name that only a comment or a docstring holds would count too.
    assert {path for path in found if not path.startswith("dataset/engines/")} == set()


def test_drawing_is_limited_to_one_thread_in_one_place() -> None:
    assert _files_with(r"setNumThreads") == {"dataset/threads.py"}


def test_stores_and_inputs_alone_ask_what_is_an_address() -> None:
    assert {path for path in _files_with(r"\bis_url\(") if path.startswith("dataset/")} == {
        "dataset/inputs.py",
        "dataset/storage.py",
    }
