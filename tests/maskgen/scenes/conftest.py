"""A dataset of pieces to compose: both portraits, every label."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pieces_folder(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``maskgen generate --crop scene --classes 3`` writes of two portraits, all in train; read only."""
    from maskgen.dataset.pipeline import Run, generate
    from maskgen.dataset.settings import Settings

    output = tmp_path_factory.mktemp("pieces") / "dataset"
    settings = Settings(str(output), crop="scene", classes=3, camera="none", split=(1.0, 0.0, 0.0), detector="hog")
    generate([str(portraits)], settings, Run(engine="inline"))
    return output
