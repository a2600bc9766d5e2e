"""Inputs of a run: finds and reads photos on a disk, or at an address that fsspec knows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from maskgen.dataset.formats import FORMATS, place
from maskgen.dataset.storage import is_url, open_url
from maskgen.errors import ImageError
from maskgen.images import MAX_BYTES, Skipped, iter_paths, read_bytes


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something among the inputs that cannot be a photo: its path or address, a word and a sentence why."""

    source: str
    reason: str
    detail: str


def absent(item: str) -> bool:
    """Whether an input is certainly not there, seen without opening it."""
    return _origin(item).absent(item)


def iter_inputs(inputs: Iterable[str], output: str) -> Iterator[str | Unusable]:
    """Every file under the inputs, one at a time; hidden ones, the output and its other forms are left out.

    Yields:
        Paths or addresses as they follow from the input as given, and what
        could not be read.
    """
    for item in inputs:
        yield from _origin(item).walk(item, output)


def count_inputs(inputs: Sequence[str], output: str, stop: threading.Event) -> int | None:
    """How many files ``iter_inputs`` would give; None where listing twice is dear, or once ``stop`` is set."""
    if not all(_origin(item).cheap for item in inputs):
        return None
    number = 0
    for number, _ in enumerate(iter_inputs(inputs, output), 1):  # noqa: B007 it is the result
        if stop.is_set():
            return None
    return number


def read_input(path: str) -> bytes:
    """A photo's bytes.

    Raises:
        ImageError: it cannot be read, or is no picture.
    """
    return _origin(path).read(path)


class _Origin(Protocol):
    """A kind of place that photos lie in; ``cheap`` says that it may be listed once more for a count."""

    @property
    def cheap(self) -> bool: ...
    def absent(self, item: str) -> bool: ...
    def walk(self, item: str, output: str) -> Iterator[str | Unusable]: ...
    def read(self, path: str) -> bytes: ...


class _Disk:
    """Files and folders of this machine."""

    cheap = True

    def absent(self, item: str) -> bool:
        return not os.path.lexists(item)

    def walk(self, item: str, output: str) -> Iterator[str | Unusable]:
        exclude = [output, *(str(place(name, Path(output))) for name in FORMATS.names)]
        for path in iter_paths([item], exclude):
            if isinstance(path, Skipped):
                yield Unusable(str(path.path), path.reason, path.message)
            else:
                yield str(path)

    def read(self, path: str) -> bytes:
        return read_bytes(path)


class _Address:
    """What fsspec opens."""

    cheap = False

    def absent(self, item: str) -> bool:
        return False

    def walk(self, item: str, output: str) -> Iterator[str | Unusable]:
        fs, base = open_url(item)
        prefix = item.split("://", 1)[0]
        # Empty for an output on a disk: none of its files is met here.
        kind, _, own = output.rpartition("://")
        own = own.rstrip("/") + "/"
        try:
            if fs.isfile(base):
                yield item
                return
            if not fs.exists(base):
                yield Unusable(item, "unreadable", f"{item} does not exist")
                return
            for parent, folders, files in fs.walk(base):
                # What is left of the list is what is walked next.
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(files):
                    inside = f"{parent}/{name}".lstrip("/")
                    if name and not name.startswith(".") and not (kind and inside.startswith(own)):
                        yield f"{prefix}://{inside}"
        except (OSError, ValueError) as error:
            yield Unusable(item, "unreadable", f"{item} cannot be listed: {error}")

    def read(self, path: str) -> bytes:
        try:
            fs, base = open_url(path)
            if int(fs.size(base) or 0) > MAX_BYTES:
                raise ImageError("too_large", f"{path} has more than {MAX_BYTES} bytes")
            data: bytes = fs.cat_file(base)
        except (OSError, ValueError) as error:
            raise ImageError("unreadable", f"{path} cannot be read: {error}") from error
        if not data:
            raise ImageError("empty", f"{path} has 0 bytes")
        return data


_DISK: Final = _Disk()
_ADDRESS: Final = _Address()


def _origin(item: str) -> _Origin:
    return _ADDRESS if is_url(item) else _DISK
