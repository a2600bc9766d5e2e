from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from detect.parallel import OrderedMap


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("maskgen")]


def test_results_come_in_the_order_of_the_items_whatever_takes_long() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    with OrderedMap(work, range(20), workers=4) as results:
        assert list(results) == [(number, number * number) for number in range(20)]
    assert not ours()


def test_as_many_at_once_as_there_are_workers() -> None:
    together = threading.Barrier(3, timeout=10)  # breaks where fewer than three are at work

    with OrderedMap(lambda _: together.wait(), range(3), workers=3) as results:
        assert len(list(results)) == 3


def test_no_more_is_taken_than_workers_and_waiting_allow() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with OrderedMap(lambda number: number, items(), workers=2, waiting=2) as results:
        next(iter(results))
        time.sleep(0.3)
        # One is out, three are in the queue, one is held by the feeder.
        assert len(taken) <= 6


def test_an_error_of_an_item_comes_where_its_result_would_have() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    with OrderedMap(work, range(5), workers=2) as results:
        found = iter(results)
        assert [next(found)[1], next(found)[1]] == [0, 1]
        with pytest.raises(ValueError, match="two"):
            next(found)


def test_an_error_of_the_source_comes_after_what_it_gave() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    seen: list[int] = []

    def read() -> None:
        with OrderedMap(lambda number: number, items(), workers=2) as results:
            seen.extend(result for _, result in results)

    with pytest.raises(OSError, match="gone"):
        read()
    assert seen == [1]
    assert not ours()


def test_closing_early_ends_the_threads_and_says_so() -> None:
    results = OrderedMap(lambda number: number, iter(range(10**9)), workers=2)
    next(iter(results))
    assert results.close()
    assert not ours()
    assert list(results) == []
