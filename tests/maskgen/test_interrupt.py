"""Ctrl-C in a block whose libraries would rather not hear it."""

from __future__ import annotations

import signal

import pytest

from maskgen import interrupt


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
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with interrupt.heeded():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
