"""The per-task ledger: how often each task ran in this process, when, and what it kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from leakhunt.engine.interface import Life, Mark
from leakhunt.hook.process import vitals

#: So many tasks have a number of their own; further ones share the next (a name may hold an id).
MOST_NAMES = 255
#: The name that these share.
OTHERS = "(other tasks)"
OTHER_UNITS = "(others)"
#: Characters of a unit's name.
LONGEST_NAME = 200
#: Moments that are remembered, and the least seconds between two of a steady stream of tasks:
#: also this part of the time that has passed.
MOST_MARKS = 64
SPAN, PART = 1.0, 1 / 128
#: Where a task's figures are: seconds, seconds, runs, steps of RSS.
WALL, CPU, FAILED, STEPS = range(4)
#: A CPU time that cannot be told makes the whole sum negative for good.
UNKNOWN = float("-inf")
#: RSS is read at most so often, in seconds, and a step is this many bytes at least.
RSS_INTERVAL, STEP = 0.05, 1 << 20


class Ledger:
    """Counts finished tasks by name; cheap enough for every task.

    ``kept`` is the growth of the engine's traced memory from the end of the task
    before to the end of this one, summed per name: it charges a task with what it
    left behind, and with what the worker itself did in between. It is only kept
    where tasks run one at a time.
    """

    def __init__(self, alone: bool = True) -> None:
        self.alone = alone
        self.done = 0
        self._runs: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._kept_runs: dict[str, int] = {}
        self._spent: dict[str, list[float]] = {}
        self._rss: int | None = None
        self._rss_read_at = 0.0
        self._traced: int | None = None
        self._numbers: dict[str, int] = {}
        self._moments = Moments()
        self.unit: str | None = None
        """What the units are called; None: tasks, or nothing has counted yet."""

    def named(self, name: str) -> str:
        """The name under which a unit is booked: of those that a program gives there may be without end."""
        name = str(name)[:LONGEST_NAME]
        return name if name in self._runs or len(self._runs) < MOST_NAMES else OTHER_UNITS

    def call(self, noun: str) -> None:
        """What the unit that is booked next is called; units of several kinds are called units."""
        self.unit = noun if self.unit in (None, noun) else "unit"

    def share(self) -> None:
        """Several units are under way at once: what grows meanwhile is nobody's in particular."""
        if self.alone:
            self.alone = False
            self._kept.clear()
            self._kept_runs.clear()

    def number(self, name: str) -> int:
        """Stands for a task from now on: 1 and up."""
        number = self._numbers.get(name)
        if number is None:
            number = min(len(self._numbers), MOST_NAMES) + 1
            if number <= MOST_NAMES:
                self._numbers[name] = number
        return number

    def count(self, name: str, traced: Callable[[], int | None] | None) -> int:
        """Book one finished task; returns how many are done."""
        self.done += 1
        self._moments.pass_by(self.done, time.monotonic())
        self._runs[name] = self._runs.get(name, 0) + 1
        if traced is not None and self.alone:
            now = traced()
            if now is not None and self._traced is not None:
                self._kept[name] = self._kept.get(name, 0) + now - self._traced
                self._kept_runs[name] = self._kept_runs.get(name, 0) + 1
            self._traced = now
        return self.done

    def spend(self, name: str, wall: float, cpu: float | None, failed: bool) -> None:
        """Book what a finished run took, in seconds; ``cpu``: None where it cannot be told."""
        spent = self._spent.get(name)
        if spent is None:
            if len(self._spent) >= MOST_NAMES:
                name = OTHERS
            spent = self._spent.setdefault(name, [0.0, 0.0, 0.0, 0.0])
        spent[WALL] += wall
        spent[CPU] += UNKNOWN if cpu is None else cpu
        if failed:
            spent[FAILED] += 1
        if self.alone:
            self._step(spent)

    def _step(self, spent: list[float]) -> None:
        """Whether RSS has made a step during what ran since it was read last: the run that ends
        now is held to have made it. It is read every so often only: reading takes longer than
        all the rest of the ledger.
        """
        now = time.monotonic()
        if now - self._rss_read_at < RSS_INTERVAL:
            return
        self._rss_read_at = now
        rss = vitals.rss()
        if rss is not None and self._rss is not None and rss - self._rss >= STEP:
            spent[STEPS] += 1
        self._rss = rss

    def armed(self, traced: int | None) -> None:
        """Tracing has just begun (or ended: None): differences start here."""
        self._traced = traced
        self._kept.clear()
        self._kept_runs.clear()

    def facts(self) -> dict[str, dict[str, Any]]:
        """{task name: {"runs", "kept", "kept_runs", "failed", "wall", "cpu", "rss_steps"}}.

        ``kept``: bytes, over ``kept_runs`` runs; ``wall`` and ``cpu``: seconds of all runs;
        None for what was not counted.
        """
        return {
            name: {
                "runs": runs,
                "kept": self._kept.get(name),
                "kept_runs": self._kept_runs.get(name, 0),
                **_figures(self._spent.get(name), self.alone),
            }
            for name, runs in list(self._runs.items())
        }

    def life(self) -> Life:
        """What the births of a capture that is made now are told by."""
        return Life((*list(self._numbers), OTHERS), self._moments.until(self.done))


def _figures(spent: list[float] | None, alone: bool) -> dict[str, Any]:
    if spent is None:
        return {"failed": None, "wall": None, "cpu": None, "rss_steps": None}
    return {
        "failed": int(spent[FAILED]),
        "wall": spent[WALL],
        "cpu": spent[CPU] if spent[CPU] >= 0 else None,
        "rss_steps": int(spent[STEPS]) if alone else None,
    }


class Moments:
    """When so many units of work were done: a line with at most so many corners.

    Idle times have a corner at both ends. A corner that tells least, by the seconds that the
    line would be off without it, makes room for the next.
    """

    def __init__(self) -> None:
        self.marks = [Mark(0, time.time(), time.monotonic())]
        self._last = (0, self.marks[0].clock)

    def pass_by(self, units: int, now: float) -> None:
        """So many are done now, by the monotonic clock."""
        marks, (before, then) = self.marks, self._last
        span = max(SPAN, (now - marks[0].clock) * PART)
        self._last = units, now
        if now - marks[-1].clock < span:
            return
        wall = time.time()
        if now - then >= span and before > marks[-1].units:
            marks.append(Mark(before, wall - (now - then), then))
        marks.append(Mark(units, wall, now))
        while len(marks) > MOST_MARKS:
            del marks[min(range(1, len(marks) - 1), key=self._error)]

    def _error(self, at: int) -> float:
        before, mark, after = self.marks[at - 1 : at + 2]
        part = (mark.units - before.units) / max(1, after.units - before.units)
        return abs(before.clock + part * (after.clock - before.clock) - mark.clock)

    def until(self, units: int) -> tuple[Mark, ...]:
        """The corners, and now."""
        return (*self.marks, Mark(units, time.time(), time.monotonic()))
