from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgen.dataset.journal import Journal
from maskgen.dataset.record import Skip
from maskgen.errors import InputError, MaskgenError

ID = "00112233445566ff"
LINE = '{"file_name":"train/with_mask/a.jpg"}'


def written(journal: Journal, path: str = "a.jpg", identity: str = ID) -> None:
    journal.written(path, identity, [LINE], f"train/a_{identity}", Counter(images=1))


def test_what_was_recorded_is_known_by_path_and_by_bytes(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        written(journal, "in/a.jpg")
        journal.skipped("in/b.jpg", Skip("in/b.jpg", "no_face", source_id="ff" * 8))
        journal.skipped("in/c.jpg", Skip("in/c.jpg", "duplicate", source_id=ID))
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
            journal.skipped(name, Skip(name, reason))
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


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE state SET value = 'x' WHERE name = 'metadata.jsonl'",
        "UPDATE state SET value = '[1' WHERE name = 'counts'",
        "UPDATE state SET value = '[1]' WHERE name = 'counts'",
        "UPDATE state SET value = '{\"images\": \"many\"}' WHERE name = 'counts'",
        "DROP TABLE state; CREATE TABLE state (other TEXT)",
    ],
)
def test_a_journal_that_holds_nonsense_is_refused(tmp_path: Path, change: str) -> None:
    with Journal(tmp_path) as journal:
        written(journal)
    with contextlib.closing(sqlite3.connect(tmp_path / ".maskgen" / "journal.sqlite")) as database:
        database.executescript(change)
    with pytest.raises(InputError, match=r"damaged.*--overwrite"):
        Journal(tmp_path)


@given(st.data())
@settings(max_examples=40)
def test_whatever_the_journal_holds_no_bug_comes_out(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    with Journal(folder) as journal:
        written(journal)
    path = folder / ".maskgen" / "journal.sqlite"
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with contextlib.suppress(MaskgenError), Journal(folder) as journal:
        assert "nothing" not in journal


def test_lines_of_a_photo_that_is_not_done_do_not_count(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        written(journal)
        journal.flush()
        before = (tmp_path / "metadata.jsonl").read_bytes()
        journal.add_lines([LINE] * 3)
        assert not journal.between_photos
        journal.flush()
    with Journal(tmp_path) as journal:
        assert (tmp_path / "metadata.jsonl").read_bytes() == before
        journal.add_lines([LINE] * 3)
        journal.drop_lines()
        assert journal.between_photos
        written(journal, "b.jpg", "ab" * 8)
    assert (tmp_path / "metadata.jsonl").read_bytes() == before * 2


def test_the_lines_are_on_the_disk_before_the_journal_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Journal(tmp_path) as journal:
        written(journal)
        synced.clear()
        journal.flush()
        assert len(synced) == 2


def test_what_was_left_out_stands_on_a_photos_last_line(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.written("a.jpg", ID, [LINE, LINE], f"train/a_{ID}", Counter({"images": 2, "rejected:cut_off": 3}))
        journal.skipped("b.jpg", Skip("b.jpg", "too_small", rejected={"too_small": 2}))
    first, last = map(json.loads, (tmp_path / "metadata.jsonl").read_text().splitlines())
    assert "rejected" not in first
    assert last["rejected"] == {"cut_off": 3}
    (line,) = (tmp_path / "skipped.jsonl").read_text().splitlines()
    assert json.loads(line)["rejected"] == {"too_small": 2}
    with Journal(tmp_path) as journal:
        assert journal.counts["rejected:too_small"] == 2
        journal.forget_skipped({"too_small"})
        assert {word: n for word, n in journal.counts.items() if word.startswith("rejected")} == {"rejected:cut_off": 3}


def test_lines_that_people_took_out_are_no_reason_to_refuse(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        written(journal)
        journal.skipped("in/b.jpg", Skip("in/b.jpg", "no_face"))
    path = tmp_path / "metadata.jsonl"
    path.write_bytes(path.read_bytes().splitlines()[0])
    (tmp_path / "skipped.jsonl").unlink()
    with Journal(tmp_path) as journal:
        assert "in/b.jpg" in journal
        journal.written("in/c.jpg", "c" * 16, ["{}"], "train/c", Counter())
    assert path.read_bytes().splitlines()[1:] == [b"{}"]
