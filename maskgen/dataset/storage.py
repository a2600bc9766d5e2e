"""Stores: where a dataset is written, a disk or anything fsspec knows.

A local folder is written by temporary name and rename. An object store's put
is whole or nothing by itself. Both give the same names, with forward slashes,
below one root.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from maskgen.errors import InputError
from maskgen.images import write_bytes
from maskgen.io.files import write_whole


class Store(Protocol):
    """A folder of named bytes.

    ``write`` raises ``OSError`` as the operating system gives it: the caller
    tells a full disk from a missing folder.

    Attributes:
        root: its path or address, as given.
        desk: a folder on this machine for what grows while a run writes: the
            journal and the lines.
        publishes: the desk is another place, and the lines have to be sent.
    """

    root: str
    desk: Path
    publishes: bool

    def prepare(self, folders: Iterable[str]) -> None: ...
    def write(self, name: str, data: bytes) -> None: ...
    def read(self, name: str) -> bytes: ...
    def exists(self, name: str) -> bool: ...
    def delete(self, name: str) -> None: ...
    def names(self, folder: str) -> Iterator[str]: ...
    def reachable(self) -> bool: ...
    def occupied(self) -> str | None: ...
    def publish(self, names: Iterable[str]) -> None: ...
    def fetch(self, names: Iterable[str]) -> None: ...


def is_url(path: str) -> bool:
    """Whether fsspec has to open it.

    >>> is_url("s3://bucket/faces"), is_url("faces"), is_url("C:/faces")
    (True, False, False)
    """
    return "://" in path


def open_store(root: str) -> Store:
    """The store at a path or address; nothing is made or read yet."""
    return RemoteStore(root) if is_url(root) else LocalStore(root)


def absolute(path: str) -> str:
    """A path or address as a process with another working folder knows it."""
    return path if is_url(path) else os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 keep odd bytes


def spelt_once(path: str) -> str:
    """A path or address in the one spelling of its place; links are kept."""
    return path if is_url(path) else os.path.abspath(path)  # noqa: PTH100 keeps links and odd bytes


class LocalStore:
    """A folder on a disk; it is its own desk."""

    publishes = False

    def __init__(self, root: str) -> None:
        self.root = root
        self.desk = self._root = Path(root)

    def prepare(self, folders: Iterable[str]) -> None:
        for folder in folders:
            (self._root / folder).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        write_whole(self._root / name, data)

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def exists(self, name: str) -> bool:
        return (self._root / name).is_file()

    def delete(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)

    def names(self, folder: str) -> Iterator[str]:
        start = self._root / folder
        if not start.is_dir():
            return
        with os.scandir(start) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    yield from self.names(name)
                else:
                    yield name

    def reachable(self) -> bool:
        """Whether this machine sees the folder."""
        return self._root.is_dir()

    def occupied(self) -> str | None:
        """Why no dataset can begin here, in words, or None."""
        if self._root.exists() and not self._root.is_dir():
            return "is a file; name a folder"
        if self._root.is_dir() and not all(inside.name.startswith(".") for inside in self._root.iterdir()):
            return "holds files that are no dataset of maskgen; name a new or empty folder"
        return None

    def publish(self, names: Iterable[str]) -> None:
        """Nothing: the lines lie where the images are."""

    def fetch(self, names: Iterable[str]) -> None:
        """Nothing: the lines lie where the images are."""


class RemoteStore:
    """A folder that fsspec opens, such as ``s3://bucket/dataset``.

    Listings are never remembered: other processes write here too, and what a
    listing did not hold would neither be found nor deleted.
    """

    publishes = True

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self.desk = _spool(self.root)
        self._fs, self._base = open_url(self.root, use_listings_cache=False)

    def prepare(self, folders: Iterable[str]) -> None:
        for folder in folders:
            self._fs.makedirs(f"{self._base}/{folder}", exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        self._fs.pipe_file(f"{self._base}/{name}", data)

    def read(self, name: str) -> bytes:
        data: bytes = self._fs.cat_file(f"{self._base}/{name}")
        return data

    def exists(self, name: str) -> bool:
        return bool(self._fs.isfile(f"{self._base}/{name}"))

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._base}/{name}")

    def names(self, folder: str) -> Iterator[str]:
        for parent, _, files in self._fs.walk(f"{self._base}/{folder}"):
            inside = str(parent).removeprefix(self._base).strip("/")
            yield from (f"{inside}/{name}" for name in files if name)

    def reachable(self) -> bool:
        """Whether this machine sees the folder: every one does."""
        return True

    def occupied(self) -> str | None:
        """Why no dataset can begin here: a bucket may hold what it likes."""
        return None

    def publish(self, names: Iterable[str]) -> None:
        """Send files from the desk to where the images are."""
        for name in names:
            self.write(name, (self.desk / name).read_bytes())

    def fetch(self, names: Iterable[str]) -> None:
        """Bring files to the desk, as far as they are there."""
        self.desk.mkdir(parents=True, exist_ok=True)
        for name in filter(self.exists, names):
            write_bytes(self.desk / name, self.read(name))


def _spool(root: str) -> Path:
    """The desk of an address, beside the user's cache."""
    cache = os.environ.get("MASKGEN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "maskgen-spool" / hashlib.sha256(root.encode()).hexdigest()[:16]


def open_url(url: str, **options: Any) -> tuple[Any, str]:
    """What fsspec opens an address with, and what it calls it.

    Raises:
        InputError: nothing here can open it.
    """
    import fsspec

    try:
        fs, base = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise InputError(f"cannot open {url}: {error}") from error
    return fs, str(base).rstrip("/")
