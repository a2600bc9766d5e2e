"""Work on many items at once, results in the order of the items."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

_POLL_S: Final = 0.2
_JOIN_S: Final = 5.0


@dataclass(slots=True)
class _End:
    """The last thing in the queue: how the items came to an end."""

    error: BaseException | None = None


class OrderedMap(Generic[In, Out]):
    """``map`` over threads: a feeder takes items, workers work, the caller gets results in order.

    Taking the next item (which may wait for a camera), the work and what the
    caller does with the results overlap. At most ``waiting`` items are held
    beyond those being worked on, so memory stays bounded and a live source is
    never far ahead of the caller. An error of an item or of the items' source
    is raised where its result would have come. Close it, or leave the
    ``with`` block, to end its threads.
    """

    def __init__(self, work: Callable[[In], Out], items: Iterable[In], workers: int, waiting: int = 2) -> None:
        """Start working.

        Args:
            work: called in one of the worker threads.
            items: taken one by one in the feeder thread.
            workers: number of worker threads.
            waiting: results that may wait for the caller.
        """
        self._work = work
        self._items = items
        self._stop = threading.Event()
        self._queue: queue.Queue[tuple[In, Future[Out]] | _End] = queue.Queue(maxsize=max(1, workers + waiting - 1))
        self._pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="maskgen-worker")
        self._feeder = threading.Thread(target=self._feed, name="maskgen-feeder", daemon=True)
        self._feeder.start()

    def __iter__(self) -> Iterator[tuple[In, Out]]:
        """Every item with its result, in order."""
        while not self._stop.is_set():
            try:
                entry = self._queue.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(entry, _End):
                if entry.error is not None:
                    raise entry.error
                return
            item, future = entry
            yield item, future.result()

    def __enter__(self) -> OrderedMap[In, Out]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> bool:
        """Stop taking items and end the threads; what waits is dropped.

        Returns:
            Whether the items are no longer being read: False when their
            source still blocks after five seconds.
        """
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._feeder.join(_JOIN_S)
        self._pool.shutdown(wait=True, cancel_futures=True)
        return not self._feeder.is_alive()

    def _feed(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if self._stop.is_set():
                    return
                try:
                    future = self._pool.submit(self._work, item)
                except RuntimeError:  # closed in this moment
                    return
                if not self._put((item, future)):
                    return
        except BaseException as error:  # handed to the caller
            end = _End(error)
        self._put(end)

    def _put(self, entry: tuple[In, Future[Out]] | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(entry, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False
