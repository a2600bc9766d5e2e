from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from detect.outputs.text import CountRows, CsvRows, EventLines, JsonLines
from detect.results import Event, FaceResult, FrameResult
from maskgen.types import Box

LABELS = ("with_mask", "without_mask")
IMAGE = np.zeros((48, 64, 3), np.uint8)
EVENT = Event(3, "with_mask", 0.0, 1.5, 0.9)


def frame(index: int, *events: Event, faces: int = 1) -> FrameResult:
    face = FaceResult(Box(1, 2, 11, 22), "with_mask", 0.9, {"with_mask": 0.9, "without_mask": 0.1}, track_id=3)
    return FrameResult(index, index / 2, IMAGE, (face,) * faces, tuple(events))


def test_every_line_of_json_has_its_frame() -> None:
    stream = io.StringIO()
    sink = JsonLines(stream)
    sink.write(frame(7), None)
    sink.write(frame(8, EVENT), None)
    sink.close([EVENT])
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["frame"], line["time_s"]) for line in lines] == [(7, 3.5), (8, 4.0), (8, 4.0)]
    assert [len(line.get("events", [])) for line in lines] == [0, 1, 1]
    assert "faces" not in lines[-1]  # nobody counts them twice


def test_nothing_open_is_no_line() -> None:
    stream = io.StringIO()
    JsonLines(stream).close()
    assert stream.getvalue() == ""


def test_csv_names_its_columns_and_rounds() -> None:
    stream = io.StringIO()
    sink = CsvRows(stream, LABELS)
    sink.write(frame(4, faces=2), None)
    sink.close()
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert len(rows) == 2
    assert rows[0] == {
        "frame": "4", "time_s": "2.0", "track": "3", "left": "1.0", "top": "2.0", "right": "11.0", "bottom": "22.0",
        "label": "with_mask", "score": "0.9", "p_with_mask": "0.9", "p_without_mask": "0.1",
            "confidence": "0.9",
    }  # fmt: skip


def test_events_come_when_they_end_and_at_the_close() -> None:
    stream = io.StringIO()
    sink = EventLines(stream)
    sink.write(frame(0, EVENT), None)
    sink.close([EVENT])
    assert stream.getvalue() == "face 3: with_mask from 0.0 s to 1.5 s\n" * 2


@pytest.mark.parametrize("frames", [2, 3])
def test_counts_of_a_period_are_written_with_the_last_one(frames: int) -> None:
    stream = io.StringIO()
    sink = CountRows(stream, LABELS, 1.0)
    for index in range(frames):
        sink.write(frame(index), None)
    sink.close()
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [row["frames"] for row in rows] == (["2"] if frames == 2 else ["2", "1"])
