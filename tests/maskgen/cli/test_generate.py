"""The commands, on the two public-domain portraits, with real workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskgen.cli.generate import app
from maskgen.dataset import check
from maskgen.dataset.reader import read_dataset

runner = CliRunner()


@pytest.fixture(scope="module")
def dataset(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both portraits, twice each, and what can be wrong with a photo."""
    folder = tmp_path_factory.mktemp("generate")
    source = folder / "in"
    source.mkdir()
    for path in portraits.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "empty.jpg").touch()
    (source / "two\nlines.txt").write_text("no picture")
    (source / "circle").symlink_to(source)
    result = runner.invoke(
        app,
        [
            "generate",
            str(source),
            str(folder / "out"),
            "--workers",
            "1",
            "--per-face",
            "2",
            "--json",
            "--format",
            "coco",
        ],
    )
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["images"] == 8
    assert said["labels"] == {"with_mask": 4, "without_mask": 4}
    assert said["skipped"] == {"empty": 1, "link_circle": 1, "not_an_image": 1}
    return folder / "out"


def test_generate_leaves_a_whole_folder(dataset: Path) -> None:
    assert check.problems(dataset) == []
    for name in ("preview.jpg", "report.html", "run.json", "skipped.jsonl"):
        assert (dataset / name).stat().st_size > 100
    assert (dataset.parent / "out-coco" / "train.json").is_file()
    assert not list(dataset.rglob("*.part"))


def test_the_same_command_says_that_nothing_is_left(dataset: Path) -> None:
    words = ["generate", str(dataset.parent / "in"), str(dataset), "--workers", "1", "--per-face", "2"]
    result = runner.invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "nothing was left to do" in result.output
    assert "1 empty" in result.output


def test_preview_and_convert(dataset: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["preview", str(dataset), "-o", str(tmp_path / "sheet.png"), "-n", "2"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "sheet.png").is_file()
    result = runner.invoke(app, ["convert", str(dataset), "--to", "yolo", "-o", str(tmp_path / "yolo")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "yolo" / "data.yaml").is_file()


def test_reproduce_says_the_same_byte_for_byte(dataset: Path, tmp_path: Path) -> None:
    for record in read_dataset(dataset):
        result = runner.invoke(app, ["reproduce", str(dataset), record.file_name])
        assert result.exit_code == 0, result.output
        assert "byte for byte" in result.stdout
    out = tmp_path / "again.jpg"
    result = runner.invoke(app, ["reproduce", str(dataset), record.file_name, "-o", str(out)])
    assert out.read_bytes() == (dataset / record.file_name).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["in"], "name the photos and, last"),
        (["in", "out", "--classes", "5"], "--classes"),
        (["in", "out", "--format", "tfrecord"], "coco, yolo"),
        (["in", "out", "--split", "none"], "80/10/10"),
        (["nowhere", "out"], "no file or folder at nowhere"),
        (["in", "out", "--camera", "film"], "'mild', 'street'"),
        (["in", "s3://bucket/out", "--format", "coco"], "needs a local OUT"),
        (
            [".", "out", "--masks", "veil,gaiter", "--wear", "correct,chin,one_ear", "--classes", "3"],
            "can be worn one_ear; they can be worn chin, correct, high, mouth_out, nose_out",
        ),
    ],
)
def test_wrong_words_are_one_clear_line(words: list[str], said: str, tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "maskgen.app", "generate", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode in (1, 2)
    assert "Traceback" not in process.stderr
    assert said in " ".join(process.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
