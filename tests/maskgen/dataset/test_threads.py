"""The number of threads changes the last bits of a drawing: one inside, as before outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped,unused-ignore]

from maskgen.dataset import reproduce
from maskgen.dataset.engines.base import Task
from maskgen.dataset.lines import parse_record
from maskgen.dataset.settings import Settings
from maskgen.dataset.threads import single_threaded
from maskgen.dataset.wardrobe import open_wardrobe
from maskgen.dataset.worker import PhotoWorker
from maskgen.render import face


def threads() -> tuple[set[int], int]:
    """Of BLAS and of OpenCV."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}, cv2.getNumThreads()


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    with threadpool_limits(2, user_api="blas"):
        cv2.setNumThreads(2)
        yield
        cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    with single_threaded(), single_threaded():
        assert threads() == ({1}, 1)
    assert threads() == ({2}, 2)
    with pytest.raises(ZeroDivisionError), single_threaded():
        raise ZeroDivisionError
    assert threads() == ({2}, 2)


class Memory:
    root = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data


@pytest.mark.usefixtures("two_threads")
def test_every_drawing_has_one_thread_and_leaves_two(hopper_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[int], int]] = []
    render = face.render

    def watched(*words: Any, **more: Any) -> Any:
        seen.append(threads())
        return render(*words, **more)

    monkeypatch.setattr(face, "render", watched)
    store = Memory()
    worker = PhotoWorker(Settings("out", size=64), store=store)  # type: ignore[arg-type]
    outcome = worker.do(Task(0, str(hopper_path)))
    assert threads() == ({2}, 2), "the limit of the worker leaks"
    wardrobe = open_wardrobe(Settings("out"))
    for line in outcome.lines:
        record = parse_record(line)
        assert reproduce.remake(record, wardrobe) == store.files[record.file_name]
    assert threads() == ({2}, 2), "the limit of the remake leaks"
    assert len(seen) >= 4
    assert all(one == ({1}, 1) for one in seen)
