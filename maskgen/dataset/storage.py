"""Where photos come from and images go: a disk, or anything fsspec knows.

A local folder is written by temporary name and rename. An object store's put
is whole or nothing by itself. Both give the same names, with forward slashes,
below one root.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from maskgen.dataset.formats import FORMATS, place
from maskgen.errors import ImageError, InputError
from maskgen.images import Skipped, iter_paths, read_bytes
from maskgen.io.files import write_whole


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something among the inputs that cannot be a photo: its path or address, a word and a sentence why."""

    source: str
    reason: str
    detail: str


class Store(Protocol):
    """A folder of named bytes.

    ``write`` raises ``OSError`` as the operating system gives it: the caller
    tells a full disk from a missing folder.
    """

    root: str

    def prepare(self, folders: Iterable[str]) -> None: ...
    def write(self, name: str, data: bytes) -> None: ...
    def read(self, name: str) -> bytes: ...
    def exists(self, name: str) -> bool: ...
    def delete(self, name: str) -> None: ...
    def names(self, folder: str) -> Iterator[str]: ...


def is_url(path: str) -> bool:
    """Whether fsspec has to open it.

    >>> is_url("s3://bucket/faces"), is_url("faces"), is_url("C:/faces")
    (True, False, False)
    """
    return "://" in path


def open_store(root: str) -> Store:
    """The store at a path or address; nothing is made or read yet."""
    return RemoteStore(root) if is_url(root) else LocalStore(root)


class LocalStore:
    """A folder on a disk."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._root = Path(root)

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


class RemoteStore:
    """A folder that fsspec opens, such as ``s3://bucket/dataset``.

    Listings are never remembered: other processes write here too, and what a
    listing did not hold would neither be found nor deleted.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self._fs, self._base = _open_url(self.root, use_listings_cache=False)

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


def iter_inputs(inputs: Iterable[str], output: str) -> Iterator[str | Unusable]:
    """Every file under the inputs, one at a time; hidden ones, the output and its other forms are left out.

    Yields:
        Paths or addresses as they follow from the input as given, and what
        could not be read.
    """
    exclude = [] if is_url(output) else [output, *(str(place(name, Path(output))) for name in FORMATS.names)]
    for item in inputs:
        if is_url(item):
            yield from _iter_address(item, output)
            continue
        for path in iter_paths([item], exclude):
            if isinstance(path, Skipped):
                yield Unusable(str(path.path), path.reason, path.message)
            else:
                yield str(path)


def _iter_address(address: str, output: str) -> Iterator[str | Unusable]:
    fs, base = _open_url(address)
    prefix = address.split("://", 1)[0]
    own = output.split("://", 1)[-1].rstrip("/") + "/"
    try:
        if fs.isfile(base):
            yield address
            return
        if not fs.exists(base):
            yield Unusable(address, "unreadable", f"{address} does not exist")
            return
        for parent, folders, files in fs.walk(base):
            # What is left of the list is what is walked next.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                inside = f"{parent}/{name}".lstrip("/")
                if name and not name.startswith(".") and not (is_url(output) and inside.startswith(own)):
                    yield f"{prefix}://{inside}"
    except (OSError, ValueError) as error:
        yield Unusable(address, "unreadable", f"{address} cannot be listed: {error}")


def read_input(path: str) -> bytes:
    """A photo's bytes.

    Raises:
        ImageError: it cannot be read, or is no picture.
    """
    if not is_url(path):
        return read_bytes(path)
    from maskgen.images import MAX_BYTES

    try:
        fs, base = _open_url(path)
        if int(fs.size(base) or 0) > MAX_BYTES:
            raise ImageError("too_large", f"{path} has more than {MAX_BYTES} bytes")
        data: bytes = fs.cat_file(base)
    except (OSError, ValueError) as error:
        raise ImageError("unreadable", f"{path} cannot be read: {error}") from error
    if not data:
        raise ImageError("empty", f"{path} has 0 bytes")
    return data


def _open_url(url: str, **options: Any) -> tuple[Any, str]:
    import fsspec

    try:
        fs, base = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise InputError(f"cannot open {url}: {error}") from error
    return fs, str(base).rstrip("/")
