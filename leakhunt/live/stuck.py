"""Where a process that does not get on is standing, as far as this user may look.

py-spy's stacks where it is installed and may trace; else the kernel's: the system call
(proc_pid_syscall(5)), the function it waits in (``wchan``), and for root its stack.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

#: Seconds that py-spy may take.
PATIENCE = 10.0


def evidence(pid: int) -> str:
    """Lines of text; says what it could not see and why."""
    python = _py_spy(pid)
    if python is not None:
        return python
    found = []
    for name, what in (
        ("wchan", "waits in"),
        ("syscall", "system call"),
        ("stack", "kernel stack"),
    ):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/{name}").read_text(errors="replace").strip()
            if text and text != "0":
                lines = text.splitlines()
                found.append(f"{what}: {lines[0] if len(lines) == 1 else ''}".rstrip())
                found += [f"  {line}" for line in lines if len(lines) > 1]
    if not found:
        found = ["the kernel tells this user nothing of where it waits (root may see more)"]
    return "\n".join([*found, "(with py-spy installed: Python's own stacks)", ""])


def _py_spy(pid: int) -> str | None:
    program = shutil.which("py-spy")
    if program is None:
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, "dump", "--pid", str(pid), "--nonblocking"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout
    return None
