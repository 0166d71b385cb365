"""A verdict in the worker's own log, every so many snapshots of a process (``LEAKHUNT_SUMMARY``).

The judgement knows nothing of a worker, and its imports would be in the user's next diff: so it runs
in a process beside this one (:mod:`leakhunt.hook.process.spawn`), last in line for the CPU, bounded in CPU,
memory and time, one at a time for all that share the folder (:mod:`leakhunt.cli.beside`). The worker never
waits for it: it looks after a task whether the answer is there.
"""

from __future__ import annotations

import json
import logging
import os
import posix
from collections.abc import Sequence
from typing import Any

from leakhunt.hook.log import say
from leakhunt.hook.process import spawn, standard, vitals
from leakhunt.hook.process.vitals import Cgroup
from leakhunt.snapfile import folders

#: The judgement needs so much memory at most; with less left, there is none.
NEEDS = 512 << 20
#: Bytes of an answer that are read, and of the sentence that is told.
ANSWER, LONGEST = 65536, 500
#: The exit status of one that has found another at work.
BUSY = 75
#: What the process beside is told of the environment: the rest may hold secrets.
VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR",
    "VIRTUAL_ENV",
)  # fmt: skip
#: The folder of the running program is not searched for modules.
_BOOT = "import sys; sys.path[0] = sys.argv.pop(1); from leakhunt.cli.beside import main; main()"


class Summary:
    """Of one process: made anew in each."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._captures = 0
        self._child = 0
        self._answer: standard.Kept | None = None
        self.verdict: str | None = None
        """The newest one, and the sentence with the lines that grow."""
        self.sentence: str | None = None

    def captured(self, series: str, folder: str, groups: Sequence[Cgroup]) -> None:
        """A snapshot has been written: begin to judge, if it is time and nothing speaks against it."""
        if not self._every:
            return
        self._captures += 1
        if self._child or self._captures % self._every:
            return
        left = vitals.memory_left(groups)
        if left is not None and left < NEEDS:
            say(logging.WARNING, "no verdict now: there is too little memory left to judge in")
            return
        try:
            self._begin(series, folder)
        except (OSError, ValueError) as error:
            self._every = 0
            say(logging.ERROR, f"no verdicts in this log: {error}")

    def _begin(self, series: str, folder: str) -> None:
        spawn.interpreter()  # before a file is made
        path = os.path.join(series, f".verdict-{os.getpid()}.tmp")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with standard.spared():
            answer = posix.open(path, flags, 0o600)
        try:
            posix.unlink(path)
            processes = os.path.join(folder, folders.PROCESSES)
            words = ["-c", _BOOT, spawn.ROOT, processes, series]
            self._child = spawn.python(words, VARIABLES, {1: answer})
        except BaseException:
            posix.close(answer)
            raise
        self._answer = standard.kept(answer)

    def poll(self) -> bool:
        """Whether there is a new verdict; one line in the log then."""
        if not self._child:
            return False
        try:
            ended, status = posix.waitpid(self._child, os.WNOHANG)
        except ChildProcessError:  # somebody waits for every child
            ended, status = self._child, 0
        if not ended:
            return False
        self._child = 0
        content = self._content()
        told = _read(content) if status == 0 else None
        if told is None:
            if not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == BUSY):
                why = f"has ended with status {status}" if status else "has left nothing to be read"
                say(logging.WARNING, f"no verdict: the judgement beside {why}")
            return False
        self.verdict, self.sentence = told
        level = logging.WARNING if self.verdict == "leak" else logging.INFO
        say(level, f"after {self._captures} snapshots of process {os.getpid()}: {self.sentence}")
        return True

    def _content(self) -> bytes:
        """What the judgement has left; nothing where the program has closed its file meanwhile."""
        answer, self._answer = self._answer, None
        if answer is None or answer.links() is None:
            return b""
        try:
            return posix.pread(answer.number, ANSWER, 0)
        finally:
            answer.close()


def _read(content: bytes) -> tuple[str, str] | None:
    try:
        told: Any = json.loads(content)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    verdict, sentence = told.get("verdict"), told.get("sentence")
    if not isinstance(verdict, str) or not isinstance(sentence, str):
        return None
    return verdict[:LONGEST], sentence[:LONGEST]
