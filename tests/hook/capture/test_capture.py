"""Which captures are refused, and which snapshots of a series stay."""

from __future__ import annotations

import posix
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from leakhunt.engine.exact import Exact
from leakhunt.engine.interface import UNKNOWN_LIFE
from leakhunt.errors import CaptureError
from leakhunt.hook.capture import capture, fork
from leakhunt.hook.capture.order import Order
from leakhunt.hook.capture.page import shared_page
from leakhunt.hook.process import vitals
from tests.live.harness import until


def test_a_capture_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    for name, text in (
        ("max", "1000000\n"),
        ("current", "900000\n"),
        ("stat", "anon 5\ninactive_file 300\n"),
    ):
        (tmp_path / name).write_text(text)
    limit, usage, statistics = (str(tmp_path / name) for name in ("max", "current", "stat"))
    group = vitals.Cgroup(limit, usage, statistics, b"\ninactive_file ")
    assert group.left() == 100300
    needy = Exact()
    needy.bytes_needed = lambda: 100301  # type: ignore[method-assign]
    with pytest.raises(CaptureError, match="of memory is left"):
        capture.guard(needy, [group])
    needy.bytes_needed = lambda: 100300  # type: ignore[method-assign]
    capture.guard(needy, [group])
    (tmp_path / "max").write_text("max\n")
    assert group.left() is None


def test_the_census_gets_what_the_rest_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is looked through counts as well: so many objects, and no more, in what is left."""
    monkeypatch.setattr(vitals, "memory_left", lambda groups: 10_000_000)
    monkeypatch.setattr(fork, "objects", lambda: 5_000_000)
    engine = Exact()
    engine.bytes_needed = lambda: 3_000_000  # type: ignore[method-assign]
    limits = capture.guard(engine, [])
    assert limits.memory == 10_000_000
    assert limits.objects == 7_000_000 // fork.BYTES_PER_OBJECT
    few = capture.guard(engine, []).cpu
    monkeypatch.setattr(fork, "objects", lambda: 50_000_000)
    assert capture.guard(engine, []).cpu > few, "more to look through takes longer"


@pytest.fixture
def group(tmp_path: Path) -> vitals.Cgroup:
    """A control group of 1 GB, of which 100 kB are left."""
    for name, text in (("max", "1000000000\n"), ("current", "999900000\n"), ("stat", "anon 5\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    limit, usage, statistics = (
        str(tmp_path / f"memory.{name}") for name in ("max", "current", "stat")
    )
    return vitals.Cgroup(limit, usage, statistics, b"\ninactive_file ")


def test_where_all_processes_end_together_what_the_process_may_write_counts_as_well(
    group: vitals.Cgroup, tmp_path: Path
) -> None:
    """Each page that it writes while its child lives is there twice."""
    (tmp_path / "memory.current").write_text("999000000\n")
    small = Exact()
    small.bytes_needed = lambda: 1000  # type: ignore[method-assign]
    for said in ("0\n", ""):
        (tmp_path / "memory.oom.group").write_text(said)
        capture.guard(small, [group])
    (tmp_path / "memory.oom.group").write_text("1\n")
    with pytest.raises(CaptureError, match=r"would end all processes .*memory\.oom\.group"):
        capture.guard(small, [group])


def test_a_capture_that_would_slow_its_control_group_down_is_refused(
    group: vitals.Cgroup, tmp_path: Path
) -> None:
    """Above memory.high the kernel makes all of its processes wait."""
    needy = Exact()
    needy.bytes_needed = lambda: 60_000  # type: ignore[method-assign]
    assert group.left() == 100_000
    for said in ("max\n", ""):
        (tmp_path / "memory.high").write_text(said)
        capture.guard(needy, [group])
    (tmp_path / "memory.high").write_text("999950000\n")
    assert group.left() == 50_000
    assert group.most() == 1_000_000_000, "the limit that is told is the one that ends processes"
    with pytest.raises(CaptureError, match="of memory is left"):
        capture.guard(needy, [group])
    (tmp_path / "memory.max").write_text("max\n")
    assert group.left() == 50_000


def test_a_pid_that_is_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    """Somebody who waits for all children has reaped the capture's, and its number was given again."""
    source = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, flush=True); sys.stdin.read()"
    parent = subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    stranger = int(parent.stdout.readline())
    order = Order(
        tmp_path / "x.bin", tmp_path, Exact(), 10, 0, "off", "off", False, {}, dict, UNKNOWN_LIFE,
        fork.Limits(10, 10, 20, 1 << 30, 0),
    )  # fmt: skip
    try:
        outcome = capture.Capture(order, stranger, shared_page(), deadline=0.0).wait()
        assert outcome.problem == "no snapshot: its process ended without a word"
        assert psutil.Process(stranger).status() != psutil.STATUS_ZOMBIE
    finally:
        psutil.Process(stranger).kill()
        parent.communicate()


def test_where_a_sandbox_refuses_to_wait_a_child_that_has_ended_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every capture after it failed, and its snapshot was told to nobody."""

    def refused(pid: int, options: int) -> tuple[int, int]:
        raise PermissionError(1, "Operation not permitted")

    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    order = Order(
        tmp_path / "000001-20260101T000000Z-code.bin", tmp_path, Exact(), 10, 1, "masked", "auto", False, {}, dict,
        UNKNOWN_LIFE, fork.Limits(30, 30, 900, 1 << 20, 0),
    )  # fmt: skip
    under_way = capture.Capture(order, child.pid, shared_page(), float("inf"))
    try:
        with monkeypatch.context() as sandbox:
            sandbox.setattr(posix, "waitpid", refused)
            assert under_way.poll() is None, "it is at work"
            assert child.stdin is not None
            child.stdin.close()
            outcome = under_way.wait()
            assert capture.is_gone(child.pid), "nobody can reap it"
        assert outcome.problem == "no snapshot: its process ended without a word"
    finally:
        child.kill()
        child.wait()


def test_a_child_that_somebody_stops_is_let_go_on() -> None:
    """It ends as it would have: nobody has killed it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    order: Any = SimpleNamespace(path=Path("none"))
    under_way = capture.Capture(order, child.pid, shared_page(), time.monotonic() + 300)
    child.send_signal(signal.SIGSTOP)
    until(lambda: under_way.poll() is not None or under_way.stops == 1, "it has stopped")
    child.communicate(b"go on\n")
    outcome = under_way.wait()
    assert outcome.problem == "no snapshot: its process ended without a word"
