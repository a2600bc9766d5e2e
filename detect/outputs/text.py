"""Text outputs: JSON lines, CSV, event lines, counts."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TextIO

from detect.outputs.counts import Counter
from detect.results import Event, FrameResult
from maskgen.io.json_text import json_text
from maskgen.types import RGB


class JsonLines:
    """One line of JSON a frame.

    A run that is left early ends with a line of what was still open: the last
    frame's number and time again, and its ``events``.
    """

    wants_picture = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: dict[str, object] = {"frame": None, "time_s": None}

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        self._last = {"frame": frame.index, "time_s": round(frame.time_s, 3)}
        self._stream.write(json_text(frame.to_json()) + "\n")
        self._stream.flush()

    def close(self, events: Sequence[Event] = ()) -> None:
        if events:
            self._stream.write(json_text({**self._last, "events": [event.to_json() for event in events]}) + "\n")
            self._stream.flush()


class CsvRows:
    """One row a face and frame."""

    wants_picture = False

    def __init__(self, stream: TextIO, labels: Sequence[str]) -> None:
        self._stream = stream
        self._labels = labels
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(
            ["frame", "time_s", "track", "left", "top", "right", "bottom", "label", "score"]
            + [f"p_{label}" for label in labels]
            + ["confidence"]
        )

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        self._rows.writerows(
            [
                frame.index,
                round(frame.time_s, 3),
                "" if face.track_id is None else face.track_id,
                *(round(float(side), 1) for side in face.box.xyxy),
                face.label,
                round(face.score, 4),
                *(round(face.probabilities[label], 4) for label in self._labels),
                round(face.confidence, 4),
            ]
            for face in frame.faces
        )
        self._stream.flush()

    def close(self, events: Sequence[Event] = ()) -> None:
        self._stream.flush()


class EventLines:
    """One line for people whenever a face changed its label or left."""

    wants_picture = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        self._write(frame.events)

    def close(self, events: Sequence[Event] = ()) -> None:
        self._write(events)

    def _write(self, events: Sequence[Event]) -> None:
        for event in events:
            self._stream.write(f"{event}\n")
        if events:
            self._stream.flush()


class CountRows:
    """One row of CSV a second or minute: how many people, wearing what."""

    wants_picture = False

    def __init__(self, stream: TextIO, labels: Sequence[str], period_s: float) -> None:
        self._stream = stream
        self._labels = labels
        self._counter = Counter(labels, period_s)
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(
            ["start_s", "seconds", "frames", "people", "people_most", *labels, "share_masked", "faces_numbered"]
        )

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        for count in self._counter.add(frame.time_s, frame.faces):
            self._row(count.to_row(self._labels))

    def close(self, events: Sequence[Event] = ()) -> None:
        for count in self._counter.finish():
            self._row(count.to_row(self._labels))

    def _row(self, row: Sequence[object]) -> None:
        self._rows.writerow(row)
        self._stream.flush()
