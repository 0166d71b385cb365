"""What was seen of each process while watching, in memory that does not grow with time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from leakhunt.model.process import Identity, Process

#: Nodes and roles of which replacements are counted before those that are gone are forgotten.
MOST_NODES = 1000

#: Samples kept per process: when full, every other one of the older ones goes.
MOST = 240

#: Samples kept of those whose place a process has taken, and of each node and role so many that nobody has followed.
BEFORE, LEFT = 60, 32

Sample = TypeVar("Sample")


class Sightings(Generic[Sample]):
    """Of the processes that are there; those that have ended are counted and forgotten."""

    def __init__(self) -> None:
        self.samples: dict[Identity, list[Sample]] = {}
        self.ended = 0
        self.replaced: Counter[tuple[str, str]] = Counter()
        """Per node and role, those that have ended and were followed by another one."""
        self.before: dict[Identity, tuple[Sample | None, ...]] = {}
        """Of a process that has followed another one, the samples of those in whose place it stands; a None ends each."""
        self._left: dict[tuple[str, str], deque[tuple[Sample | None, ...]]] = {}
        """The same of those that have ended, by node and role, until another one follows."""
        self._who: dict[Identity, tuple[str, str]] = {}
        self._vacant: Counter[tuple[str, str]] = Counter()

    def observe(self, seen: Sequence[tuple[Process, Sample | None]]) -> None:
        """Book one look at everything that is watched; no sample: it is held to be there."""
        present = {process.identity for process, _ in seen}
        gone = [identity for identity in self.samples if identity not in present]
        for identity in gone:
            who = self._who.pop(identity)
            self._vacant[who] += 1
            course = (*self.before.pop(identity, ()), *self.samples.pop(identity), None)
            self._left.setdefault(who, deque(maxlen=LEFT)).append(course[-BEFORE:])
        self.ended += len(gone)
        for process, sample in seen:
            if process.identity not in self.samples:
                self._begins(process)
            kept = self.samples.setdefault(process.identity, [])
            if sample is not None:
                kept.append(sample)
            if len(kept) > MOST:
                del kept[1:-1:2]  # the first and the newest stay

    def _begins(self, process: Process) -> None:
        node = (process.celery.node if process.celery else None) or ""
        who = self._who[process.identity] = node, process.role
        if self._vacant[who]:
            self._vacant[who] -= 1
            self.replaced[who] += 1
            if self._left.get(who):
                self.before[process.identity] = self._left[who].popleft()
        for counted in (self._vacant, self.replaced):
            if len(counted) > MOST_NODES:  # of nodes that are there no more
                kept = set(self._who.values())
                for each in [each for each in counted if each not in kept or not counted[each]]:
                    del counted[each]
                self._left = {who: left for who, left in self._left.items() if who in kept and left}
