"""Where a process that does not get on is standing, as far as this user may look.

Its own hook is asked first. Where there is none, or it does not answer because the process is in code
that does not return to the interpreter: py-spy's stacks where it is installed and may trace; else
the kernel's: the system call (proc_pid_syscall(5)), the function it waits in (``wchan``), and for
root its stack.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from leakhunt.errors import LeakhuntError
from leakhunt.live import processes, requests

#: Seconds that the hook and that py-spy may take.
HOOKS, PATIENCE = 3.0, 10.0


def evidence(pid: int, folder: Path) -> str:
    """Lines of text; says what it could not see and why. ``folder``: where records may be."""
    told = hooks(pid, folder)
    if told:
        return f"{told}\n"
    python = _py_spy(pid)
    if python is not None:
        return python
    lines = ["the hook does not answer: it is in code that does not return to the interpreter"]
    lines = lines if told is not None else []
    kernel = _kernel(pid)
    lines += kernel or ["the kernel tells this user nothing of where it waits (root may see more)"]
    return "\n".join([*lines, "(with py-spy installed: Python's own stacks)", ""])


def hooks(pid: int, folder: Path) -> str | None:
    """What the process itself says; "" where it does not answer, None where nobody can be asked."""
    try:
        asked = requests.ask(processes.one(folder, pid), "stacks")
    except (LeakhuntError, OSError):
        return None
    for _, told in requests.wait([asked], HOOKS):
        if not isinstance(told, Exception):
            answer, record = told
            return record["stacks"] if answer[2] is None and record["stacks"] else None
    return ""


def _kernel(pid: int) -> list[str]:
    said = []
    for name, what in (
        ("wchan", "waits in"),
        ("syscall", "system call"),
        ("stack", "kernel stack"),
    ):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/{name}").read_text(errors="replace").strip()
            if text and text != "0":
                lines = text.splitlines()
                said.append(f"{what}: {lines[0] if len(lines) == 1 else ''}".rstrip())
                said += [f"  {line}" for line in lines if len(lines) > 1]
    return said


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
