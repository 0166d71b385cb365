"""What many commands of leakhunt's print: each has a process of its own, and all are forked from one Python.

To import what a command needs takes several times as long as most of them. That a Python which has imported
nothing gets as far is for the tests to say that start one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import reading
from tests.support.lawful import REPORTS

#: Reads commands, a JSON list of words a line, and answers each with its status and what it has printed and said.
PROGRAM = """
import importlib, json, os, sys, tempfile
import leakhunt.cli
for line in sys.stdin:
    words = json.loads(line)
    importlib.import_module(f"leakhunt.cli.{words[0] if words else 'status'}")
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.argv = ["leakhunt", *words]
            leakhunt.cli.main()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = [os.pread(file.fileno(), 1 << 26, 0).decode() for file in (printed, said)]
    print(json.dumps([status, *texts]), flush=True)
"""


def each(
    commands: Sequence[Sequence[str]],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    timeout: float,
) -> list[subprocess.CompletedProcess[str]]:
    """What came of each, in their order. A report that one has printed is read, as of any other.

    Each begins with a name of ``leakhunt.cli``'s modules, or has no words. ``timeout``: seconds, for all of
    them. Raises CalledProcessError where it is the process that forks which fails.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input="".join(f"{json.dumps(list(words))}\n" for words in commands),
        env=env, cwd=cwd, stdout=subprocess.PIPE, text=True, timeout=timeout, check=True,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(commands)
    for words, (status, printed, _) in zip(commands, answers):
        if words and words[0] in REPORTS and status in (0, 3, 4) and printed:
            reading.printed(printed)
    return [subprocess.CompletedProcess(list(w), *answer) for w, answer in zip(commands, answers)]
