"""The console as a user runs it, and stored snapshots with a known leak for it to read."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn

import pytest

from leakhunt import cli
from leakhunt.snapfile.write import Run, write
from tests.support import lawful
from tests.support.builders import FACTS
from tests.support.places import ROOT

#: Commands that read files and print. They know nothing of how their process began.
READING = frozenset({
    "top", "diff", "trend", "verdict", "why", "account", "show", "tasks", "ls", "report", "export", "compare",
})  # fmt: skip


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The console in a process of its own, 80 columns wide without a COLUMNS.

    To import all modules takes ten times as long as to read and print: a reading command is run by a fork, which has
    them. One whose environment is the interpreter's affair, or that is more than a reader, is a Python of its own.
    """
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("COLUMNS", "NO_COLOR", "FORCE_"))
    }
    told = {**kept, "PYTHONPATH": str(ROOT), **environment}
    own = any(name.startswith(("PYTHON", "LC_", "LANG")) for name in environment)
    if not own and arguments and arguments[0] in READING:
        return _forked(arguments, told)
    return subprocess.run(
        [sys.executable, "-m", "leakhunt", *arguments],
        env=told, capture_output=True, text=True, timeout=400,
    )  # fmt: skip


def _forked(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """What a fork of this process does as ``leakhunt ARGUMENTS…``."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with warnings.catch_warnings():
            # Of threads that the fork does not have: xdist's reads orders, and holds no lock that the console takes.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _become(arguments, environment, out.fileno(), err.fileno())
        status = os.waitpid(pid, 0)[1]
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode().replace("\r\n", "\n"))
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    done = subprocess.CompletedProcess(list(arguments), code, *said)
    lawful.read(["-m", "leakhunt", *arguments], done)
    return done


def _become(
    arguments: tuple[str, ...], environment: dict[str, str], out: int, err: int
) -> NoReturn:
    """Be the console until it ends, as a process that was just begun."""
    status = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdin = io.StringIO()
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8")
        err_ = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(err_, "utf-8", "backslashreplace", write_through=True)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["leakhunt", *arguments]
        cli.main(list(arguments))
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter ends of it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def inside(*arguments: str) -> tuple[int, str, str]:
    """The same in this process: exit status, standard output, standard error; 80 columns without colour."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(
            io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        ) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "LEAKHUNT_DIR"):
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "80")
        status = cli.execute(list(arguments))
        written = out.buffer.getvalue()
    return status, written.decode(), err.getvalue()


class Terminal(io.StringIO):
    """A standard stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


class Asked:
    """Stands for ``click.confirm``: gives one answer and keeps the questions."""

    def __init__(self, agrees: bool) -> None:
        self.agrees = agrees
        self.questions: list[str] = []

    def __call__(self, text: str, err: bool) -> bool:
        self.questions.append(text)
        return self.agrees


def store(path: Path, growth: int, **facts: Any) -> Path:
    """A snapshot with a leak of that many blocks of 1 KiB in shop/tasks.py:40."""
    leak = (("/usr/lib/python3.11/json/decoder.py", 353), ("/srv/shop/tasks.py", 40))
    cache = (("/srv/shop/[app]/cache.py", 7),)
    runs: list[Run] = [((0, 1024, leak, 2), growth), ((0, 64, cache, 1), 100)]
    explained = {"/srv/shop/tasks.py": {40: ("process", "ORDERS.append(json.loads(text))")}}
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, runs, 5, {**FACTS, "frames": explained, **facts})
    return path


def grown(folder: Path, number: int, per_task: int = 10, **facts: Any) -> None:
    for index in range(1, number + 1):
        store(folder / f"{index:06d}.bin", per_task * 100 * index, tasks_done=100 * index, sequence=index,
              taken_at=1_800_000_000.0 + 10 * index, **facts)  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    folder = tmp_path / "snapshots" / "celery@web1-4242"
    before = store(
        folder / "000001-x.bin",
        10,
        sequence=1,
        tasks_done=0,
        taken_at=1_800_000_000.0,
        rss=100 << 20,
    )
    after = store(folder / "000002-x.bin", 1010, tasks_done=1000)
    return str(before), str(after)
