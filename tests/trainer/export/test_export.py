from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import DatasetError, InputError, TrainError
from trainer import input_card
from trainer.bundle import Bundle
from trainer.data.dataset import scan
from trainer.data.faces import Crop, decode
from trainer.export.checks import Checks, portraits, real_faces
from trainer.export.export import export, record, write
from trainer.export.formats import convert
from trainer.models.litert import LiteRTModel

from ..data.test_dataset import _generated


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Bundle:
    shutil.copytree(trained, tmp_path / "model")
    return Bundle.load(tmp_path / "model")


def _faces(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)


def test_int8(model: Bundle, tmp_path: Path) -> None:
    made = export(model, "litert", "int8", output=tmp_path / "int8.tflite", checks=Checks(_faces(), _faces(1)))
    assert made.max_shift <= 0.5
    network = LiteRTModel(made.path)
    assert network.size_wh == (32, 32)
    np.testing.assert_allclose(network.predict(_faces()).sum(axis=1), 1, atol=1e-2)
    assert not list(tmp_path.glob(".export-*"))


def test_an_export_into_the_folder_is_entered_in_the_bundle(model: Bundle) -> None:
    made = export(model, "litert", "float16", checks=Checks(_faces()))
    record(model, made)
    again = Bundle.load(model.folder)
    assert "model_float16.tflite" in again.sha256
    assert again.export["model_float16.tflite"]["faces"] == 8
    assert again.path("model_float16.tflite").stat().st_size == made.size


def test_a_file_that_differs_is_not_kept(model: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(network: object, path: Path, *_: object) -> None:
        path.write_bytes((model.folder / "model.tflite").read_bytes())

    monkeypatch.setattr("trainer.export.formats.convert", copy)
    target = tmp_path / "int8.tflite"
    target.write_bytes(b"the old one")
    with pytest.raises(TrainError, match="it was not kept"):
        export(model, "litert", "int8", output=target, overwrite=True, checks=Checks(_faces(), max_shift=-1))
    assert target.read_bytes() == b"the old one"


def _other(shift: float) -> object:
    """A file whose probabilities differ by this."""

    def run(path: Path, to: str, faces: np.ndarray) -> np.ndarray:
        return np.tile(np.array([0.5 + shift, 0.5 - shift], np.float32), (len(faces), 1))

    return run


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No network and no converter: Keras says one half of every face."""
    monkeypatch.setattr("trainer.export.export.predict", lambda _, faces: np.full((len(faces), 2), 0.5, np.float32))
    monkeypatch.setattr("trainer.export.formats.convert", lambda _, path, *__: path.write_bytes(b"file"))
    return monkeypatch


@pytest.mark.parametrize(("shift", "limit", "kept"), [(0.02, None, True), (0.04, None, False), (0.04, 0.1, True)])
def test_int8_must_be_near_on_average_too(
    fakes: pytest.MonkeyPatch, tmp_path: Path, shift: float, limit: float | None, kept: bool
) -> None:
    fakes.setattr("trainer.export.formats.run", _other(shift))
    with contextlib.nullcontext() if kept else pytest.raises(TrainError, match=r"on average, more than 0\.03"):
        write(None, tmp_path / "a.tflite", "litert", "int8", Checks(_faces(), _faces()[:2], limit))
    assert (tmp_path / "a.tflite").exists() is kept


def test_what_is_no_number_is_not_kept(fakes: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fakes.setattr("trainer.export.formats.run", _other(float("nan")))
    with pytest.raises(TrainError, match="by nan"):
        write(None, tmp_path / "a.tflite", "litert", "none", Checks(_faces()))
    assert not (tmp_path / "a.tflite").exists()


def test_no_faces_check_nothing(model: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none were given.*--crops"):
        export(model, "litert", output=tmp_path / "a.tflite", checks=Checks(_faces()[:0]))
    with pytest.raises(InputError, match="none were given"):
        write(None, tmp_path / "a.tflite", "litert", "none", Checks(_faces()[:0]))
    assert not (tmp_path / "a.tflite").exists()


def test_a_folder_in_the_way_stays(model: Bundle, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_bytes(b"mine")
    for to in ("litert", "saved_model"):
        with pytest.raises(InputError):
            export(model, to, output=tmp_path / "photos", overwrite=True, checks=Checks(_faces()[:2]))  # type: ignore[arg-type]
    assert (tmp_path / "photos" / "mine.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("to", ["litert", "onnx", "saved_model"])
def test_an_export_says_what_it_takes(model: Bundle, tmp_path: Path, to: Any) -> None:
    made = export(
        model, to, output=tmp_path / "out" / {"saved_model": "saved"}.get(to, f"m.{to}"), checks=Checks(_faces()[:2])
    )
    assert made.to_json()["input_range"] == [0, 255]
    beside = json.loads((made.path.parent / f"{made.path.name}.json").read_text())
    assert beside["input"] == {"range": [0, 255], "size_wh": [32, 32], "colour_order": "RGB", "layout": "NHWC"}
    assert beside["labels"] == list(model.labels)
    assert beside["threshold"] == model.threshold
    known = input_card.read(made.path)
    assert known is not None
    assert known["range"] == (0, 255)
    if to == "saved_model":
        assert json.loads((made.path / "assets.extra" / "maskgen.json").read_text()) == beside


def test_onnx_metadata_says_it_too(model: Bundle, tmp_path: Path) -> None:
    import onnx

    made = export(model, "onnx", output=tmp_path / "m.onnx", checks=Checks(_faces()[:2]))
    entries = {entry.key: entry.value for entry in onnx.load(str(made.path)).metadata_props}
    assert json.loads(entries["maskgen.input"])["range"] == [0, 255]
    assert json.loads(entries["maskgen.labels"]) == list(model.labels)
    assert made.size == made.path.stat().st_size


def test_saved_model(model: Bundle, tmp_path: Path) -> None:
    made = export(model, "saved_model", output=tmp_path / "saved", checks=Checks(_faces()[:2]))
    assert (made.path / "saved_model.pb").is_file()
    assert made.max_shift < 1e-5


def test_onnx(model: Bundle, tmp_path: Path) -> None:
    made = export(model, "onnx", output=tmp_path / "model.onnx", checks=Checks(_faces()[:2]))
    assert made.max_shift < 1e-3


@pytest.mark.slow
def test_another_backend_has_tensorflow_convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    layers = [keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Softmax()]
    network = keras.Sequential(layers)
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    convert(network, tmp_path / "model.tflite", "litert", "none", _faces())
    found = LiteRTModel(tmp_path / "model.tflite").predict(_faces())
    np.testing.assert_allclose(found, network(_faces().astype(np.float32)), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]

    failed = subprocess.CompletedProcess([], 1, "", "Traceback ...\nValueError: why")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(TrainError, match=r"failed on model\.tflite: ValueError: why"):
        convert(network, tmp_path / "model.tflite", "litert", "none", _faces())
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


def test_only_litert_is_quantised(model: Bundle) -> None:
    with pytest.raises(InputError, match="for --to litert"):
        export(model, "saved_model", "int8")


def test_portraits_need_no_download_and_repeat() -> None:
    faces = portraits((48, 48), 6)
    assert faces.shape == (6, 48, 48, 3)
    np.testing.assert_array_equal(faces, portraits((48, 48), 6))


class AskedFor(Exception):
    """Keeps what a converter was to calibrate with."""

    def __init__(self, faces: object) -> None:
        super().__init__()
        self.faces = faces


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(network: object, path: Path, to: str, quantize: str, faces: object) -> None:
        raise AskedFor(faces)

    monkeypatch.setattr("trainer.export.formats.convert", convert)


def test_int8_is_calibrated_on_faces_that_it_is_not_checked_on(model: Bundle, tmp_path: Path, caught: None) -> None:
    with pytest.raises(AskedFor) as asked:
        export(model, "litert", "int8", output=tmp_path / "x.tflite", checks=Checks(_faces(), _faces(1)))
    np.testing.assert_array_equal(asked.value.faces, _faces(1))
    with pytest.raises(AskedFor) as asked:
        export(model, "litert", "int8", output=tmp_path / "x.tflite")
    checked = {face.tobytes() for face in portraits(model.input_size_wh)}
    assert len(asked.value.faces) > 20
    assert not checked & {face.tobytes() for face in asked.value.faces}


def test_int8_without_other_faces_is_refused(model: Bundle, tmp_path: Path) -> None:
    from trainer.models.weights import load_network

    network = load_network(model.path("model.keras"))
    with pytest.raises(InputError, match="not checked on"):
        write(network, tmp_path / "x.tflite", "litert", "int8", Checks(_faces()))


def test_real_faces_share_nobody_and_leave_the_test_split_out(model: Bundle, tmp_path: Path) -> None:
    folder = _generated(tmp_path / "data", ("train", "train", "train", "val", "val", "test"))
    checked, calibration = real_faces(folder, model)
    assert len(checked) + len(calibration) == 10
    marks = [{face.tobytes() for face in faces} for faces in (checked, calibration)]
    assert not marks[0] & marks[1]
    crop = Crop(model.input_size_wh, model.margin)
    test = decode([s for s in scan(folder) if s.split == "test"], model.labels, crop)
    assert not (marks[0] | marks[1]) & {face.tobytes() for face in test.pixels}
    with pytest.raises(DatasetError, match="0 people or photos outside its test split"):
        real_faces(_generated(tmp_path / "tests", ("test", "test")), model)


def test_a_run_calibrates_on_training_faces_and_checks_on_validation_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.classifier.train import _export
    from trainer.config.classifier import TrainConfig
    from trainer.data.faces import Faces
    from trainer.export import export as exporting

    asked: dict[str, Any] = {}

    def write(network: object, target: Path, to: str, quantize: str, checks: Checks) -> Any:
        asked.update(faces=checks.faces, calibration=checks.calibration, quantize=quantize)
        return exporting.Exported(target, 0.0, 0.0, 128, 0, 0)

    monkeypatch.setattr(exporting, "write", write)
    faces = {
        name: Faces(np.full((300, 2, 2, 3), number, np.uint8), np.zeros(300, np.int64), ())
        for number, name in enumerate(("train", "val", "test"))
    }
    for part in faces.values():
        object.__setattr__(part, "samples", (None,) * 300)
    _export(None, Path(), faces, TrainConfig(litert="int8"))
    assert asked["quantize"] == "int8"
    assert set(asked["calibration"].ravel()) == {0}
    assert set(asked["faces"].ravel()) == {1}
    assert len(asked["faces"]) == len(asked["calibration"]) == 128
