"""Many picture files through a detector: one row each, annotated copies on request."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detect.sources.addresses import shown
from maskgen import images
from maskgen.errors import ImageError
from maskgen.types import RGB

if TYPE_CHECKING:
    pass

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Found:
    """One input.

    Attributes:
        file: its name, for people and programs.
        path: where its bytes are; None for stdin.
        relative: where its copy goes, within the output folder.
        problem: why it cannot be a picture, if that is known already.
    """

    file: str
    path: Path | None
    relative: Path
    problem: str | None = None


def files(inputs: Iterable[str], exclude: Iterable[Path] = ()) -> Iterator[Found]:
    """Every file that the inputs name, in order, folders one at a time."""
    for item in inputs:
        if item == STDIN:
            yield Found(STDIN, None, Path("stdin.jpg"))
            continue
        name = shown(item)
        if (name != item or "://" in item) and not os.path.lexists(item):
            yield Found(name, None, Path("address"), f"there is no file {name}; detect video and webcam take addresses")
            continue
        for given in _expanded(item):
            root = Path(given)
            for entry in images.iter_paths([given], exclude=exclude):
                if isinstance(entry, images.Skipped):
                    yield Found(os.fspath(entry.path), entry.path, Path(entry.path.name), entry.message)
                else:
                    relative = entry.relative_to(root) if entry != root else Path(entry.name)
                    yield Found(os.fspath(entry), entry, relative)


def read(path: Path | None) -> RGB:
    """The picture in a file, or on stdin where ``path`` is None.

    Raises:
        ImageError: there is none.
    """
    return images.decode_rgb(_stdin_bytes()) if path is None else images.read_rgb(path)


def _expanded(item: str) -> list[str]:
    """A pattern's matches; a name that exists, or matches nothing, as it stands."""
    if os.path.lexists(item) or not glob.has_magic(item):
        return [item]
    return sorted(glob.glob(item, recursive=True)) or [item]  # noqa: PTH207  # patterns may be absolute


def _stdin_bytes() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise ImageError("unreadable", "nothing on stdin; pipe a picture in, or name a file")
    data = sys.stdin.buffer.read(images.MAX_BYTES + 1)
    if len(data) > images.MAX_BYTES:
        raise ImageError("too_large", f"stdin holds more than {images.MAX_BYTES} bytes")
    return data
