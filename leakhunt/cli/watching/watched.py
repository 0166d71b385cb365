"""The processes that are watched, from the first look to the last."""

from __future__ import annotations

import time

from leakhunt.cli.watching.looks import Look, Seen
from leakhunt.cli.watching.verdicts import Verdicts
from leakhunt.live.sightings import Sightings
from leakhunt.model.process import Machine
from leakhunt.report import watch as report
from leakhunt.report.watch import Limits, Sample, WatchReport


class Watching:
    """What was seen so far, and what it came to."""

    def __init__(self, look: Look, limits: Limits, judge: bool) -> None:
        """``judge``: whether snapshots are judged meanwhile."""
        self._look, self._limits = look, limits
        self._sightings: Sightings[Sample] = Sightings()
        self._verdicts = Verdicts() if judge else None
        self._since = time.time()
        self._seen = Seen([], Machine(None, 1, self._since))

    def look(self) -> WatchReport:
        """Look now."""
        self._seen = seen = self._look()
        now = seen.machine.now
        self._sightings.observe(
            [
                (
                    p,
                    None
                    if p.identity in seen.old
                    else Sample(now, p.memory, p.pulse.done if p.pulse else None),
                )
                for p in seen.processes
            ]
        )
        if self._verdicts is not None:
            self._verdicts.look(seen.processes)
        return self.made()

    def finish(self) -> None:
        """The time is over: whatever has snapshots that nobody has judged yet gets its verdict."""
        if self._verdicts is not None:
            self._verdicts.finish(self._seen.processes)

    def made(self, over: bool = False) -> WatchReport:
        """What has been seen so far."""
        lines = [
            report.line(
                process,
                self._sightings.samples[process.identity],
                self._limits,
                self._verdicts.of(process) if self._verdicts else None,
                self._sightings.before.get(process.identity, ()),
            )
            for process in self._seen.processes
        ]
        machine = self._seen.machine
        return report.watch(
            machine, min(self._since, machine.now), lines, self._sightings.ended, over,
            self._sightings.replaced, self._seen.notes,
        )  # fmt: skip
