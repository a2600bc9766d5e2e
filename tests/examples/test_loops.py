"""The examples of one's own training loop run as they are written, and so does the README's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("albumentations_loop.py", r"epoch 1: \(2, 3, 112, 112\), \d with a mask"),
        ("keras_loop.py", r"loss \d\.\d{3} \d\.\d{3}"),
    ],
)
def test_the_loop_runs(script: str, says: str, portraits: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / script), str(portraits)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(says, done.stdout), done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/transform.md"])
def test_the_pages_snippet_runs(page: str, portraits: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?MaskTransform.*?)```", text, re.DOTALL)[:1]
    photo = str(portraits / "astronaut.png")
    image = f"from PIL import Image\nimport numpy\nimage = numpy.asarray(Image.open({photo!r}))\n"
    done = subprocess.run(
        [sys.executable, "-c", image + code + "\nassert masked.image.shape == image.shape\n"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
