"""Photos on a disk and at an address: found, counted, read."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import pytest

from maskgen.dataset.inputs import Unusable, absent, count_inputs, iter_inputs, read_input
from maskgen.errors import ImageError, InputError


def test_inputs_are_streamed_in_order(tmp_path: Path) -> None:
    import fsspec

    place = f"faces-{uuid.uuid4().hex}"
    fs = fsspec.filesystem("memory")
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", "out/train/x.jpg"):
        fs.pipe_file(f"/{place}/{name}", b"x")
    found = list(iter_inputs([f"memory://{place}"], f"memory://{place}/out"))
    assert found == [f"memory://{place}/{name}" for name in ("a.jpg", "b/1.jpg", "b/2.jpg")]
    (missing,) = iter_inputs(["memory://nowhere-at-all"], "out")
    assert missing == Unusable("memory://nowhere-at-all", "unreadable", "memory://nowhere-at-all does not exist")
    with pytest.raises(InputError, match="cannot open"):
        list(iter_inputs(["nosuchprotocol://x"], "out"))


def test_hidden_folders_are_left_out_at_an_address_as_on_a_disk(tmp_path: Path) -> None:
    import fsspec

    place = f"faces-{uuid.uuid4().hex}"
    fs = fsspec.filesystem("memory")
    names = ("a.jpg", ".thumbs/a.jpg", "b/.trash/deep/x.jpg", "b/.hidden.jpg", "b/c.jpg")
    for name in names:
        fs.pipe_file(f"/{place}/{name}", b"x")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    there = [str(item).removeprefix(f"memory://{place}/") for item in iter_inputs([f"memory://{place}"], "out")]
    here = [Path(str(item)).relative_to(tmp_path).as_posix() for item in iter_inputs([str(tmp_path)], "out")]
    assert there == here == ["a.jpg", "b/c.jpg"]


def test_files_are_counted_where_that_is_cheap(tmp_path: Path) -> None:
    for name in ("a.jpg", "b/c.jpg", "out/x.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    stop = threading.Event()
    assert count_inputs([str(tmp_path)], str(tmp_path / "out"), stop) == 2
    assert count_inputs([str(tmp_path), "memory://somewhere"], "out", stop) is None
    (tmp_path / "empty").mkdir()
    assert count_inputs([str(tmp_path / "empty")], "out", stop) == 0
    stop.set()
    assert count_inputs([str(tmp_path)], "out", stop) is None


def test_what_is_not_there_is_known_before_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert [absent(str(tmp_path / name)) for name in ("a.jpg", "b.jpg")] == [False, True]
    assert not absent("nosuchprotocol://x")


def test_bytes_at_an_address_are_read_like_those_on_a_disk(tmp_path: Path) -> None:
    import fsspec

    place = f"memory://faces-{uuid.uuid4().hex}"
    fs = fsspec.filesystem("memory")
    for data in (b"\xff\xd8\xff and more", b""):
        (tmp_path / "a.jpg").write_bytes(data)
        fs.pipe_file(f"{place}/a.jpg", data)
        if data:
            assert read_input(f"{place}/a.jpg") == read_input(str(tmp_path / "a.jpg")) == data
        else:
            for path in (f"{place}/a.jpg", str(tmp_path / "a.jpg")):
                with pytest.raises(ImageError, match="0 bytes"):
                    read_input(path)
    with pytest.raises(ImageError, match="cannot be read"):
        read_input(f"{place}/none.jpg")
