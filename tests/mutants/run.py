"""Mutation check: breaks the code in the ways listed beside this file, and counts which the tests see.

Every ``*.toml`` here holds an array of tables::

    [[mutant]]
    file = "trainer/classifier/fit.py"
    find = "text that stands once in the file"
    replace = "what a careless change would make of it"
    tests = "tests/trainer/classifier/test_fit.py::test_name"    # or a list of several
    why = "what a user would lose"

The tree is copied to a temporary folder and broken there, one mutant at a time; the checkout is never touched. The
named tests must pass on the whole code first, or a failure would say nothing.

    python tests/mutants/run.py                  all of them
    python tests/mutants/run.py trainer.toml     one list
    python tests/mutants/run.py --only fit.py    those whose file, reason or tests hold a text
    python tests/mutants/run.py --list           nothing is run
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

WANTED = 0.9
"""Least share of the mutants that the tests must see."""

TIMEOUT_S = 900.0
"""A mutant that makes the tests hang is one they see."""

FIELDS = ("file", "find", "replace", "tests", "why")
_LEFT_OUT = (".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "dist", "build", "demo")
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to break the code.

    Attributes:
        file: path from the root of the tree.
        find: text that stands in it once.
        replace: what is put there instead.
        tests: pytest targets, at least one of which must fail then.
        why: what it would mean for a user.
        source: the list it stands in.
    """

    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    why: str
    source: str

    @property
    def package(self) -> str:
        return self.file.partition("/")[0]

    @property
    def title(self) -> str:
        return f"{self.file}: {self.why}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said of a mutant: ``seen``, ``not seen``, or ``broken`` where pytest could not run them."""

    mutant: Mutant
    verdict: str
    tail: str = ""


class ListError(Exception):
    """A list of mutants cannot be used."""


def read(paths: Iterable[Path]) -> list[Mutant]:
    """The mutants of some lists.

    Raises:
        ListError: one is no TOML, or an entry lacks a field or has one too many.
    """
    found: list[Mutant] = []
    for path in paths:
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ListError(f"{path}: {error}") from None
        found += [_mutant(entry, path.name, number) for number, entry in enumerate(entries, 1)]
    return found


def _mutant(entry: dict[str, Any], source: str, number: int) -> Mutant:
    if set(entry) != set(FIELDS):
        odd = ", ".join(sorted(set(entry) ^ set(FIELDS)))
        raise ListError(f"{source}, mutant {number}: {odd} missing or unknown; the fields are {', '.join(FIELDS)}")
    tests = entry["tests"]
    targets = tuple(shlex.split(tests)) if isinstance(tests, str) else tuple(tests)
    if not targets:
        raise ListError(f"{source}, mutant {number}: no tests are named")
    return Mutant(entry["file"], entry["find"], entry["replace"], targets, entry["why"], source)


def problem(mutant: Mutant, root: Path) -> str | None:
    """Why a mutant no longer fits the code, or None."""
    path = root / mutant.file
    if not path.is_file():
        return f"{mutant.source}: there is no {mutant.file}"
    count = path.read_text(encoding="utf-8").count(mutant.find)
    if count != 1 or mutant.find == mutant.replace:
        return f"{mutant.source}: {mutant.file} holds {mutant.find!r} {count} times, not once, or nothing would change"
    for target in mutant.tests:
        name, _, test = target.partition("::")
        if not (root / name).exists() or test.partition("[")[0].rpartition("::")[2] not in _text(root / name):
            return f"{mutant.source}: there is no test {target}"
    return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@contextmanager
def copies(root: Path, count: int) -> Iterator[list[Path]]:
    """Copies of the tree; ``shared`` lies beside them where it lies beside the tree."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        shared = root.parent / "shared"
        if shared.is_dir():
            (Path(folder) / "shared").symlink_to(shared)
        trees = [Path(folder) / f"tree{number}" for number in range(count)]
        for tree in trees:
            shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
        yield trees


@contextmanager
def broken(mutant: Mutant, tree: Path) -> Iterator[None]:
    """The tree with one mutant in it; whole again afterwards."""
    path = tree / mutant.file
    whole = path.read_bytes()
    path.write_bytes(whole.decode("utf-8").replace(mutant.find, mutant.replace, 1).encode("utf-8"))
    try:
        yield
    finally:
        path.write_bytes(whole)


def pytest(tree: Path, targets: Sequence[str]) -> tuple[int, str]:
    """Run tests in a tree: pytest's exit code and its last lines."""
    # Without bytecode: a mutant of the same length and second would else run the code before it.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-n", "0", "-p", "no:cacheprovider", *targets]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return _FAILED, f"no end within {TIMEOUT_S:.0f} s"
    return done.returncode, "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])


def judge(mutant: Mutant, tree: Path) -> Outcome:
    """Whether the tests see a mutant."""
    with broken(mutant, tree):
        code, tail = pytest(tree, mutant.tests)
    return Outcome(mutant, {_PASSED: "not seen", _FAILED: "seen"}.get(code, "broken"), tail)


def run(mutants: Sequence[Mutant], root: Path, workers: int) -> Iterator[Outcome]:
    """Judge mutants on copies of the tree, in the order in which they end.

    Raises:
        ListError: the tests fail on the whole code.
    """
    with copies(root, workers) as trees:
        code, tail = pytest(trees[0], sorted({target for mutant in mutants for target in mutant.tests}))
        if code != _PASSED:
            raise ListError(f"the tests must pass on the whole code before it is broken:\n{tail}")
        free: SimpleQueue[Path] = SimpleQueue()
        for tree in trees:
            free.put(tree)

        def one(mutant: Mutant) -> Outcome:
            tree = free.get()
            try:
                return judge(mutant, tree)
            finally:
                free.put(tree)

        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(one, mutants)


def summary(outcomes: Sequence[Outcome]) -> tuple[str, bool]:
    """The counts by package, and whether enough were seen."""
    totals = Counter(outcome.mutant.package for outcome in outcomes)
    seen = Counter(outcome.mutant.package for outcome in outcomes if outcome.verdict == "seen")
    lines = [f"{name:<8} {seen[name]:>3} of {totals[name]:>3} seen" for name in sorted(totals)]
    share = seen.total() / max(1, totals.total())
    lines.append(f"{'all':<8} {seen.total():>3} of {totals.total():>3} seen, {share:.0%}; {WANTED:.0%} are wanted")
    return "\n".join(lines), share >= WANTED


def main(words: Sequence[str] | None = None, *, root: Path = ROOT, here: Path = HERE) -> int:
    """The command. Exit codes: 0 enough were seen, 1 too few, 2 a list cannot be used."""
    parser = argparse.ArgumentParser(description="Break the code on purpose and count what the tests see.")
    parser.add_argument("lists", nargs="*", metavar="LIST", help="such as trainer.toml; all of them without")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--only", metavar="TEXT", default="", help="mutants whose file, reason or tests hold TEXT")
    parser.add_argument("--workers", type=int, default=1, help="mutants tried at once, each in a copy of the tree")
    given = parser.parse_args(words)
    try:
        mutants = read([here / name for name in given.lists] or sorted(here.glob("*.toml")))
        mutants = [m for m in mutants if given.only in " ".join((m.file, m.why, *m.tests))]
        problems = [text for mutant in mutants if (text := problem(mutant, root)) is not None]
        if problems or not mutants:
            raise ListError("\n".join(problems) or "no mutant is meant")
        if given.list:
            for mutant in mutants:
                print(f"{mutant.title}\n    {' '.join(mutant.tests)}")
            print(f"{len(mutants)} mutants")
            return 0
        outcomes = []
        for outcome in run(mutants, root, max(1, given.workers)):
            outcomes.append(outcome)
            print(f"{outcome.verdict:<8}  {outcome.mutant.title}", flush=True)
            if outcome.verdict == "broken":
                print(outcome.tail, flush=True)
    except ListError as error:
        print(error, file=sys.stderr)
        return 2
    text, enough = summary(outcomes)
    print(text)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
