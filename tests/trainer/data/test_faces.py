from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from maskgen.errors import DatasetError
from trainer.data.dataset import scan
from trainer.data.faces import Crop, check_faces, decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = ("with_mask", "without_mask")


def test_corrupt_images_are_left_out_with_a_line(
    folders: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = folders()
    broken = folder / "with_mask" / "p03_b.png"
    broken.write_bytes(broken.read_bytes()[:100])
    (folder / "with_mask" / "notes.txt").write_text("no picture")
    with caplog.at_level(logging.WARNING):
        faces = decode(scan(folder), LABELS, Crop((16, 16)))
    assert len(faces) == 19
    assert faces.pixels.shape == (19, 16, 16, 3)
    assert caplog.text.count("left out:") == 2
    assert [s.label for s in faces.samples] == [LABELS[t] for t in faces.targets]
    np.testing.assert_array_equal(faces.pixels[5], decode([faces.samples[5]], LABELS, Crop((16, 16))).pixels[0])


def test_unknown_labels_are_named(folders: Callable[..., Path]) -> None:
    samples = scan(folders(with_mask=2, incorrect_mask=2))
    with pytest.raises(DatasetError, match="incorrect_mask"):
        decode(samples, LABELS, Crop((16, 16)))


def test_images_that_are_all_alike_are_refused(folders: Callable[..., Path]) -> None:
    folder = folders(with_mask=3, without_mask=3)
    one = (folder / "with_mask" / "p00_a.png").read_bytes()
    for path in folder.rglob("*.png"):
        path.write_bytes(one)
    with pytest.raises(DatasetError, match="the same picture"):
        check_faces(decode(scan(folder), LABELS, Crop((16, 16))), LABELS, "train")


def test_the_same_pictures_under_both_labels_are_refused(folders: Callable[..., Path]) -> None:
    folder = folders(with_mask=3, without_mask=3)
    for path in (folder / "with_mask").iterdir():
        shutil.copy(path, folder / "without_mask" / path.name)
    with pytest.raises(DatasetError, match="carry two labels"):
        check_faces(decode(scan(folder), LABELS, Crop((16, 16))), LABELS, "train")


def test_large_sets_lie_in_a_mapped_file(
    folders: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.data.faces.IN_MEMORY_BYTES", 100)
    samples = scan(folders())
    mapped = decode(samples, LABELS, Crop((16, 16)), cache=tmp_path / "cache" / "faces.npy")
    assert (tmp_path / "cache" / "faces.npy").stat().st_size > 20 * 16 * 16 * 3
    np.testing.assert_array_equal(mapped.pixels, decode(samples, LABELS, Crop((16, 16))).pixels)


def test_face_px_throws_detail_away(folders: Callable[..., Path]) -> None:
    samples = scan(folders())[:1]
    sharp, coarse = (decode(samples, LABELS, Crop((32, 32), face_px=px)).pixels.astype(float) for px in (None, 4))
    assert np.abs(np.diff(coarse, axis=2)).mean() < np.abs(np.diff(sharp, axis=2)).mean() / 3
