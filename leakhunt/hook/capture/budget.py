"""Which captures fork: for those that do, a process stands still for a small part of its life only.

What a fork takes grows with the heap: measured on a quiet machine, the longest gap of a busy loop around a
capture was 15 to 31, 150 to 215 and 206 to 272 ms with a heap of 0.4, 4.1 and 9.2 GB
(``tests/benchmarks/bench_light.py``). A light capture (:mod:`leakhunt.hook.capture.light`) takes some
milliseconds at any size, and tells less.
"""

from __future__ import annotations

import time

#: What is to be made: a capture by fork, a light one, or a light one at once and one by fork behind it.
FULL, LIGHT, BOTH = "full", "light", "both"

#: A process stands still for its captures for that share of its life, and this many seconds on top once. A
#: thousandth is a tenth of what sampling may take; with the 0.2 s that sampling may spend in its youth as
#: well, a worker of ordinary size, which a capture holds up for some milliseconds, has some twenty early on.
SHARE, PURSE = 0.001, 0.2
#: A pause that nobody notices, in seconds: as long as a garbage collection of a large heap, a query.
SMALL = 0.02
#: Of a process that has not forked yet: seconds, and seconds per byte that is resident.
AT_LEAST, PER_BYTE = 0.004, 0.05 / 2**30
#: Triggers by which somebody waits for the snapshot.
WAITED_FOR = frozenset({"signal", "dump", "code"})
#: The process ends: nobody is held up.
EXIT = "exit"


class Budget:
    """Of one process: what its captures by fork have taken, and what the next one would."""

    def __init__(self, setting: str, now: float | None = None) -> None:
        """``setting``: ``auto``, ``always`` or ``off`` (``LEAKHUNT_LIGHT``)."""
        self.setting = setting
        self._began = time.monotonic() if now is None else now
        self._spent = 0.0
        self._last: tuple[float, int] | None = None
        self.refused = False
        """Whether no light capture can be made here."""

    def paid(self, pause: float, rss: int | None) -> None:
        """A capture has forked: the process stood still for so long, in seconds.

        It counts for no more than twice what is usual: the rest is the machine's.
        """
        self._spent += min(pause, 2 * _usual(rss))
        if rss:
            self._last = (pause, rss)

    def predicted(self, rss: int | None) -> float:
        """How long the process would stand still for a fork: seconds.

        As long as the last time, in proportion to what is resident, or as long as on the machine
        that was measured, whichever is less: a pause is also long where the machine is busy, and short
        where pages are huge.
        """
        usual = _usual(rss)
        if self._last is None or not rss:
            return usual
        pause, then = self._last
        return min(usual, pause * rss / then)

    def affords(self, pause: float, now: float | None = None) -> bool:
        """Whether the process may stand still for so long now."""
        life = (time.monotonic() if now is None else now) - self._began
        return self._spent + pause <= PURSE + SHARE * life

    def kind(self, trigger: str, rss: int | None, now: float | None = None) -> str:
        """What that trigger gets: FULL, LIGHT or BOTH."""
        if self.refused or self.setting == "off":
            return FULL
        if self.setting == "always":
            return LIGHT
        pause = self.predicted(rss)
        if trigger == EXIT or (trigger in WAITED_FOR and pause < SMALL):
            return FULL
        if not self.affords(pause, now):
            return LIGHT
        return FULL if pause < SMALL else BOTH


def _usual(rss: int | None) -> float:
    """How long a fork takes on the machine that was measured: seconds."""
    return AT_LEAST + PER_BYTE * (rss or 0)
