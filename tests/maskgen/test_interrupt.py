"""Ctrl-C in a block whose libraries would rather not hear it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from maskgen import interrupt


@pytest.fixture(autouse=True)
def python_handles_ctrl_c() -> Iterator[None]:
    """Also where the tests themselves run in the background, with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("made_of_it", [None, ImportError, SystemError, KeyboardInterrupt])
def test_ctrl_c_is_heeded_whatever_a_library_makes_of_it(made_of_it: type[BaseException] | None) -> None:
    def library() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if made_of_it is not None:
                raise made_of_it from None

    with pytest.raises(KeyboardInterrupt), interrupt.heeded():
        library()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ImportError), interrupt.heeded():
        raise ImportError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_is_left_alone() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    with interrupt.heeded():
        signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGINT]
