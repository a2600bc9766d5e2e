"""Ctrl-C and SIGTERM: in blocks whose libraries would rather not hear them, and as exit codes."""

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


@pytest.mark.parametrize("made_of_it", [None, ImportError])
def test_sigterm_is_heeded_too_and_remembered(made_of_it: type[BaseException] | None) -> None:
    def library() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            if made_of_it is not None:
                raise made_of_it from None

    with pytest.raises(KeyboardInterrupt), interrupt.terminable(), interrupt.heeded(), interrupt.heeded():
        library()
    assert interrupt.exit_code() == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_next_block_starts_afresh() -> None:
    with pytest.raises(KeyboardInterrupt), interrupt.terminable():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupt.terminable():
        signal.raise_signal(signal.SIGINT)
    assert interrupt.exit_code() == 130


def test_what_is_being_finished_is_not_spoilt() -> None:
    with interrupt.terminable(), interrupt.held():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_handles_or_ignores_sigterm_keeps_it() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with interrupt.terminable():
            signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
