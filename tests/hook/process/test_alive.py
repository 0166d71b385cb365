"""Whether a process is still the one that was meant, and what it does with a signal."""

from __future__ import annotations

import os
import posix
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from leakhunt.hook.process import alive, vitals
from leakhunt.hook.process.alive import SAME_START, Disposition
from tests.support.places import ROOT

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
OWN = os.getpid()


def test_this_process_runs_and_no_other_number_is_a_process() -> None:
    assert alive.runs(OWN)
    for none in (-1, 0, 1 << 31, 1 << 40):
        assert not alive.runs(none)


@LINUX
def test_a_pid_that_was_used_before_is_another_process() -> None:
    ticks = alive.start_ticks(OWN)
    assert ticks is not None
    assert alive.runs(OWN, ticks)
    assert not alive.runs(OWN, ticks + 1)
    began = alive.began_at(OWN)
    assert alive.runs(OWN, started_at=began + SAME_START / 2)
    assert not alive.runs(OWN, started_at=began - 2 * SAME_START)
    assert alive.runs(OWN, ticks, began - 2 * SAME_START)  # ticks say it better


@LINUX
def test_what_has_ended_does_not_run_though_nobody_has_waited_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert os.path.exists(f"/proc/{child.pid}")
    assert not alive.runs(child.pid)
    child.wait()
    assert not alive.runs(child.pid)
    assert alive.start_ticks(child.pid) is None


@pytest.mark.parametrize(
    ("error", "runs"), [(None, True), (PermissionError(), True), (ProcessLookupError(), False)]
)
def test_without_proc_a_process_of_another_user_runs_as_well(
    error: OSError | None, runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its snapshots must not be removed as those of one that has ended."""

    def kill(pid: int, number: int) -> None:
        assert number == 0
        if error is not None:
            raise error

    monkeypatch.setattr(vitals, "LINUX", False)
    monkeypatch.setattr(posix, "kill", kill)
    assert alive.runs(4242) is runs


#: A mask without a signal, as proc(5) has it.
NONE = 16 * "0"


def status(**lines: str) -> bytes:
    told = {"Name": "x", "SigBlk": NONE, "SigIgn": NONE, "SigCgt": NONE, **lines}
    return "".join(f"{name}:\t{value}\n" for name, value in told.items()).encode()


def mask(number: int) -> str:
    return f"{1 << (number - 1):016x}"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ({}, Disposition(False, False, False)),
        ({"SigCgt": mask(signal.SIGUSR1)}, Disposition(True, False, False)),
        ({"SigIgn": mask(signal.SIGUSR1)}, Disposition(False, True, False)),
        ({"SigCgt": mask(signal.SIGUSR2)}, Disposition(False, False, False)),
        ({"SigBlk": mask(signal.SIGUSR1)}, Disposition(False, False, True)),
        ({"SigCgt": "nonsense"}, None),
    ],
)
def test_a_disposition_is_the_bit_of_that_very_signal(
    lines: dict[str, str], told: Disposition | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "LINUX", True)
    monkeypatch.setattr(vitals, "read", lambda path, limit=0: status(**lines))
    monkeypatch.setattr(posix, "listdir", lambda path: ["4242"])
    assert alive.disposition(4242, signal.SIGUSR1) == told


def test_a_signal_is_blocked_where_every_thread_holds_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocked: Any = {"4242": True, "4243": True}

    def read(path: str, limit: int = 0) -> bytes:
        thread = path.split("/")[4] if "/task/" in path else "4242"
        return status(SigBlk=mask(signal.SIGUSR1) if blocked[thread] else NONE)

    monkeypatch.setattr(vitals, "LINUX", True)
    monkeypatch.setattr(vitals, "read", read)
    monkeypatch.setattr(posix, "listdir", lambda path: list(blocked))

    def held() -> bool:
        told = alive.disposition(4242, signal.SIGUSR1)
        assert told is not None
        return told.blocked

    assert held()
    blocked["4243"] = False
    assert not held()


@LINUX
def test_owner_and_own_pid_are_the_kernels() -> None:
    assert alive.owner(OWN) == (os.geteuid(), os.getegid())
    assert alive.inner_pid(OWN) == OWN
    assert alive.owner(1 << 30) is None


@LINUX
def test_pids_count_by_boot_and_namespace() -> None:
    boot, _, namespace = alive.space().partition("-")
    assert boot.isalnum()
    assert os.readlink("/proc/self/ns/pid") == f"pid:[{int(namespace, 16)}]"


def test_the_owner_is_who_the_process_acts_as() -> None:
    """Effective, which come second (proc_pid_status(5)): whose rights count, not who has started it."""
    status = b"Name:\tpython\nUid:\t1\t22\t333\t4444\nGid:\t5\t66\t777\t8888\nNSpid:\t90\t7\n"
    assert alive.owner(1, status) == (22, 66)
    assert alive.inner_pid(90, status) == 7
    assert alive.owner(1, b"Name:\tpython\n") is None
    if alive.told(os.getpid()):
        assert alive.owner(os.getpid()) == (os.geteuid(), os.getegid())


@LINUX
def test_children_of_another_namespace_are_known_before_there_are_any() -> None:
    """That is when it matters: the first of them would be its init."""
    assert not alive.children_are_elsewhere()
    source = """
        import ctypes, os
        from leakhunt.hook.process import alive
        if ctypes.CDLL(None).unshare(0x20000000):  # CLONE_NEWPID
            raise SystemExit(77)
        before = alive.children_are_elsewhere()
        if not os.fork():
            os._exit(0)
        os.wait()
        print(before, alive.children_are_elsewhere())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode == 77:
        pytest.skip("only root may make a pid namespace")
    assert (done.returncode, done.stdout) == (0, "True True\n"), done.stderr
