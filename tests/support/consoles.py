"""What commands of leakhunt's print: each has a process of its own, and all are forked from one Python.

To import what a command needs takes several times as long as most of them. That a Python which has imported
nothing gets as far is for the tests to say that start one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import reading
from tests.support.lawful import REPORTS
from tests.support.places import ROOT

#: Reads commands, a line each: a JSON list of its words, its environment, its folder, and the modules that are imported
#: for it and for all after it. Answers each with its status and what it has printed and said.
PROGRAM = """
import importlib, json, os, sys, tempfile, time
import leakhunt.cli
ours = list(sys.path)
for line in sys.stdin:
    words, environment, folder, modules = json.loads(line)
    for module in [f"leakhunt.cli.{words[0] if words else 'status'}", *modules]:
        importlib.import_module(module)
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os.environ.clear()
            os.environ.update(environment)
            tempfile.tempdir = None
            time.tzset()
            os.chdir(folder)
            paths = os.environ.get("PYTHONPATH", "")
            sys.path[:] = [folder, *filter(None, paths.split(os.pathsep)), *ours]
            sys.argv = ["leakhunt", *words]
            leakhunt.cli.main()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = [os.pread(file.fileno(), 1 << 26, 0).decode() for file in (printed, said)]
    print(json.dumps([status, *texts]), flush=True)
"""
#: What a command imports that asks workers through an app.
OF_AN_APP = (
    "celery.app.control",
    "celery.backends.base",
    "kombu.messaging",
    "kombu.pidbox",
    "leakhunt.live.remote",
)


class Consoles:
    """A Python that waits for commands, and forks for each."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(
        self, *words: str, env: Mapping[str, str], cwd: Path | None = None, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """What came of a command, as of ``python -m leakhunt``. A report that it has printed is read, as of any other.

        It begins with a name of ``leakhunt.cli``'s modules, or has no words. Raises TimeoutExpired after ``timeout``
        seconds, and ends this process: it could answer no other command.
        """
        order = [words, dict(env), str(cwd or Path.cwd()), OF_AN_APP if "-A" in words else ()]
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        status, printed, said = json.loads(self._line(list(words), timeout))
        if (
            words
            and words[0] in REPORTS
            and status in (0, 3, 4)
            and printed
            and "\x1b" not in printed
        ):
            reading.printed(printed)
        return subprocess.CompletedProcess(list(words), status, printed, said)

    def _line(self, words: Sequence[str], timeout: float) -> bytes:
        assert self._process.stdout is not None
        ends, found = time.monotonic() + timeout, b""
        while not found.endswith(b"\n"):
            if not select.select([self._process.stdout], [], [], max(0.0, ends - time.monotonic()))[
                0
            ]:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, timeout)
            more = os.read(self._process.stdout.fileno(), 1 << 20)
            assert more, f"the process that forks for commands has ended: {words}"
            found += more
        return found

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        self._process.communicate()
