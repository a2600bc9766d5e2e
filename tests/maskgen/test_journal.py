from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from maskgen.errors import InputError
from maskgen.journal import Journal
from maskgen.metadata import Skip

ID = "00112233445566ff"
LINE = '{"file_name":"train/with_mask/a.jpg"}'


def written(journal: Journal, path: str = "a.jpg", identity: str = ID) -> None:
    journal.written(path, identity, [LINE], f"train/a_{identity}", Counter(images=1))


def test_what_was_recorded_is_known_by_path_and_by_bytes(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        written(journal, "in/a.jpg")
        journal.skipped("in/b.jpg", Skip("in/b.jpg", "no_face", source_id="ff" * 8), Counter())
        journal.skipped("in/c.jpg", Skip("in/c.jpg", "duplicate", source_id=ID), Counter())
    with Journal(tmp_path) as journal:
        assert not journal.unclean
        assert "in/a.jpg" in journal
        assert str(Path("in/b.jpg").absolute()) in journal, "however it is spelt"
        assert "in/d.jpg" not in journal
        assert journal.stem_of(ID) == f"train/a_{ID}"
        assert journal.stem_of("ff" * 8) == ""
        assert journal.stem_of("ee" * 8) is None
        assert journal.counts == Counter(
            photos=3, images=1, skipped=2, **{"skipped:no_face": 1, "skipped:duplicate": 1}
        )


def test_what_was_not_flushed_is_cut_off(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        written(journal)
    whole = (tmp_path / "metadata.jsonl").read_bytes()
    (tmp_path / "metadata.jsonl").write_bytes(whole + b'{"half a li')
    (tmp_path / "skipped.jsonl").write_bytes(b"{}\n")
    with Journal(tmp_path):
        assert (tmp_path / "metadata.jsonl").read_bytes() == whole
        assert (tmp_path / "skipped.jsonl").read_bytes() == b""


def test_a_run_that_raised_is_unclean(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Journal(tmp_path):
        raise ZeroDivisionError
    with Journal(tmp_path) as journal:
        assert journal.unclean


def test_a_shortened_file_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        written(journal)
    (tmp_path / "metadata.jsonl").write_bytes(b"")
    with pytest.raises(InputError, match="shorter"):
        Journal(tmp_path)


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path):
        pass
    (tmp_path / ".maskgen" / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(InputError, match="--overwrite"):
        Journal(tmp_path)


def test_what_cannot_be_had_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 warns of databases that nobody closed."""
    opened: list[sqlite3.Connection] = []
    real = sqlite3.connect

    def connect(*words: Any, **more: Any) -> sqlite3.Connection:
        opened.append(real(*words, **more))
        return opened[-1]

    (tmp_path / ".maskgen").mkdir()
    (tmp_path / ".maskgen" / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(InputError, match="damaged"):
        Journal(tmp_path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_skips_are_forgotten_even_when_killed_in_between(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for name, reason in (("a", "no_face"), ("b", "timeout"), ("c", "no_face")):
            journal.skipped(name, Skip(name, reason), Counter())
        before = (tmp_path / "skipped.jsonl").read_bytes
        assert journal.forget_skipped({"no_face"}) == 2
        assert journal.forget_skipped({"no_face"}) == 0
        assert "a" not in journal
        assert "b" in journal
        assert b"no_face" not in before()
    with Journal(tmp_path) as journal:
        assert journal.counts == Counter(photos=1, skipped=1, **{"skipped:timeout": 1})
        # The rename did not happen: it is made up for at the next opening.
        journal._set("swap", "1")
    (tmp_path / ".maskgen" / "skipped.jsonl.new").write_bytes((tmp_path / "skipped.jsonl").read_bytes())
    (tmp_path / "skipped.jsonl").write_bytes(b"the old one, longer\n" * 9)
    with Journal(tmp_path):
        assert b"timeout" in (tmp_path / "skipped.jsonl").read_bytes()
        assert b"old one" not in (tmp_path / "skipped.jsonl").read_bytes()
