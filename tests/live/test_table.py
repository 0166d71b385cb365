"""The kernel's table of processes: this one and its children are in it, what has ended is not."""

from __future__ import annotations

import os
import sys

import pytest

from leakhunt.hook.process import vitals
from leakhunt.live.table import line_of, table
from tests.support.programs import waiting


def test_a_child_is_its_parents() -> None:
    with waiting("", "an argument") as child:
        lines = table()
        me, line = lines[os.getpid()], lines[child.pid]
        assert line.parent == os.getpid()
        assert line.argv[-1] == "an argument"
        assert line.uid == me.uid
        assert line.started_at >= me.started_at
        again = line_of(child.pid)
        assert again is not None
        assert again.identity == line.identity
    assert child.pid not in table()
    assert line_of(child.pid) is None


def test_what_is_ending_and_has_no_memory_any_more_is_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between exit(2) and the zombie the kernel tells an empty command line: no program that anybody started."""
    if not sys.platform.startswith("linux"):
        return
    told = vitals.read

    def ending(path: str, size: int = 4096) -> bytes | None:
        content = told(path, size)
        if path != f"/proc/{os.getpid()}/stat" or content is None:
            return content
        front, _, rest = content.rpartition(b")")
        fields = rest.split()
        assert int(fields[20]) > 1 << 20  # bytes of address space: field 23 of proc(5)
        fields[20] = b"0"
        return front + b") " + b" ".join(fields)

    assert line_of(os.getpid()) is not None
    monkeypatch.setattr(vitals, "read", ending)
    assert line_of(os.getpid()) is None


def test_what_was_forked_and_what_was_started_are_told_apart() -> None:
    if not sys.platform.startswith("linux"):
        return
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reads, 1)
        os._exit(0)
    try:
        line = line_of(pid)
        assert line is not None
        assert line.forked_only is True
    finally:
        os.write(writes, b"x")
        os.waitpid(pid, 0)
        os.close(reads)
        os.close(writes)
