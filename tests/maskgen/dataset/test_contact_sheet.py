from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_worker import photo

from maskgen.dataset.contact_sheet import Cell, contact_sheet, pick, sheet
from maskgen.dataset.pipeline import Run, generate
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.report import write_report
from maskgen.dataset.settings import Settings
from maskgen.errors import DatasetError
from maskgen.images import read_rgb


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preview")
    (folder / "in").mkdir()
    for number in range(9):
        (folder / "in" / f"{number}.jpg").write_bytes(photo(f"person {number}"))
    (folder / "in" / "<script>.jpg").write_bytes(photo("skip no_face"))
    (folder / "in" / "notes.txt").write_text("no photo")
    settings = Settings(str(folder / "out"), wardrobe="fake")
    generate([str(folder / "in")], settings, Run(engine="inline", factory="fake_worker:build"))
    return folder / "out"


def test_a_sheet_has_a_cell_for_every_picture() -> None:
    cells = [Cell(np.full((10, 20, 3), 255 if i % 2 else 0, np.uint8), f"number {i}", (9, 9, 9)) for i in range(5)]
    assert sheet(cells, cell=32, columns=3).shape == (6 + 2 * (32 + 16 + 6), 6 + 3 * (32 + 6), 3)
    assert sheet(cells[:1], cell=32).shape[1] == 6 + 32 + 6
    assert sheet([]).shape[2] == 3


def test_a_face_is_picked_with_all_its_images(dataset: Path) -> None:
    picked = pick(read_dataset(dataset), 4)
    assert [r.label for r in picked] == ["with_mask", "without_mask"] * 4
    assert len({r.source_id for r in picked}) == 4
    assert pick(read_dataset(dataset), 4) == picked
    assert len(pick(read_dataset(dataset), 100)) == 18


def test_the_contact_sheet_is_written(dataset: Path, tmp_path: Path) -> None:
    contact_sheet(dataset, tmp_path / "sheet.png", pairs=4, cell=64)
    assert read_rgb(tmp_path / "sheet.png").shape == (6 + 64 + 22, 6 + 8 * 70, 3)
    with pytest.raises(DatasetError, match="no image"):
        contact_sheet(dataset, tmp_path / "none.png", split="nowhere")


def test_the_report_says_what_was_written_and_what_not(dataset: Path) -> None:
    page = write_report(dataset).read_text(encoding="utf-8")
    for words in (
        "with_mask",
        "surgical",
        "no_face",
        "not_an_image",
        "no face was found",
        "11</b>photos",
        "Yaw of the head",
    ):
        assert words in page, words
    assert "<script>" not in page, "names are escaped"
    assert "&lt;script&gt;.jpg" in page
    assert "http" not in page.replace("http-equiv", ""), "nothing comes from a network"
