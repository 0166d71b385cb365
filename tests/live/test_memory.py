"""What a live process holds, read from the kernel: of this very process, whose truth is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from leakhunt.live import descriptors, memory
from leakhunt.model.process import Memory
from tests.support.programs import waiting

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
    assert descriptors.held(done.pid) is None
    assert memory.weighing([done.pid])() == {done.pid: Memory()}


def test_whether_a_signal_is_heard() -> None:
    before = signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        assert memory.signals(os.getpid(), signal.SIGUSR2) == (True, False)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        assert memory.signals(os.getpid(), signal.SIGUSR2) == (True, True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
        signal.signal(signal.SIGUSR2, before)


def test_however_many_are_weighed_each_is_told_once_and_as_alone() -> None:
    """One is weighed here, many by several threads."""
    with ExitStack() as stack:
        pids = [stack.enter_context(waiting()).pid for _ in range(memory.MANY + 1)]
        for some in ([], pids[:1], pids):
            found = memory.weighing(iter(some))()
            assert sorted(found) == sorted(some)
        for pid in pids:
            alone = memory.weight(pid)
            assert alone.rss
            assert found[pid].rss == pytest.approx(alone.rss, rel=0.2)
            assert found[pid].uss == pytest.approx(alone.uss, rel=0.2)


def test_where_no_thread_can_be_had_all_are_weighed_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    pids = [os.getpid(), os.getppid(), *range(1, memory.MANY)]
    assert memory.weighing(pids)().keys() == {*pids}


def test_a_weight_and_a_count_are_one_memory() -> None:
    count, weight = (
        Memory(rss=5, vms=9, peak=6, swap=1),
        Memory(rss=4, uss=1, pss=2, shared=3, swap=2),
    )
    assert memory.weighed(count, weight) == Memory(
        rss=4, uss=1, pss=2, shared=3, swap=2, vms=9, peak=6
    )
    assert memory.weighed(count, Memory()) == count


def test_one_control_group_is_asked_once_for_its_limit(tmp_path: Path) -> None:
    known: dict[bytes, memory.Limit] = {}
    assert memory.limit(os.getpid(), str(tmp_path), known) is None
    (groups,) = known
    assert groups == Path("/proc/self/cgroup").read_bytes()
    known[groups] = (5 << 20, "/some/group")
    assert memory.limit(os.getpid(), str(tmp_path), known) == (5 << 20, "/some/group")


def test_a_machine_has_memory() -> None:
    assert (memory.total() or 0) > 1 << 26
