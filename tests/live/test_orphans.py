"""Nothing is ended but an orphan, and of a pid only the very process that was looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leakhunt.live import orphans, table, tree
from leakhunt.live.tree import View
from leakhunt.model.process import Process
from tests.support.fleet import process

Start = Callable[[str], "subprocess.Popen[bytes]"]
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks in /proc")


@pytest.fixture
def start() -> Iterator[Start]:
    """A program that sleeps, ready for its signals; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def program(before: str = "") -> subprocess.Popen[bytes]:
        code = f"import time; {before} print(flush=True); time.sleep(600)"
        made = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        started.append(made)
        assert made.stdout is not None
        assert made.stdout.readline() == b"\n"
        return made

    yield program
    for each in started:
        each.kill()
        each.communicate()


def orphan(pid: int) -> Process:
    """That process as a look has shown it."""
    line = table.line_of(pid)
    assert line is not None
    return replace(process(pid, "orphan"), identity=line.identity, uid=line.uid)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a second look says of every process: an orphan, until the test says otherwise."""
    roles = ["orphan"]
    monkeypatch.setattr(tree, "look", lambda folder: View(table.table(), {}, {}, {}))
    monkeypatch.setattr(tree, "role", lambda pid, view, opened: roles[-1])
    return roles


@pytest.fixture(params=["by descriptor", "by pid"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the kernel's descriptors of processes, and without them."""
    if request.param == "by pid":
        monkeypatch.setattr(orphans, "_hold", lambda pid: None)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("there are none of processes here")


def reaped(*chosen: Process, patience: float = 60.0) -> list[tuple[int, str, str | None]]:
    return [
        (each.process.pid, each.how, each.why)
        for each in orphans.reap(chosen, Path("/none"), patience)
    ]


@pytest.mark.usefixtures("held")
def test_it_is_asked_to_end_and_ends(start: Start, still: list[str]) -> None:
    child = start("")
    assert reaped(orphan(child.pid)) == [(child.pid, "softly", None)]
    assert child.wait(60) == -signal.SIGTERM


@pytest.mark.usefixtures("held")
def test_who_does_not_listen_is_killed(start: Start, still: list[str]) -> None:
    """And does not keep those waiting that do."""
    deaf, ready = start(DEAF), start("")
    told = reaped(orphan(deaf.pid), orphan(ready.pid), patience=1.0)
    assert sorted(told) == sorted([(deaf.pid, "hard", None), (ready.pid, "softly", None)])
    assert deaf.wait(60) == -signal.SIGKILL


@pytest.mark.usefixtures("held")
def test_who_has_a_main_process_again_is_left(start: Start, still: list[str]) -> None:
    child = start("")
    still.append("child")
    assert reaped(orphan(child.pid)) == [(child.pid, "gone", None)]
    assert child.poll() is None


@pytest.mark.usefixtures("held")
def test_another_process_of_the_same_pid_is_left(start: Start, still: list[str]) -> None:
    child = start("")
    shown = orphan(child.pid)
    before = replace(shown, identity=shown.identity._replace(start=shown.identity.start - 1))
    assert reaped(before, replace(shown, uid=shown.uid + 1)) == [
        (child.pid, "gone", None),
        (child.pid, "gone", None),
    ]
    assert child.poll() is None


@pytest.mark.parametrize("role", ["main", "child", "worker", "program", "beat"])
def test_what_is_no_orphan_is_never_ended(start: Start, still: list[str], role: str) -> None:
    child = start("")
    shown = replace(orphan(child.pid), role=role)
    assert orphans.orphans([shown]) == []
    assert reaped(shown) == [(child.pid, "refused", "it is no orphan")]
    assert child.poll() is None


def test_another_users_is_refused_but_to_root(
    start: Start, still: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    child = start("")
    shown = replace(orphan(child.pid), uid=7, user="celery")
    monkeypatch.setattr(os, "geteuid", lambda: 8)
    ((pid, how, why),) = reaped(shown)
    assert (pid, how) == (child.pid, "refused")
    assert why == "it belongs to celery: run this as that user or as root"
    assert child.poll() is None


def test_what_the_kernel_forbids_is_told(
    start: Start, still: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    child = start("")
    monkeypatch.setattr(orphans, "_hold", lambda pid: None)
    monkeypatch.setattr(os, "kill", refuses)
    assert reaped(orphan(child.pid)) == [
        (child.pid, "refused", "SIGTERM: Operation not permitted"),
    ]


def test_who_outlives_both_signals_is_said_to_live(
    start: Start, still: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that waits for a disk, say: the kernel holds it."""
    child = start("")
    sent: list[int] = []
    monkeypatch.setattr(orphans, "_hold", lambda pid: None)
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    assert reaped(orphan(child.pid), patience=0.0) == [(child.pid, "alive", None)]
    assert sent == [signal.SIGTERM, signal.SIGKILL]


def test_no_descriptor_stays_open(start: Start, still: list[str]) -> None:
    before = os.listdir("/proc/self/fd")
    reaped(orphan(start(DEAF).pid), patience=0.1)
    still.append("child")
    reaped(orphan(start("").pid))
    # The pipes of the two programs, and nothing else.
    assert len(os.listdir("/proc/self/fd")) == len(before) + 2
