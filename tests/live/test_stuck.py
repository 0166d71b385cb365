"""Where a process stands that does not get on: the best witness speaks, and a missing one is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import CaptureError, NotHookedError
from leakhunt.live import processes, requests, stuck
from tests.support import programs

STACKS = "Thread 1\n  File shop.py, line 3, in wait\n"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the process's hook says: (answer, record), or an error; without one nobody is asked."""
    says: list[Any] = []

    def one(folder: Path, pid: int) -> int:
        if not says:
            raise NotHookedError("no hook")
        return pid

    monkeypatch.setattr(processes, "one", one)
    monkeypatch.setattr(requests, "ask", lambda process, request: (process, request))
    monkeypatch.setattr(requests, "wait", lambda asked, seconds: [(asked[0], says[-1])])
    return says


def answer(stacks: str | None, problem: str | None = None) -> Any:
    return ("id", None, problem, None), {"stacks": stacks}


def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A py-spy on the PATH that does that."""
    program = tmp_path / "py-spy"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_its_own_hook_is_believed_first(
    hook: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy(tmp_path, monkeypatch, "echo never asked")
    hook.append(answer(STACKS))
    assert stuck.evidence(7, tmp_path) == f"{STACKS}\n"


def test_where_the_hook_does_not_answer_py_spy_is_asked(
    hook: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy(tmp_path, monkeypatch, 'echo "of $3: $4"')
    hook.append(CaptureError("it has not answered"))
    assert stuck.evidence(7, tmp_path) == "of 7: --nonblocking\n"


@pytest.mark.parametrize("script", ["exit 1", "echo told; exit 1", "echo"])
def test_where_py_spy_says_nothing_the_kernel_is_asked(
    hook: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    spy(tmp_path, monkeypatch, script)
    monkeypatch.setattr(stuck, "_kernel", lambda pid: [f"waits in: do_select {pid}"])
    assert stuck.evidence(7, tmp_path) == (
        "waits in: do_select 7\n(with py-spy installed: Python's own stacks)\n"
    )


def test_that_the_hook_does_not_answer_is_said_only_where_there_is_one(
    hook: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(stuck, "_kernel", lambda pid: [])
    without = stuck.evidence(7, tmp_path)
    assert without.startswith("the kernel tells this user nothing of where it waits")
    hook.append(CaptureError("late"))
    assert stuck.evidence(7, tmp_path) == (
        "the hook does not answer: it is in code that does not return to the interpreter\n"
        + without
    )


@pytest.mark.parametrize("said", [answer(None), answer(""), answer(STACKS, "it could not")])
def test_an_answer_without_stacks_is_as_no_hook(hook: list[Any], tmp_path: Path, said: Any) -> None:
    hook.append(said)
    assert stuck.hooks(7, tmp_path) is None


@pytest.mark.skipif(not Path("/proc/self/syscall").exists(), reason="the kernel tells none of it")
def test_the_kernel_says_in_which_call_a_process_waits() -> None:
    with programs.waiting() as child:
        said = stuck._kernel(child.pid)
    if os.access(f"/proc/{os.getpid()}/syscall", os.R_OK):
        assert [text for text in said if text.startswith("system call: ")]
    assert stuck._kernel(2**22 + 1) == []
