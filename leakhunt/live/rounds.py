"""Looks at the same processes again and again for little: what is dear to read is read in turn.

Dear are the weight of a process (USS and PSS: the kernel walks its page tables, 0.1 to 0.2 us a page) and
its descriptors (a link each, and a pool child has those of the children before it). At every look there
are read: who runs, RSS, CPU, tasks, and whether the descriptors that tell of a process still do. Whoever is
new, or has become another program, is looked at closely at once.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from leakhunt.hook import letterbox
from leakhunt.hook.process import vitals
from leakhunt.live import descriptors, memory
from leakhunt.live.descriptors import Held
from leakhunt.live.records import Records
from leakhunt.live.table import Line
from leakhunt.model.process import Identity, Memory
from leakhunt.snapfile.folders import PROCESSES

#: Of one CPU's time, what looking closely in turn may take; for so many seconds what was not taken is kept.
SHARE, KEPT = 0.003, 60.0
#: Seconds: a younger process may be about to take up the hook, and is looked at closely each time.
SETTLED = 10.0


class Close(NamedTuple):
    """What was read of a process when it was last looked at closely."""

    argv: tuple[str, ...]
    opened: Held
    weight: Memory | None
    """None where nobody has asked for it: it is none of those that are watched."""
    at: float
    """Seconds since the epoch."""
    groups: bytes | None = None
    """What told of its control groups; None where nobody has asked for it."""


class Rounds:
    """What one who looks again and again remembers of the processes that are there."""

    def __init__(
        self,
        share: float = SHARE,
        spent: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``share``: what the close looks in turn may take of ``spent``, in seconds of CPU per second of ``clock``."""
        self._share, self._spent, self._clock = share, spent, clock
        self._known: dict[Identity, Close] = {}
        """Who was looked at closely the longest ago stands first."""
        self._credit = 0.0
        self._last: float | None = None
        self.records = Records()

    def opened(self, lines: Mapping[int, Line], folder: Path) -> dict[int, Held]:
        """A look begins: what these processes hold open, as of when each was last looked at closely.

        ``folder``: where hooked ones may have their records.
        """
        if not vitals.LINUX:
            return {}
        there = {line.identity for line in lines.values()}
        self._known = {who: close for who, close in self._known.items() if who in there}
        at = time.time()
        told = _recorded(folder)
        for line in lines.values():
            if self._is_due(line, told):
                self._look(line, at)
        self._in_turn(lines, at)
        return {pid: self._known[line.identity].opened for pid, line in lines.items()}

    def _is_due(self, line: Line, told: Mapping[Identity, str]) -> bool:
        """Whether it must be looked at closely now: it is new, or not what it was."""
        close = self._known.get(line.identity)
        if close is None or close.argv != line.argv or close.at - line.started_at < SETTLED:
            return True
        if not descriptors.tells_still(line.identity.pid, close.opened):
            return True
        record = told.get(line.identity)
        return (
            record is not None
            and close.opened is not None
            and not any(target.endswith(record) for target in close.opened.telling.values())
        )

    def _in_turn(self, lines: Mapping[int, Line], at: float) -> None:
        """Look closely at some more, the longest ago first, as far as the share allows.

        One that takes more than is left puts off those after it: what is taken in all keeps to the share.
        """
        now, before = self._clock(), self._spent()
        if self._last is not None:
            earned = self._share * (now - self._last)
            self._credit = min(self._credit + earned, self._share * KEPT)
            for who in [*self._known]:
                if self._known[who].at >= at or self._spent() - before >= self._credit:
                    break
                self._look(lines[who.pid], at)
            self._credit -= self._spent() - before
        self._last = now

    def weights(
        self, lines: Iterable[Line], status: Callable[[int], bytes] | None = None
    ) -> dict[int, tuple[Memory, float]]:
        """The memory of some of these, by pid, with the moment of all of it but RSS and its peak.

        RSS is always what the kernel counts and never what it weighs: these differ by some pages, and a
        curve of both would have steps that are none. ``status``: says of each what ``alive.told`` does.
        """
        pids = {line.identity: line.identity.pid for line in lines}
        if not vitals.LINUX:
            return {pid: (memory.memory(pid), time.time()) for pid in pids.values()}
        unknown = {who: pid for who, pid in pids.items() if self._known[who].weight is None}
        weights = memory.weighing(unknown.values())()
        for who, pid in unknown.items():
            self._known[who] = self._known[who]._replace(weight=weights[pid])
        told = {}
        for who, pid in pids.items():
            close = self._known[who]
            count = memory.counted(pid, None if status is None else status(pid))
            told[pid] = memory.beside(count, close.weight or Memory()), close.at
        return told

    def groups(self, lines: Iterable[Line]) -> dict[int, bytes]:
        """What the kernel tells of the control groups of some of these, by pid, as of the last close look."""
        told = {}
        for line in lines if vitals.LINUX else ():
            close = self._known[line.identity]
            if close.groups is None:
                close = close._replace(groups=memory.groups_of(line.identity.pid))
                self._known[line.identity] = close
            told[line.identity.pid] = close.groups or b""
        return told

    def _look(self, line: Line, at: float) -> None:
        close = self._known.pop(line.identity, None)
        asked = close is not None and close.weight is not None
        self._known[line.identity] = Close(
            line.argv,
            descriptors.held(line.identity.pid),
            memory.weight(line.identity.pid) if asked else None,
            at,
        )


def _recorded(folder: Path) -> dict[Identity, str]:
    """Whose records are in that folder, by what their names say."""
    told = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(folder / PROCESSES):
            match = letterbox.NAME.fullmatch(name)
            if match is not None and match["ticks"]:
                told[Identity(int(match["pid"]), int(match["ticks"]))] = f"/{PROCESSES}/{name}"
    return told
