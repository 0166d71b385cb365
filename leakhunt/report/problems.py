"""What is wrong with a process, or with those of one worker together: when it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leakhunt.model.process import Machine, Process
from leakhunt.report.words import processes as words

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
class Problem:
    """One thing that is wrong with a process, or that it is part of."""

    code: str
    """``orphan outsized hung deaf over-limit crowd``."""
    what: str
    todo: str
    """A command or setting."""


def node(process: Process) -> str:
    """What its worker is called."""
    return (process.celery.node if process.celery else None) or f"process {process.pid}"


def siblings_of(processes: Sequence[Process]) -> dict[int, list[Process]]:
    by_parent: dict[int, list[Process]] = {}
    for process in processes:
        by_parent.setdefault(process.parent, []).append(process)
    return by_parent


def age(process: Process) -> tuple[float, int]:
    return process.started_at, process.pid


def problems(process: Process, beside: Sequence[Process], machine: Machine) -> Iterable[Problem]:
    memory = process.memory
    if process.role == "orphan":
        yield Problem(
            "orphan",
            words.orphan(
                process.main, process.parent, memory.uss, process.open_files, process.sockets
            ),
            words.REAP,
        )
    if process.hooked and process.signal == "none":
        yield Problem("deaf", words.deaf(process.signal_name), words.RESTART)
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
    young = max(measured, key=age)
    other = young.memory.uss or 0
    if size >= OUTSIZED * other and size - other >= OUTSIZED_BY:
        yield Problem(
            "outsized",
            words.outsized(size, young.pid, other, machine.now - young.started_at),
            words.dump_it(process.pid) if process.hooked else words.HOOK_IT,
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
            words.see_stacks(process.pid),
        )


def crowds(processes: Sequence[Process], machine: Machine) -> Iterable[Problem]:
    """Workers that fill their limit by the number of their children."""
    for main, children in siblings_of(processes).items():
        crew = [p for p in children if p.role == "child" and p.memory.pss and p.memory.uss]
        if len(crew) < 2:
            continue
        limit, whose = limit_of(crew[0].limit, crew[0].group, machine)
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
        old, young = min(crew, key=age), max(crew, key=age)
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


def limit_of(limit: int | None, group: str | None, machine: Machine) -> tuple[int | None, str]:
    """The limit that counts: the control group's, where it is below the machine's memory."""
    if limit is None or (machine.total is not None and machine.total <= limit):
        return machine.total, words.whose_limit(None)
    return limit, words.whose_limit(group)
