"""A dataset folder is read back, or one clear error says why not."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgen.dataset import check
from maskgen.dataset.lines import record_line
from maskgen.dataset.reader import read_dataset, read_run, read_skipped
from maskgen.errors import DatasetError

from .test_lines import a_dataset, a_record


def test_a_dataset_is_read_back(tmp_path: Path) -> None:
    records = [a_record(), a_record(label="without_mask")]
    folder = a_dataset(tmp_path, *records)
    assert list(read_dataset(folder)) == records
    assert check.problems(folder) == []


def test_what_breaks_the_contract_is_said_with_its_line(tmp_path: Path) -> None:
    folder = a_dataset(tmp_path, a_record())
    with pytest.raises(DatasetError, match=r"no metadata\.jsonl"):
        list(read_dataset(tmp_path / "nowhere"))
    with (folder / "metadata.jsonl").open("a") as file:
        file.write('{"file_name": "train/with_mask/b.jpg"}\n')
    with pytest.raises(DatasetError, match="line 2: no field 'label'"):
        list(read_dataset(folder))
    (folder / "metadata.jsonl").write_text("{}\nnot json\n")
    with pytest.raises(DatasetError, match="line 1"):
        list(read_dataset(folder))
    (folder / "metadata.jsonl").write_text("[]\n")
    with pytest.raises(DatasetError, match="object"):
        list(read_dataset(folder))


def test_a_missing_image_is_passed_over(tmp_path: Path) -> None:
    folder = a_dataset(tmp_path, a_record())
    (folder / a_record().file_name).rename(folder / "train" / "stray.jpg")
    assert list(read_dataset(folder, gone=[])) == []
    assert len(list(read_dataset(folder, check_files=False))) == 1


def test_a_line_cannot_point_outside(tmp_path: Path) -> None:
    folder = a_dataset(tmp_path, a_record())
    line = record_line(dataclasses.replace(a_record(), file_name="../x.jpg"))
    (folder / "metadata.jsonl").write_text(line + "\n")
    with pytest.raises(DatasetError, match="outside"):
        list(read_dataset(folder))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_of_any_kind_are_no_dataset(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("raw")
    for name in ("metadata.jsonl", "skipped.jsonl", "run.json"):
        (folder / name).write_bytes(raw)
    with contextlib.suppress(DatasetError):
        list(read_dataset(folder))
    with contextlib.suppress(DatasetError):
        list(read_skipped(folder))
    with contextlib.suppress(DatasetError):
        assert isinstance(read_run(folder), dict)
    assert isinstance(check.problems(folder), list)
