"""Scenes on the engines of the dataset: any number of workers, dead ones, errors."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from maskgen.errors import DatasetError, MaskgenError
from maskgen.scenes import importer, work


class Odd(work.SceneWorker):
    def __init__(self, flag: Path) -> None:
        self._flag = flag

    def lines(self, source: str) -> Iterator[str]:
        if source == "dies once" and not self._flag.exists():
            self._flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if source == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if source == "is wrong":
            raise DatasetError("this is wrong")
        if source == "is a bug":
            raise ZeroDivisionError("one by nothing")
        yield source.upper()


def open_odd(told: dict[str, Any]) -> Odd:
    return Odd(told["flag"])


def done(tmp_path: Path, workers: int, *sources: str) -> list[str]:
    told = {"flag": tmp_path / "flag"}
    return [outcome.lines[0] for outcome in work.outcomes(f"{__name__}:open_odd", told, sources, workers)]


@pytest.mark.parametrize("workers", [1, 2])
def test_work_comes_back_in_order(workers: int, tmp_path: Path) -> None:
    words = [f"word {number}" for number in range(9)]
    assert done(tmp_path, workers, *words) == [word.upper() for word in words]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_the_same_error_from_any_worker(workers: int, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^this is wrong$"):
        done(tmp_path, workers, "a", "is wrong", "b")
    with pytest.raises(MaskgenError, match="is a bug: ZeroDivisionError: one by nothing"):
        done(tmp_path, workers, "is a bug")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_worker_that_dies_is_replaced_and_its_work_tried_again(tmp_path: Path) -> None:
    assert done(tmp_path, 2, "a", "dies once", "b") == ["A", "DIES ONCE", "B"]
    with pytest.raises(MaskgenError, match=r"want of memory.*--workers 1.*dies"):
        done(tmp_path, 2, "a", "dies")


def test_many_pictures_are_imported_by_several_processes_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    images, annotations = [], []
    for number in range(6):
        Image.new("RGB", (40 + number, 30), (number, 9, 9)).save(tmp_path / "in" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png"})
        annotations.append({"id": number, "image_id": number, "category_id": 1, "bbox": [1, 2, 9, number + 3]})

    coco = tmp_path / "in" / "all.json"
    categories = [{"id": 1, "name": "face_mask"}]
    coco.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    importer.import_coco(coco, tmp_path / "one", split=(0.5, 0.5, 0.0))
    started: list[int] = []
    outcomes = work.outcomes

    def watched(factory: str, told: dict[str, Any], sources: Any, workers: int) -> Any:
        started.append(workers)
        return outcomes(factory, told, sources, workers)

    monkeypatch.setattr(work, "outcomes", watched)
    monkeypatch.setattr(importer, "cores", lambda: 2)
    monkeypatch.setattr(importer, "MANY", 3)
    importer.import_coco(coco, tmp_path / "two", split=(0.5, 0.5, 0.0))
    assert started == [2]
    for name in ("train.json", "val.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
