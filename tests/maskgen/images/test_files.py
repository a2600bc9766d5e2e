"""Picture files: what is none, names, whole writes."""

import os
import sys

import numpy as np
import pytest

from maskgen.errors import ImageError, InputError
from maskgen.images import decode_rgb, encode, iter_paths, read_bytes, read_rgb, source_id, write, write_bytes

from .test_decode import gradient, reason_of


def test_what_is_no_picture(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture at all, whatever its name says")
    empty = tmp_path / "empty.png"
    empty.touch()
    assert reason_of(read_bytes, text) == "not_an_image"
    assert reason_of(read_bytes, empty) == "empty"
    assert reason_of(read_bytes, tmp_path) == "unreadable"
    assert reason_of(read_bytes, tmp_path / "missing.jpg") == "unreadable"
    assert reason_of(decode_rgb, b"") == "empty"
    assert reason_of(decode_rgb, b"%PDF-1.7") == "not_an_image"


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes and sockets are POSIX files")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason_of(read_bytes, tmp_path / "pipe.jpg") == "unreadable"


def test_permission_denied_is_unreadable(tmp_path, monkeypatch):
    path = tmp_path / "secret.jpg"
    write(path, gradient())

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    # chmod stops nobody who runs the tests as root.
    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert reason_of(read_bytes, path) == "unreadable"


# ------------------------------------------------------------ writing


def test_names_with_spaces_newlines_and_foreign_bytes(tmp_path):
    names = ["a b.jpg", "日本.jpg"]
    if sys.platform == "linux":
        names += ["two\nlines.jpg", os.fsdecode(b"caf\xe9.jpg")]
    for name in names:
        write(tmp_path / name, gradient())
        assert read_rgb(tmp_path / name).shape == (60, 90, 3)
    assert [path.name for path in iter_paths([tmp_path])] == sorted(names)
    (tmp_path / names[-1]).write_bytes(b"")
    with pytest.raises(ImageError) as caught:
        read_rgb(tmp_path / names[-1])
    str(caught.value).encode()


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def full(self, _data):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_name_at_the_length_limit_can_be_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write(path, gradient())
    assert read_rgb(path).shape == (60, 90, 3)


def test_an_unknown_suffix_and_an_empty_picture():
    with pytest.raises(InputError, match=r"'.gif'"):
        encode(gradient(), ".gif")
    with pytest.raises(ImageError):
        encode(np.zeros((0, 0, 3), np.uint8))
    with pytest.raises(ImageError):
        encode(np.zeros((10, 70_000, 3), np.uint8), ".jpg")


def test_quality_matters_and_bytes_repeat():
    noisy = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    assert len(encode(noisy, ".jpg", 30)) < len(encode(noisy, ".jpg", 95))
    assert encode(noisy, ".webp", 60) == encode(noisy, ".webp", 60)


def test_source_id_hangs_on_the_bytes_alone():
    assert source_id(b"abc") == "ba7816bf8f01cfea"


# ------------------------------------------------------------ folders
