"""The drawing stays what it is: forty images against a reference that ``tests/maskgen/forty_images.py`` redraws."""

from __future__ import annotations

import subprocess
import sys

import forty_images
import numpy as np
import pytest
from forty_images import ACROSS, COUNT, REFERENCE, SMALL
from PIL import Image

from maskgen.types import RGB

NEAR = 3
"""Levels by which a thumbnail may differ: the last bits of sums hang on the processor."""


@pytest.fixture
def portraits(astronaut: RGB, hopper: RGB) -> dict[str, RGB]:
    return {"astronaut": astronaut, "hopper": hopper}


def test_forty_images_look_as_they_did(portraits: dict[str, RGB]) -> None:
    """If the change is meant: ``python tests/maskgen/forty_images.py`` redraws the reference."""
    with Image.open(REFERENCE) as picture:
        reference = np.asarray(picture, np.int16)
    drawn = forty_images.thumbnails(forty_images.images(portraits)).astype(np.int16)
    assert drawn.shape == reference.shape == (COUNT // ACROSS * SMALL, ACROSS * SMALL, 3)
    off = np.abs(drawn - reference).reshape(-1, SMALL, ACROSS, SMALL, 3).max(axis=(1, 3, 4))
    assert np.flatnonzero(off.ravel() > NEAR).tolist() == []


def test_two_runs_draw_the_same_bytes(portraits: dict[str, RGB]) -> None:
    command = [sys.executable, forty_images.__file__, "digest"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == forty_images.digest(forty_images.images(portraits))
