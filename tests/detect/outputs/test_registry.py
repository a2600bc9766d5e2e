"""Outputs by name: what ``--to`` opens, and that it is closed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from detect.outputs import registry
from detect.outputs.registry import OUTPUTS, open_outputs
from detect.results import Event, FaceResult, FrameResult
from maskgen.errors import InputError
from maskgen.types import Box

LABELS = ("with_mask", "without_mask")
FACE = FaceResult(Box(1, 2, 11, 22), "with_mask", 0.9, {"with_mask": 0.9, "without_mask": 0.1}, track_id=3)
EVENT = Event(3, "with_mask", 0.0, 1.5, 0.9)
FRAMES = [FrameResult(n, n / 2, np.zeros((8, 8, 3), np.uint8), (FACE,), (EVENT,) * (n == 2)) for n in range(3)]


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_every_form_into_its_own_file(tmp_path: Path) -> None:
    sinks = open_outputs([f"{name}={tmp_path / name}" for name in OUTPUTS.builtin], LABELS)
    for frame in FRAMES:
        for sink in sinks:
            sink.write(frame, None)
    for sink in sinks:
        sink.close()
    lines = (tmp_path / "json").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["frame"] for line in lines] == [0, 1, 2]
    assert [row["label"] for row in rows(tmp_path / "csv")] == ["with_mask"] * 3
    assert (tmp_path / "events").read_text() == f"{EVENT}\n"
    assert [row["seconds"] for row in rows(tmp_path / "second")] == ["1.0", "1.0"]
    assert [row["seconds"] for row in rows(tmp_path / "minute")] == ["60.0"]


def test_stdout_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    (sink,) = open_outputs(["events=-"], LABELS)
    sink.write(FRAMES[2], None)
    sink.close()
    assert not sys.stdout.closed
    assert capsys.readouterr().out == f"{EVENT}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("morse=x", 'no output is called "morse"; choose from json, csv, events, second, minute'),
        ("json", "--to json says not where to; write json=FILE"),
        ("csv={there}", "exists; name another file or add --overwrite"),
    ],
)
def test_what_cannot_be_opened_closes_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    closed: list[str] = []
    close = registry._InFile.close
    monkeypatch.setattr(registry._InFile, "close", lambda self, events=(): closed.append("closed") or close(self))
    with pytest.raises(InputError, match=message):
        open_outputs([f"json={tmp_path / 'first'}", words.format(there=there)], LABELS)
    assert closed == ["closed"]
    assert there.read_text() == "mine"


def test_a_file_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    there = tmp_path / "there.txt"
    there.write_text("old")
    open_outputs([f"events={there}"], LABELS, overwrite=True)[0].close([EVENT])
    assert there.read_text() == f"{EVENT}\n"
