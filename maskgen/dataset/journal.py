"""Journal of finished photos; lets a killed run resume.

``metadata.jsonl`` and ``skipped.jsonl`` grow by whole photos, in the order of
the inputs. Beside them ``.maskgen/journal.sqlite`` remembers which photos they
hold and how long the two files were at the last moment that all three agreed;
whatever lies beyond is cut off when the run goes on. SQLite holds the photos
on disk, so memory stays flat however many there are; and it is the lock that
keeps two runs out of one folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, Self

from maskgen.dataset.counts import counts_of, faces_of, known_by, prefixed, rejected_of
from maskgen.dataset.journal_db import FOLDER, open_database, path_key
from maskgen.dataset.lines import parse_record, parse_skip, skip_line, with_rejected
from maskgen.dataset.names import stem_of_file
from maskgen.dataset.record import METADATA, SKIPPED, Record, Skip
from maskgen.errors import InputError

FLUSH_S: Final = 0.5


class Journal:
    """The record of one dataset folder. Use it as a context manager.

    Attributes:
        counts: what all runs on this folder wrote, by word: ``photos``,
            ``images``, ``faces``, ``label:...``, ``skipped:...`` and others.
        unclean: whether the run before this one was killed.
    """

    def __init__(self, folder: Path) -> None:
        """Open or begin the journal of ``folder``.

        Raises:
            InputError: another run has it, or it cannot be written.
        """
        self._folder = folder
        try:
            (folder / FOLDER).mkdir(parents=True, exist_ok=True)
            self._db = open_database(folder / FOLDER / "journal.sqlite")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(
                    f"another maskgen is writing {folder}; wait for it, or choose another folder"
                ) from error
            raise InputError(f"cannot write the journal in {folder / FOLDER}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
        try:
            self._begin()
        except BaseException:
            self._db.close()
            raise

    def _begin(self) -> None:
        try:
            state = dict(self._db.execute("SELECT name, value FROM state"))
            self.counts: Counter[str] = Counter({str(k): int(v) for k, v in _counts(state).items()})
            sizes = {name: int(state.get(name, "0")) for name in (METADATA, SKIPPED)}
        except (sqlite3.DatabaseError, ValueError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error
        self.unclean = state.get("clean") == "0"
        if not state and (self._folder / METADATA).exists():
            self._rebuild()
        else:
            self._swap_skipped(state)
            for name, size in sizes.items():
                self._cut(name, size, edited=state.get("clean") == "1")
        self._metadata: BinaryIO = (self._folder / METADATA).open("ab")
        self._skipped: BinaryIO = (self._folder / SKIPPED).open("ab")
        self._whole = self._metadata.tell()
        self._held = ""
        self._set("clean", "0")
        self._flushed_at = time.monotonic()
        self.flush()

    def _damaged(self, error: Exception) -> InputError:
        return InputError(f"the journal in {self._folder / FOLDER} is damaged ({error}); use --overwrite")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.close(clean=kind is None)

    def __contains__(self, path: str) -> bool:
        """Whether the photo at ``path`` is done, written or skipped."""
        return self._db.execute("SELECT 1 FROM photos WHERE key = ?", (path_key(path),)).fetchone() is not None

    def stem_of(self, source_id: str) -> str | None:
        """What the images of the photo with these bytes are called; empty for a skipped one, None for an unknown."""
        row = self._db.execute("SELECT stem FROM photos WHERE source_id = ?", (bytes.fromhex(source_id),)).fetchone()
        return None if row is None else str(row[0])

    @property
    def between_photos(self) -> bool:
        """Whether every line belongs to a photo that is done."""
        return not self._held

    def add_lines(self, lines: Sequence[str]) -> None:
        """Lines of ``metadata.jsonl``, without ends, of a photo that is not done yet; ``written`` makes them count."""
        for line in lines:
            if self._held:
                self._metadata.write(self._held.encode("ascii") + b"\n")
            self._held = line

    def drop_lines(self) -> None:
        """Take back the lines of a photo that came to nothing after all."""
        self._held = ""
        self._metadata.truncate(self._whole)

    def written(self, path: str, source_id: str, lines: Sequence[str], stem: str, counts: Counter[str]) -> None:
        """Record a photo and the last lines of its images.

        Args:
            path: the photo's.
            source_id: the photo's.
            lines: as ``add_lines``; one at least, here or there.
            stem: see ``stem_of``.
            counts: of the whole photo, to add up.
        """
        self.add_lines(lines)
        self._metadata.write(with_rejected(self._held, rejected_of(counts)).encode("ascii") + b"\n")
        self._held = ""
        self._whole = self._metadata.tell()
        self._done(path, source_id, stem, counts)

    def skipped(self, path: str, skip: Skip) -> None:
        """Record an input that gave nothing."""
        self._skipped.write(skip_line(skip).encode("ascii") + b"\n")
        self._done(path, known_by(skip), "", counts_of(skip))

    def flush(self) -> None:
        """Bring the two files and the journal to agreement on disk."""
        for file in (self._metadata, self._skipped):
            file.flush()
            os.fsync(file.fileno())
        self._set(METADATA, str(self._whole))
        self._set(SKIPPED, str(self._skipped.tell()))
        self._set("counts", json.dumps(self.counts, sort_keys=True))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN EXCLUSIVE")
        self._flushed_at = time.monotonic()

    def close(self, *, clean: bool = True) -> None:
        """End the run; ``clean`` says that no image lies about unrecorded."""
        try:
            self.flush()
            if clean:
                self._set("clean", "1")
                self._db.execute("COMMIT")
        finally:
            self._db.close()
            for file in (self._metadata, self._skipped):
                with contextlib.suppress(OSError):  # the disk is full; the journal knows how much is good
                    file.close()

    def forget_skipped(self, reasons: set[str]) -> int:
        """Take the skips for these reasons out, so that their photos are tried again.

        Returns:
            How many were taken out.
        """
        self.flush()
        forgotten: Counter[str] = Counter()
        number = 0
        new = self._folder / FOLDER / (SKIPPED + ".new")
        with (self._folder / SKIPPED).open("rb") as lines, new.open("wb") as kept:
            for line in lines:
                skip = parse_skip(line)
                if skip.reason in reasons:
                    self._db.execute("DELETE FROM photos WHERE key = ?", (path_key(skip.source_path()),))
                    forgotten += Counter({"photos": 1}) + counts_of(skip)
                    number += 1
                else:
                    kept.write(line)
            size = kept.tell()
            kept.flush()
            os.fsync(kept.fileno())
        if not number:
            new.unlink()
            return 0
        self.counts.subtract(forgotten)
        self.counts = +self.counts
        # From here on a kill is made good by the next opening.
        self._set(SKIPPED, str(size))
        self._set("counts", json.dumps(self.counts, sort_keys=True))
        self._set("swap", "1")
        self._db.execute("COMMIT")
        self._db.execute("BEGIN EXCLUSIVE")
        self._skipped.close()
        self._swap_skipped({"swap": "1"})
        self._skipped = (self._folder / SKIPPED).open("ab")
        self.flush()
        return number

    def _done(self, path: str, source_id: str | None, stem: str, counts: Counter[str]) -> None:
        self._remember(path, source_id, stem)
        self.counts.update(counts)
        self.counts["photos"] += 1
        if time.monotonic() - self._flushed_at >= FLUSH_S:
            self.flush()

    def _remember(self, path: str, source_id: str | None, stem: str) -> None:
        raw = bytes.fromhex(source_id) if source_id else None
        self._db.execute("INSERT OR REPLACE INTO photos VALUES (?, ?, ?)", (path_key(path), raw, stem))

    def _set(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def _cut(self, name: str, size: int, *, edited: bool) -> None:
        """Cut off what a killed run did not come to record.

        Args:
            name: of the file.
            size: what the journal recorded, bytes.
            edited: the run before ended well, so that a shorter file is one that people took lines out of.
        """
        path = self._folder / name
        path.touch()
        have = path.stat().st_size
        if have >= size:
            os.truncate(path, size)
        elif not edited or (name == METADATA and not have):
            raise InputError(
                f"{path} is shorter than its journal says ({have} < {size} bytes); put it back, or use --overwrite"
            )
        elif have and not path.read_bytes().endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")

    def _swap_skipped(self, state: dict[str, str]) -> None:
        new = self._folder / FOLDER / (SKIPPED + ".new")
        if state.get("swap") == "1":
            if new.exists():
                new.replace(self._folder / SKIPPED)
            self._set("swap", "0")
        else:
            new.unlink(missing_ok=True)

    def _rebuild(self) -> None:
        """Learn what is done from the two files, where the journal itself is missing."""
        skipped = self._folder / SKIPPED
        skipped.touch()
        with (self._folder / METADATA).open("rb") as lines:
            for path, photo in groupby(map(parse_record, lines), Record.source_path):
                records = list(photo)
                self._remember(path, records[0].source_id, stem_of_file(records[0].file_name))
                self.counts.update({"photos": 1, "faces": faces_of(records)})
                for record in records:
                    self.counts.update({"images": 1, f"label:{record.label}": 1, f"split:{record.split}": 1})
                    self.counts.update(prefixed(record.rejected))
        with skipped.open("rb") as lines:
            for skip in map(parse_skip, lines):
                self._remember(skip.source_path(), known_by(skip), "")
                self.counts.update(Counter({"photos": 1}) + counts_of(skip))


def _counts(state: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = json.loads(state.get("counts", "{}"))
    return counts
