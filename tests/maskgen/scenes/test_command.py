"""``maskgen compose`` and ``import`` as they are typed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskgen.cli.scenes import app
from maskgen.errors import InputError
from maskgen.scenes import folder

runner = CliRunner()


def pictures(output: Path) -> dict[str, str]:
    files = [*(output / "train").iterdir(), output / "train.json"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def test_compose_with_one_worker_and_with_two(
    pieces_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "BLOCK", 3)
    words = ["compose", str(pieces_folder)]
    more = ["--scenes", "5", "--size", "96", "--split", "100", "--seed", "3", "--json"]
    one = runner.invoke(app, [*words, str(tmp_path / "one"), *more, "--workers", "1"])
    assert one.exit_code == 0, one.output
    assert json.loads(one.stdout)["counts"]["scenes"] == 5
    two = runner.invoke(app, [*words, str(tmp_path / "two"), *more, "--workers", "2"])
    assert two.exit_code == 0, two.output
    assert pictures(tmp_path / "one") == pictures(tmp_path / "two")
    assert (tmp_path / "one" / "preview.jpg").stat().st_size > 2000


def test_compose_says_what_it_made(pieces_folder: Path, tmp_path: Path) -> None:
    words = ["compose", str(pieces_folder), str(tmp_path / "s"), "--scenes", "2", "--size", "96", "--split", "1"]
    result = runner.invoke(app, [*words, "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "2 scenes (2 train)" in result.stdout
    assert result.stdout.rstrip().endswith(str(tmp_path / "s"))


def test_compose_needs_a_dataset_and_an_output(tmp_path: Path) -> None:
    assert runner.invoke(app, ["compose", str(tmp_path)]).exit_code == 2


def test_import_reads_what_compose_wrote(pieces_folder: Path, tmp_path: Path) -> None:
    settings = folder.Settings((str(pieces_folder),), scenes=3, size=96, split=(1.0, 0.0, 0.0))
    folder.make(settings, tmp_path / "s")
    words = ["import", str(tmp_path / "s" / "train.json"), str(tmp_path / "again"), "--split", "100"]
    result = runner.invoke(app, words)
    assert result.exit_code == 0, result.output
    theirs, ours = (json.loads((tmp_path / name / "train.json").read_text()) for name in ("s", "again"))
    assert [a["bbox"] for a in theirs["annotations"]] == [a["bbox"] for a in ours["annotations"]]
    assert (tmp_path / "again" / "preview.jpg").is_file()
    with pytest.raises(InputError, match="--map takes"):
        runner.invoke(app, [*words, "--map", "x"], catch_exceptions=False)
