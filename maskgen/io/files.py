"""Atomic file writes: whole or not at all, whoever else writes into the folder and whenever the power goes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PART: Final = ".part"
"""How a file is called that is still being written; its name begins with a dot."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A hidden name beside ``path`` to write under; renamed to it when all went well, deleted when not.

    The name is like no other on any machine that shares the folder. The bytes
    are on the disk before the file has its name, so that a power cut leaves no
    empty file. The folder itself is not waited for: whoever records the file
    afterwards does.

    Raises:
        OSError: as the operating system gives it.
    """
    # Short and of our own making: the target's name may be at the length limit already.
    temp = path.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        yield temp
        _sync(temp)
        temp.replace(path)
    finally:
        # After a failure; and a rename of one link onto another of the same file leaves both.
        temp.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file's bytes are on the disk. Windows wants the right to write for it, which a link may lack."""
    with suppress(PermissionError):
        number = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file; see ``whole``."""
    with whole(path) as temp:
        temp.write_bytes(data)


def is_part(name: str) -> bool:
    """Whether a path names a file that was still being written.

    >>> is_part("train/.1f0e.part"), is_part("train/a.part")
    (True, False)
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return last.startswith(".") and last.endswith(PART)


def sweep_parts(folder: Path) -> None:
    """Delete what a killed run was still writing directly in a folder; nobody else may be writing there."""
    if folder.is_dir():
        for path in folder.iterdir():
            if is_part(path.name):
                path.unlink(missing_ok=True)
