"""Signals are called as `kill -l` calls them, and each that is refused is one."""

from __future__ import annotations

import signal

import pytest

from leakhunt.hook.signal_names import FORBIDDEN_SIGNALS, signal_name


def test_each_signal_has_a_name() -> None:
    assert signal_name(signal.SIGUSR1) == "SIGUSR1"
    for number in signal.valid_signals():
        assert signal_name(number).startswith("SIG")


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals")
def test_a_real_time_signal_is_counted_from_the_first() -> None:
    assert signal_name(signal.SIGRTMIN) == "SIGRTMIN"
    assert signal_name(signal.SIGRTMIN + 3) == "SIGRTMIN+3"


def test_what_is_forbidden_are_signals() -> None:
    assert all(hasattr(signal, name) for name in FORBIDDEN_SIGNALS)
    assert "SIGUSR1" not in FORBIDDEN_SIGNALS
