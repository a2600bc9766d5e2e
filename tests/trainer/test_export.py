from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from maskgen.errors import InputError, TrainError
from trainer import input_card
from trainer.bundle import Bundle
from trainer.export import convert, export, portraits, record
from trainer.litert import LiteRTModel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Bundle:
    shutil.copytree(trained, tmp_path / "model")
    return Bundle.load(tmp_path / "model")


def _faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)


def test_int8(model: Bundle, tmp_path: Path) -> None:
    made = export(model, "litert", "int8", output=tmp_path / "int8.tflite", faces=_faces())
    assert made.max_shift <= 0.5
    network = LiteRTModel(made.path)
    assert network.size_wh == (32, 32)
    np.testing.assert_allclose(network.predict(_faces()).sum(axis=1), 1, atol=1e-2)
    assert not list(tmp_path.glob(".export-*"))


def test_an_export_into_the_folder_is_entered_in_the_bundle(model: Bundle) -> None:
    made = export(model, "litert", "float16", faces=_faces())
    record(model, made)
    again = Bundle.load(model.folder)
    assert "model_float16.tflite" in again.sha256
    assert again.export["model_float16.tflite"]["faces"] == 8
    assert again.path("model_float16.tflite").stat().st_size == made.size


def test_a_file_that_differs_is_not_kept(model: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(network: object, path: Path, *_: object) -> None:
        path.write_bytes((model.folder / "model.tflite").read_bytes())

    monkeypatch.setattr("trainer.export.convert", copy)
    target = tmp_path / "int8.tflite"
    target.write_bytes(b"the old one")
    with pytest.raises(TrainError, match="it was not kept"):
        export(model, "litert", "int8", output=target, faces=_faces(), max_shift=-1)
    assert target.read_bytes() == b"the old one"


@pytest.mark.parametrize("to", ["litert", "onnx", "saved_model"])
def test_an_export_says_what_it_takes(model: Bundle, tmp_path: Path, to: Any) -> None:
    made = export(model, to, output=tmp_path / "out" / {"saved_model": "saved"}.get(to, f"m.{to}"), faces=_faces()[:2])
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

    made = export(model, "onnx", output=tmp_path / "m.onnx", faces=_faces()[:2])
    entries = {entry.key: entry.value for entry in onnx.load(str(made.path)).metadata_props}
    assert json.loads(entries["maskgen.input"])["range"] == [0, 255]
    assert json.loads(entries["maskgen.labels"]) == list(model.labels)
    assert made.size == made.path.stat().st_size


def test_saved_model(model: Bundle, tmp_path: Path) -> None:
    made = export(model, "saved_model", output=tmp_path / "saved", faces=_faces()[:2])
    assert (made.path / "saved_model.pb").is_file()
    assert made.max_shift < 1e-5


def test_onnx(model: Bundle, tmp_path: Path) -> None:
    made = export(model, "onnx", output=tmp_path / "model.onnx", faces=_faces()[:2])
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
