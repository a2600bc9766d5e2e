"""Numbers of faces: what they cost before anybody is seen."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import numpy as np
from detect.numbers import FaceNumbers
from detect.sources.base import Frame
from maskgen.types import Box, Face
numbers = FaceNumbers(25.0, 1.0, 0.15, 0.5)
frames = [Frame(index, index / 25, np.zeros((48, 64, 3), np.uint8)) for index in range(4)]
assert numbers.plan(frames[0], []).faces == ()
print("supervision" in sys.modules, "trackers" in sys.modules)
face = Face(Box(10, 10, 30, 30), 0.9, "yunet")
print([numbers.plan(frame, [face]).faces[0].number for frame in frames[1:]])
"""


def test_the_trackers_packages_load_when_somebody_is_seen() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False", "[None, 1, 1]"]
