from __future__ import annotations

import os
from pathlib import Path

import pytest

from maskgen.io.files import sweep_parts, whole, write_whole


def test_the_bytes_are_on_the_disk_before_the_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        told.append(f"sync {os.fstat(number).st_size}")
        sync(number)

    def renamed(path: Path, target: Path) -> Path:
        told.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_whole(tmp_path / "a.txt", b"12345")
    assert told == ["sync 5", "rename"]


def test_two_machines_never_choose_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # On two hosts that share a folder, process numbers and counters are the same.
    monkeypatch.setattr(os, "getpid", lambda: 4)
    with whole(tmp_path / "a") as first, whole(tmp_path / "a") as second:
        assert first != second
        assert len(first.name) > 32
        first.write_bytes(b"1")
        second.write_bytes(b"2")


def test_what_fails_leaves_nothing_and_keeps_what_was(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", b"before")

    def fail() -> None:
        with whole(tmp_path / "a.txt") as temp:
            temp.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"before"


def test_a_read_only_file_may_be_linked(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"1")
    (tmp_path / "photo").chmod(0o444)
    for _ in range(2):
        with whole(tmp_path / "a") as temp:
            os.link(tmp_path / "photo", temp)
    assert (tmp_path / "a").read_bytes() == b"1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "photo"]


def test_only_what_was_being_written_is_swept(tmp_path: Path) -> None:
    for name in (".12.part", "mine.part", ".hidden", "a.jpg"):
        (tmp_path / name).touch()
    sweep_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "a.jpg", "mine.part"]
    sweep_parts(tmp_path / "nowhere")
