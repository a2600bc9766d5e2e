"""Fork server: forks every worker from one process that was built once.

Building a worker reads dlib's model of 100 MB and every mask: more than a
second, and 200 MB that nobody changes afterwards. A process that builds it,
does no photo, and is forked for every worker, pays both once. Forking is safe
because that process is started afresh and has no other thread; where it has
one after all (a store that talks to a network), or the system has no safe
fork, the engine starts every worker by itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, Final

from maskgen.dataset.engines.base import Worker, build_worker
from maskgen.dataset.engines.pool import READY
from maskgen.errors import MaskgenError

ALONE: Final = "alone"
"""What a worker's pipe says instead of ``READY`` where this process must not be forked."""

LEAVE_S: Final = 2.0
"""How long workers whose pipes were closed may take to leave by themselves."""

CAN_FORK: Final = sys.platform == "linux"
"""Elsewhere libraries start threads of their own, or there is no fork."""

_FORK: Final = "fork"


class Nursery:
    """The process that is forked, as seen by the engine.

    Args:
        context: starts it afresh.
        factory: ``module:function`` that builds the worker from ``settings``.
        settings: plain values only.
    """

    def __init__(self, context: SpawnContext, factory: str, settings: dict[str, Any]) -> None:
        self._context = context
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_nurse, args=(theirs, factory, settings), name="maskgen nursery", daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def fork(self) -> Connection:
        """The pipe of a new worker, which may not be there yet.

        It says the worker's process number, then what a spawned one would say; or ``ALONE``.
        """
        from multiprocessing.reduction import send_handle

        ours, theirs = self._context.Pipe()
        # A nursery that has died closes the pipe, and the engine sees a dead worker.
        with contextlib.suppress(OSError):
            self._pipe.send(_FORK)
            send_handle(self._pipe, theirs.fileno(), self._process.pid or 0)
        theirs.close()
        return ours

    def end(self, pid: int) -> int | None:
        """Kill a worker if it still lives.

        Returns:
            How it ended, as ``Process.exitcode``; None when nobody can tell.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        try:
            self._pipe.send(pid)
            code: int | None = self._pipe.recv()
        except (EOFError, OSError):
            return None
        return code

    def exit_code(self) -> int | None:
        """How this process itself ended."""
        self._process.join(LEAVE_S)
        return self._process.exitcode

    def close(self) -> None:
        """End it, and the workers that have not left by themselves in a while."""
        self._pipe.close()
        self._process.join(LEAVE_S + 1)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _nurse(pipe: Connection, factory: str, settings: dict[str, Any]) -> None:
    """The life of the nursery. It ends when the engine closes the pipe, or is gone."""
    from multiprocessing.reduction import recv_handle

    prepare()
    worker, problem = build(factory, settings)
    gc.collect()
    # What is here now is shared; the collector would write to every page of it.
    gc.freeze()
    young: set[int] = set()
    try:
        while True:
            asked = pipe.recv()
            if asked == _FORK:
                theirs = Connection(recv_handle(pipe))
                if worker is None:
                    _say(theirs, problem)
                elif not _single():
                    _say(theirs, ALONE)
                else:
                    _bear(theirs, worker, pipe, young)
                theirs.close()
            else:
                young.discard(asked)
                pipe.send(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1]))
    except (EOFError, OSError):
        _reap(young)


def _bear(theirs: Connection, worker: Worker, pipe: Connection, young: set[int]) -> None:
    try:
        pid = os.fork()
    except OSError as error:
        _say(theirs, f"no worker can be started: {error.strerror}; try fewer --workers")
        return
    if not pid:
        pipe.close()
        _live(theirs, worker)
    young.add(pid)


def prepare() -> None:
    """Settle signals and threads, before anything heavy is imported."""
    # Ctrl-C reaches the whole group; only the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The processes are the parallelism.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(name, "1")


def build(factory: str, settings: dict[str, Any]) -> tuple[Worker | None, str]:
    """The worker, or None and why it cannot be built."""
    try:
        return build_worker(factory, settings), ""
    except MaskgenError as error:
        return None, str(error)


def serve(pipe: Connection, worker: Worker) -> None:
    """Do what comes through a pipe until it is closed."""
    with contextlib.suppress(EOFError, OSError):
        pipe.send(READY)
        while True:
            pipe.send(worker.do(pipe.recv()))


def _live(pipe: Connection, worker: Worker) -> None:
    """The life of a forked worker. It never returns."""
    code = 1
    try:
        _say(pipe, os.getpid())
        serve(pipe, worker)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of the nursery's own may be tidied up twice.
        os._exit(code)


def _say(pipe: Connection, message: object) -> None:
    with contextlib.suppress(OSError):
        pipe.send(message)


def _single() -> bool:
    """Whether this process has one thread only, and the system says so."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False


def _reap(young: set[int]) -> None:
    """Wait for the workers that are left; in the end, end them."""
    deadline = time.monotonic() + LEAVE_S
    while young and time.monotonic() < deadline:
        young -= {pid for pid in young if os.waitpid(pid, os.WNOHANG)[0]}
        time.sleep(0.01)
    for pid in young:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
