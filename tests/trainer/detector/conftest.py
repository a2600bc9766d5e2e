"""Scenes of coloured discs, and a detector trained on them once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # discs.py serves several test files

from discs import SETTINGS, write_scenes


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("discs") / "scenes", train=64, val=16)


@pytest.fixture(scope="session")
def disc_model(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder by a whole run on the discs: about half a minute."""
    from trainer.api import train_detector

    folder = tmp_path_factory.mktemp("disc_model") / "model"
    train_detector(scenes, folder, **SETTINGS)
    return folder
