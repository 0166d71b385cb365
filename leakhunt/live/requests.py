"""Requests that are left with hooked processes: woken for, answered, waited for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from leakhunt import units
from leakhunt.errors import CaptureError, NotHookedError
from leakhunt.hook import asking
from leakhunt.hook.letterbox import Answer
from leakhunt.hook.process import alive
from leakhunt.live import descriptors, table
from leakhunt.live.processes import Hooked, through_proc
from leakhunt.live.records import Records, open_record, read_record


@dataclass(frozen=True)
class Asked:
    """A request that was left with a process."""

    process: Hooked
    identity: str
    """Under this name the process answers."""
    by: str
    """What made it look: ``signal``, ``task`` or ``timer``."""


def ask(process: Hooked, request: str) -> Asked:
    """Leave a request in the process's letter box, and wake it if one of its signals is heard.

    Raises NotHookedError where it would neither hear nor look.
    """
    by = asking.way(process.pid, process.record)
    if by is None:
        raise NotHookedError(f"{process.name} cannot be asked: {process.silence}")
    with open_record(process.at, process.owner, os.O_WRONLY | os.O_APPEND) as descriptor:
        identity = asking.leave(descriptor, request)
    if by.signum is not None:
        os.kill(process.pid, by.signum)
    return Asked(process, identity, by.word)


def answered(asked: Asked) -> tuple[Answer, dict[str, Any]] | None:
    """The answer and the record as it stands now; None while there is none.

    Raises CaptureError when the process has ended.
    """
    process = asked.process
    record = read_record(process.at, process.owner)
    if record is None:
        if not process.runs:
            raise CaptureError(f"{process.name} has ended")
        record = _again(process)
        if record is None:
            return None
    for answer in record["answers"]:
        if answer[0] == asked.identity:
            return answer, record
    return None


def _again(process: Hooked) -> dict[str, Any] | None:
    """The record of a process that has made another one, because the folder had been cleaned."""
    held = {process.pid: descriptors.held(process.pid)}
    return next((each.record for each in through_proc(held, Records())), None)


def wait(asked: Iterable[Asked], seconds: float) -> Iterator[tuple[Asked, Any]]:
    """As each process answers: its request with (answer, record), or with the CaptureError."""
    waiting = list(asked)
    deadline = time.monotonic() + seconds
    while waiting:
        for each in list(waiting):
            try:
                outcome = answered(each)
            except CaptureError as error:
                waiting.remove(each)
                yield each, error
                continue
            if outcome is not None:
                waiting.remove(each)
                yield each, outcome
        if waiting and time.monotonic() > deadline:
            for each in waiting:
                yield each, CaptureError(_late(each, seconds))
            return
        time.sleep(0.01)


def _late(asked: Asked, seconds: float) -> str:
    process = asked.process
    why = {
        "task": "no signal is heard there, and no task has ended meanwhile: it looks after each one",
        "timer": "no signal is heard there, and its timer has not looked: it is busy in code that "
        "does not let other threads run",
        "signal": "it is busy in code that does not return to the interpreter; it will answer when "
        "that ends",
    }[asked.by]
    copy = _capture_of(process.pid)
    signum = process.record["second"] or process.record["signal"]
    told = alive.disposition(process.pid, signum) if asked.by == "signal" else None
    if told is not None and told.blocked:
        why = "a signal mask holds the signal back; it will answer when that is lifted"
    if copy is not None:
        child = copy.identity.pid
        why = f"its capture is under way in process {child}"
        if copy.state in "Tt":
            why += f", which is stopped: `kill -CONT {child}` lets it go on"
    return f"{process.name} has not answered within {units.limit(seconds)}: {why}"


def _capture_of(pid: int) -> table.Line | None:
    """The forked child of a capture of that process; None where none is under way."""
    lines = table.table().values()
    return next((line for line in lines if line.parent == pid and line.is_copy), None)
