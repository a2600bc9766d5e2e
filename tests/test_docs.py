"""What the pages say can be looked up: scripts, options and tables."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from maskgen.app import app

ROOT = Path(__file__).resolve().parents[1]
_spec = importlib.util.spec_from_file_location("option_tables", ROOT / "docs" / "option_tables.py")
assert _spec is not None
assert _spec.loader is not None
option_tables = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(option_tables)
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "assets" / "models").glob("*/README.md")),
]


def _rows(text: str) -> list[tuple[int, str]]:
    """Lines of tables, with their numbers; those in code blocks are none."""
    rows, code = [], False
    for number, line in enumerate(text.splitlines(), 1):
        code ^= line.startswith("```")
        if line.startswith("|") and not code:
            rows.append((number, line))
    return rows


def _cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) - 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tables_are_whole(page: Path) -> None:
    """Every row has its table's cells, and no table begins without a head."""
    rows = _rows(page.read_text(encoding="utf-8"))
    before, cells = -1, 0
    for number, row in rows:
        if number != before + 1:
            cells = _cells(row)
            assert any(n == number + 1 and set(r) <= set("|-: ") for n, r in rows), f"line {number} heads no table"
        assert _cells(row) == cells, f"line {number}: {row}"
        before = number


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_scripts_and_pages_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"(?:benchmarks|examples|maskgen|trainer|detect|assets)/[\w/]+\.\w+", text):
        assert (ROOT / name).is_file(), name
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def _command(words: list[str]) -> tuple[Any, list[str]] | None:
    """The command that words of a shell line name, and what is left of them; None for a group of commands."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", ()):
        command, words = command.commands[words[0]], words[1:]
    return None if hasattr(command, "commands") else (command, words)


def _said() -> list[tuple[str, str]]:
    """Every line of a page that begins with a command of ours."""
    return [
        (page.name, line.strip().split("   ")[0])
        for page in PAGES
        for line in re.findall(r"^ {4}(?:\$ )?(maskgen .*)$|`(maskgen [^`]+)`", page.read_text(encoding="utf-8"), re.M)
        for line in line
        if line
    ]


def test_commands_and_their_options_are_there() -> None:
    looked_at = 0
    for page, line in _said():
        words = shlex.split(line.split("  ")[0], comments=True)[1:]
        found = _command(words)
        if found is None:
            assert not words or words[0] in ("--version", "masks", "detect", "masks add"), f"{page}: {line}"
            continue
        known = {option for parameter in found[0].params for option in (*parameter.opts, *parameter.secondary_opts)}
        stray = [word.partition("=")[0] for word in found[1] if word.startswith("--") and word != "--"]
        assert set(stray) <= known | {"--help"}, f"{page}: {line}"
        looked_at += 1
    assert looked_at > 30


DEFAULTS = [
    ("confusers.md", r"`--confusers`, ([\d.]+) unless told otherwise", "generate", "confusers"),
    ("confusers.md", r"`--accessories`, a (fifth) of the images unless told otherwise", "generate", "accessories"),
    ("detector.md", r"--also-share ([\d.]+)` mixes", "train-detector", "also_share"),
    ("detect.md", r"`--give-up` seconds \((\d+)", "detect webcam", "give_up_s"),
    ("detect.md", r"`--recheck ([\d.]+)` seconds", "detect video", "recheck_s"),
]


@pytest.mark.parametrize(("page", "pattern", "words", "name"), DEFAULTS, ids=lambda value: str(value)[:24])
def test_defaults_are_the_programs(page: str, pattern: str, words: str, name: str) -> None:
    match = re.search(pattern, " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split()))
    assert match, f"{page} says it otherwise now"
    found = _command(words.split())
    assert found is not None
    default = next(parameter.default for parameter in found[0].params if parameter.name == name)
    said = {"fifth": "0.2"}.get(match[1], match[1])
    assert said == str(default) or float(said) == float(default)


def test_scripts_of_figures_have_the_options_that_pages_name() -> None:
    """``python benchmarks/x.py --option`` on a page: the script knows the option."""
    wrong = []
    for page in PAGES:
        for name, rest in re.findall(r"(benchmarks/\w+\.py)([^`\n]*)", page.read_text(encoding="utf-8")):
            source = (ROOT / name).read_text(encoding="utf-8")
            options = re.findall(r"--[\w-]+", rest.split(" -- ")[0])
            # scenes.py passes on to ``maskgen detect image`` what it does not know.
            passed_on = "parse_known_args" in source
            wrong += [(page.name, name, option) for option in options if option not in source and not passed_on]
    assert wrong == []


def test_the_page_is_told_by_a_fresh_interpreter() -> None:
    """``maskgen check`` is in the list of commands, as the pages say."""
    done = subprocess.run([sys.executable, "-m", "maskgen.app", "--help"], capture_output=True, text=True, check=True)
    assert re.search(r"^.{0,3}check\b", done.stdout, re.M)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_tables_of_options_are_the_programs(page: Path) -> None:
    """Mend them with: python docs/option_tables.py."""
    text = page.read_text(encoding="utf-8")
    assert option_tables.filled(text) == text


def test_every_command_with_settings_has_its_table() -> None:
    listed = option_tables.commands_in((ROOT / "docs" / "options.md").read_text(encoding="utf-8"))
    stages = ("generate", "compose", "import", "train", "train-detector", "evaluate", "export")
    assert listed == [*stages, *(f"detect {name}" for name in ("image", "video", "webcam", "serve"))]


def test_every_benchmark_begins() -> None:
    """Scripts are called by nothing else: what they import may move away unnoticed."""
    asks = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "argparse" in path.read_text("utf-8")]
    assert asks
    code = (
        "import contextlib, io, runpy, sys\n"
        "for path in sys.argv[1:]:\n"
        "    before = sys.path[:], dict(sys.modules)\n"
        "    sys.argv, sys.path[0] = [path, '--help'], path.rpartition('/')[0]\n"
        "    try:\n"
        "        with contextlib.redirect_stdout(io.StringIO()):\n"
        "            runpy.run_path(path, run_name='__main__')\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, path\n"
        "    except Exception as error:\n"
        "        sys.exit(f'{path}: {error!r}')\n"
        "    sys.path[:] = before[0]\n"
        "    for name in set(sys.modules) - set(before[1]):\n"
        "        if name in ('scenes', 'detect', 'generate', 'formats', 'render'):\n"
        "            del sys.modules[name]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, asks)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
