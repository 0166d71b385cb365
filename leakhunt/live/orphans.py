"""Ends orphans: pool children whose main process is gone. Nothing else, ever.

A pid may be given to another process at any moment. So the process is held by a descriptor
(pidfd_open(2), Linux 5.3) before it is looked at again: if it still is the same Celery child of
the same start, the signal goes through the descriptor and reaches no other. Without
descriptors it is looked at again right before each signal.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from leakhunt.live import table, tree
from leakhunt.model.process import Process


class Ended(NamedTuple):
    """What became of one orphan."""

    process: Process
    how: str
    """``softly`` (SIGTERM), ``hard`` (SIGKILL), ``gone`` (before anything was sent), ``refused``
    or ``alive`` (it outlives both: the kernel holds it)."""
    why: str | None = None
    """Of ``refused``: the reason in words."""


def orphans(processes: Sequence[Process]) -> list[Process]:
    """Those among them that are orphans."""
    return [process for process in processes if process.role == "orphan"]


def reap(chosen: Sequence[Process], folder: Path, patience: float) -> Iterator[Ended]:
    """End these orphans: SIGTERM to all, and SIGKILL to those that live ``patience`` seconds on."""
    held = []
    for process in chosen:
        refused = _refusal(process)
        if refused is not None:
            yield Ended(process, "refused", refused)
            continue
        descriptor = _hold(process.pid)
        if not _is_still(process, folder):
            _let_go(descriptor)
            yield Ended(process, "gone")
            continue
        problem = _send(process, descriptor, signal.SIGTERM)
        if problem is not None:
            _let_go(descriptor)
            yield Ended(process, *problem)
        else:
            held.append((process, descriptor))
    for how, wait in (("softly", patience), ("hard", patience)):
        deadline = time.monotonic() + wait
        for process, descriptor in list(held):
            if _ended(process, descriptor, deadline):
                held.remove((process, descriptor))
                _let_go(descriptor)
                yield Ended(process, how)
            elif how == "softly":
                problem = _send(process, descriptor, signal.SIGKILL)
                if problem is not None and problem[0] == "refused":
                    held.remove((process, descriptor))
                    _let_go(descriptor)
                    yield Ended(process, *problem)
    for process, descriptor in held:
        _let_go(descriptor)
        yield Ended(process, "alive")


def _refusal(process: Process) -> str | None:
    if process.role != "orphan":
        return "it is no orphan"
    if os.geteuid() not in (0, process.uid):
        return f"it belongs to {process.user}: run this as that user or as root"
    return None


def _hold(pid: int) -> int | None:
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _let_go(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _is_still(process: Process, folder: Path) -> bool:
    """Whether that pid is still the same process, and still an orphan."""
    line = table.line_of(process.pid)
    if line is None or line.identity != process.identity or line.uid != process.uid:
        return False
    view = tree.look(folder)
    return process.pid in view.lines and tree.role(process.pid, view, None) == "orphan"


def _send(process: Process, descriptor: int | None, signum: int) -> tuple[str, str | None] | None:
    """Send it to that very process; what happened instead, if it could not be sent."""
    try:
        if descriptor is not None and hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(descriptor, signum)
            return None
        line = table.line_of(process.pid)
        if line is None or line.identity != process.identity:
            return "gone", None
        os.kill(process.pid, signum)
    except ProcessLookupError:
        return "gone", None
    except OSError as error:
        return "refused", f"{signal.Signals(signum).name}: {error.strerror}"
    return None


def _ended(process: Process, descriptor: int | None, deadline: float) -> bool:
    """Wait until it has ended, up to that moment."""
    if descriptor is not None:
        left = max(0.0, deadline - time.monotonic())
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(left * 1000))
    while True:
        line = table.line_of(process.pid)
        if line is None or line.identity != process.identity:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
