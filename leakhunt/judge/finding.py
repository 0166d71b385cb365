"""What is said of one place: a growth that was judged, the same place in all processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from leakhunt.judge.codes import Reason
from leakhunt.judge.enough import Wanted
from leakhunt.judge.history import History
from leakhunt.model.retention import Retention
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.snapshots.objects import Kinds


class Since(NamedTuple):
    """From when on a leak goes on evenly."""

    unit: int
    """Units (tasks, seconds) from the start of the process; 0: from its start."""
    time: float | None
    """The wall clock then, seconds since the epoch; None: not known."""


class Line(NamedTuple):
    """The straight part of a series, in the process where it grows most."""

    start: int
    """Index of the snapshot with which it begins."""
    rate: float
    low: float
    high: float
    """Bytes per unit, with the 95 % interval."""


@dataclass(frozen=True)
class Part:
    """A finding in one process."""

    pid: int | None
    rate: float
    verdict: str


@dataclass(frozen=True)
class Finding:
    """One judged growth, the same place in all processes."""

    verdict: str
    site: Frame
    stacks: tuple[Stack, ...]
    """The growing ones, heaviest first."""
    weights: tuple[float, ...]
    """Bytes by which each grew."""
    sites: tuple[Frame, ...]
    """Every line that belongs to it, ``site`` first."""
    sizes: tuple[float, ...]
    """Bytes at each snapshot of the process where it grows most."""
    rate: float
    low: float
    high: float
    """Bytes per unit and process, with the 95 % interval."""
    blocks_rate: float
    p: float
    share: float | None
    """Part of the growth: of the resident set where that is known and grows, else of traced memory."""
    reason: Reason
    task: str | None
    """Whose runs it grows with; None where every task counts or none is known."""
    task_runs: float | None
    """Its part of all runs, where others ran as well."""
    role: str | None
    parts: tuple[Part, ...]
    of: int
    """Processes of the same role."""
    history: History = field(repr=False)
    """Of the process where it grows most."""
    is_open: bool = False
    """Whether it may go on, as far as its snapshots tell."""
    together: bool = False
    """Only all processes together have samples enough to call it a leak."""
    samples: int | None = None
    """By how many samples it grew; None where sizes are exact."""
    wanted: Wanted | None = None
    """What is missing, where too few samples are."""
    kinds: Kinds | None = None
    """What its objects in the newest snapshot are, where that is known."""
    holder: Retention | None = None
    """What keeps most of its objects in the newest snapshot, where that is known."""
    holder_grew: int | None = None
    """By how many entries that container grew over the series; None: not known."""
    since: Since | None = None
    """From when on, where births tell; None: not known."""
    line: Line | None = None
    """Of a leak: its straight part; None: nothing straight was found in one process alone."""
    per_run: float | None = None
    """Bytes per run of ``task``; None where no task is named."""
    born: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """(n + 1 edges in units from the start of the process, bytes that were born in each of the n periods
    between them and are alive in the newest snapshot); None: not known."""

    @property
    def shown(self) -> tuple[Stack, ...]:
        """Stacks that pass through the site, the heaviest first: a line that grows with it may have heavier ones.
        All of them where none does.
        """
        return tuple(stack for stack in self.stacks if self.site in stack) or self.stacks

    @property
    def stack(self) -> Stack:
        """The one that is shown; () where none was recorded."""
        return next(iter(self.shown), ())

    @property
    def rise(self) -> float:
        """Bytes from the first to the last snapshot of the process where it grows most."""
        return self.sizes[-1] - self.sizes[0]


@dataclass(frozen=True)
class Course:
    """A figure over a series."""

    first: int | None
    last: int | None
    per_unit: float | None
