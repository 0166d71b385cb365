"""The per-task ledger: how often each task ran in this process, when, and what it kept."""

from __future__ import annotations

import time
from collections.abc import Callable

from leakhunt.engine.interface import Life, Mark

#: So many tasks have a number of their own; further ones share the next (a name may hold an id).
MOST_NAMES = 255
#: The name that these share.
OTHERS = "(other tasks)"
#: Moments that are remembered, and the least seconds between two of a steady stream of tasks:
#: also this part of the time that has passed.
MOST_MARKS = 64
SPAN, PART = 1.0, 1 / 128


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
        self._traced: int | None = None
        self._numbers: dict[str, int] = {}
        self._moments = Moments()

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
            self._traced = now
        return self.done

    def armed(self, traced: int | None) -> None:
        """Tracing has just begun (or ended: None): differences start here."""
        self._traced = traced
        self._kept.clear()

    def facts(self) -> dict[str, dict[str, int | None]]:
        """{task name: {"runs": int, "kept": bytes or None}}."""
        return {
            name: {"runs": runs, "kept": self._kept.get(name)}
            for name, runs in list(self._runs.items())
        }

    def life(self) -> Life:
        """What the births of a capture that is made now are told by."""
        return Life((*list(self._numbers), OTHERS), self._moments.until(self.done))


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
