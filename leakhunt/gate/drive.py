"""Starts the process that runs the target, and judges what it answers. The time allowed is a hard limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from leakhunt import units
from leakhunt.errors import LeakhuntError
from leakhunt.gate import orders, runner
from leakhunt.gate.orders import FAILED, STOP, TARGET, Answer, Order
from leakhunt.gate.outcome import Broken, Outcome, outcome
from leakhunt.gate.plan import Gate, Terms

#: Seconds for a process that was told to stop to do so.
FAREWELL = 2.0
#: Lines of what a target printed that are told when it ends without a word.
LINES = 12

#: leakhunt lies in an archive (zipapp), of which the interpreter cannot run a file.
_FROM_ARCHIVE = (
    "import sys; sys.path.append({0!r}); from leakhunt.gate.run import serve; sys.path.pop(); "
    "import json; told = json.loads(sys.argv[1]); sys.argv[:] = [told['target']]; serve(told)"
)


class Wanted(NamedTuple):
    """What to run, and how."""

    target: str
    args: str | None
    eager: bool
    engine: str | None
    """None: exact, but for a task in a worker: a message allocates so much that to count it all takes tens of
    milliseconds.
    """
    nframe: int | None
    folder: Path
    """For the snapshots, the messages of a worker, and what the target prints."""


def check(
    wanted: Wanted, terms: Terms, said: Callable[[Gate], None] = lambda gate: None
) -> Outcome | Broken:
    """Run the target until the answer is sure or the time is over. Raises LeakhuntError.

    ``said`` is called after each answer. Whatever the target has started is ended with it.
    """
    began = time.monotonic()
    gate = Gate(terms)
    with contextlib.ExitStack() as stack:
        log = wanted.folder / "output.log"
        process, asks, answers = _start(wanted, log, stack)
        stack.callback(_end, process)
        try:
            _converse(gate, process, asks, answers, began, said)
        except _GoneError:
            return Broken(wanted.target, _gone(process, gate), _last_lines(log))
    if gate.failure is not None:
        if gate.failure.where == orders.LOOK:
            raise LeakhuntError(f"{wanted.target} cannot be looked at: {gate.failure.message}")
        return Broken(wanted.target, gate.failure)
    return outcome(gate, wanted.target, time.monotonic() - began)


class _GoneError(Exception):
    """The process has ended, or closed its side."""


def _start(
    wanted: Wanted, log: Path, stack: contextlib.ExitStack
) -> tuple[subprocess.Popen[bytes], int, int]:
    """(the process, the descriptor for orders, that for answers)."""
    theirs, asks = os.pipe()
    answers, says = os.pipe()
    for descriptor in (asks, answers):
        stack.callback(os.close, descriptor)
    settings = runner.settings_of(
        target=wanted.target, args=wanted.args, eager=wanted.eager, engine=wanted.engine,
        nframe=wanted.nframe, dir=str(wanted.folder), orders=theirs, answers=says,
    )  # fmt: skip
    script = Path(runner.__file__)
    start = (
        [str(script)] if script.is_file() else ["-c", _FROM_ARCHIVE.format(str(script.parents[2]))]
    )
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *flags, *start, settings],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs, says),
                start_new_session=True,
            )
    finally:
        os.close(theirs)
        os.close(says)
    return process, asks, answers


def _converse(
    gate: Gate,
    process: subprocess.Popen[bytes],
    asks: int,
    answers: int,
    began: float,
    said: Callable[[Gate], None],
) -> None:
    """Until one of both has enough. Raises _GoneError."""
    heard = _Lines(answers, process)
    deadline = began + gate.terms.at_most
    ready = heard.line(deadline)
    order: Order | None = gate.first() if ready is not None else None
    if ready is not None:
        answer = orders.answer(ready)
        gate.at = answer.at
        if answer.kind == FAILED:
            order = gate.next(answer, time.monotonic() - began)
    while order is not None and order.do != STOP:
        try:
            os.write(asks, orders.line(order))
        except BrokenPipeError as error:
            raise _GoneError from error
        text = heard.line(deadline)
        if text is None:
            break
        order = gate.next(orders.answer(text), time.monotonic() - began)
        said(gate)
    if order is None or order.do != STOP:
        gate.give_up()
        return
    with contextlib.suppress(BrokenPipeError):
        os.write(asks, orders.line(order))


class _Lines:
    """What comes through a pipe, line by line, as long as the process lives and there is time."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor, self._process = descriptor, process
        self._rest = b""

    def line(self, deadline: float) -> bytes | None:
        """The next one; None when the time is over. Raises _GoneError.

        A child of the process may hold the pipe open after it: its own end counts.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                if selector.select(min(left, 0.2)):
                    part = os.read(self._descriptor, 1 << 16)
                    if not part:
                        raise _GoneError
                    self._rest += part
                elif self._process.poll() is not None:
                    raise _GoneError
        text, _, self._rest = self._rest.partition(b"\n")
        return text


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started and that stayed in its session. It has nothing left to say."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _gone(process: subprocess.Popen[bytes], gate: Gate) -> Answer:
    """What is told of a process that has ended by itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(FAREWELL)
    status = process.returncode
    if status is None:
        how = "closed its side of the conversation"
    elif status < 0:
        how = f"was ended by {_signal(-status)}"
    else:
        how = f"ended by itself with status {status}"
    when = f"after {units.counted(gate.runs, 'run')} or more" if gate.runs else "in its first run"
    return Answer(FAILED, gate.runs, 0.0, None, TARGET, f"its process {how}, {when}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_lines(log: Path) -> tuple[str, ...]:
    try:
        with log.open("rb") as output:
            output.seek(0, os.SEEK_END)
            output.seek(max(0, output.tell() - 4096))
            text = output.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-LINES:])
