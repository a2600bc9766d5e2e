from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from trainer.loop.progress import CallbackReporter, reporting

if TYPE_CHECKING:
    from pathlib import Path


def _row(epoch: int, **changes: Any) -> dict[str, Any]:
    row = {"phase": "fine-tune", "epoch": epoch, "loss": 0.5, "accuracy": 0.9, "val_loss": 0.25, "val_accuracy": 0.9}
    return {**row, "val_balanced_accuracy": 0.875, "learning_rate": math.nan, "seconds": 1.0, **changes}


def test_a_pipe_gets_a_line_an_epoch(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = "first weights: " + "packaged " * 20
    with reporting() as reporter:
        reporter.note(long)
        reporter.start("fine-tuning", 2)
        for epoch in (1, 2):
            reporter.step(epoch, "loss 0.5")
            reporter.epoch(_row(epoch))
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == long
    assert [line.split()[:2] for line in lines[1:]] == [["fine-tune", "1"], ["fine-tune", "2"]]
    assert "val balanced accuracy 87.50 %" in lines[1]


def test_a_detectors_epoch_is_said_by_its_map(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting() as reporter:
        reporter.epoch({"phase": "train", "epoch": 1, "loss": 1.0, "val_loss": 0.5, "val_map50": 0.5, "seconds": 61})
    assert " ".join(capsys.readouterr().err.split()) == "train 1 loss 1.0000 validation mAP50 0.500 61 s"


def test_keras_callbacks_hear_of_epochs(tmp_path: Path) -> None:
    import keras

    heard: list[Any] = []

    class Heard(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            heard.append(self.model)

        def on_train_end(self, logs: Any = None) -> None:
            heard.append("end")

    reporter = CallbackReporter([Heard(), keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))])
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    reporter.begin(network)
    reporter.epoch(_row(1, learning_rate=0.125))
    reporter.end()
    assert heard == [network, "end"]
    head, line = (tmp_path / "log.csv").read_text().splitlines()
    assert dict(zip(head.split(","), line.split(","), strict=True))["learning_rate"] == "0.125"
    assert line.startswith("0,")  # Keras counts from nought


def test_tensorboards_files_need_no_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import tensorflow as tf

    monkeypatch.setitem(sys.modules, "tensorboard", None)  # as if it were not installed
    with reporting(tmp_path / "runs") as reporter:
        reporter.epoch(_row(1))
        reporter.epoch(_row(2, loss=0.125))
    (path,) = (tmp_path / "runs").iterdir()
    found: dict[int, dict[str, float]] = {}
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found.setdefault(event.step, {})[value.tag] = value.simple_value
    assert found[2]["loss"] == 0.125
    assert found[1]["val_balanced_accuracy"] == 0.875
    assert "learning_rate" not in found[1]  # it is no number there


def test_nothing_is_written_for_a_run_that_never_began(tmp_path: Path) -> None:
    with reporting(tmp_path / "runs"):
        pass
    assert not (tmp_path / "runs").exists()
