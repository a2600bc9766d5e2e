"""Files under folders: order, links, what is left out."""

import contextlib
import socket
import sys

import pytest

from maskgen.images import Skipped, iter_paths


def names(found, root):
    return [path.relative_to(root).as_posix() for path in found if not isinstance(path, Skipped)]


@pytest.fixture
def tree(tmp_path):
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", "c.txt", ".hidden.jpg", ".git/x.jpg", "out/done.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_names_too_many_for_a_list_come_in_order_too(tmp_path, monkeypatch):
    monkeypatch.setattr("maskgen.images.walk._NAMES_A_RUN", 3)
    wanted = [f"{n}.jpg" for n in range(11)] + ["\u00e9.jpg", "\uffee.jpg", "\U0001f637.jpg"]
    for name in wanted:
        (tmp_path / name).touch()
    for name in ("\udcff.jpg", "line\nbreak.jpg"):
        # Windows and macOS each refuse one of them.
        with contextlib.suppress(OSError):
            (tmp_path / name).touch()
            wanted.append(name)
    (tmp_path / ".hidden.jpg").touch()
    assert [path.name for path in iter_paths([tmp_path])] == sorted(wanted)


def test_folders_are_read_in_order_without_hidden_files_and_output(tree):
    assert names(iter_paths([tree], [tree / "out"]), tree) == ["a.jpg", "b/1.jpg", "b/2.jpg", "c.txt"]
    assert names(iter_paths([tree], [tree / "b" / ".." / "out"]), tree)[-1] == "c.txt"


def test_inputs_that_overlap_or_are_missing(tree):
    found = list(iter_paths([tree / "b", tree, tree / "a.jpg", tree / "nowhere"], [tree / "out"]))
    assert names(found, tree) == ["b/1.jpg", "b/2.jpg", "a.jpg", "c.txt", "a.jpg"]
    assert [s.reason for s in found if isinstance(s, Skipped)] == ["unreadable"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and sockets need rights on Windows")
def test_links(tree, monkeypatch):
    (tree / "b" / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "b" / "self.jpg").symlink_to("self.jpg")
    (tree / "b" / "broken.jpg").symlink_to("nowhere.jpg")
    (tree / "d.jpg").symlink_to("a.jpg")
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        found = list(iter_paths([tree], [tree / "out"]))
    assert names(found, tree) == ["a.jpg", "b/1.jpg", "b/2.jpg", "c.txt", "d.jpg"]
    skipped = {s.path.name: s.reason for s in found if isinstance(s, Skipped)}
    assert skipped == {
        "loop": "link_circle",
        "self.jpg": "link_circle",
        "broken.jpg": "unreadable",
        "s": "unreadable",
    }
