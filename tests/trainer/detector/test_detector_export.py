from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import TrainError
from trainer.export import detector
from trainer.export.detector import FAINT, SURE, write

PICTURES = [np.zeros((32, 32, 3), np.uint8)]


def _write(target: Path, monkeypatch: pytest.MonkeyPatch, figures: dict[float, tuple[Any, ...]]) -> detector.Exported:
    """What a network and its file find is told, by the score that is asked for."""
    monkeypatch.setattr(detector, "convert", lambda _, path, *__: path.write_bytes(b"file"))
    monkeypatch.setattr(detector, "compare", lambda *words: figures[words[4] if len(words) > 4 else SURE])
    return write(None, target, "none", PICTURES, 2)


def test_a_file_that_was_compared_on_no_face_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = (1, 0, 0, 0.0, 0.0, 1.0)
    with pytest.raises(TrainError, match="finds no face on the 1 pictures, so nothing could be compared"):
        _write(tmp_path / "a.tflite", monkeypatch, {SURE: nothing, FAINT: nothing})
    assert not (tmp_path / "a.tflite").exists()


def test_faint_faces_are_better_than_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, some = (1, 0, 0, 0.0, 0.0, 1.0), (1, 3, 0, 1e-5, 1e-5, 1.0)
    made = _write(tmp_path / "a.tflite", monkeypatch, {SURE: nothing, FAINT: some})
    assert made.faces == 3
    assert (tmp_path / "a.tflite").is_file()
    with pytest.raises(TrainError, match="it was not kept"):
        _write(tmp_path / "b.tflite", monkeypatch, {SURE: nothing, FAINT: (1, 3, 1, 1e-5, 1e-5, 1.0)})


def test_what_is_no_number_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainError, match="by nan"):
        _write(tmp_path / "a.tflite", monkeypatch, {SURE: (1, 3, 0, float("nan"), 0.0, 1.0)})
