from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from maskgen.errors import BundleError, ShapeError
from trainer.models.litert import LiteRTModel, _probabilities

if TYPE_CHECKING:
    from pathlib import Path


def test_integer_outputs_add_up_to_one() -> None:
    detail = {"dtype": np.uint8, "quantization": (1 / 256, 0)}
    found = _probabilities(np.array([[255, 0], [128, 127]], np.uint8), detail)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[0], [1, 0])


def test_loading_says_nothing_and_checks_shapes(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network = LiteRTModel(trained / "model.tflite", threads=2)
    assert network.predict(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, 2)
    with pytest.raises(ShapeError):
        network.predict(np.zeros((1, 16, 16, 3), np.uint8))
    assert capfd.readouterr() == ("", "")


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    with pytest.raises(BundleError, match="not a model"):
        LiteRTModel(tmp_path / "bad.tflite")
    with pytest.raises(BundleError, match="no model file"):
        LiteRTModel(tmp_path / "absent.tflite")
