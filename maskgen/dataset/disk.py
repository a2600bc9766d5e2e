"""Words for a disk that fills up, or goes, while a dataset is written."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from maskgen.errors import MaskgenError


@contextmanager
def disk_trouble(output: str) -> Iterator[None]:
    """Words for a disk that fills up, or goes, beneath the journal."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = "full" in str(error)
        raise MaskgenError(_disk_words(output, full, str(error))) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.EIO, errno.ESTALE):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise MaskgenError(_disk_words(output, full, str(error.strerror))) from error


def _disk_words(output: str, full: bool, detail: str) -> str:
    if full:
        remedy = "make room and run the same command again, it goes on where it stopped"
        return f"the disk that holds {output} is full; {remedy}"
    return f"the output {output} cannot be written any more ({detail}); bring it back and run the same command again"
