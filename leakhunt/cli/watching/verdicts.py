"""Verdicts of processes that are watched, as their snapshots come."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress

from leakhunt.errors import LeakhuntError
from leakhunt.model.process import Identity, Process
from leakhunt.snapfile import SUFFIX

#: The part of the time that verdicts may take, and the bytes of a series above which there is none.
SHARE, LARGEST = 0.005, 64 << 20
#: Seconds that they may take once the watching is over.
LAST = 20.0


class Verdicts:
    """The newest verdict of each process that has snapshots, judged one at a time and within a share of
    the time: a watch must cost nothing to speak of.
    """

    def __init__(self) -> None:
        self._known: dict[Identity, tuple[str, str | None]] = {}
        """Per process the newest file that was judged, and what came of it."""
        self._due = 0.0

    def of(self, process: Process) -> str | None:
        return self._known.get(process.identity, ("", None))[1]

    def look(self, present: Sequence[Process]) -> None:
        """Judge one process that has a snapshot more than it was judged by, if it is time."""
        identities = {process.identity for process in present}
        self._known = {who: told for who, told in self._known.items() if who in identities}
        began = time.monotonic()
        if began >= self._due and any(self._judge(process) for process in present):
            self._due = time.monotonic() + (time.monotonic() - began) / SHARE

    def finish(self, present: Sequence[Process]) -> None:
        """Judge those that have waited for their turn, one after the other while there is time."""
        end = time.monotonic() + LAST
        for process in present:
            if time.monotonic() < end:
                self._judge(process)

    def _judge(self, process: Process) -> bool:
        """Whether it had a snapshot more than it was judged by."""
        newest, size = _newest(process.series)
        if newest is None or self._known.get(process.identity, ("",))[0] == newest:
            return False
        verdict = None
        if size <= LARGEST:
            # All of the analysis: not before there is a snapshot.
            from leakhunt.cli import judging

            with suppress(LeakhuntError, OSError):
                asked = judging.Asked(limit=1)
                verdict = judging.look([str(process.series)], asked, quiet=True).verdict.verdict
        self._known[process.identity] = newest, verdict
        return True


def _newest(series: str | None) -> tuple[str | None, int]:
    """The newest snapshot of a series, and the bytes of all."""
    size, names = 0, []
    if series is not None:
        with suppress(OSError), os.scandir(series) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                    names.append(entry.name)
                    size += entry.stat().st_size
    return max(names, default=None), size
