"""Registry of outputs, by name: what ``--to NAME=WHERE`` opens; plug-ins register theirs under ``detect.outputs``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from detect.outputs.base import Sink
from detect.outputs.text import CountRows, CsvRows, EventLines, JsonLines
from detect.results import Event, FrameResult
from maskgen.errors import InputError
from maskgen.io.registry import Registry
from maskgen.types import RGB

STDOUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Order:
    """What an output is opened with.

    Attributes:
        where: what stands after ``NAME=``: a file, an address; ``-`` for stdout.
        labels: what a face may be called, in order.
        overwrite: replace a file that exists.
    """

    where: str
    labels: Sequence[str]
    overwrite: bool = False


class OpenOutput(Protocol):
    """Opens an output."""

    def __call__(self, order: Order, /) -> Sink: ...


OUTPUTS: Final[Registry[OpenOutput]] = Registry(
    "detect.outputs",
    "output",
    {name: f"{__name__}:_{name}" for name in ("json", "csv", "events", "second", "minute")},
    lambda _name, found: None if callable(found) else f"it is a {type(found).__name__}, not a function of an Order",
)
"""What opens each output, by name."""


def open_outputs(told: Sequence[str], labels: Sequence[str], *, overwrite: bool = False) -> list[Sink]:
    """The outputs of words such as ``json=faces.jsonl``; all of them or none.

    Raises:
        InputError: an output is unknown, has no place, or cannot be opened.
    """
    opened: list[Sink] = []
    try:
        for words in told:
            name, _, where = words.partition("=")
            open_output = OUTPUTS.load(name)
            if not where:
                raise InputError(f"--to {words} says not where to; write {name}=FILE or {name}=ADDRESS")
            opened.append(open_output(Order(where, labels, overwrite)))
    except BaseException:
        for sink in opened:
            sink.close()
        raise
    return opened


class _InFile:
    """A sink whose stream is closed with it."""

    def __init__(self, sink: Sink, stream: TextIO) -> None:
        self.wants_picture = sink.wants_picture
        self._sink, self._stream = sink, stream

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        self._sink.write(frame, picture)

    def close(self, events: Sequence[Event] = ()) -> None:
        with self._stream:
            self._sink.close(events)


def _written(order: Order, sink_on: Callable[[TextIO], Sink]) -> Sink:
    """A sink that writes text to stdout or into a file."""
    if order.where == STDOUT:
        return sink_on(sys.stdout)
    try:
        stream = Path(order.where).open("w" if order.overwrite else "x", encoding="utf-8", newline="")  # noqa: SIM115
    except FileExistsError:
        raise InputError(f"{order.where} exists; name another file or add --overwrite") from None
    return _InFile(sink_on(stream), stream)


def _json(order: Order) -> Sink:
    return _written(order, JsonLines)


def _csv(order: Order) -> Sink:
    return _written(order, lambda stream: CsvRows(stream, order.labels))


def _events(order: Order) -> Sink:
    return _written(order, EventLines)


def _second(order: Order) -> Sink:
    return _written(order, lambda stream: CountRows(stream, order.labels, 1.0))


def _minute(order: Order) -> Sink:
    return _written(order, lambda stream: CountRows(stream, order.labels, 60.0))
