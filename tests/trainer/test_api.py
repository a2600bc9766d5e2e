from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import trainer
from maskgen import images
from maskgen.errors import DatasetError, InputError, TrainError
from trainer.api import train
from trainer.bundle import Bundle
from trainer.config.classifier import TrainConfig
from trainer.loop import checkpoint
from trainer.loop.progress import Reporter
from trainer.loop.run_folder import settings_of
from trainer.models.litert import LiteRTModel
from trainer.models.weights import load_network

from .conftest import TINY, draw, small_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_model_folder_is_whole(trained: Path) -> None:
    expected = {"model.keras", "model.tflite", "bundle.json", "metrics.json", "classification_report.txt"}
    expected |= {"history.csv", "curves.png", "confusion_matrix.png", "roc.png", "reliability.png"}
    expected |= {"README.md", "report.html", "seen.npy"}
    assert {path.name for path in trained.iterdir()} - {"mistakes.png"} == expected
    bundle = Bundle.load(trained)
    assert bundle.labels == ("with_mask", "without_mask")
    assert bundle.input_size_wh == (32, 32)
    assert set(bundle.sha256) == {"model.keras", "model.tflite"}
    assert bundle.config["first_weights"] == "none"
    assert bundle.versions["keras"]
    assert bundle.export["model.tflite"]["max_shift"] < 0.02
    card = (trained / "README.md").read_text()
    assert "must not be used for" in card
    assert "balanced accuracy" in card
    metrics = json.loads((trained / "metrics.json").read_text())
    assert set(metrics) >= {"n", "labels", "threshold", "balanced_accuracy", "accuracy", "auc", "per_label", "ece"}


def test_the_litert_file_agrees_with_keras(trained: Path) -> None:
    rois = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
    keras_says = load_network(trained / "model.keras").predict_on_batch(rois.astype(np.float32))
    # The weights were rounded before they were written, so both files hold the same ones.
    np.testing.assert_allclose(LiteRTModel(trained / "model.tflite").predict(rois), keras_says, atol=1e-5)


def test_no_tensor_is_the_first_weights_own(trained: Path) -> None:
    for layer in load_network(trained / "model.keras").get_layer("backbone").layers:
        if type(layer).__name__ == "BatchNormalization":
            gamma, _, mean, variance = layer.get_weights()
            assert (gamma == 1).all()
            assert (mean == 0).all()
            np.testing.assert_allclose(variance, 1, atol=2e-3)


def test_what_is_in_the_way_is_not_overwritten(tmp_path: Path, trained: Path, plain_dataset: Path) -> None:
    config = TrainConfig(**TINY)
    with pytest.raises(InputError, match=r"finished model.*--overwrite"):
        train(plain_dataset, trained, config)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="holds no model"):
        train(plain_dataset, tmp_path / "notes", config)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        train(plain_dataset, tmp_path / "file", config)
    with pytest.raises(InputError, match="lies inside the dataset"):
        train(plain_dataset, plain_dataset / "model", config)
    unfinished = tmp_path / "unfinished"
    (unfinished / checkpoint.FOLDER).mkdir(parents=True)
    with pytest.raises(InputError, match="--resume"):
        train(plain_dataset, unfinished, config)


@pytest.mark.parametrize("problem", ["corrupt class", "alike", "missing class"])
def test_a_hopeless_dataset_is_refused_before_the_first_epoch(
    folders: Callable[..., Path], tmp_path: Path, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders()
    if problem == "missing class":
        shutil.rmtree(folder / "with_mask")
    for path in folder.rglob("*.png"):
        if problem == "corrupt class" and path.parent.name == "with_mask":
            path.write_bytes(path.read_bytes()[:80] + path.name.encode())
        if problem == "alike":
            images.write(path, np.zeros((8, 8, 3), np.uint8))

    def never(*_: Any) -> None:
        raise AssertionError("a network was built")

    monkeypatch.setattr("trainer.models.build", never)
    with pytest.raises(DatasetError):
        train(folder, tmp_path / "model", TrainConfig(**TINY))
    assert not (tmp_path / "model" / "bundle.json").exists()


def test_a_full_disk_is_one_clear_word(plain_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "model" / "x"))

    monkeypatch.setattr("trainer.classifier.train._learn", full)
    with pytest.raises(TrainError, match=r"No space left.*--resume"):
        train(plain_dataset, tmp_path / "model", TrainConfig(**TINY))
    assert settings_of(tmp_path / "model", TrainConfig) == TrainConfig(**TINY)


def test_a_broken_overwrite_leaves_the_old_model(trained: Path, plain_dataset: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(trained, model)
    with pytest.raises(DatasetError):
        train(tmp_path / "absent", model, TrainConfig(**TINY), overwrite=True)
    assert Bundle.load(model).arch == "mobilenetv2"


def _splits(root: Path, counts: dict[str, int], labels: tuple[str, ...]) -> Path:
    rng = np.random.default_rng(0)
    for split, count in counts.items():
        for label in labels:
            (root / split / label).mkdir(parents=True)
            for number in range(count):
                images.write(root / split / label / f"{number}.png", draw(rng, label == "with_mask"))
    return root


def test_what_a_run_was_told_is_in_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Margin, prior and threshold, with splits of three sizes and a network of a second."""
    from trainer.metrics import classification

    labels = ("with_mask", "without_mask", "incorrect_mask")
    dataset = _splits(tmp_path / "dataset", {"train": 4, "val": 3, "test": 2}, labels)
    chosen_on: list[int] = []

    def choose(truth: np.ndarray, scores: np.ndarray) -> float:
        chosen_on.extend((len(truth), len(scores)))
        return 0.375

    monkeypatch.setattr("trainer.models.build", small_network)
    monkeypatch.setattr(classification, "choose_threshold", choose)
    # The weights hold still: the last bias is what the prior made of zeros.
    still = {**TINY, "classes": 3, "lr": 1e-9, "head_lr": 1e-9, "epochs": 1}
    config = TrainConfig(**{**still, "margin": 1.4, "incorrect_prior": 0.1})
    summary = train(dataset, tmp_path / "model", config)
    assert chosen_on == [9, 9]
    assert summary.split == "test"
    assert len(summary.result.faces) == 6
    assert (summary.bundle.threshold, summary.bundle.margin, summary.bundle.labels) == (0.375, 1.4, labels)
    bias = load_network(tmp_path / "model" / "model.keras").get_layer("logits").get_weights()[1]
    np.testing.assert_allclose(bias, np.log([1.35, 1.35, 0.3]), atol=1e-5)
    assert not (tmp_path / "model" / checkpoint.FOLDER).exists()


def test_the_dataset_is_read_as_told(plain_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Read(Exception):
        pass

    def load(folder: Path, **told: Any) -> None:
        raise Read(folder, told)

    monkeypatch.setattr("trainer.classifier.train.load", load)
    wanted = {"classes": 3, "incorrect": "with_mask", "val_fraction": 0.35, "group_by": "p(.)", "seed": 5}
    with pytest.raises(Read) as caught:
        train(plain_dataset, tmp_path / "model", TrainConfig(**{**TINY, **wanted}))
    assert caught.value.args == (plain_dataset, wanted)


class Notes(Reporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_blocks_that_stay_random_are_said(plain_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Begun(Exception):
        pass

    def fit(*_: Any, **__: Any) -> None:
        raise Begun

    monkeypatch.setattr("trainer.models.build", small_network)
    monkeypatch.setattr("trainer.classifier.train.fit", fit)
    for fine_tune, said in (("17", True), ("auto", False)):
        heard = Notes()
        with pytest.raises(Begun):
            train(plain_dataset, tmp_path / fine_tune, TrainConfig(**{**TINY, "fine_tune": fine_tune}), reporter=heard)
        assert any("keep their random values" in note for note in heard.notes) is said


def test_settings_of_nothing(tmp_path: Path) -> None:
    assert settings_of(tmp_path, TrainConfig) is None
    (tmp_path / checkpoint.FOLDER).mkdir()
    (tmp_path / checkpoint.FOLDER / "settings.json").write_text("{")
    with pytest.raises(TrainError, match="damaged"):
        settings_of(tmp_path, TrainConfig)


def test_python_trains_with_single_settings_and_keras_callbacks(
    plain_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = "val_loss" in logs

    monkeypatch.setattr("trainer.models.build", small_network)
    reporter = trainer.CallbackReporter([Stop()])
    summary = trainer.train(
        str(plain_dataset), str(tmp_path / "model"), TrainConfig(**TINY), epochs=3, head_epochs=2, reporter=reporter
    )
    assert summary.bundle.config["epochs"] == 3
    with (tmp_path / "model" / "history.csv").open() as file:
        assert [(row["phase"], row["epoch"]) for row in csv.DictReader(file)] == [("head", "1"), ("fine-tune", "1")]
    result = trainer.evaluate(tmp_path / "model", plain_dataset, face_px=16)
    assert len(result.to_json()["per_label"]) == 2
    made = trainer.api.export(tmp_path / "model", "litert", "float16", max_shift=1.0)
    assert made.path == tmp_path / "model" / "model_float16.tflite"
    assert made.path.name in Bundle.load(tmp_path / "model").sha256


def test_a_detector_is_compared_with_nothing_and_exported_to_litert(tmp_path: Path) -> None:
    detector = Bundle(tmp_path, ("with_mask", "without_mask"), "onestage", (64, 64), fit="pad", task="detector")
    with pytest.raises(InputError, match="compare is for classifiers"):
        trainer.evaluate(detector, tmp_path, compare="classifier")
    with pytest.raises(InputError, match="a detector is exported to litert; onnx is for classifiers"):
        trainer.api.export(detector, "onnx")
    with pytest.raises(InputError, match="with --crops SCENES"):
        trainer.api.export(detector)


def test_the_package_offers_its_names_lazily() -> None:
    code = (
        "import sys, trainer\n"
        "assert not {'numpy', 'keras', 'trainer.api'} & set(sys.modules)\n"
        "for name in trainer.__all__:\n"
        "    assert getattr(trainer, name) is not None\n"
        "assert not {'keras', 'tensorflow', 'cv2', 'sklearn', 'scipy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = trainer.nothing
