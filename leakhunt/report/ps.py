"""The tree of processes with what is wrong with them. Pure: values in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leakhunt.model.process import Identity, Machine, Process
from leakhunt.report.words import processes as words

if TYPE_CHECKING:
    from leakhunt.snapshots.series import Series

#: A child is outsized that is this many times as large as the youngest one beside it …
OUTSIZED = 2.5
#: … and larger by this much: small children differ by what they happened to import.
OUTSIZED_BY = 32 << 20
#: Hung is a child that has been in one task for this many times its siblings' mean …
HUNG = 20
#: … and for this many seconds,
HUNG_FOR = 60.0
#: while they finished this many tasks at least: fewer have no mean to speak of.
HUNG_TASKS = 5
#: Too many processes: their sum is above this part of the limit.
CROWDED = 0.7
#: Even: a child half as old is not smaller than by this part.
EVEN = 0.85


@dataclass(frozen=True)
class Growth:
    """How a process's RSS changed over its snapshots."""

    size: int
    """Bytes, from the first snapshot to the newest."""
    seconds: float
    tasks: int | None
    snapshots: int
    collects: bool | None = None
    """Whether the garbage collector was on at the newest snapshot."""
    frozen: int | None = None
    """Objects that it never looked at then (``gc.freeze``)."""

    @property
    def per_hour(self) -> float | None:
        return self.size / self.seconds * 3600 if self.seconds > 0 else None

    @property
    def per_task(self) -> float | None:
        return self.size / self.tasks if self.tasks else None


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a process, or that it is part of."""

    code: str
    """``orphan outsized hung deaf over-limit crowd``."""
    what: str
    todo: str
    """A command or setting."""


@dataclass(frozen=True)
class Row:
    """One process in its place of the tree."""

    process: Process
    depth: int
    growth: Growth | None
    problems: tuple[Problem, ...]
    children: int
    """Pool children of a main process."""


@dataclass(frozen=True)
class Sum:
    """Processes that share a limit."""

    limit: int | None
    whose: str
    pss: int
    rss: int
    processes: int
    line: str


@dataclass(frozen=True)
class PsReport:
    """The Celery processes of a host."""

    machine: Machine
    rows: tuple[Row, ...]
    sums: tuple[Sum, ...]
    """One per memory limit that they are under; the machine's without one."""
    crowds: tuple[Problem, ...]
    rss: int
    pss: int
    """Of the processes whose PSS can be known."""
    limit: int | None
    """The one limit of all of them, else the machine's memory."""
    notes: tuple[str, ...]
    stacks: Mapping[Identity, str] = field(default_factory=dict)
    """Where processes stand, of those that were asked."""


def growth(line: Series) -> Growth | None:
    """The change of RSS from a series' first snapshot to its newest; None with fewer than two."""
    first, last = line.first.meta, line.newest.meta
    if first.rss is None or last.rss is None or first.taken_at is None or last.taken_at is None:
        return None
    if len(line.entries) < 2:
        return None
    counted = first.tasks_done is not None and last.tasks_done is not None
    tasks = (last.tasks_done or 0) - (first.tasks_done or 0) if counted else None
    collector = last.facts.get("gc")
    collects = collector.get("enabled") if isinstance(collector, dict) else None
    frozen = last.facts.get("frozen")
    return Growth(
        last.rss - first.rss,
        last.taken_at - first.taken_at,
        tasks,
        len(line.entries),
        collects if isinstance(collects, bool) else None,
        frozen if isinstance(frozen, int) and not isinstance(frozen, bool) else None,
    )


def ps(
    processes: Sequence[Process],
    machine: Machine,
    growths: Mapping[Identity, Growth] | None = None,
    pids: Iterable[int] = (),
) -> PsReport:
    """The report; with ``pids``, only of those and of what descends from them."""
    chosen = _chosen(processes, frozenset(pids))
    siblings = _siblings(processes)
    rows = tuple(
        Row(
            process,
            depth,
            (growths or {}).get(process.identity),
            tuple(_problems(process, siblings.get(process.parent, ()), machine)),
            sum(other.role == "child" for other in siblings.get(process.pid, ())),
        )
        for process, depth in _tree(chosen)
    )
    limits = {(process.limit, process.group) for process in chosen}
    limit = next(iter(limits))[0] if len(limits) == 1 else None
    return PsReport(
        machine,
        rows,
        tuple(_sums(chosen, machine)),
        tuple(_crowds(chosen, machine)),
        rss=sum(process.memory.rss or 0 for process in chosen),
        pss=sum(process.memory.pss or 0 for process in chosen),
        limit=machine.total if limit is None else limit,
        notes=tuple(unknown(chosen)),
    )


def node(process: Process) -> str:
    """What its worker is called."""
    return (process.celery.node if process.celery else None) or f"process {process.pid}"


def _chosen(processes: Sequence[Process], pids: frozenset[int]) -> list[Process]:
    if not pids:
        return list(processes)
    by_pid = {process.pid: process for process in processes}

    def is_meant(process: Process) -> bool:
        seen = set()
        above: Process | None = process
        while above is not None and above.pid not in seen:
            if above.pid in pids:
                return True
            seen.add(above.pid)
            above = by_pid.get(above.parent)
        return False

    return [process for process in processes if is_meant(process)]


def _siblings(processes: Sequence[Process]) -> dict[int, list[Process]]:
    by_parent: dict[int, list[Process]] = {}
    for process in processes:
        by_parent.setdefault(process.parent, []).append(process)
    return by_parent


def _tree(processes: Sequence[Process]) -> list[tuple[Process, int]]:
    """Parents before their children, the older first; orphans after the workers. Each process once: what another host
    tells may go round, and then stands where it is met first, or at the end.
    """
    pids = {process.pid for process in processes}
    below = _siblings(processes)
    lines: list[tuple[Process, int]] = []
    shown: set[int] = set()
    roots = [process for process in processes if process.parent not in pids]
    roots.sort(key=lambda root: (root.role == "orphan", node(root), _age(root)))
    for root in (*roots, *sorted(processes, key=_age)):
        waiting = [(root, 0)]
        while waiting:
            process, depth = waiting.pop()
            if id(process) not in shown:
                shown.add(id(process))
                lines.append((process, depth))
                children = sorted(below.get(process.pid, ()), key=_age, reverse=True)
                waiting += [(child, depth + 1) for child in children]
    return lines


def _age(process: Process) -> tuple[float, int]:
    return process.started_at, process.pid


# -- problems -------------------------------------------------------------------------


def _problems(process: Process, beside: Sequence[Process], machine: Machine) -> Iterable[Problem]:
    memory = process.memory
    if process.role == "orphan":
        yield Problem(
            "orphan",
            words.orphan(
                process.main, process.parent, memory.uss, process.open_files, process.sockets
            ),
            "leakhunt ps --reap",
        )
    if process.hooked and process.signal == "none":
        yield Problem("deaf", words.deaf(process.signal_name), "restart the worker")
    if process.role != "child":
        return
    others = [other for other in beside if other.role == "child" and other is not process]
    yield from _outsized(process, others, machine)
    yield from _hung(process, others, machine)
    limit = process.celery.max_memory_per_child if process.celery else None
    if limit and memory.peak and memory.rss and memory.peak > limit > memory.rss:
        yield Problem(
            "over-limit",
            words.over_limit(memory.peak, limit, memory.rss),
            words.raise_limit(memory.peak),
        )


def _outsized(process: Process, others: Sequence[Process], machine: Machine) -> Iterable[Problem]:
    measured = [other for other in others if other.memory.uss]
    size = process.memory.uss
    if not measured or size is None:
        return
    young = max(measured, key=_age)
    other = young.memory.uss or 0
    if size >= OUTSIZED * other and size - other >= OUTSIZED_BY:
        yield Problem(
            "outsized",
            words.outsized(size, young.pid, other, machine.now - young.started_at),
            f"leakhunt dump {process.pid}" if process.hooked else words.HOOK_IT,
        )


def _hung(process: Process, others: Sequence[Process], machine: Machine) -> Iterable[Problem]:
    pulse = process.pulse
    if pulse is None or pulse.since is None or pulse.task is None:
        return
    since = pulse.since
    beside = [other.pulse for other in others if other.pulse is not None]
    done = sum(other.done for other in beside)
    went_on = any(other.last_done is not None and other.last_done > since for other in beside)
    if not went_on or done < HUNG_TASKS:
        return
    mean = sum(other.wall for other in beside) / done
    seconds = machine.now - since
    if seconds >= max(HUNG_FOR, HUNG * mean):
        yield Problem(
            "hung",
            words.hung(pulse.task, seconds, done, mean),
            f"leakhunt ps --stacks {process.pid}",
        )


# -- sums -----------------------------------------------------------------------------


def _sums(processes: Sequence[Process], machine: Machine) -> Iterable[Sum]:
    groups: dict[tuple[int | None, str | None], list[Process]] = {}
    for process in processes:
        if process.memory.pss is not None:
            groups.setdefault((process.limit, process.group), []).append(process)
    for (limit, group), members in sorted(groups.items(), key=lambda item: str(item[0][1])):
        whole, whose = _limit(limit, group, machine)
        pss = sum(process.memory.pss or 0 for process in members)
        rss = sum(process.memory.rss or 0 for process in members)
        line = words.total(len(members), pss, rss, whole, whose)
        yield Sum(whole, whose, pss, rss, len(members), line)


def _limit(limit: int | None, group: str | None, machine: Machine) -> tuple[int | None, str]:
    """The limit that counts: the control group's, where it is below the machine's memory."""
    if limit is None or (machine.total is not None and machine.total <= limit):
        return machine.total, words.whose_limit(None)
    return limit, words.whose_limit(group)


def _crowds(processes: Sequence[Process], machine: Machine) -> Iterable[Problem]:
    """Workers that fill their limit by the number of their children."""
    for main, children in _siblings(processes).items():
        crew = [p for p in children if p.role == "child" and p.memory.pss and p.memory.uss]
        if len(crew) < 2:
            continue
        limit, whose = _limit(crew[0].limit, crew[0].group, machine)
        pss = [process.memory.pss or 0 for process in crew]
        if limit is None or sum(pss) < CROWDED * limit:
            continue
        from statistics import median  # slow to import, and seldom needed

        parent = next((process for process in processes if process.pid == main), crew[0])
        each = sum(pss) / len(crew)
        what = words.crowd(
            node(parent),
            len(crew),
            round(median(process.memory.rss or 0 for process in crew)),
            round(median(pss)),
            sum(pss),
            limit,
            whose,
        )
        old, young = min(crew, key=_age), max(crew, key=_age)
        ages = machine.now - old.started_at, machine.now - young.started_at
        sizes = old.memory.uss or 0, young.memory.uss or 0
        if ages[1] <= ages[0] / 2 and sizes[1] >= EVEN * max(p.memory.uss or 0 for p in crew):
            why = words.crowd_is_flat(sizes[1], ages[1], sizes[0], ages[0])
        elif ages[1] > ages[0] / 2:
            why = words.CROWD_UNKNOWN
        else:
            continue  # older children are larger: that is growth, not their number
        fits = max(1, int(0.8 * limit / each))
        asked = parent.celery.concurrency if parent.celery else None
        if fits < len(crew):
            yield Problem("crowd", f"{what}. {why}.", words.crowd_fix(machine.cores, asked, fits))


def unknown(processes: Sequence[Process]) -> Iterable[str]:
    """What is not known of these, and so in no sum: it is another user's."""
    hidden = [process for process in processes if not process.readable]
    if hidden:
        users = ", ".join(sorted({process.user for process in hidden}))
        rss = sum(process.memory.rss or 0 for process in hidden)
        yield words.unknown_pss(len(hidden), rss, users)
