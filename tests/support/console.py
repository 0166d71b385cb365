"""The console as a user runs it, and stored snapshots with a known leak for it to read."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakhunt import cli
from leakhunt.snapfile.write import Run, write
from tests.support.builders import FACTS
from tests.support.places import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("COLUMNS", "NO_COLOR", "FORCE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "leakhunt", *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, timeout=400,
    )  # fmt: skip


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
