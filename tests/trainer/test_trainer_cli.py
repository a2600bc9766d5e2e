from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from maskgen.errors import InputError, MaskgenError
from trainer import checkpoint
from trainer.cli import app

from .conftest import TINY

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def _run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, MaskgenError):
        raise result.exception
    return result


def test_evaluate_prints_json_and_nothing_else(trained: Path, plain_dataset: Path) -> None:
    result = _run("evaluate", trained, plain_dataset, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["n"] == 24
    assert result.stderr == ""


def test_evaluate_writes_a_report(trained: Path, plain_dataset: Path, tmp_path: Path) -> None:
    result = _run("evaluate", trained, plain_dataset, "--report", tmp_path / "report", "--slice", "label")
    assert "balanced accuracy" in result.stdout
    assert (tmp_path / "report" / "report.html").is_file()


def test_evaluate_takes_the_packaged_model_by_default(
    trained: Path, plain_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.bundle.packaged_bundle", lambda _: trained)
    assert _run("evaluate", plain_dataset).exit_code == 0


def test_three_paths_are_too_many(trained: Path) -> None:
    assert _run("evaluate", trained, trained, trained).exit_code == 2


def test_preview_of_augmentation(plain_dataset: Path, tmp_path: Path) -> None:
    picture = tmp_path / "preview.png"
    result = _run("train", plain_dataset, tmp_path / "model", "--preview-augment", picture)
    assert result.exit_code == 0
    assert picture.is_file()
    assert not (tmp_path / "model").exists()


def test_resume_keeps_the_settings_of_the_run(plain_dataset: Path, tmp_path: Path) -> None:
    work = tmp_path / "model" / checkpoint.FOLDER
    work.mkdir(parents=True)
    (work / "settings.json").write_text(json.dumps(TINY))
    with pytest.raises(InputError, match="other settings for lr"):
        _run("train", plain_dataset, tmp_path / "model", "--resume", "--lr", "0.1")


def test_resuming_a_finished_run_is_no_error(trained: Path, plain_dataset: Path) -> None:
    result = _run("train", plain_dataset, trained, "--resume")
    assert result.exit_code == 0
    assert "finished already" in result.stderr


def test_the_commands_import_nothing_heavy() -> None:
    code = (
        "import sys, trainer.cli;"
        "bad = {'numpy', 'cv2', 'tensorflow', 'keras', 'albumentations', 'matplotlib'} & set(sys.modules);"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
