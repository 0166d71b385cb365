"""What a live process holds, read from the kernel: of this very process, whose truth is known."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt.live import descriptors, memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")


def test_the_figures_of_a_process_are_in_order() -> None:
    held = memory.memory(os.getpid())
    assert held.rss is not None
    assert held.peak is not None
    assert held.vms is not None
    assert held.vms > held.rss > 1 << 20
    assert held.peak >= held.rss // 2
    if held.uss is not None:
        assert held.pss is not None
        assert held.uss <= held.pss <= held.rss


def test_of_one_that_has_gone_nothing_is_known() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert memory.memory(done.pid).rss is None
    assert memory.signals(done.pid, signal.SIGUSR1) is None
    assert memory.files(descriptors.held(done.pid)) == (None, None, None)


def test_whether_a_signal_is_heard() -> None:
    before = signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        assert memory.signals(os.getpid(), signal.SIGUSR2) == (True, False)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        assert memory.signals(os.getpid(), signal.SIGUSR2) == (True, True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
        signal.signal(signal.SIGUSR2, before)


def test_open_files_and_sockets_are_counted() -> None:
    number, sockets, _ = memory.files(descriptors.held(os.getpid()))
    assert number is not None
    assert sockets is not None
    with socket.socket(), Path(os.devnull).open():
        more, more_sockets, targets = memory.files(descriptors.held(os.getpid()))
    assert (more, more_sockets) == (number + 2, sockets + 1)
    assert os.devnull in (targets or [])


def test_a_machine_has_memory() -> None:
    assert (memory.total() or 0) > 1 << 26
