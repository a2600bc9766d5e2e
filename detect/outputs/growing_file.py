"""A file that is written under a name of its own, and stops growing at the first write that fails."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)


class GrowingFile:
    """A file under a name of its own, which nothing more is written to once a write has failed.

    FFmpeg would go on after a full disk and turn the fragments, which play,
    into a file whose index is missing.

    Attributes:
        path: ``NAME.part.mp4``, or ``NAME.part-2.mp4`` beside what a killed
            run has left.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.stem}.part.mp4")
        number = 1
        while True:
            try:
                self._file = self.path.open("xb", buffering=0)
            except FileExistsError:
                if number == 1:
                    logger.warning("%s was left by a run that was killed, or one still writes it", self.path)
                number += 1
                self.path = target.with_name(f"{target.stem}.part-{number}.mp4")
                continue
            break
        self._error: OSError | None = None
        self._place = self._end = 0
        self._fragment = 0

    def check(self) -> None:
        """Say whether everything was written.

        Raises:
            OSError: what kept it from being.
        """
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        if self._error is None:
            if data[4:8] == b"moof":
                self._fragment = self._place
            try:
                self._file.seek(self._place)
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]
            except OSError as error:
                self._error = error
                # Half a fragment would make some players give up.
                with contextlib.suppress(OSError):
                    self._file.truncate(self._fragment)
        self._place += len(data)
        self._end = max(self._end, self._place)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        """To the disk itself, before it gets its name."""
        with contextlib.suppress(OSError):  # not every file system can
            os.fsync(self._file.fileno())
        self._file.close()
