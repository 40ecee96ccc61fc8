"""Ctrl-C or SIGTERM once, twice, and at a moment when Python drops it."""

import contextlib
import signal
import threading

import pytest

from textrnn.training.interrupt import certain_interrupts, polite_interrupts

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
def test_polite_interrupts_first_only_asks(number):
    told, before = [], signal.getsignal(number)
    with polite_interrupts(lambda: told.append(True)) as interrupted:
        assert not interrupted()
        signal.raise_signal(number)
        assert interrupted()
    assert told == [True]
    assert signal.getsignal(number) is before


def test_polite_interrupts_that_nobody_sends_tell_nothing():
    told = []
    with polite_interrupts(lambda: told.append(True)) as interrupted:
        assert not interrupted()
    assert told == []


def test_polite_interrupts_tell_although_something_is_being_written():
    writing, told = threading.Lock(), []
    with polite_interrupts(lambda: told.append(writing.acquire(timeout=10))), writing:
        signal.raise_signal(signal.SIGINT)
    assert told == [True]


def test_polite_interrupts_second_stops():
    told, before = [], signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), polite_interrupts(lambda: told.append(True)):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert told == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_polite_interrupts_restores_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="inside"), polite_interrupts(lambda: None):
        raise ValueError("inside")
    assert signal.getsignal(signal.SIGINT) is before


def test_polite_interrupts_in_a_thread_leaves_signals_alone():
    seen, before = [], signal.getsignal(signal.SIGINT)

    def run():
        with polite_interrupts(lambda: None) as interrupted:
            seen.append((interrupted(), signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [(False, True)]


@BOTH
def test_certain_interrupts_are_raised_though_dropped(number):
    went_on = []
    with pytest.raises(KeyboardInterrupt), certain_interrupts():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        went_on.append(True)
    assert went_on == [True]


def test_certain_interrupts_are_raised_though_turned_into_another_error():
    with pytest.raises(KeyboardInterrupt), certain_interrupts():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("half imported") from None


def test_certain_interrupts_leaves_other_errors_and_handlers_alone():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ImportError, match="missing"), certain_interrupts():
        raise ImportError("missing")
    with certain_interrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is before
