"""``leakhunt run``: a program with the hook in it, otherwise as without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from leakhunt.cli import completion
from leakhunt.errors import LeakhuntError
from leakhunt.hook import config

#: leakhunt lies in an archive (zipapp): imported from there, out of the way before the program starts.
_FROM_ARCHIVE = """\
import sys
sys.path.insert(1, {0!r})
from leakhunt.hook.launch import main
del sys.path[1]
main({0!r})
"""


@click.command(
    name="run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-m", "module", is_flag=True, help="TARGET is a module, as in python -m.")
@click.option("--dir", "dir", metavar="DIR", help="Folder for the snapshots.")
@click.option("--signal", metavar="NAME", help="Signal that asks for a snapshot [SIGUSR1].")
@click.option("--engine", metavar="NAME", help="sampled, exact (tracemalloc) or off.")
@click.option("--nframe", metavar="N", help="Frames kept per stack.")
@click.option("--start", metavar="WHEN", help="signal (first trigger arms) or boot.")
@click.option("--keep", metavar="N", help="Snapshots kept: the first ones and the newest.")
@click.option("--at-exit", is_flag=True, default=None, help="A snapshot when the program exits.")
@click.argument("target", shell_complete=completion.files)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(module: bool, target: str, args: tuple[str, ...], **settings: Any) -> None:
    """Run a script or module with the hook installed.

    TARGET and ARGS are what would follow `python`; options of leakhunt come first.
    The exit status, tracebacks, sys.argv and __main__ are as without leakhunt.

    \b
    Examples:
      leakhunt run --start boot --at-exit script.py --verbose
      leakhunt run -m http.server 8000      # then: kill -USR1 PID
    """
    chosen = {name: value for name, value in settings.items() if value is not None}
    config.settings(chosen)  # a bad value is this command's error, not the program's
    launcher = Path(__file__).parent.parent / "hook" / "launch.py"
    if not module and not Path(target).exists():
        raise LeakhuntError(f"can't open file {target!r}: no such file (a module needs -m)")
    sys.stdout.flush()
    sys.stderr.flush()
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    kind = "module" if module else "script"
    python = _python()
    start = (
        [str(launcher)]
        if launcher.is_file()
        else ["-c", _FROM_ARCHIVE.format(str(launcher.parents[2]))]
    )
    os.execv(python, [python, *flags, *start, json.dumps(chosen), kind, target, *args])


def _python() -> str:
    python: str | None = sys.executable or shutil.which("python3")
    if not python:
        raise LeakhuntError("cannot tell which Python runs this: sys.executable is empty")
    return python
