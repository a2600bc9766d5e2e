"""A detector for painted faces, and a tiny network that tells them apart."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # painting.py and servers.py serve several test files

from painting import PaintedFaces

if TYPE_CHECKING:
    from detect.detector import Detector


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose network is ``make_tiny_model.py``'s."""
    from trainer.bundle import Bundle, file_sha256

    folder = tmp_path_factory.mktemp("tiny") / "model"
    folder.mkdir()
    data = (Path(__file__).parent / "data" / "tiny.tflite").read_bytes()
    (folder / "model.tflite").write_bytes(data)
    Bundle(
        folder=folder,
        labels=("with_mask", "without_mask"),
        arch="mobilenetv2",
        input_size_wh=(32, 32),
        margin=1.0,
        sha256={"model.tflite": file_sha256(folder / "model.tflite")},
    ).save()
    return folder


@pytest.fixture
def painted(tiny_model: Path) -> Detector:
    """A detector for painted faces, on two threads."""
    from detect.classifier import Classifier
    from detect.detector import Detector
    from detect.search import FaceSearch

    return Detector(
        lambda: FaceSearch(PaintedFaces()),
        lambda: Classifier.load(tiny_model),
        ("with_mask", "without_mask"),
        threads=2,
    )


@pytest.fixture
def painted_commands(painted: Detector, monkeypatch: pytest.MonkeyPatch) -> Detector:
    """The command line finds painted faces, whatever ``--faces`` says."""
    from detect.detector import Detector

    monkeypatch.setattr(Detector, "load", classmethod(lambda cls, *args, **kwargs: painted))
    return painted
