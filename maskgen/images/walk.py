"""Finds the files under folders, in order; names them on one line."""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something found under the inputs that cannot be a picture.

    Attributes:
        path: where it lies.
        reason: one word for ``skipped.jsonl``: ``unreadable`` or
            ``link_circle``.
        message: what happened, for people.
    """

    path: Path
    reason: str
    message: str


def iter_paths(
    inputs: Iterable[str | os.PathLike[str]], exclude: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[Path | Skipped]:
    """Every file under the inputs, folders read one at a time, names sorted.

    Hidden files and folders are left out without a word, files of any other
    name come out: whether they are pictures, ``read_bytes`` says. Links are
    followed. A folder that is reached twice is read once; one that lies
    inside itself by way of a link comes out as ``link_circle``. An input that
    does not exist comes out as ``unreadable``.

    Args:
        inputs: files and folders.
        exclude: folders that are not entered, such as the output.

    Yields:
        Paths of regular files, beginning with the input as given, and what
        could not be read.
    """
    excluded = {os.path.realpath(path) for path in exclude}
    seen: set[tuple[int, int]] = set()
    for item in inputs:
        path = Path(item)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield _skipped(path, error)
            continue
        if stat.S_ISDIR(mode):
            yield from _walk(path, excluded, seen, ())
        else:
            yield _regular(path, mode)


def show(path: str | os.PathLike[str]) -> str:
    """A path on one line of valid UTF-8, whatever its bytes.

    >>> show("two\\nlines.jpg")
    'two\\\\nlines.jpg'
    """
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _walk(
    folder: Path, excluded: set[str], seen: set[tuple[int, int]], above: tuple[tuple[int, int], ...]
) -> Iterator[Path | Skipped]:
    if os.path.realpath(folder) in excluded:
        return
    try:
        status = folder.stat()
        key = (status.st_dev, status.st_ino)
        if key in above:
            message = f"{show(folder)} is a link to a folder that it lies in; it was not followed"
            yield Skipped(folder, "link_circle", message)
            return
        if key in seen:
            return
        seen.add(key)
        names = _names(folder)
    except OSError as error:
        yield _skipped(folder, error)
        return
    for name in names:
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield _skipped(path, error)
            continue
        if stat.S_ISDIR(mode):
            yield from _walk(path, excluded, seen, (*above, key))
        else:
            yield _regular(path, mode)


_NAMES_A_RUN: Final = 20_000


def _names(folder: Path) -> Iterator[str]:
    """The names in a folder, in order. Listed at once, and packed where they are many.

    A million of them would take 80 MB as strings in lists, and take 12 MB as
    runs of UTF-8, each in order, that are merged on the way out.

    Raises:
        OSError: the folder cannot be listed.
    """
    runs: list[bytes] = []
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            names.append(entry.name)
            if len(names) == _NAMES_A_RUN:
                runs.append("\0".join(sorted(names)).encode("utf-8", "surrogatepass"))
                names.clear()
    names.sort()
    return heapq.merge(names, *map(_unpacked, runs)) if runs else iter(names)


def _unpacked(run: bytes) -> Iterator[str]:
    start = 0
    while start <= len(run):
        end = run.find(b"\0", start)
        end = len(run) if end < 0 else end
        yield run[start:end].decode("utf-8", "surrogatepass")
        start = end + 1


def _regular(path: Path, mode: int) -> Path | Skipped:
    if stat.S_ISREG(mode):
        return path
    return Skipped(path, "unreadable", f"{show(path)} is no regular file")


def _skipped(path: Path, error: OSError) -> Skipped:
    if error.errno == errno.ELOOP:
        return Skipped(path, "link_circle", f"{show(path)} is a link that leads to itself")
    return Skipped(path, "unreadable", f"{show(path)} cannot be read: {error.strerror or error}")
