"""Memory over a time of watching: growth with its interval, and how long it can go on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt

from leakhunt.judge.series.stats import student_quantile
from leakhunt.model.process import Machine, Memory, Process
from leakhunt.report.ps import unknown
from leakhunt.report.words import processes as words

#: Fewer intervals than that say nothing of growth.
LEAST = 5
#: Parts of a limit at which a process is near it.
WARNING, CRITICAL = 0.8, 0.95
#: How near a limit a process may be.
LEVELS = ("fine", "warning", "critical")


@dataclass(frozen=True)
class Sample:
    """A process at one moment."""

    at: float
    """Seconds since the epoch."""
    memory: Memory
    tasks: int | None


@dataclass(frozen=True)
class Rate:
    """Growth per unit with a 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval is above zero."""
        return self.low > 0


@dataclass(frozen=True)
class Lasts:
    """Seconds until a limit is reached at the present rate."""

    seconds: float
    soonest: float
    latest: float


@dataclass(frozen=True)
class Line:
    """One process that is watched."""

    process: Process
    samples: tuple[Sample, ...]
    per_minute: Rate | None
    """Bytes of RSS; None before there is enough to say."""
    per_task: Rate | None
    limit: int | None
    """Bytes of RSS at which it is replaced or was said to be too large."""
    lasts: Lasts | None
    level: str
    """``fine``, ``warning`` or ``critical``."""
    verdict: str | None = None
    """The newest on its snapshots; None without snapshots, or before they are judged."""
    before: tuple[Sample | None, ...] = ()
    """Of those of its node and role in whose place it stands, the newest samples; a None ends each of them."""


@dataclass(frozen=True)
class Limits:
    """Thresholds on the RSS of a process, in bytes; None: from its limit, if it has one."""

    limit: int | None = None
    warning: int | None = None
    critical: int | None = None


@dataclass(frozen=True)
class Shared:
    """A limit that several processes have together: their control group's."""

    limit: int
    whose: str
    pss: int
    """Bytes, of those that are watched."""
    processes: int
    per_minute: Rate | None
    """Of their RSS together; None before there is enough to say of each."""
    lasts: Lasts | None
    level: str


@dataclass(frozen=True)
class WatchReport:
    """What was seen while watching."""

    machine: Machine
    since: float
    lines: tuple[Line, ...]
    ended: int
    """Processes that have come and gone, or gone, since."""
    total: str
    over: bool
    """Whether the watching is over: then each process gets a sentence."""
    restarts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Per node and role, processes that have ended and were followed by another one."""
    notes: tuple[str, ...] = ()
    shared: tuple[Shared, ...] = ()
    oldest: float | None = None
    """Seconds since USS, PSS and open files were read of that process of which it is the longest ago; None where
    that is not told."""

    @property
    def worth_a_sentence(self) -> tuple[Line, ...]:
        """Not a main process that only waits: its children do the work, and theirs are told."""
        return tuple(
            each
            for each in self.lines
            if each.process.role != "main"
            or (each.per_minute is not None and each.per_minute.is_sure)
        )

    @property
    def critical(self) -> int:
        return sum(line.level == "critical" for line in self.lines)


def rate(x: Sequence[float], y: Sequence[float]) -> Rate | None:
    """The drift of a random walk: what RSS gains in one interval, it keeps in the next.

    The increments are independent, and their variance goes with their length; that is what a
    line through the points would not know, whose interval is far too narrow. None for
    fewer than LEAST intervals, or where ``x`` stands still.
    """
    number, length, gained, squares = 0, 0.0, 0.0, 0.0
    for a, b, c, d in zip(x, x[1:], y, y[1:]):
        if b > a:
            number += 1
            length += b - a
            gained += d - c
            squares += (d - c) * (d - c) / (b - a)
    if number < LEAST:
        return None
    slope = gained / length
    # The sum over all steps of (gain - slope * step)^2 / step: at each look, of each process and sample.
    scatter = max(0.0, squares - slope * gained) / (number - 1)
    error = sqrt(scatter / length) * student_quantile(0.975, number - 1)
    return Rate(slope, slope - error, slope + error)


def line(
    process: Process,
    samples: Sequence[Sample],
    limits: Limits,
    verdict: str | None = None,
    before: Sequence[Sample | None] = (),
) -> Line:
    measured = [(s.at, s.memory.rss, s.tasks) for s in samples if s.memory.rss is not None]
    at, sizes = [t for t, _, _ in measured], [float(size) for _, size, _ in measured]
    by_time = rate([moment / 60 for moment in at], sizes)
    worked = [(float(tasks), float(size)) for _, size, tasks in measured if tasks is not None]
    by_task = rate([t for t, _ in worked], [s for _, s in worked])
    own = (
        process.celery.max_memory_per_child if process.celery and process.role == "child" else None
    )
    limit = limits.limit or own
    size = sizes[-1] if sizes else 0.0
    return Line(
        process,
        tuple(samples),
        by_time,
        by_task,
        limit,
        _lasts(size, by_time, limit),
        _level(size, limit, limits),
        verdict,
        tuple(before),
    )


def _lasts(size: float, by_time: Rate | None, limit: int | None) -> Lasts | None:
    """Only where the growth is sure: else there may be no end."""
    if limit is None or by_time is None or not by_time.is_sure:
        return None
    left = max(0.0, limit - size) * 60
    return Lasts(left / by_time.value, left / by_time.high, left / by_time.low)


def _level(size: float, limit: int | None, limits: Limits) -> str:
    for level, given, part in (
        ("critical", limits.critical, CRITICAL), ("warning", limits.warning, WARNING),
    ):  # fmt: skip
        threshold = given if given is not None else part * limit if limit is not None else None
        if threshold is not None and size >= threshold:
            return level
    return "fine"


def watch(
    machine: Machine,
    since: float,
    lines: Sequence[Line],
    ended: int,
    over: bool,
    restarts: Mapping[tuple[str, str], int] | None = None,
    notes: Sequence[str] = (),
) -> WatchReport:
    weighable = [each for each in lines if each.process.memory.pss is not None]
    pss = sum(each.process.memory.pss or 0 for each in weighable)
    rss = sum(each.process.memory.rss or 0 for each in weighable or lines)
    limits = {(each.process.limit, each.process.group) for each in lines}
    limit, group = next(iter(limits)) if len(limits) == 1 else (None, None)
    if limit is None or (machine.total or limit) < limit:
        limit, group = machine.total, None
    total = (
        words.total(len(weighable), pss, rss, limit, words.whose_limit(group))
        if weighable
        else words.total_of_rss(len(lines), rss)
    )
    notes = [*notes, *unknown([each.process for each in lines])]
    weighed = [each.process.weighed_at for each in lines if each.process.weighed_at is not None]
    oldest = max(0.0, machine.now - min(weighed)) if weighed else None
    groups = list(_groups(lines, machine))
    return WatchReport(
        machine, since, _raised(lines, groups), ended, total, over, restarts or {}, tuple(notes),
        tuple(shared for shared, _ in groups), oldest,
    )  # fmt: skip


def _groups(lines: Sequence[Line], machine: Machine) -> Iterable[tuple[Shared, list[Line]]]:
    """Each control group's limit, where it is below the machine's memory, and who is under it."""
    groups: dict[tuple[int, str], list[Line]] = {}
    for each in lines:
        process = each.process
        if process.limit is None or process.group is None or process.memory.pss is None:
            continue
        if machine.total is None or process.limit < machine.total:
            groups.setdefault((process.limit, process.group), []).append(each)
    for (limit, group), members in groups.items():
        pss = sum(each.process.memory.pss or 0 for each in members)
        grows = together([each.per_minute for each in members])
        lasts, near = _lasts(pss, grows, limit), _level(pss, limit, Limits())
        yield (
            Shared(limit, words.whose_limit(group), pss, len(members), grows, lasts, near),
            members,
        )


def together(rates: Sequence[Rate | None]) -> Rate | None:
    """The sum of independent rates: the squares of their errors add up. None where one is not told."""
    told = [each for each in rates if each is not None]
    if not told or len(told) < len(rates):
        return None
    value, reach = sum(r.value for r in told), sqrt(sum((r.high - r.value) ** 2 for r in told))
    return Rate(value, value - reach, value + reach)


def _raised(lines: Sequence[Line], groups: Sequence[tuple[Shared, list[Line]]]) -> tuple[Line, ...]:
    """The largest of those that share a limit is as near to it as all of them are together."""
    levels = {}
    for shared, members in groups:
        largest = max(members, key=lambda each: each.process.memory.pss or 0)
        levels[largest.process.identity] = max(shared.level, largest.level, key=LEVELS.index)
    return tuple(
        replace(each, level=levels.get(each.process.identity, each.level)) for each in lines
    )
