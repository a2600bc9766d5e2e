from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskgen import images
from maskgen.dataset.duplicates import near, thumbnail
from trainer.data import twins


def _picture(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return np.repeat(np.repeat(rng.integers(0, 255, (6, 6, 3)).astype(np.uint8), 20, 0), 20, 1)


def test_a_copy_in_another_split_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    parts = {}
    for split, numbers in (("train", (1, 2, 3)), ("val", (4, 5)), ("test", (6, 2))):
        (tmp_path / split).mkdir()
        paths = []
        for number in numbers:
            paths.append(tmp_path / split / f"{number}.jpg")
            image = _picture(number)
            images.write(paths[-1], image[::2, ::2] if split == "test" else image, 60 if split == "test" else 95)
        parts[split] = twins.of_files([*paths, tmp_path / "none.jpg"])
    assert twins.warn(parts) == 1
    assert "test/2.jpg = train/2.jpg" in caplog.text
    caplog.clear()
    del parts["test"]
    assert twins.warn(parts) == 0
    assert caplog.text == ""


def test_pictures_of_little_contrast_are_not_all_alike() -> None:
    rng = np.random.default_rng(0)
    faint = [np.clip(120 + (_picture(number) - 127.0) / 5, 0, 255).astype(np.uint8) for number in range(20)]
    marks = [thumbnail(image) for image in faint]
    noisy = [thumbnail(np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)) for image in faint]
    assert list(near(np.array(marks[:10]), np.array(marks[10:]))) == []
    assert list(near(np.array(noisy), np.array(marks))) == [(number, number) for number in range(20)]
