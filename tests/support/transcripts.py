"""Transcripts: what commands print, run again in this process and compared to the letter.

A transcript is a text of blocks, a command as one types it and what it printed::

    $ leakhunt top snapshots/leakhunt-after.bin -n 3
    alive in ...

Standard output and standard error stand in the order in which they were written; an exit status other
than 0 stands in a last line, ``[exit 3]``. The commands themselves are in the transcript, so a new case
is a line written there.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import leakhunt
from leakhunt.cli import execute
from tests.support.places import FIXTURES

PROMPT = "$ leakhunt "
#: What a shell on any machine would have set, and what a report asks for.
SHELL = {"COLUMNS": "100", "NO_COLOR": "1", "TZ": "Pacific/Chatham", "HOME": "/nowhere"}
#: What differs between machines and releases, and stands for it.
FOLDER, VERSION = "/srv/leakhunt/fixtures", "0.0.0"
#: Python 3.12 adds floats up more exactly than those before it: so many digits are the same.
DIGITS, _LONG = 12, re.compile(r"-?\d+\.\d{6,}(?:e-?\d+)?")


class Block(NamedTuple):
    """A command and what it prints."""

    command: str
    output: str


def blocks(text: str) -> list[Block]:
    """The blocks of a transcript. What stands before the first command is a comment, and kept nowhere."""
    made: list[Block] = []
    for line in text.splitlines(keepends=True):
        if line.startswith(PROMPT):
            made.append(Block(line[len(PROMPT) :].rstrip("\n"), ""))
        elif made:
            made[-1] = made[-1]._replace(output=made[-1].output + line)
    return made


def text_of(made: list[Block]) -> str:
    return "".join(f"{PROMPT}{block.command}\n{block.output}" for block in made)


def printed(command: str) -> str:
    """What a command prints where the recorded files are, as a transcript has it."""
    out = io.BytesIO()
    with _shell(out):
        status = execute(shlex.split(command))
    text = out.getvalue().decode()
    text = text.replace(str(FIXTURES), FOLDER).replace(leakhunt.__version__, VERSION)
    text = _LONG.sub(lambda number: f"{float(number[0]):.{DIGITS}g}", text)
    if text and not text.endswith("\n"):
        text += "\n"
    return text + (f"[exit {status}]\n" if status else "")


def again(text: str) -> str:
    """The transcript with what its commands print now."""
    return text_of([Block(block.command, printed(block.command)) for block in blocks(text)])


@contextlib.contextmanager
def _shell(out: io.BytesIO) -> Iterator[None]:
    """Both streams lead there, and nothing of this machine reaches the command."""
    streams = [io.TextIOWrapper(out, "utf-8", write_through=True) for _ in range(2)]
    here = Path.cwd()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    try:
        os.chdir(FIXTURES)
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, {**kept, **SHELL}, clear=True))
            stack.enter_context(contextlib.redirect_stdout(streams[0]))
            stack.enter_context(contextlib.redirect_stderr(streams[1]))
            yield
    finally:
        os.chdir(here)
        for stream in streams:
            stream.detach()
