"""Worker pool: dispatch, time-outs, replacement of dead workers.

A worker gets photos one ahead of the one it works on. A photo of many images
comes back in parts, and its worker gets the rest. A part that takes too long
costs its worker, which is replaced. A worker that dies is replaced too,
and its photo tried once more with no other photo in work: what the system
kills for memory may well pass alone. Where the workers live is the business of
the subclasses.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from maskgen.dataset.engines.base import Outcome, Task, Window, WorkersFailed

log = logging.getLogger(__name__)

AHEAD: Final = 2
"""Photos in a worker's hands: one in work, one waiting."""

WINDOW_PER_WORKER: Final = 32
"""How far the fastest worker may run ahead of the slowest photo."""

START_S: Final = 120.0
"""A worker that has not said it is ready by then never will."""

READY: Final = "ready"


@dataclass(slots=True, eq=False)
class Handle:
    """A worker as the pool sees it.

    Attributes:
        body: what the subclass reaches it by.
        started_s: when it was started.
        ready: it has been built.
        hands: what it was given and has not answered, the oldest first.
        since_s: when it began the oldest.
    """

    body: Any
    started_s: float
    ready: bool = False
    hands: deque[Task] = field(default_factory=deque)
    since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Death:
    """News that a worker is no more."""

    cause: str


class Pool(ABC):
    """The part of an engine that does not depend on where its workers live.

    Args:
        workers: how many.
        timeout_s: how long a part of a photo may take, for each face in an image.
    """

    def __init__(self, workers: int, timeout_s: float) -> None:
        self._workers, self._timeout_s = max(1, workers), timeout_s
        self._handles: list[Handle] = []
        self._again: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._suspect: Task | None = None
        self._deaths = 0

    @abstractmethod
    def _spawn(self) -> Any:
        """Begin a worker, without waiting for it."""

    @abstractmethod
    def _send(self, handle: Handle, task: Task) -> None:
        """Give a worker a photo; if it is dead already, say nothing."""

    @abstractmethod
    def _news(self, timeout_s: float) -> Iterator[tuple[Handle, object]]:
        """What the workers said: ``READY``, an ``Outcome``, a ``Death``, or words of an error that ends the run."""

    @abstractmethod
    def _kill(self, handle: Handle) -> None:
        """End a worker at once."""

    def _close(self) -> None:
        """End all that are left; by default one by one."""
        for handle in self._handles:
            self._kill(handle)

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Generator[Outcome, None, None]:
        """See ``Engine``."""
        window = Window(WINDOW_PER_WORKER * self._workers)
        numbers: dict[int, int] = {}
        more = True
        try:
            while True:
                while more and not window.full and not stop.is_set() and self._hungry():
                    task = next(tasks, None)
                    if task is None:
                        more = False
                        break
                    place = window.take()
                    numbers[place] = task.number
                    task = replace(task, number=place)
                    refused = task.refused()
                    if refused is not None:
                        window.put(refused)
                    else:
                        self._again.append(task)
                self._hand_out()
                if self._handles:
                    for outcome in self._collect():
                        window.put(outcome)
                for outcome in window.ready():
                    yield replace(outcome, number=numbers[outcome.number])
                    if outcome.rest is None:
                        del numbers[outcome.number]
                    if outcome.fatal:
                        return
                if window.empty and (not more or stop.is_set()):
                    return
        finally:
            self._close()
            self._handles.clear()

    def _hungry(self) -> bool:
        """Whether some worker could take one more photo."""
        if self._suspects or self._suspect is not None:
            return False
        return sum(len(h.hands) for h in self._handles) + len(self._again) < AHEAD * self._workers

    def _hand_out(self) -> None:
        busy = sum(1 for h in self._handles if h.hands)
        if self._suspects or self._suspect is not None:
            # Nothing new until the suspect has been tried with nothing beside it.
            if self._suspect is None and not busy:
                handle = next((h for h in self._handles if h.ready), None)
                if handle is not None:
                    self._suspect = self._suspects.popleft()
                    self._give(handle, self._suspect)
                elif not self._handles:
                    self._start()
            return
        while self._again and len(self._handles) < min(self._workers, len(self._again) + busy):
            self._start()
        ready = [h for h in self._handles if h.ready]
        while self._again and ready:
            handle = min(ready, key=lambda h: len(h.hands))
            if len(handle.hands) >= AHEAD:
                return
            self._give(handle, self._again.popleft())

    def _start(self) -> Handle:
        handle = Handle(self._spawn(), time.monotonic())
        self._handles.append(handle)
        return handle

    def _give(self, handle: Handle, task: Task) -> None:
        if not handle.hands:
            handle.since_s = time.monotonic()
        handle.hands.append(task)
        self._send(handle, task)

    def _collect(self) -> Iterator[Outcome]:
        """Wait a moment for news, and look at the clock."""
        for handle, message in self._news(0.2):
            if handle not in self._handles:
                continue
            if message == READY:
                handle.ready, handle.since_s, self._deaths = True, time.monotonic(), 0
            elif isinstance(message, Outcome):
                task = handle.hands.popleft()
                handle.since_s, self._deaths = time.monotonic(), 0
                if message.rest is not None:
                    self._give(handle, replace(task, rest=message.rest))
                else:
                    self._cleared(task)
                yield message
            elif isinstance(message, Death):
                yield from self._buried(handle, message)
            else:
                raise WorkersFailed(str(message))
        now = time.monotonic()
        for handle in list(self._handles):
            limit_s = self._limit_s(handle)
            if handle.hands and now - handle.since_s > limit_s:
                task = handle.hands.popleft()
                self._cleared(task)
                self._drop(handle)
                detail = f"gave up after {limit_s:g} s"
                yield Outcome(task.number, task.source, reason="timeout", detail=detail, seconds=limit_s)
            elif not handle.ready and now - handle.started_s > START_S:
                self._late(handle)

    def _limit_s(self, handle: Handle) -> float:
        rest = handle.hands[0].rest if handle.hands else None
        return self._timeout_s * (rest.load if rest is not None else 1)

    def _late(self, handle: Handle) -> None:
        """A worker does not come up: go on without it, if there are others."""
        self._drop(handle)
        if not any(h.ready for h in self._handles):
            raise WorkersFailed(f"no worker started within {START_S:.0f} s; see above, or try --workers 1")
        self._workers = max(1, len(self._handles))
        log.warning("a worker did not start within %.0f s; going on with %d", START_S, self._workers)

    def _buried(self, handle: Handle, death: Death) -> Iterator[Outcome]:
        """A worker died: its photo is tried alone, or named if that was the second time."""
        task = handle.hands.popleft() if handle.hands else None
        alone = task is not None and self._suspect is not None and self._suspect.number == task.number
        self._drop(handle)
        log.warning("a worker died (%s) %s", death.cause, f"on {task.source}" if task else "before its first photo")
        if task is None:
            self._deaths += 1
            if self._deaths > 2 * self._workers + 1:
                raise WorkersFailed(f"workers keep dying before their first photo ({death.cause}); see above")
        elif alone:
            self._suspect = None
            detail = f"its worker died twice ({death.cause}), the second time alone"
            yield Outcome(task.number, task.source, reason="worker_died", detail=detail)
        else:
            self._suspects.append(task)

    def _cleared(self, task: Task) -> None:
        if self._suspect is not None and self._suspect.number == task.number:
            self._suspect = None

    def _drop(self, handle: Handle) -> None:
        """Take a worker out; what it had not begun goes back."""
        self._handles.remove(handle)
        for task in reversed(handle.hands):
            if self._suspect is not None and task.number == self._suspect.number:
                self._suspects.appendleft(task)
                self._suspect = None
            else:
                self._again.appendleft(task)
        handle.hands.clear()
        self._kill(handle)
