"""Photos done by processes on this machine, or by this very process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from maskgen.engines.base import Outcome, Task, build_worker
from maskgen.engines.pool import READY, Death, Handle, Pool
from maskgen.errors import MaskgenError


class InlineEngine:
    """Photos done by this very process; no time-out, no rescue."""

    def __init__(self, factory: str, settings: dict[str, Any]) -> None:
        self._factory, self._settings = factory, settings

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Iterator[Outcome]:
        """See ``Engine``."""
        worker = None
        for task in tasks:
            outcome = task.refused()
            if outcome is None:
                worker = worker or build_worker(self._factory, self._settings)
                outcome = worker.do(task)
            yield outcome
            if stop.is_set() or outcome.fatal:
                return


@dataclass(frozen=True, slots=True, eq=False)
class _Process:
    process: Any
    pipe: Connection


class LocalEngine(Pool):
    """Photos done by spawned processes.

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

    def _spawn(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, self._factory, self._settings), name="maskgen worker", daemon=True
        )
        process.start()
        theirs.close()
        return _Process(process, ours)

    def _send(self, handle: Handle, task: Task) -> None:
        with contextlib.suppress(OSError):
            handle.body.pipe.send(task)

    def _news(self, timeout_s: float) -> Iterator[tuple[Handle, object]]:
        by_pipe = {handle.body.pipe: handle for handle in self._handles}
        for pipe in wait(list(by_pipe), timeout_s):
            assert isinstance(pipe, Connection)
            handle = by_pipe[pipe]
            try:
                yield handle, pipe.recv()
            except (EOFError, OSError):
                handle.body.process.join(5.0)
                yield handle, Death(_exit_words(handle.body.process.exitcode))

    def _kill(self, handle: Handle) -> None:
        handle.body.process.kill()
        handle.body.process.join()
        handle.body.pipe.close()

    def _close(self) -> None:
        """Closing its pipe lets a worker finish and leave by itself."""
        for handle in self._handles:
            handle.body.pipe.close()
        deadline = time.monotonic() + 2.0
        for handle in self._handles:
            handle.body.process.join(max(0.0, deadline - time.monotonic()))
            if handle.body.process.is_alive():
                handle.body.process.kill()
                handle.body.process.join()


def _exit_words(code: int | None) -> str:
    if os.name == "posix" and code == -signal.SIGKILL:
        return "killed, perhaps for memory"
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"


def _work(pipe: Connection, factory: str, settings: dict[str, Any]) -> None:
    """The life of a worker process. It ends when its parent closes the pipe, or is gone."""
    # Ctrl-C reaches the whole group; only the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Before anything heavy is imported: the processes are the parallelism.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(name, "1")
    try:
        worker = build_worker(factory, settings)
    except MaskgenError as error:
        with contextlib.suppress(OSError):
            pipe.send(str(error))
        return
    try:
        pipe.send(READY)
        while True:
            pipe.send(worker.do(pipe.recv()))
    except (EOFError, OSError):
        return
