from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trainer.bundle import Bundle
from trainer.data import seen


def _bundle(folder: Path, **dataset: object) -> Bundle:
    return Bundle(folder, ("with_mask", "without_mask"), "mobilenetv2", (8, 8), dataset=dataset)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "data").mkdir()
    paths = [tmp_path / "data" / f"{number}.jpg" for number in range(6)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_files_are_known_again_by_their_content(
    tmp_path: Path, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    seen.save(tmp_path, files[:4])
    assert seen.warn(_bundle(tmp_path), tmp_path / "data", files[2:], [""]) == 2
    assert "has seen 2 of these 4 pictures" in caplog.text
    caplog.clear()
    assert seen.warn(_bundle(tmp_path), tmp_path / "data", files[4:], ["train"]) == 0
    assert caplog.text == ""
    files[0].rename(files[0].with_name("other.jpg"))
    assert seen.warn(_bundle(tmp_path), tmp_path / "data", [files[0].with_name("other.jpg")], [""]) == 1


def test_an_older_model_knows_its_datasets_alone(
    tmp_path: Path, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    assert seen.warn(_bundle(tmp_path, name="data"), data, files, [""]) == 6
    assert seen.warn(_bundle(tmp_path, name="others"), data, files, [""]) == 0
    assert seen.warn(_bundle(tmp_path, name="x", also={"name": "data"}), data, files, [""]) == 6
    assert seen.warn(_bundle(tmp_path, name="data"), data, files, ["test"]) == 0
    (data / "run.json").write_text(json.dumps({}))
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert seen.warn(_bundle(tmp_path, name="x", run_sha256=digest), data, files, ["train", "val"]) == 6
    assert seen.warn(_bundle(tmp_path, name="data", run_sha256="0" * 64), data, files, ["train"]) == 0


def test_a_damaged_list_is_said_and_no_reason_to_stop(
    tmp_path: Path, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "seen.npy").write_bytes(b"\x93NUMPY nothing")
    assert seen.warn(_bundle(tmp_path), tmp_path / "data", files, [""]) == 0
    assert "cannot be read" in caplog.text
    np.save(tmp_path / "seen.npy", np.array([object()], object), allow_pickle=True)
    assert seen.warn(_bundle(tmp_path), tmp_path / "data", files, [""]) == 0
