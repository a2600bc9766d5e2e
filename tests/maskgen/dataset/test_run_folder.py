from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from maskgen.dataset import run_folder
from maskgen.dataset.journal import Journal
from maskgen.dataset.run_folder import RunFolder, sweep
from maskgen.dataset.settings import Settings
from maskgen.dataset.storage import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

ID, OTHER = "0123456789abcdef", "fedcba9876543210"


def test_the_sweep_after_a_kill_leaves_pictures_of_people_alone(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "with_mask"
    folder.mkdir(parents=True)
    names = [f"a_{ID}_0_0_with.jpg", f"b_{OTHER}_0_0_with.jpg", ".1-2-3.part", "mine.jpg", "my_own_face_0_1_with.jpg"]
    for name in names:
        (folder / name).write_bytes(b"x")
    with Journal(tmp_path) as journal:
        journal.written("a.jpg", ID, ["{}"], f"train/a_{ID}", Counter())
        sweep(LocalStore(tmp_path), journal)
    assert sorted(path.name for path in folder.iterdir()) == sorted([names[0], "mine.jpg", "my_own_face_0_1_with.jpg"])


def test_lines_are_sent_to_an_address_when_it_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path))
    folder = RunFolder.claim(Settings(f"memory://lines-{uuid.uuid4().hex}", detector="hog"), engine="inline")
    with Journal(folder.desk) as journal:
        folder.record(journal.counts, 0.0, finished=False)
        journal.written("a.jpg", ID, ["{}"], f"train/a_{ID}", Counter())
        folder.checkpoint(journal)
        assert folder.store.read("metadata.jsonl") == b""
        monkeypatch.setattr(run_folder, "CHECKPOINT_S", 0.0)
        folder.checkpoint(journal)
        assert folder.store.read("metadata.jsonl") == b"{}\n"
    assert json.loads(folder.store.read("run.json"))["engine"] == "inline"
