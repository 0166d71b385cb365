"""Every Celery process of this host, and every other hooked one, found without configuration."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from leakhunt.hook.process import alive
from leakhunt.hook.signal_names import signal_name
from leakhunt.live import descriptors, memory, processes, table
from leakhunt.live.descriptors import Held
from leakhunt.live.processes import Hooked
from leakhunt.live.pulse import pulse
from leakhunt.live.recognise import recognise
from leakhunt.live.records import Records
from leakhunt.live.rounds import Rounds
from leakhunt.live.table import Line
from leakhunt.model.process import Celery, Machine, Memory, Process

#: Pools whose tasks run in the main process.
IN_PROCESS = frozenset(["solo", "threads", "gevent", "eventlet"])


class View(NamedTuple):
    """The host's processes at one moment."""

    lines: Mapping[int, Line]
    said: Mapping[int, Celery]
    """What the command lines of Celery's say, by pid."""
    hooked: Mapping[int, Hooked]
    opened: Mapping[int, Held]
    """What each holds open."""
    told: Callable[[int], bytes] = alive.told
    """What the kernel says of each, one reading for all questions (``alive.told``)."""


def machine() -> Machine:
    """This machine, now."""
    return Machine(memory.total(), os.cpu_count() or 1, time.time())


def celery_processes(
    folder: Path,
    mount: str = "/sys/fs/cgroup",
    rounds: Rounds | None = None,
    also: Collection[int] = (),
) -> list[Process]:
    """The processes, by pid. ``folder``: where hooked ones may have their records; ``mount``: where the
    control groups are mounted; ``rounds``: of who looks again and again; ``also``: pids of which processes and
    children count, whatever they are.
    """
    lines = table.table()
    said = _said(lines)
    limits: dict[bytes, memory.Limit] = {}
    groups: Mapping[int, bytes] = {}
    if rounds is not None:
        view = _view(folder, lines, said, rounds.opened(lines, folder), rounds.records)
        weights = rounds.weights((view.lines[pid] for pid in _wanted(view, also)), view.told)
        groups = rounds.groups(view.lines[pid] for pid in weights)
    else:
        now = time.time()
        done = memory.weighing(pid for pid in said if pid != os.getpid())
        opened = descriptors.everybody(lines)
        weighed = done()  # before records are read, with the rights of whoever has written them
        view = _view(folder, lines, said, opened)
        weighed.update(memory.weighing(pid for pid in _wanted(view, also) if pid not in weighed)())
        weights = {
            pid: (memory.weighed(memory.counted(pid, view.told(pid)), weighed[pid]), now)
            for pid in _wanted(view, also)
        }
    return [
        _process(pid, view, memory.limit(pid, mount, limits, groups.get(pid)), held, at)
        for pid, (held, at) in weights.items()
        if held.rss is not None  # it has ended since the table was read
    ]


def look(folder: Path) -> View:
    """Who is there, and what they are: nobody's memory is looked at."""
    lines = table.table()
    return _view(folder, lines, _said(lines), descriptors.everybody(lines))


def _view(
    folder: Path,
    lines: Mapping[int, Line],
    said: Mapping[int, Celery],
    opened: Mapping[int, Held],
    records: Records | None = None,
) -> View:
    told = lru_cache(maxsize=None)(alive.told)
    hooked = {each.pid: each for each in processes.hooked(folder, opened, records, told)}
    return View(lines, said, hooked, opened, told)


def _said(lines: Mapping[int, Line]) -> dict[int, Celery]:
    host = os.uname().nodename
    said = {}
    meant: dict[tuple[str, ...], Celery | None] = {}  # all children of a pool have one command line
    for pid, line in lines.items():
        if line.argv not in meant:
            spoken = any("celery" in word or "billiard" in word for word in line.argv)
            meant[line.argv] = recognise(line.argv, host) if spoken else None
        celery = meant[line.argv]
        if celery is not None:
            said[pid] = celery
    return said


def _wanted(view: View, also: Collection[int]) -> list[int]:
    named = {pid for pid, line in view.lines.items() if pid in also or line.parent in also}
    return sorted((set(view.said) | set(view.hooked) | named) & set(view.lines) - {os.getpid()})


def _process(pid: int, view: View, limited: memory.Limit, held: Memory, at: float) -> Process:
    line, carrier = view.lines[pid], view.hooked.get(pid)
    record = carrier.record if carrier is not None else {}
    opened = view.opened.get(pid)
    signum = int(record.get("signal") or signal.SIGUSR1)
    return Process(
        identity=line.identity,
        parent=line.parent,
        started_at=line.started_at,
        uid=line.uid,
        user=user_name(line.uid),
        role=role(pid, view, opened),
        state=line.state,
        cpu=line.cpu,
        celery=_celery(pid, view),
        memory=held,
        weighed_at=at,
        readable=opened is not None,
        open_files=None if opened is None else opened.files,
        sockets=None if opened is None else opened.sockets,
        threads=line.threads,
        limit=limited[0] if limited else None,
        group=limited[1] if limited else None,
        hooked=carrier is not None,
        engine=record.get("engine"),
        signal_name=signal_name(signum),
        signal=_signal(pid, signum, view) if carrier is None else carrier.hears(view.told(pid)),
        pulse=pulse(pid, record["pid"], opened) if carrier is not None else None,
        main=record.get("main"),
        series=record.get("series"),
        is_copy=line.is_copy,
    )


def role(pid: int, view: View, opened: Held) -> str:
    """What that process is (see ``model.process.ROLES``); ``opened``: what it holds open.

    The hook's word counts first. An orphan is a pool child that no worker's main process has
    for a child any more. Without the hook, what tells it from a detached main process, which
    has the same command line and the same adoptive parent, is that it has been forked and has
    never run another program since. A main process need not look like Celery's: a program may start a
    worker in itself (``app.worker_main``), or give itself a title.
    """
    line, celery, carrier = view.lines[pid], view.said.get(pid), view.hooked.get(pid)
    above = _above(pid, view)
    recorded = carrier.record.get("role") if carrier is not None else None
    if recorded == "child":
        return "child" if above or _has_its_parent(pid, view) else "orphan"
    if celery is not None and celery.role in ("beat", "flower", "tracker"):
        return celery.role
    if recorded:
        return str(recorded)
    if celery is None:
        return "program"
    if line.is_copy:  # it ends by itself, whoever its parent is by then
        return "fork"
    pool = _pool(above[-1] if above else pid, view)
    if not above:
        forks = any(
            view.lines[other].parent == pid
            and not view.lines[other].is_copy
            and _is_fork(other, view)
            for other in view.said
        )
        if celery.role == "child" and _has_its_parent(pid, view):
            return "child"
        if celery.role == "child" or _is_adopted(pid, view, forks or pool in IN_PROCESS):
            return "orphan"
        return "main" if pool == "prefork" or forks else "worker"
    if len(above) > 1 or pool in IN_PROCESS:
        return "fork"
    if view.said[above[-1]].has_beat and opened is not None and not opened.pipes:
        return "beat"
    return "child"


def _is_adopted(pid: int, view: View, works: bool) -> bool:
    """Whether what looks like a worker's main process is a child that has lost it; ``works``: it has children of
    its own, or needs none.
    """
    return (
        view.lines[pid].forked_only is True
        and not works
        and not view.said[pid].is_titled
        and not _has_its_parent(pid, view)
    )


def _has_its_parent(pid: int, view: View) -> bool:
    """Whether its parent is the process that has forked it, whatever that looks like, and none that has adopted it:
    the main process that it names itself, or one that shares its stack's address, which is drawn for each program.
    """
    line, carrier = view.lines[pid], view.hooked.get(pid)
    parent = view.lines.get(line.parent)
    if parent is None:
        return False
    main = carrier.record.get("main") if carrier is not None else None
    if main is not None and main == alive.inner_pid(line.parent, view.told(line.parent)):
        return True
    return line.forked_only is True and line.stack != 0 and line.stack == parent.stack


def _above(pid: int, view: View) -> list[int]:
    """The worker's processes it descends from by forks alone, its parent first; the last one is
    the main process.
    """
    ancestors: list[int] = []
    while _is_fork(pid, view) and len(ancestors) < 64:
        pid = view.lines[pid].parent
        ancestors.append(pid)
    return ancestors


def _is_fork(pid: int, view: View) -> bool:
    """Whether a process is its parent's fork (or was spawned for its pool), both a worker's.

    A fork has its parent's command line; with setproctitle, a title that names the same node.
    """
    line, own = view.lines[pid], view.said.get(pid)
    parent, above = view.lines.get(line.parent), view.said.get(line.parent)
    if own is None or parent is None or above is None or above.role not in ("worker", "child"):
        return False
    if own.role in ("child", "tracker"):
        return own.node is None or own.node == above.node
    return line.argv == parent.argv and line.forked_only is not False


def _pool(pid: int, view: View) -> str | None:
    carrier, celery = view.hooked.get(pid), view.said.get(pid)
    recorded = carrier.record.get("pool") if carrier is not None else None
    return recorded or (celery.pool if celery is not None else None)


def _celery(pid: int, view: View) -> Celery | None:
    """What is known of its worker: the main process's command line, and what the hook says."""
    carrier, above = view.hooked.get(pid), _above(pid, view)
    celery = view.said.get(above[-1] if above else pid)
    if carrier is None:
        return celery
    node, pool = carrier.record.get("node"), carrier.record.get("pool")
    if celery is None:
        return Celery("worker", node=node, pool=pool) if node else None
    return replace(celery, node=node or celery.node, pool=pool or celery.pool)


def _signal(pid: int, signum: int, view: View) -> str:
    """``taken`` or ``none``: what that signal meets in a process without the hook."""
    masks = memory.signals(pid, signum, view.told(pid))
    return "taken" if masks is not None and masks[0] else "none"


@lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user, seen from the host
        return str(uid)
