"""Looks at processes, of this host or of an app's workers wherever they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leakhunt.hook.process import alive
from leakhunt.live import processes, tree
from leakhunt.live.rounds import Rounds
from leakhunt.model.process import Identity, Machine, Process
from leakhunt.report.words import fleet as words

if TYPE_CHECKING:
    from leakhunt.live import remote

#: A worker that does not answer is shown as it was for so many looks.
PATIENCE = 3


class Seen(NamedTuple):
    """One look."""

    processes: list[Process]
    machine: Machine
    notes: tuple[str, ...] = ()
    old: frozenset[Identity] = frozenset()
    """Those that are as they were at an earlier look."""


Look = Callable[[], Seen]


def here(home: Path, pids: Sequence[int], every: bool = False) -> Look:
    """The processes of this host; with ``pids``, only those and their children, whatever they are.

    A capture's copy of a process is left out: it is as large as what it copies, and gone in a moment.
    ``every``: each of them is looked at closely each time, and not in turn. Raises NotHookedError for a pid of none.
    """
    for pid in pids:
        if not alive.runs(pid):
            raise processes.nobody(pid)
    meant, rounds = frozenset(pids), None if every else Rounds()

    def look() -> Seen:
        running = tree.celery_processes(home, rounds=rounds, also=meant)
        present = [p for p in running if _is_meant(p, meant) and not p.is_copy]
        return Seen(present, tree.machine())

    return look


def afar(fleet: remote.Fleet, pids: Sequence[int]) -> Look:
    """Those of an app's workers, as they answer; one that does not is shown as it was, and then no more."""
    meant = frozenset(pids)
    by_host: dict[str, tuple[list[Process], int]] = {}

    def look() -> Seen:
        answers = fleet.look()
        answered: dict[str, tuple[list[Process], int]] = {
            node: ([], 0) for host in answers.hosts for node in host.nodes
        }
        for host in answers.hosts:
            for process in host.processes:
                node = process.celery.node if process.celery else None
                if node in answered and _is_meant(process, meant):
                    answered[node][0].append(process)
        for node, (last, missed) in list(by_host.items()):
            if node not in answered:
                if missed + 1 > PATIENCE:
                    del by_host[node]
                else:
                    by_host[node] = last, missed + 1
        by_host.update(answered)
        machines = [host.machine for host in answers.hosts]
        # Several hosts have no memory in common, and their clocks need not agree with this one.
        total = machines[0].total if len(machines) == 1 else None
        notes = [words.missing(node, missed) for node, (_, missed) in by_host.items() if missed]
        notes += [words.refused(node, why) for node, why in answers.refused.items()]
        unread = sum(p.memory.pss is None for present, _ in by_host.values() for p in present)
        if unread:
            notes.append(words.unread(unread))
        told = {*by_host, *answers.refused}
        notes += [words.silent(node) for node in fleet.silent(told)]
        if not told:
            notes.append(words.nobody(fleet.name))
        return Seen(
            [process for seen_there, _ in by_host.values() for process in seen_there],
            Machine(total, sum(machine.cores for machine in machines) or 1, time.time()),
            tuple(notes),
            frozenset(
                p.identity for seen_there, missed in by_host.values() if missed for p in seen_there
            ),
        )

    return look


def _is_meant(process: Process, pids: frozenset[int]) -> bool:
    return not pids or process.pid in pids or process.parent in pids
