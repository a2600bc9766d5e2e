"""Runs the tasks of scenes on the engines of ``maskgen.dataset``, in order, until one cannot be done."""

from __future__ import annotations

import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Any, Final

from maskgen.dataset.engines.base import Outcome, Task
from maskgen.dataset.engines.local import local_engine
from maskgen.dataset.threads import single_threaded
from maskgen.errors import DatasetError, InputError, MaskgenError

log = logging.getLogger(__name__)

_KINDS: Final = {kind.__name__: kind for kind in (DatasetError, InputError)}
"""Errors that a caller tells apart; they come from a worker by name."""


class SceneWorker(ABC):
    """A worker whose every task must be done: the first that cannot be ends the run."""

    def do(self, task: Task) -> Outcome:
        """See ``engines.base.Worker``. Never raises."""
        try:
            with single_threaded():
                return Outcome(task.number, task.source, lines=tuple(self.lines(task.source)))
        except MaskgenError as error:
            return Outcome(task.number, task.source, fatal=str(error), detail=type(error).__name__)
        except Exception as error:
            log.exception("%s failed", task.source)
            return Outcome(task.number, task.source, fatal=f"{task.source}: {type(error).__name__}: {error}")

    @abstractmethod
    def lines(self, source: str) -> Iterable[str]:
        """Do a task; what is to be known of it afterwards."""


def outcomes(
    factory: str, settings: dict[str, Any], sources: Iterable[str], workers: int
) -> Generator[Outcome, None, None]:
    """Do tasks on this machine; closing what it returns ends the workers.

    Args:
        factory: ``module:function`` that builds a ``SceneWorker`` from ``settings``.
        settings: what workers are told; it is pickled.
        sources: the tasks, each a word that the worker understands.
        workers: processes; 1 for none but this one.

    Yields:
        Outcomes in the order of the tasks.

    Raises:
        MaskgenError: a task cannot be done, or its worker died twice.
    """
    tasks = (Task(number, source) for number, source in enumerate(sources))
    engine = local_engine(factory, settings, workers, math.inf)
    with closing(engine.run(tasks, threading.Event())) as done:
        for outcome in done:
            if outcome.fatal:
                raise _KINDS.get(outcome.detail, MaskgenError)(outcome.fatal)
            if outcome.reason is not None:
                raise MaskgenError(
                    "a worker died, perhaps for want of memory; the same command goes on, with --workers 1 if it "
                    f"happens again ({outcome.source}: {outcome.detail})"
                )
            yield outcome
