"""Photos done by processes on this machine.

Each process is spawned, builds its worker once, and gets photos over a pipe,
one ahead of the one it works on. A photo that takes too long costs its process,
which is replaced; a process that dies is replaced and its photo tried once more
with no other photo running (what the system kills for memory may well pass
alone).
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from maskgen.engines.base import Outcome, Task, Window, WorkersFailed, build_worker
from maskgen.errors import MaskgenError

log = logging.getLogger(__name__)

AHEAD: Final = 2
"""Photos in a process's hands: one in work, one waiting."""

WINDOW_PER_WORKER: Final = 32
"""How far the fastest process may run ahead of the slowest photo."""

START_S: Final = 120.0
"""A process that has not said it is ready by then never will."""


class InlineEngine:
    """Photos done by this very process; no time-out, no rescue."""

    def __init__(self, factory: str, settings: dict[str, Any]) -> None:
        self._factory, self._settings = factory, settings

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Iterator[Outcome]:
        worker = None
        for task in tasks:
            outcome = task.refused()
            if outcome is None:
                worker = worker or build_worker(self._factory, self._settings)
                outcome = worker.do(task)
            yield outcome
            if stop.is_set() or outcome.fatal:
                return


@dataclass(slots=True)
class _Process:
    """A worker process as its parent sees it."""

    process: Any
    pipe: Connection
    started_s: float
    ready: bool = False
    hands: deque[Task] = field(default_factory=deque)
    since_s: float = 0.0


class LocalEngine:
    """Photos done by spawned processes.

    Args:
        factory: ``module:function`` that builds the worker from ``settings``.
        settings: plain values only; they are all that is pickled.
        workers: how many processes.
        timeout_s: how long one photo may take.
    """

    def __init__(self, factory: str, settings: dict[str, Any], workers: int, timeout_s: float) -> None:
        self._factory, self._settings = factory, settings
        self._workers, self._timeout_s = max(1, workers), timeout_s
        self._context = multiprocessing.get_context("spawn")
        self._pool: list[_Process] = []
        self._again: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._suspect: Task | None = None
        self._deaths = 0

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Iterator[Outcome]:
        window = Window(WINDOW_PER_WORKER * self._workers)
        places: dict[int, int] = {}
        try:
            more = True
            while True:
                while more and not window.full and not stop.is_set() and self._wants_task():
                    task = next(tasks, None)
                    if task is None:
                        more = False
                        break
                    place = window.take()
                    places[place] = task.number
                    task = replace(task, number=place)
                    refused = task.refused()
                    if refused is not None:
                        window.put(refused)
                    else:
                        self._again.append(task)
                self._hand_out()
                if window.empty and (not more or stop.is_set()):
                    return
                if self._pool:
                    for outcome in self._collect():
                        window.put(outcome)
                for outcome in window.ready():
                    yield replace(outcome, number=places.pop(outcome.number))
                    if outcome.fatal:
                        return
        finally:
            self._end()

    def _wants_task(self) -> bool:
        """Whether some process could take one more photo."""
        if self._suspects or self._suspect is not None:
            return False
        hands = sum(len(p.hands) for p in self._pool)
        return hands + len(self._again) < AHEAD * self._workers

    def _hand_out(self) -> None:
        busy = any(p.hands for p in self._pool)
        if (self._suspects and not busy) or self._suspect is not None:
            if self._suspect is None:
                self._suspect = self._suspects.popleft()
                process = next((p for p in self._pool if p.ready), None) or self._start()
                self._give(process, self._suspect)
            return
        if self._suspects:
            return
        needed = min(self._workers, len(self._again) + sum(1 for p in self._pool if p.hands))
        while len(self._pool) < needed:
            self._start()
        while self._again:
            process = min(self._pool, key=lambda p: (len(p.hands), not p.ready))
            if len(process.hands) >= AHEAD:
                return
            self._give(process, self._again.popleft())

    def _give(self, process: _Process, task: Task) -> None:
        if not process.hands:
            process.since_s = time.monotonic()
        process.hands.append(task)
        # A broken pipe shows as the process's death a moment later.
        with contextlib.suppress(OSError):
            process.pipe.send(task)

    def _collect(self) -> Iterator[Outcome]:
        """Wait a moment for news from the processes."""
        by_pipe = {p.pipe: p for p in self._pool}
        for pipe in wait(list(by_pipe), timeout=0.2):
            assert isinstance(pipe, Connection)
            process = by_pipe[pipe]
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                yield from self._buried(process)
                continue
            if message == "ready":
                process.ready, self._deaths = True, 0
                process.since_s = time.monotonic()
            elif isinstance(message, Outcome):
                process.hands.popleft()
                process.since_s = time.monotonic()
                self._deaths = 0
                if self._suspect is not None and message.number == self._suspect.number:
                    self._suspect = None
                yield message
            else:
                raise WorkersFailed(str(message))
        now = time.monotonic()
        for process in list(self._pool):
            if process.ready and process.hands and now - process.since_s > self._timeout_s:
                yield self._timed_out(process)
            elif not process.ready and now - process.started_s > START_S:
                raise WorkersFailed(f"a worker process did not start within {START_S:.0f} s; try --workers 1")

    def _timed_out(self, process: _Process) -> Outcome:
        task = process.hands.popleft()
        self._drop(process)
        if self._suspect is not None and self._suspect.number == task.number:
            self._suspect = None
        limit = f"{self._timeout_s:g}"
        return Outcome(
            task.number, task.source, reason="timeout", detail=f"gave up after {limit} s", seconds=float(limit)
        )

    def _buried(self, process: _Process) -> Iterator[Outcome]:
        """A process died: its photo is tried alone, or named if that was the second time."""
        task = process.hands.popleft() if process.hands and process.ready else None
        ready = process.ready
        self._drop(process)
        code = process.process.exitcode
        log.warning("a worker process died (exit code %s) on %s", code, task.source if task else "its way up")
        if not ready or task is None:
            self._deaths += 1
            if self._deaths > 2 * self._workers + 1:
                raise WorkersFailed(
                    f"worker processes keep dying (exit code {code}) before their first photo; see above"
                )
        elif self._suspect is not None and self._suspect.number == task.number:
            self._suspect = None
            detail = f"its process died twice ({_exit_words(code)}), the second time alone"
            yield Outcome(task.number, task.source, reason="worker_died", detail=detail)
        else:
            self._suspects.append(task)

    def _drop(self, process: _Process) -> None:
        """Take a process out; what it had not begun goes back."""
        self._pool.remove(process)
        self._again.extendleft(reversed(process.hands))
        if self._suspect is not None and any(t.number == self._suspect.number for t in process.hands):
            self._again = deque(t for t in self._again if t.number != self._suspect.number)
            self._suspects.appendleft(self._suspect)
            self._suspect = None
        process.hands.clear()
        process.process.kill()
        process.process.join()
        process.pipe.close()

    def _start(self) -> _Process:
        ours, theirs = self._context.Pipe()
        child = self._context.Process(
            target=_work, args=(theirs, self._factory, self._settings), name="maskgen worker", daemon=True
        )
        child.start()
        theirs.close()
        process = _Process(child, ours, time.monotonic())
        self._pool.append(process)
        return process

    def _end(self) -> None:
        for process in self._pool:
            process.pipe.close()
        deadline = time.monotonic() + 2.0
        for process in self._pool:
            process.process.join(max(0.0, deadline - time.monotonic()))
            if process.process.is_alive():
                process.process.kill()
                process.process.join()
        self._pool.clear()


def _exit_words(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "killed, perhaps for memory"
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"


def _work(pipe: Connection, factory: str, settings: dict[str, Any]) -> None:
    """The life of a worker process. It ends when its parent closes the pipe, or is gone."""
    # Ctrl-C reaches the whole group; only the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(name, "1")
    try:
        worker = build_worker(factory, settings)
    except MaskgenError as error:
        with contextlib.suppress(OSError):
            pipe.send(str(error))
        return
    try:
        pipe.send("ready")
        while True:
            pipe.send(worker.do(pipe.recv()))
    except (EOFError, OSError):
        return
