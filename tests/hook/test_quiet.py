"""Signals wait while the hook works, and what their handlers raise is theirs."""

from __future__ import annotations

import random
import signal
import threading

import pytest

from leakhunt.hook import quiet
from leakhunt.hook.quiet import held, is_a_handlers, is_theirs


def test_what_a_held_signal_raises_leaves_the_block() -> None:
    seen = []

    def handler(signum: int, frame: object) -> None:
        seen.append("handled")
        raise TimeoutError

    def work() -> None:
        signal.raise_signal(signal.SIGUSR2)
        seen.append("inside")

    previous = signal.signal(signal.SIGUSR2, handler)
    try:
        with pytest.raises(TimeoutError) as raised:
            held(work)
        assert is_a_handlers(raised.value)
    finally:
        signal.signal(signal.SIGUSR2, previous)
    assert seen == ["inside", "handled"]


def test_no_signal_stays_held_however_early_one_strikes() -> None:
    """A time limit may fire in the very call that holds the signals back.

    And in the middle of the work, where other threads take signals that this one holds.
    """

    def handler(signum: int, frame: object) -> None:
        raise TimeoutError

    dice = random.Random(1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    leave = threading.Event()
    other = threading.Thread(target=leave.wait)
    other.start()
    previous = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(2000):
            with pytest.raises(TimeoutError):  # noqa: PT012 - wherever it strikes
                signal.setitimer(signal.ITIMER_REAL, 1e-6 + dice.random() * 1e-5)
                held(lambda: None)
                while True:
                    pass
            assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        leave.set()
        other.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_our_own_failures_are_not_taken_for_a_handlers() -> None:
    with pytest.raises(ValueError, match="ours") as raised:
        held(lambda: _fail("ours"))
    assert not is_a_handlers(raised.value)


@pytest.mark.parametrize("theirs", [True, False])
def test_where_nobody_can_tell_any_more_a_failure_counts_as_ours(
    theirs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near the recursion limit; else it would be raised into the worker."""
    monkeypatch.setattr(quiet, "is_a_handlers", lambda error: theirs)
    assert is_theirs(ValueError()) is theirs

    def too_deep(error: BaseException) -> bool:
        raise RecursionError

    monkeypatch.setattr(quiet, "is_a_handlers", too_deep)
    assert is_theirs(ValueError()) is False


def _fail(what: str) -> None:
    raise ValueError(what)
