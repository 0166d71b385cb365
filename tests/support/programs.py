"""Small programs that a test starts and looks at from outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from tests.support.places import ROOT

#: Seconds that a program may take to be what it was started as.
PATIENCE = 120.0


#: What a program does that has nothing more to do, until its input ends.
WAITS = """
import os, select
print('runs', flush=True)
while not select.select([0], [], [], 0.05)[0] or os.read(0, 4096):
    pass
"""


@contextlib.contextmanager
def waiting(
    source: str = "", *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that has run ``source`` and waits; ends with the block, or at the end of its input.

    Popen returns while the kernel still builds the new process: its descriptors are closed by then, but its
    arguments, its environment and its name are set later (begin_new_exec() and create_elf_tables() of
    Linux, fs/exec.c and fs/binfmt_elf.c). So the program itself says when it runs. It looks up again and again: a
    signal that comes just before a call that waits has its handler run after that call.
    """
    program = f"{source}\n{WAITS}"
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"runs\n"
            yield child
        finally:
            child.kill()


@contextlib.contextmanager
def hooked(folder: Path, source: str = "", **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program with the hook in it that writes to ``folder`` and waits; its engine is exact, from the start."""
    given = {"engine": "exact", "start": "boot", **settings}
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    install = f"import sys, leakhunt; leakhunt.install(dir=sys.argv[1], **{given!r})"
    with waiting(f"{install}\n{source}", str(folder), env=env) as child:
        yield child


def become(pid: int, name: str) -> None:
    """Wait until a process has that name, which it gets a moment after Popen has returned."""
    deadline = time.monotonic() + PATIENCE
    while psutil.Process(pid).name() != name:
        assert time.monotonic() < deadline, f"process {pid} has not become {name}"
        time.sleep(0.001)


def hurried(look: Callable[[], bool], parent: int | None = None) -> Callable[[], bool]:
    """``look``, and before it the children that judge for ``parent`` (this process) get their share of the CPU.

    A judgement beside a worker is last in line: on a machine that runs other tests, it would not come
    to its end within a test's patience. Only root may take niceness back.
    """

    def looked() -> bool:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(parent or os.getpid()).children():
                with contextlib.suppress(psutil.Error, PermissionError):
                    if "leakhunt.cli.beside" in " ".join(child.cmdline()):
                        child.nice(0)
        return look()

    return looked
