"""What doctor tries: that it works here, and that what fails is said."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest

from maskgen.cli import trials
from maskgen.cli.trials import Trial, TrialError


def _trial(name: str) -> Trial:
    (trial,) = [trial for trial in trials.TRIALS if trial.name == name]
    return trial


def _outcome(name: str) -> tuple[bool | None, str]:
    (outcome,) = trials.run((_trial(name),))
    return outcome.worked, outcome.detail


@pytest.mark.slow
def test_everything_works_here() -> None:
    outcomes = {outcome.trial.name: (outcome.worked, outcome.detail) for outcome in trials.run(trials.TRIALS)}
    assert [worked for worked, _ in outcomes.values()] == [True] * 5, outcomes
    assert outcomes["video"][1] == "10 frames written and read back"
    assert "without_mask" in outcomes["classifier3"][1]


@pytest.mark.parametrize(
    ("name", "answers", "story"),
    [
        ("mask drawn", [""], "no face was found"),
        ("classifier", ['{"faces": []}'], "no face was found"),
        (
            "classifier3",
            ['{"faces": [{"label": "with_mask", "score": 0.75}]}'],
            "a bare face for with_mask (score 0.75)",
        ),
        ("video", ["", "{}\n{}\n"], "10 frames were written, 2 read back"),
    ],
)
def test_a_command_that_ends_well_must_answer_well(
    monkeypatch: pytest.MonkeyPatch, name: str, answers: list[str], story: str
) -> None:
    monkeypatch.setattr(trials, "_maskgen", lambda *words: answers.pop(0))
    worked, detail = _outcome(name)
    assert worked is False
    assert story in detail


def test_a_command_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b"Traceback ...\nTypeError: open() got an unexpected keyword argument\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, b"", said))
    assert _outcome("video") == (False, "TypeError: open() got an unexpected keyword argument")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -11, b"", b""))
    assert _outcome("video") == (False, "ended with -11")


def test_a_command_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired([], 1)

    monkeypatch.setattr(subprocess, "run", run)
    worked, detail = _outcome("classifier")
    assert (worked, "did not end within" in detail) == (False, True)


def test_what_there_is_nothing_to_try_with(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial("x", "detect", "", partial(lambda portrait, folder: "never"), needs="no_such_module")
    (outcome,) = trials.run((trial,))
    assert (outcome.worked, outcome.detail) == (None, "not tried: no_such_module is not installed")
    monkeypatch.setattr(trials, "_portrait", lambda: None)
    assert _outcome("video")[0] is None


def test_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def leave(portrait: Path, folder: Path) -> str:
        seen.append(folder)
        (folder / "left").write_text("over")
        raise TrialError("whatever")

    trials.run((Trial("x", "detect", "", leave),))
    assert not seen[0].exists()
