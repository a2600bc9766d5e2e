from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from trainer.loop.progress import reporting

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


def test_a_detectors_epoch_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting() as reporter:
        reporter.epoch({"phase": "train", "epoch": 1, "loss": 1.0, "val_map50": 0.5})
        reporter.note("epoch   1  loss 1.000")
    assert capsys.readouterr().err.splitlines() == ["epoch   1  loss 1.000"]


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
