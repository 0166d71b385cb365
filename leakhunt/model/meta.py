"""The facts that ride in a snapshot's file, by the names that the analysis uses: who was it, when, how large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

#: The engine that traces nothing.
OFF = "off"
#: What units of work that are no Celery tasks may be called.
NOUNS = ("request", "job", "run", "unit")


@dataclass(frozen=True)
class Meta:
    """The facts that ride in a snapshot (``snapshot.leakhunt``), all of them optional.

    ``facts`` is the checked dict as read (see :mod:`leakhunt.snapfile` for its keys);
    the attributes are the ones the analysis uses by name. A plain
    ``Snapshot.dump`` has no facts: every attribute is None.
    """

    host: str | None = None
    pid: int | None = None
    started_at: float | None = None
    taken_at: float | None = None
    monotonic: float | None = None
    """``CLOCK_MONOTONIC`` of its host when it was taken, in seconds: nobody sets that one."""
    sequence: int | None = None
    trigger: str | None = None
    baseline: bool | None = None
    tasks_done: int | None = None
    rss: int | None = None
    uss: int | None = None
    traced: int | None = None
    traced_peak: int | None = None
    tracer: int | None = None
    python: str | None = None
    node: str | None = None
    pool: str | None = None
    role: str | None = None
    engine: str | None = None
    armed_at: float | None = None
    armed_rss: int | None = None
    light: bool | None = None
    """Whether it was made without a fork: nobody has looked for who holds what."""
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def unit(self) -> str:
        """What the process's units of work are called: ``task``, ``request``, ``job``, ``run`` or ``unit``."""
        said = self.facts.get("unit")
        return said if said in NOUNS else "task"

    @property
    def process(self) -> tuple[str | None, int | None, float | None]:
        """What tells processes apart: a pid is used again."""
        return (self.host, self.pid, self.started_at)

    def same_process(self, other: Meta) -> bool:
        return self.process == other.process

    def since(self, earlier: Meta) -> float | None:
        """Seconds from ``earlier`` to this; negative where it is the other way round, None: not known.

        A wall clock may have been set meanwhile. So the monotonic clock counts, within a process;
        where a file lacks it, the wall clock does unless the order of the snapshots contradicts it.
        """
        if self.same_process(earlier):
            if self.monotonic is not None and earlier.monotonic is not None:
                return self.monotonic - earlier.monotonic
            if self.taken_at is not None and earlier.taken_at is not None:
                seconds = self.taken_at - earlier.taken_at
                mine, other = self.sequence, earlier.sequence
                was_set = mine is not None and other is not None and (mine - other) * seconds < 0
                return None if was_set else seconds
        elif self.taken_at is not None and earlier.taken_at is not None:
            return self.taken_at - earlier.taken_at
        return None
