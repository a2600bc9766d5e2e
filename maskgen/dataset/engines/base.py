"""Engine protocol: tasks, outcomes, workers, and the window that keeps outcomes in order."""

from __future__ import annotations

import importlib
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from maskgen.errors import MaskgenError


@dataclass(frozen=True, slots=True)
class Rest:
    """Where a photo of many images is gone on with.

    Attributes:
        face, copy: of the next image.
        source_id: of the bytes that the images so far were made from.
        counts: of the photo so far.
        wrote: the face has an image already.
        load: faces in each image; an image may take this many times as long.
    """

    face: int = 0
    copy: int = 0
    source_id: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    wrote: bool = False
    load: int = 1


@dataclass(frozen=True, slots=True)
class Task:
    """One photo to do, or the rest of one.

    Attributes:
        number: counts from 0 in the order of the inputs.
        source: its path or address as given.
        place: where it lies when the working folder is another; empty for
            ``source``.
        rest: where to go on, None for the beginning.
        reason: why it cannot be done, known before it was opened; or None.
        detail: the same for people.
    """

    number: int
    source: str
    reason: str | None = None
    detail: str = ""
    place: str = ""
    rest: Rest | None = None

    def refused(self) -> Outcome | None:
        """The outcome of a task that no worker needs to see."""
        if self.reason is None:
            return None
        return Outcome(self.number, self.source, reason=self.reason, detail=self.detail)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo, or of a part of it: one that takes long is told in parts, so that none is large.

    Attributes:
        number: the task's.
        source: the task's.
        source_id: of the bytes, or None when they could not be read.
        lines: lines of ``metadata.jsonl`` of this part.
        files: the images written in this part, below the dataset folder.
        reason: why the photo gives nothing, or None; parts before are void.
        detail: the same for people.
        counts: of the whole photo, by word; only the last part's count.
        rest: where to go on; None when this was the last part.
        fatal: the run cannot go on: what happened and what to do.
        seconds: time spent on the photo.
    """

    number: int
    source: str
    source_id: str | None = None
    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    reason: str | None = None
    detail: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    fatal: str | None = None
    seconds: float = 0.0
    rest: Rest | None = None


class Worker(Protocol):
    """What does the photos, a part at a time. Built once in every process."""

    def do(self, task: Task) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Job:
    """What an engine is opened with.

    Attributes:
        factory: ``module:function`` that builds the worker from ``settings``.
        settings: plain values only; they are all that travels to the workers.
        workers: how many; 0 leaves it to the engine.
        timeout_s: how long one photo may take.
        address: of a cluster, or None.
    """

    factory: str
    settings: dict[str, Any]
    workers: int = 0
    timeout_s: float = 120.0
    address: str | None = None


class Engine(Protocol):
    """Runs tasks somewhere.

    ``run`` takes tasks only as fast as it does them, yields outcomes in the
    order of the tasks, a photo's parts one after the other, and takes no new
    task once ``stop`` is set. Closing what it returns ends the workers.
    """

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Generator[Outcome, None, None]: ...


class OpenEngine(Protocol):
    """Opens an engine."""

    def __call__(self, job: Job, /) -> Engine: ...


def build_worker(factory: str, settings: dict[str, Any]) -> Worker:
    """Call ``module:function`` with the settings.

    >>> build_worker("builtins:dict", {"a": 1})
    {'a': 1}
    """
    module, _, name = factory.partition(":")
    worker: Worker = getattr(importlib.import_module(module), name)(settings)
    return worker


class Window:
    """Puts outcomes back in order and says how far ahead the tasks may run.

    >>> window = Window(2)
    >>> [window.take() for _ in range(2)], window.full
    ([0, 1], True)
    >>> window.put(Outcome(1, "b")); [o.number for o in window.ready()]
    []
    >>> window.put(Outcome(0, "a")); [o.number for o in window.ready()]
    [0, 1]
    >>> _ = window.take(); window.put(Outcome(2, "c", rest=Rest())); [o.number for o in window.ready()], window.empty
    ([2], False)
    >>> window.put(Outcome(2, "c")); [o.number for o in window.ready()], window.empty
    ([2], True)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._given = 0
        self._out = 0
        self._waiting: defaultdict[int, deque[Outcome]] = defaultdict(deque)

    @property
    def full(self) -> bool:
        return self._given - self._out >= self._size

    @property
    def empty(self) -> bool:
        """Whether every task given out has come back and left."""
        return self._given == self._out

    def take(self) -> int:
        """The place of the next task in this run."""
        self._given += 1
        return self._given - 1

    def put(self, outcome: Outcome) -> None:
        self._waiting[outcome.number].append(outcome)

    def ready(self) -> Iterator[Outcome]:
        """The outcomes whose turn it is; a photo's turn ends with its last part."""
        while parts := self._waiting.get(self._out):
            outcome = parts.popleft()
            yield outcome
            if outcome.rest is None:
                del self._waiting[self._out]
                self._out += 1


class WorkersFailed(MaskgenError):
    """Workers cannot be started, or keep dying on whatever they get."""
