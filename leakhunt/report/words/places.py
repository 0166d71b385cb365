"""Processes, lines and holders by name."""

from __future__ import annotations

from pathlib import Path

from leakhunt import units
from leakhunt.judge.history import History
from leakhunt.model.meta import Meta
from leakhunt.model.paths import Prefixes, shorten, visible
from leakhunt.model.snapshot import Frame, Snapshot
from leakhunt.report.labels import Labels, Source
from leakhunt.snapshots.objects import TYPES, Holder, Kinds


def place(frame: Frame, labels: Labels) -> str:
    """``shop/tasks.py:40 (process_order)``."""
    label = labels.label(frame)
    return label.where + (f" ({label.function})" if label.function else "")


def role(meta: Meta) -> str:
    """``child 4242 (prefork)``."""
    return f"{meta.role or 'process'} {meta.pid}" + (f" ({meta.pool})" if meta.pool else "")


def who(snapshot: Source) -> str:
    """``celery@web1, child 4242 (prefork), Python 3.11.7``: what a file says of its process."""
    meta = snapshot.meta
    if meta.pid is None:
        return "a tracemalloc dump (it does not say of which process)"
    parts = [meta.node or meta.host or "", role(meta)]
    parts.append(f"Python {meta.python}" if meta.python else "")
    return ", ".join(part for part in parts if part)


def taken(snapshot: Snapshot) -> str:
    """``2026-01-31 23:59:59Z, 1,000 tasks, 120.0 MiB RSS, 40.0 MiB traced, 000002-x.bin``."""
    meta = snapshot.meta
    parts = [units.moment(meta.taken_at)] if meta.taken_at is not None else []
    parts += [units.counted(meta.tasks_done, meta.unit)] if meta.tasks_done else []
    parts += [f"{units.size(meta.rss)} RSS"] if meta.rss is not None else []
    parts += [f"{units.size(snapshot.totals.size)} traced"]
    return ", ".join([*parts, visible(Path(snapshot.path).name)])


def looked_at(history: History) -> str:
    """``8 snapshots``; of a life that one snapshot tells ``1 snapshot``, or ``the newest of 2 snapshots``."""
    number = len(history.entries)
    if history.lived and number > 1:
        return f"the newest of {units.counted(number, 'snapshot')}"
    return units.counted(len(history.looks), "snapshot")


# -- objects --------------------------------------------------------------------------

MAY_BE = "may be recycled from a freelist"


def holder(one: Holder, roots: Prefixes) -> str:
    """``the list that grows at shop/tasks.py:40``."""
    if one.frame is None:
        return f"a {visible(one.kind)} that was not seen growing"
    return (
        f"the {visible(one.kind)} that grows at {shorten(one.frame.file, roots)}:{one.frame.line}"
    )


def types(kinds: Kinds) -> str:
    """``objects: dict 60 %, str 20 %``: what is known of them, by bytes."""
    told = (f"{visible(name)} {units.share(size / kinds.size)}" for name, size in kinds.types)
    return f"objects: {', '.join(told)}"


def holders(kinds: Kinds, roots: Prefixes) -> str:
    """``kept: 60 % by the list that grows at tasks.py:40, …``: of the bytes of the place."""
    told = (
        f"{units.share(one.size / kinds.size)} by {holder(one, roots)}"
        for one in kinds.holders[:TYPES]
    )
    return f"kept: {', '.join(told)}"


def recycled(kinds: Kinds, roots: Prefixes) -> str:
    """Of a row whose objects a freelist may have handed on, with who keeps them where that is known."""
    kept = f", kept by {holder(kinds.holder, roots)}" if kinds.holder is not None else ""
    return MAY_BE + kept


def waits(number: int, compared: bool) -> str:
    """``1,990 more objects only wait for the garbage collector``."""
    noun = units.plural(number, "object")
    more = "more " if compared else ""
    return f"{units.count(number)} {more}{noun} only {'waits' if number == 1 else 'wait'} for the garbage collector"
