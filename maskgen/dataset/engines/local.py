"""Local engines: worker processes on this machine, or this very process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from typing import Any

from maskgen.dataset.engines.base import Engine, Job, Outcome, Task, build_worker
from maskgen.dataset.engines.fork_server import ALONE, CAN_FORK, LEAVE_S, Nursery, build, prepare, serve
from maskgen.dataset.engines.pool import Death, Handle, Pool


def local_engine(factory: str, settings: dict[str, Any], workers: int, timeout_s: float) -> Engine:
    """The engine for work on this machine: processes, or for one worker this very process."""
    return LocalEngine(factory, settings, workers, timeout_s) if workers > 1 else InlineEngine(factory, settings)


class InlineEngine:
    """Photos done by this very process; no time-out, no rescue."""

    def __init__(self, factory: str, settings: dict[str, Any]) -> None:
        self._factory, self._settings = factory, settings

    @classmethod
    def open(cls, job: Job) -> InlineEngine:
        return cls(job.factory, job.settings)

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Generator[Outcome, None, None]:
        """See ``Engine``."""
        worker = None
        for task in tasks:
            outcome = task.refused()
            if outcome is None:
                worker = worker or build_worker(self._factory, self._settings)
                outcome = worker.do(task)
            while outcome.rest is not None and worker is not None:
                yield outcome
                outcome = worker.do(replace(task, rest=outcome.rest))
            yield outcome
            if stop.is_set() or outcome.fatal:
                return


class LocalEngine(Pool):
    """Photos done by processes of this machine: forked from one where that is safe, else spawned.

    Args:
        factory: ``module:function`` that builds the worker from ``settings``.
        settings: plain values only; they are all that is pickled.
        workers: how many processes.
        timeout_s: how long one photo may take.
    """

    def __init__(self, factory: str, settings: dict[str, Any], workers: int, timeout_s: float) -> None:
        super().__init__(workers, timeout_s)
        self._factory, self._settings = factory, settings
        self._context = multiprocessing.get_context("spawn")
        # A single worker would only wait for the process that it is forked from.
        self._forks = CAN_FORK and workers > 1
        self._nursery: Nursery | None = None

    @classmethod
    def open(cls, job: Job) -> LocalEngine:
        return cls(job.factory, job.settings, job.workers or cores(), job.timeout_s)

    def _spawn(self) -> _Spawned | _Forked:
        if not self._forks:
            return _Spawned(self._context, self._factory, self._settings)
        if self._nursery is not None and not self._nursery.alive:
            self._end_nursery()
        self._nursery = self._nursery or Nursery(self._context, self._factory, self._settings)
        return _Forked(self._nursery)

    def _send(self, handle: Handle, task: Task) -> None:
        with contextlib.suppress(OSError):
            handle.body.pipe.send(task)

    def _news(self, timeout_s: float) -> Iterator[tuple[Handle, object]]:
        by_pipe = {handle.body.pipe: handle for handle in self._handles}
        for pipe in wait(list(by_pipe), timeout_s):
            assert isinstance(pipe, Connection)
            handle = by_pipe[pipe]
            if pipe is not handle.body.pipe:
                continue
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                yield handle, Death(_exit_words(handle.body.exit_code()))
                continue
            if message == ALONE:
                self._stop_forking()
            elif isinstance(message, int):
                handle.body.pid = message
            else:
                yield handle, message

    def _stop_forking(self) -> None:
        """Spawn every worker instead; none of them has begun."""
        self._forks = False
        for handle in self._handles:
            handle.body.kill()
            handle.body = self._spawn()
        self._end_nursery()

    def _end_nursery(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _kill(self, handle: Handle) -> None:
        handle.body.kill()

    def _close(self) -> None:
        """Closing its pipe lets a worker finish and leave by itself."""
        for handle in self._handles:
            handle.body.pipe.close()
        self._end_nursery()
        deadline = time.monotonic() + LEAVE_S
        for handle in self._handles:
            handle.body.leave(deadline)


class _Spawned:
    """A worker process of its own making."""

    def __init__(self, context: SpawnContext, factory: str, settings: dict[str, Any]) -> None:
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, factory, settings), name="maskgen worker", daemon=True
        )
        self._process.start()
        theirs.close()

    def exit_code(self) -> int | None:
        """How it ended, once its pipe is closed from the other side."""
        self._process.join(5.0)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()

    def leave(self, deadline: float) -> None:
        """Wait until it has gone; past the deadline, end it."""
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class _Forked:
    """A worker process that a nursery has borne, or will."""

    def __init__(self, nursery: Nursery) -> None:
        self.pipe = nursery.fork()
        self.pid: int | None = None
        self._nursery = nursery
        self._ended = False
        self._code: int | None = None

    def exit_code(self) -> int | None:
        """As a spawned one's; that of the nursery when it came to nothing there."""
        if self.pid is None:
            return self._nursery.exit_code()
        # Once only: a number that was waited for may be another process's by now, and the nursery knows it no more.
        if not self._ended:
            self._ended, self._code = True, self._nursery.end(self.pid)
        return self._code

    def kill(self) -> None:
        self.pipe.close()
        if self.pid is not None:
            self.exit_code()

    def leave(self, deadline: float) -> None:
        """The nursery has waited for it and ended it, unless it was killed itself."""
        if self.pid is not None and self._nursery.exit_code():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _exit_words(code: int | None) -> str:
    if os.name == "posix" and code == -signal.SIGKILL:
        return "killed, perhaps for memory"
    if code is not None and code < 0:
        return f"signal {-code}"
    return "nobody knows how" if code is None else f"exit code {code}"


def _work(pipe: Connection, factory: str, settings: dict[str, Any]) -> None:
    """The life of a spawned worker. It ends when its parent closes the pipe, or is gone."""
    prepare()
    worker, problem = build(factory, settings)
    if worker is not None:
        serve(pipe, worker)
        return
    with contextlib.suppress(OSError):
        pipe.send(problem)


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
