"""Database of the journal: opened for one process alone, which is the lock of a dataset folder."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Final

from maskgen.dataset.storage import spelt_once

FOLDER: Final = ".maskgen"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS photos (key BLOB PRIMARY KEY, source_id BLOB, stem TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_source ON photos (source_id) WHERE source_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def path_key(path: str) -> bytes:
    """16 bytes that stand for a photo's place, however the path is spelt."""
    return hashlib.blake2b(os.fsencode(spelt_once(path)), digest_size=16).digest()


def open_database(path: Path) -> sqlite3.Connection:
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
