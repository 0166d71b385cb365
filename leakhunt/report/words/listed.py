"""What ``leakhunt ls`` says of a process."""

from __future__ import annotations

from leakhunt import units
from leakhunt.model.meta import Meta
from leakhunt.report.listing import Waiting
from leakhunt.snapshots import facts
from leakhunt.snapshots.series import Series

FIGURES = "two figures: of the first and of the newest snapshot"
NONE = "no snapshots yet"


def older(number: int) -> str:
    """Of a long list, processes that are not shown."""
    return (
        f"{units.counted(number, 'process')} with older snapshots not shown (--json has them all; leakhunt ls --prune "
        "--older-than 7d removes old ones)"
    )


def process(line: Series) -> str:
    """``celery@web1 child (prefork)``, and that it has ended where that is known."""
    last = line.newest.meta
    parts = [last.node or line.folder.name, last.role or "", f"({last.pool})" if last.pool else ""]
    return " ".join(filter(None, parts)) + (", ended" if line.alive is False else "")


def grown(line: Series, fastest: bool) -> str:
    """``+20.0 MiB RSS, grows fastest (+2.0 MiB per hour)``; empty for one snapshot alone."""
    growth, what = line.grown
    if growth is None or len(line.entries) < 2:
        return ""
    text = f"{units.signed_size(growth)} {what}"
    if fastest and line.per_second is not None:
        text += f", grows fastest ({units.rate(3600 * line.per_second, 'hour')})"
    return text


def when(line: Series) -> str:
    """From when to when its snapshots were taken."""
    first, last = line.first.meta, line.newest.meta
    if len(line.entries) < 2 or first.taken_at is None or last.taken_at is None:
        return units.moment(last.taken_at)
    same_day = units.moment(first.taken_at)[:10] == units.moment(last.taken_at)[:10]
    end = units.clock(last.taken_at) if same_day else units.moment(last.taken_at)
    return f"{units.moment(first.taken_at)} to {end}"


def engine(meta: Meta, now: str | None = None) -> str:
    """``sampled: 0.8 % of 3 min 20 s CPU (budget 1.0 %), every 256.0 KiB``: the engine, and what it has
    cost the process by its own clock.

    ``now``: which one tracks since, where that is known.
    """
    if now is not None and meta.engine is not None and now != meta.engine:
        return f"{now} now, and no snapshot of it yet: the newest is of {meta.engine}"
    if meta.engine is None:
        return ""
    cost = facts.cost(meta)
    figures = []
    if cost.overhead is not None:
        figures.append(_taken(cost, cost.overhead))
    if cost.interval is not None:
        figures.append(f"every {units.size(cost.interval)}")
    return meta.engine + (f": {', '.join(figures)}" if figures else "")


def _taken(cost: facts.Cost, share: float) -> str:
    """What it took, and of what; more than the budget, with the reason: a process that is young or idle is looked
    at more closely (``engine/sampler/pace.inc``).
    """
    of = (
        "CPU so far" if cost.overhead_cpu is None else f"of {units.duration(cost.overhead_cpu)} CPU"
    )
    if cost.budget is None:
        return f"{units.share(share)} {of}"
    budget = f"budget {units.share(cost.budget)}"
    if share < 1.05 * cost.budget:
        return f"{units.share(share)} {of} ({budget})"
    took = "" if cost.overhead_cpu is None else f"{units.duration(share * cost.overhead_cpu)}, "
    return f"{took}{units.share(share)} {of} ({budget}, more while young or idle)"


def since(meta: Meta) -> str:
    """What an engine that was armed later does not see."""
    if meta.armed_at is None or meta.facts.get("start") != "signal":
        return ""
    return f"traced since {units.clock(meta.armed_at)}, not what was before"


def waiting(process: Waiting) -> str:
    armed = "traced" if process.armed_at else "not traced before the first trigger"
    node = f" of {process.node}" if process.node else ""
    return (
        f"hooked, no snapshot yet: {process.role or 'process'} {process.pid}{node} "
        f"({armed}; leakhunt dump {process.pid}"
        + (f"; {process.silence})" if process.silence else ")")
    )
