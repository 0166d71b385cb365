"""What is said of live processes: each sentence from the figures beside it."""

from __future__ import annotations

from leakhunt import units


def children(amount: int) -> str:
    return units.counted(amount, "child", "children")


def orphan(
    main: int | None, parent: int, uss: int | None, files: int | None, sockets: int | None
) -> str:
    whose = f"its main process {main}" if main is not None else "its main process"
    held = []
    if uss is not None:
        held.append(f"{units.size(uss)} that nobody else uses")
    if files is not None:
        held.append(units.counted(files, "open file"))
    if sockets:
        held.append(f"{units.counted(sockets, 'socket')} among them")
    holds = f" and it still holds {', '.join(held)}" if held else ""
    return f"an orphan: {whose} is gone, process {parent} has adopted it{holds}"


def outsized(uss: int, other: int, other_uss: int, other_age: float) -> str:
    return (
        f"its own memory (USS {units.size(uss)}) is {units.decimal(uss / other_uss)} times that of the "
        f"youngest child beside it ({other}: {units.size(other_uss)} at an age of "
        f"{units.duration(other_age)})"
    )


def hung(task: str, seconds: float, finished: int, mean: float) -> str:
    return (
        f"has been in {task} for {units.duration(seconds)}; meanwhile the children beside it went "
        f"on to finish tasks (of {units.counted(finished, 'task')} that they did, the mean took "
        f"{units.duration(mean)})"
    )


def deaf(signal: str) -> str:
    return f"carries the hook, but has no handler for {signal} any more: the signal would kill it"


def over_limit(peak: int, limit: int, rss: int) -> str:
    return (
        f"its peak RSS ({units.size(peak)}) is above --max-memory-per-child ({units.size(limit)}), "
        f"and a peak never falls: the pool replaces it after its next task, whatever it holds now "
        f"({units.size(rss)})"
    )


NOBODY = (
    "no Celery process on this host, and no hooked one (that this user may see); start a worker "
    "with `celery -A proj worker -I leakhunt.worker`"
)
HOOK_IT = "start the worker with -I leakhunt.worker"
RESTART = "restart the worker"
REAP = "leakhunt ps --reap"


def see_stacks(pid: int) -> str:
    return f"leakhunt ps --stacks {pid}"


def dump_it(pid: int) -> str:
    return f"leakhunt dump {pid}"


def raise_limit(peak: int) -> str:
    """What to do about a limit below a child's peak."""
    return f"--max-memory-per-child above {peak >> 10} (KiB), or tasks with a lower peak"


def whose_limit(group: str | None) -> str:
    """Who sets a limit on memory: a control group, or without one the machine by what it has."""
    return "the machine's memory" if group is None else f"the limit of the control group {group}"


def total(processes: int, pss: int, rss: int, limit: int | None, whose: str) -> str:
    text = f"{units.counted(processes, 'process', 'processes')}: PSS {units.size(pss)}"
    if limit is not None:
        text += f", {units.share(pss / limit)} of {whose} ({units.size(limit)})"
    if processes > 1 and rss > pss:
        text += f"; the sum of RSS, {units.size(rss)}, counts shared pages once for each"
    return text


def total_of_rss(processes: int, rss: int) -> str:
    """Where no PSS can be known there is nothing that adds up."""
    if processes == 1:
        return f"1 process: RSS {units.size(rss)}"
    return (
        f"{units.counted(processes, 'process', 'processes')}: the sum of RSS, {units.size(rss)}, counts shared "
        "pages once for each"
    )


def unknown_pss(processes: int, rss: int, users: str) -> str:
    whose = "belongs" if processes == 1 else "belong"
    return (
        f"{units.counted(processes, 'process', 'processes')} with {units.size(rss)} RSS {whose} to "
        f"{users}: USS, PSS and open files need that user or root, and are in no sum"
    )


def crowd(node: str, number: int, rss: int, pss: int, sum_pss: int, limit: int, whose: str) -> str:
    return (
        f"{node}: {children(number)} of {units.size(rss)} RSS ({units.size(pss)} PSS) are "
        f"{units.size(sum_pss)}, {units.share(sum_pss / limit)} of {whose} ({units.size(limit)})"
    )


def crowd_is_flat(young: int, young_age: float, old: int, old_age: float) -> str:
    return (
        f"This is their number and no leak: a child of {units.duration(young_age)} is as large "
        f"({units.size(young)} USS) as one of {units.duration(old_age)} ({units.size(old)})"
    )


CROWD_UNKNOWN = (
    "Whether they grow cannot be told from one look: they are all of an age (leakhunt watch)"
)


def crowd_fix(cores: int, concurrency: str | None, fits: int) -> str:
    if concurrency is None:
        return (
            "no --concurrency is given, so unless the app sets worker_concurrency there is a child for each "
            "core, and a machine twice the size, with twice the cores, gets twice the children: with "
            f"--concurrency={fits} a fifth of it is left for everything else"
        )
    return f"--concurrency={fits}: then a fifth of it is left for everything else"


#: Seconds: what was read more lately than that is called new.
TOLD_FROM = 2.0


def watching(seconds: float, ended: int, oldest: float | None) -> str:
    """How long, and how old what is read in turn may be, where that is worth a word."""
    text = f"watching for {units.duration(seconds)}"
    if ended:
        text += f", {units.counted(ended, 'process')} ended meanwhile"
    if oldest is not None and oldest >= TOLD_FROM:
        text += f"; USS and PSS are read in turn, the oldest {units.duration(oldest)} ago"
    return text


NOTHING_TO_WATCH = (
    "no process that is meant runs now: neither a Celery process nor one with the hook"
)


def interval(value: float, low: float) -> str:
    """``+1.2 MiB ± 0.3 MiB``: growth per unit with half its 95 % interval."""
    return f"{units.signed_size(value)} ± {units.size(value - low)}"


def watched(
    who: str,
    per_minute: tuple[float, float, float] | None,
    lasts: tuple[float, float, float] | None,
    verdict: str | None = None,
) -> str:
    """What the watching of one process came to; ``verdict``: of its snapshots."""
    text = _course(who, per_minute, lasts)
    return text if verdict is None else f"{text}. By its snapshots: {verdict}"


def _course(
    who: str,
    per_minute: tuple[float, float, float] | None,
    lasts: tuple[float, float, float] | None,
) -> str:
    if per_minute is None:
        return f"{who}: watched too shortly to say whether it grows"
    value, low, high = per_minute
    span = f"95 %: {units.signed_size(low)} to {units.signed_size(high)}"
    if low > 0:
        text = f"{who}: RSS grows by {units.size(value)} a minute ({span})"
        return text + (f"; its limit is {_reached(lasts)}" if lasts is not None else "")
    if high < 0:
        return f"{who}: RSS falls by {units.size(-value)} a minute ({span})"
    return f"{who}: no growth of RSS is shown ({units.signed_size(value)} a minute, {span})"


def _reached(lasts: tuple[float, float, float]) -> str:
    seconds, soonest, latest = lasts
    if not seconds:
        return "reached already"
    return (
        f"reached in {units.duration(seconds)} at that rate (between {units.duration(soonest)} and "
        f"{units.duration(latest)})"
    )


def lasting(seconds: float) -> str:
    """A cell: ``7 min 32 s``, or that its limit is behind it."""
    return units.duration(seconds) if seconds else "over it"


def sharing(
    number: int, value: float, low: float, whose: str, lasts: tuple[float, float, float]
) -> str:
    """When those that share a limit reach it together."""
    return (
        f"{units.counted(number, 'process', 'processes')} together grow by {interval(value, low)} a minute; "
        f"{whose} is {_reached(lasts)}"
    )
