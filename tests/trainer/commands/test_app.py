from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from maskgen.errors import InputError, MaskgenError
from trainer.commands.app import app
from trainer.loop import checkpoint

from ..conftest import TINY, write_folders

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


def test_a_preview_replaces_no_picture_unasked(plain_dataset: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"mine")
    with pytest.raises(InputError, match="is there already"):
        _run("train", plain_dataset, tmp_path / "model", "--preview-augment", photo)
    assert photo.read_bytes() == b"mine"


def _unfinished(model: Path) -> None:
    (model / checkpoint.FOLDER).mkdir(parents=True)
    (model / checkpoint.FOLDER / "settings.json").write_text(json.dumps(TINY))


@pytest.mark.parametrize("begun", [False, True])
def test_ctrl_c_says_how_to_go_on(
    plain_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    begun: bool,
) -> None:
    model = tmp_path / "my model"

    def interrupted(*_: object, **__: object) -> None:
        if begun:
            _unfinished(model)
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.api.train", interrupted)
    assert _command("train", plain_dataset, model, "--threads", "1", "--lr", "0.1", "--overwrite") == 130
    said = capsys.readouterr().err
    expected = f"interrupted; go on with: maskgen train {plain_dataset} '{model}' --resume --threads 1\n"
    assert said == (expected if begun else "")


def test_ctrl_c_says_how_a_detector_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        _unfinished(tmp_path / "model")
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.api.train_detector", interrupted)
    words = ("train-detector", "scenes", tmp_path / "model", "--also", "more", "--lr", "0.1")
    assert _command(*words) == 130
    command = f"maskgen train-detector scenes {tmp_path / 'model'} --resume --also more"
    assert capsys.readouterr().err == f"interrupted; go on with: {command}\n"


def _command(*words: object) -> object:
    """The command's exit code as maskgen.app sees it."""
    return typer.main.get_command(app).main([str(word) for word in words], standalone_mode=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "ABSENT", "OUT"), "no dataset folder"),
        (("train", "DATA", "TRAINED"), "finished model"),
        (("train", "DATA", "OUT", "--fine-tune", "99"), "block from 0 to 17"),
        (("train", "DATA", "OUT", "--alpha", "2"), "--alpha takes 0.35, 0.5"),
        (("train", "DATA", "OUT", "--incorrect-prior", "0.1"), "--incorrect-prior needs --classes 3"),
        (("train", "DATA", "OUT", "--fine-tune", "some"), "--fine-tune takes auto, all, none"),
        (("train-detector", "DATA", "OUT", "--sizes", "300"), "--sizes takes multiples of 32"),
        (("train-detector", "DATA", "OUT", "--sizes", "big"), "--sizes takes numbers with commas"),
        (("train-detector", "DATA", "OUT", "--freeze", "15"), "--freeze takes 0 to 14"),
        (("train-detector", "DATA", "OUT", "--zoom", "2,1"), "--zoom takes two numbers"),
        (("train", "DATA", "OUT", "--weights", "nowhere"), "no weights at nowhere"),
        (("train", "DATA", "OUT", "--classes", "3"), "no incorrect_mask images"),
        (("train", "DATA", "OUT", "--tensorboard", "FILE"), "--tensorboard takes a folder"),
        (("train-detector", "DATA", "OUT"), "no COCO detection folder"),
        (("train-detector", "DATA", "OUT", "--weights", "nowhere"), "no model folder at nowhere"),
        (("export", "TRAINED", "--to", "onnx", "--quantize", "int8"), "for --to litert"),
        (("export", "TRAINED"), "is there already; replace it with --overwrite"),
        (("export", "TRAINED", "--output", "DATA"), "is a folder; name the file"),
        (("export", "TRAINED", "--to", "saved_model", "--output", "DATA"), "other things than a SavedModel"),
        (("export", "--quantize", "int8"), "part of the installation"),
        (("export", "TRAINED", "--output", "NEW", "--crops", "BADLY"), "0 people or photos outside its test split"),
    ],
)
def test_a_mistake_is_answered_before_tensorflow_is_loaded(
    trained: Path,
    plain_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "file").write_text("x")
    badly = write_folders(tmp_path / "badly", {"incorrect_mask": 2})
    places = {"ABSENT": tmp_path / "absent", "OUT": tmp_path / "out", "DATA": plain_dataset, "TRAINED": trained}
    places |= {"FILE": tmp_path / "file", "NEW": tmp_path / "new.tflite", "BADLY": badly}
    before = sorted(trained.rglob("*"))
    for module in ("keras", "tensorflow"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MaskgenError, match=message):
        _run(*(places.get(word, word) for word in words))
    assert not (tmp_path / "out").exists()
    assert sorted(trained.rglob("*")) == before


@pytest.mark.parametrize("words", [("--lr", "100"), ("--augment", "hard"), ("--wise", "nan"), ("--classes", "4")])
def test_what_no_run_can_take_is_wrong_words(plain_dataset: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    for command in ("train", "train-detector"):
        result = _run(command, plain_dataset, tmp_path / "model", *words)
        assert result.exit_code == 2


def test_a_run_of_the_other_kind_is_not_gone_on_with(plain_dataset: Path, tmp_path: Path) -> None:
    _unfinished(tmp_path / "model")
    with pytest.raises(InputError, match=r"another command: .*'alpha'"):
        _run("train-detector", plain_dataset, tmp_path / "model", "--resume")


def test_the_commands_import_nothing_heavy() -> None:
    code = (
        "import sys, trainer.commands.app;"
        "bad = {'numpy', 'cv2', 'tensorflow', 'keras', 'albumentations', 'matplotlib'} & set(sys.modules);"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
