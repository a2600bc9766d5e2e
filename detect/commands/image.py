"""``maskgen detect image``: pictures in, a table, JSON lines or CSV out."""

from __future__ import annotations

import csv
import math
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from detect.batch import PictureRow, look_at
from detect.commands.common import note, say, ticking
from detect.commands.settings import Copies, Finding
from detect.outputs.draw import WORDS
from maskgen.cli.console import printable
from maskgen.io.json_text import json_text

_SCREEN_ROWS: Final = 40
"""On a terminal longer tables are cut: the rest is in the counts. A file or pipe gets every row."""


def run(paths: Sequence[str], finding: Finding, copies: Copies, form: str) -> int:
    """Do it and print it.

    Args:
        paths: files, folders, patterns.
        finding: how faces are found.
        copies: what is written.
        form: ``table``, ``json`` or ``csv``.

    Returns:
        The exit code: 1 when no input could be used.
    """
    detector = finding.detector()
    output = copies.output
    rows_csv = csv.writer(sys.stdout, lineterminator="\n")
    if form == "csv":
        rows_csv.writerow(
            ["file", "left", "top", "right", "bottom", "label", "score"]
            + [f"p_{label}" for label in detector.labels]
            + ["face_score", "confidence", "error"]
        )
    most = _SCREEN_ROWS if sys.stdout.isatty() else math.inf
    shown: list[PictureRow] = []
    seen: Counter[str] = Counter()
    rows = done = failed = written = 0
    with ticking() as ticker:
        for row in look_at(detector, paths, output, blur=finding.blur, overwrite=copies.overwrite):
            rows += 1
            done += row.detections is not None
            failed += row.error is not None
            written += row.written is not None
            seen.update(face.label for face in row.detections or ())
            if form == "json":
                say(json_text(row.to_json()))
            elif form == "csv":
                rows_csv.writerows(_csv_rows(row, detector.labels))
            elif len(shown) < most:
                shown.append(row)
            if row.error is not None and form != "json":
                ticker.clear()
                note(f"maskgen: {printable(row.error)}")
            ticker.show(f"{done} pictures, {sum(seen.values())} faces")
    if form == "table":
        _print_table(shown, detector.labels)
        if (more := rows - len(shown)) > 0:
            say(f"... and {more} more; into a file or pipe every row is written")
    summary = f"{_count(done, 'picture')}, {_count(sum(seen.values()), 'face')}"
    if seen:
        summary += ": " + ", ".join(f"{seen[label]} {WORDS.get(label, label)}" for label in detector.labels)
    if failed:
        summary += f"; {_count(failed, 'input')} with an error"
    if output is not None:
        summary += f"; {_count(written, 'copy', 'copies')} written to {printable(output)}"
    (say if form == "table" else note)(summary)
    if not done:
        return 1
    return 1 if output is not None and not written else 0


def _csv_rows(row: PictureRow, labels: Sequence[str]) -> list[list[object]]:
    file = printable(row.file)
    if row.detections is None or not len(row.detections):
        return [[file, *[""] * (8 + len(labels)), row.error or ""]]
    return [
        [
            file,
            *(round(float(side), 1) for side in face.box.xyxy),
            face.label,
            round(face.score, 4),
            *(round(face.probabilities[label], 4) for label in labels),
            round(face.face_score, 4),
            round(face.confidence, 4),
            row.error or "",
        ]
        for face in row.detections
    ]


def _print_table(rows: Sequence[PictureRow], labels: Sequence[str]) -> None:
    """Columns: the file, how many faces, and how many of each label."""
    usable = [row for row in rows if row.detections is not None]
    if not usable:
        return
    head = ["file", "faces", *(WORDS.get(label, label) for label in labels)]
    cells = [
        [printable(row.file), str(len(row.detections)), *(str(row.detections.count(label)) for label in labels)]
        for row in usable
        if row.detections is not None
    ]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    for line in [head, *cells]:
        first, *numbers = line
        say(first.ljust(widths[0]) + "".join(f"  {n.rjust(w)}" for n, w in zip(numbers, widths[1:], strict=True)))
    say()


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
