"""What of a run is already done, kept so that a kill at any moment loses nothing.

``metadata.jsonl`` and ``skipped.jsonl`` grow by whole photos, in the order of
the inputs. Beside them ``.maskgen/journal.sqlite`` remembers which photos they
hold and how long the two files were at the last moment that all three agreed;
whatever lies beyond is cut off when the run goes on. SQLite holds the photos
on disk, so memory stays flat however many there are; and it is the lock that
keeps two runs out of one folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, Self

from maskgen.errors import InputError
from maskgen.metadata import METADATA, SKIPPED, Skip, parse_record, parse_skip, skip_line

FOLDER: Final = ".maskgen"
FLUSH_S: Final = 0.5

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS photos (key BLOB PRIMARY KEY, source_id BLOB, stem TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_source ON photos (source_id) WHERE source_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def path_key(path: str) -> bytes:
    """16 bytes that stand for a photo's place, however the path is spelt."""
    whole = path if "://" in path else os.path.abspath(path)  # noqa: PTH100 keeps links and odd bytes
    return hashlib.blake2b(os.fsencode(whole), digest_size=16).digest()


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
            self._db = _opened(folder / FOLDER / "journal.sqlite")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(
                    f"another maskgen is writing {folder}; wait for it, or choose another folder"
                ) from error
            raise InputError(f"cannot write the journal in {folder / FOLDER}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"the journal in {folder / FOLDER} is damaged ({error}); use --overwrite") from error
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
        try:
            self._begin()
        except BaseException:
            self._db.close()
            raise

    def _begin(self) -> None:
        state = dict(self._db.execute("SELECT name, value FROM state"))
        self.unclean = state.get("clean") == "0"
        self.counts: Counter[str] = Counter(json.loads(state.get("counts", "{}")))
        if not state and (self._folder / METADATA).exists():
            self._rebuild()
        else:
            self._swap_skipped(state)
            for name in (METADATA, SKIPPED):
                self._cut(name, int(state.get(name, "0")))
        self._metadata: BinaryIO = (self._folder / METADATA).open("ab")
        self._skipped: BinaryIO = (self._folder / SKIPPED).open("ab")
        self._set("clean", "0")
        self._flushed_at = time.monotonic()
        self.flush()

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

    def written(self, path: str, source_id: str, lines: Sequence[str], stem: str, counts: Counter[str]) -> None:
        """Record a photo and the lines of its images.

        Args:
            path: the photo's.
            source_id: the photo's.
            lines: of ``metadata.jsonl``, without ends.
            stem: see ``stem_of``.
            counts: to add up.
        """
        self._metadata.write("".join(line + "\n" for line in lines).encode("ascii"))
        self._done(path, source_id, stem, counts)

    def skipped(self, path: str, skip: Skip, counts: Counter[str]) -> None:
        """Record an input that gave nothing."""
        self._skipped.write(skip_line(skip).encode("ascii") + b"\n")
        counts = counts + Counter({"skipped": 1, f"skipped:{skip.reason}": 1})
        self._done(path, None if skip.reason == "duplicate" else skip.source_id, "", counts)

    def flush(self) -> None:
        """Bring the two files and the journal to agreement on disk."""
        self._metadata.flush()
        self._skipped.flush()
        self._set(METADATA, str(self._metadata.tell()))
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
        new = self._folder / FOLDER / (SKIPPED + ".new")
        with (self._folder / SKIPPED).open("rb") as lines, new.open("wb") as kept:
            for line in lines:
                skip = parse_skip(line)
                if skip.reason in reasons:
                    self._db.execute("DELETE FROM photos WHERE key = ?", (path_key(skip.source_path()),))
                    forgotten[f"skipped:{skip.reason}"] += 1
                else:
                    kept.write(line)
            size = kept.tell()
        if not forgotten:
            new.unlink()
            return 0
        self.counts.subtract(forgotten)
        self.counts["skipped"] -= forgotten.total()
        self.counts["photos"] -= forgotten.total()
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
        return forgotten.total()

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

    def _cut(self, name: str, size: int) -> None:
        path = self._folder / name
        path.touch()
        have = path.stat().st_size
        if have < size:
            raise InputError(f"{path} is shorter than its journal says ({have} < {size} bytes); use --overwrite")
        os.truncate(path, size)

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
        last: str | None = None
        with (self._folder / METADATA).open("rb") as lines:
            for line in lines:
                record = parse_record(line)
                path = record.source_path()
                self.counts.update({"images": 1, f"label:{record.label}": 1, f"split:{record.split}": 1})
                if path != last:
                    self._remember(path, record.source_id, stem_of_file(record.file_name))
                    self.counts["photos"] += 1
                last = path
        with skipped.open("rb") as lines:
            for line in lines:
                skip = parse_skip(line)
                known = skip.source_id if skip.reason != "duplicate" else None
                self._remember(skip.source_path(), known, "")
                self.counts.update({"photos": 1, "skipped": 1, f"skipped:{skip.reason}": 1})


def stem_of_file(file_name: str) -> str:
    """What all images of one photo share: the split and the photo's own part of the name.

    >>> stem_of_file("train/with_mask/me_0123456789abcdef_0_1_with.jpg")
    'train/me_0123456789abcdef'
    """
    split, _, name = file_name.split("/", 2)
    return f"{split}/{name.rsplit('_', 3)[0]}"


def _opened(path: Path) -> sqlite3.Connection:
    """The database, for this process alone; closed again where it cannot be had."""
    db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = TRUNCATE")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN EXCLUSIVE")
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
    except BaseException:
        db.close()
        raise
    return db


def is_locked(folder: Path) -> bool:
    """Whether another run is writing this folder."""
    path = folder / FOLDER / "journal.sqlite"
    if not path.exists():
        return False
    db = sqlite3.connect(path, timeout=0.2, isolation_level=None)
    try:
        db.execute("BEGIN EXCLUSIVE")
        db.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        return "locked" in str(error)
    finally:
        db.close()
    return False
