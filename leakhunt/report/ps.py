"""The tree of processes with what is wrong with them. Pure: values in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leakhunt.model.process import Identity, Machine, Process
from leakhunt.report.problems import Problem, age, crowds, limit_of, node, problems, siblings_of
from leakhunt.report.words import processes as words

if TYPE_CHECKING:
    from leakhunt.snapshots.series import Series


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
    siblings = siblings_of(processes)
    rows = tuple(
        Row(
            process,
            depth,
            (growths or {}).get(process.identity),
            tuple(problems(process, siblings.get(process.parent, ()), machine)),
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
        tuple(crowds(chosen, machine)),
        rss=sum(process.memory.rss or 0 for process in chosen),
        pss=sum(process.memory.pss or 0 for process in chosen),
        limit=machine.total if limit is None else limit,
        notes=tuple(unknown(chosen)),
    )


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


def _tree(processes: Sequence[Process]) -> list[tuple[Process, int]]:
    """Parents before their children, the older first; orphans after the workers. Each process once: what another host
    tells may go round, and then stands where it is met first, or at the end.
    """
    pids = {process.pid for process in processes}
    below = siblings_of(processes)
    lines: list[tuple[Process, int]] = []
    shown: set[int] = set()
    roots = [process for process in processes if process.parent not in pids]
    roots.sort(key=lambda root: (root.role == "orphan", node(root), age(root)))
    for root in (*roots, *sorted(processes, key=age)):
        waiting = [(root, 0)]
        while waiting:
            process, depth = waiting.pop()
            if id(process) not in shown:
                shown.add(id(process))
                lines.append((process, depth))
                children = sorted(below.get(process.pid, ()), key=age, reverse=True)
                waiting += [(child, depth + 1) for child in children]
    return lines


# -- sums -----------------------------------------------------------------------------


def _sums(processes: Sequence[Process], machine: Machine) -> Iterable[Sum]:
    groups: dict[tuple[int | None, str | None], list[Process]] = {}
    for process in processes:
        if process.memory.pss is not None:
            groups.setdefault((process.limit, process.group), []).append(process)
    for (limit, group), members in sorted(groups.items(), key=lambda item: str(item[0][1])):
        whole, whose = limit_of(limit, group, machine)
        pss = sum(process.memory.pss or 0 for process in members)
        rss = sum(process.memory.rss or 0 for process in members)
        line = words.total(len(members), pss, rss, whole, whose)
        yield Sum(whole, whose, pss, rss, len(members), line)


def unknown(processes: Sequence[Process]) -> Iterable[str]:
    """What is not known of these, and so in no sum: it is another user's."""
    hidden = [process for process in processes if not process.readable]
    if hidden:
        users = ", ".join(sorted({process.user for process in hidden}))
        rss = sum(process.memory.rss or 0 for process in hidden)
        yield words.unknown_pss(len(hidden), rss, users)
