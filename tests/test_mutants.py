"""The lists of mutants still fit the code; the runner tells seen from not seen. ``make mutants`` runs the lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .mutants import run

LISTS = sorted(run.HERE.glob("*.toml"))

CODE = "def double(x: int) -> int:\n    return 2 * x\n"
TESTS = "from pkg.code import double\n\ndef test_double() -> None:\n    assert double(2) == 4\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with one function, one test of it, and room for a list."""
    root = tmp_path / "root"
    for name, text in {"pkg/code.py": CODE, "tests/test_code.py": TESTS, "pyproject.toml": ""}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "lists").mkdir()
    return root


def _list(tree: Path, *replacements: str, **changes: str) -> None:
    entry = {"file": "pkg/code.py", "find": "2 * x", "tests": "tests/test_code.py::test_double", "why": "doubles"}
    lines = []
    for replacement in replacements:
        lines.append("[[mutant]]")
        fields = {**entry, "replace": replacement, **changes}
        lines += [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    (tree / "lists" / "pkg.toml").write_text("\n".join(lines))


def _run(tree: Path, *words: str) -> int:
    return run.main(words, root=tree, here=tree / "lists")


def test_there_are_lists() -> None:
    assert LISTS


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_every_mutant_still_fits_the_code(path: Path) -> None:
    mutants = run.read([path])
    assert [text for mutant in mutants if (text := run.problem(mutant, run.ROOT))] == []
    assert len({(mutant.file, mutant.find, mutant.replace) for mutant in mutants}) == len(mutants)
    assert all(mutant.why for mutant in mutants)


def test_seen_is_told_from_not_seen(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _list(tree, "3 * x", "x + x")
    assert _run(tree, "--workers", "2") == 1
    out = capsys.readouterr().out
    assert [line.split("  ")[0] for line in out.splitlines()[:2]] == ["seen", "not seen"]
    assert "pkg        1 of   2 seen" in out
    assert (tree / "pkg" / "code.py").read_text() == CODE


def test_enough_seen_is_success(tree: Path) -> None:
    _list(tree, "3 * x")
    assert _run(tree) == 0


def test_a_list_that_no_longer_fits_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _list(tree, "3 * x", find="gone")
    assert _run(tree) == 2
    _list(tree, "3 * x", file="pkg/gone.py")
    assert _run(tree) == 2
    _list(tree, "3 * x", tests="tests/test_code.py::test_gone")
    assert _run(tree) == 2
    _list(tree, "3 * x", colour="green")
    assert _run(tree) == 2
    said = capsys.readouterr().err
    for text in ("'gone' 0 times", "no pkg/gone.py", "no test tests/test_code.py::test_gone", "colour missing or"):
        assert text in said


def test_tests_that_fail_on_the_whole_code_prove_nothing(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "tests" / "test_code.py").write_text(TESTS.replace("4", "5"))
    _list(tree, "3 * x")
    assert _run(tree) == 2
    assert "must pass on the whole code" in capsys.readouterr().err


def test_a_mutant_that_is_no_python_is_broken_not_seen(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _list(tree, "2 *")
    assert _run(tree) == 1
    assert "broken" in capsys.readouterr().out


def test_listing_runs_nothing(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _list(tree, "3 * x")
    assert _run(tree, "--list") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 mutants"
