"""The kernel's line about a process, against psutil and against names that would break it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import leakhunt
from leakhunt.hook.process import kernel, vitals
from leakhunt.hook.process.alive import began_at

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
PACKAGE = Path(leakhunt.__file__).parent


def test_the_line_agrees_with_psutil() -> None:
    import psutil

    me = psutil.Process()
    line = kernel.stat(os.getpid())
    assert line is not None
    assert (line.parent, line.threads, line.program) == (
        me.ppid(),
        me.num_threads(),
        me.name()[:15],
    )
    assert line.cpu == pytest.approx(sum(me.cpu_times()[:2]), abs=1.0)
    assert line.size == pytest.approx(me.memory_info().vms, rel=0.1)
    assert not line.is_over
    assert began_at(os.getpid()) == pytest.approx(me.create_time(), abs=1.1)
    assert kernel.booted_at() == pytest.approx(psutil.boot_time(), abs=1.1)


def test_each_field_is_the_one_of_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    """proc(5) counts from 1: here each field from the fifth on is its number."""
    line = b"7 (a b) S 4 " + b" ".join(b"%d" % number for number in range(5, 53))
    monkeypatch.setattr(vitals, "read", lambda path, limit: line)
    told = kernel.stat(7)
    assert told is not None
    ticks = os.sysconf("SC_CLK_TCK")
    assert told._replace(cpu=0.0) == ("a b", "S", 4, 9, 0.0, 20, 22, 23, 28)
    assert told.cpu == pytest.approx((14 + 15) / ticks)


@pytest.mark.parametrize("name", ["a) R 1 (b", "sp ace", "new\nline", "((("])
def test_a_program_may_be_called_anything(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([program, "60"])
    try:
        line = kernel.stat(child.pid)
    finally:
        child.kill()
    assert line is not None
    assert (line.program, line.parent) == (name, os.getpid())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    ended = kernel.stat(child.pid)
    assert ended is not None
    assert ended.is_over
    child.wait()
    assert kernel.stat(child.pid) is None


def test_nobody_else_takes_that_line_apart() -> None:
    readers = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if 'rpartition(b")")' in path.read_text()
    ]
    assert readers == ["hook/process/kernel.py"]
