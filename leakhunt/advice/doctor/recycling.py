"""Rules about the children's number and replacement, with values from what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from leakhunt import units
from leakhunt.advice.doctor.case import (
    ADVICE,
    DOCS,
    IN_PROCESS,
    SERIOUS,
    TASKS,
    Case,
    Finding,
    Measured,
    Worker,
)
from leakhunt.model.paths import visible

#: Bytes: with Celery imported, no child begins with less (CPython 3.9 to 3.14 take 25 MiB and more).
LEAST = 16 << 20
#: A child that is replaced after fewer tasks than that spends its time on starting.
FEWEST = 10
#: A growth is not carried on to more than so many times the tasks that it was seen over,
FARTHEST = 10_000
#: nor for more seconds than that: what replaces workers before is a deployment.
LIFETIME = 30 * 86400
#: Seconds in one task: after so long brokers with a visibility timeout deliver it again (Kombu's of Redis).
LONG = 3600.0
#: The part of the memory that children may fill.
FILL = 0.8


def inert(case: Case) -> Iterator[Finding]:
    """Recycling that this pool does not do."""
    for worker in case.workers:
        for setting, value in (
            ("worker_max_tasks_per_child", worker.max_tasks),
            ("worker_max_memory_per_child", worker.max_memory and worker.max_memory >> 10),
        ):
            if value and worker.pool in IN_PROCESS:
                yield Finding(
                    SERIOUS,
                    "recycling-inert",
                    worker.node,
                    f"{setting}={value} does nothing in the {worker.pool} pool",
                    "only the prefork pool has children to replace; here the memory climbs until "
                    "the process ends",
                    None if "worker_pool" in worker.asked else "worker_pool",
                    None if "worker_pool" in worker.asked else "prefork",
                    "https://github.com/celery/celery/issues/6312",
                    "start it with -P prefork" if "worker_pool" in worker.asked else "",
                )


def unset(case: Case) -> Iterator[Finding]:
    """No recycling, or where measured growth says when it is due."""
    for worker in case.workers:
        if worker.pool != "prefork":
            continue
        growth = worker.growth
        if growth is not None and growth.is_rate:
            yield from _due(worker, growth, case)
        elif worker.max_tasks is None and worker.max_memory is None:
            yield Finding(
                ADVICE,
                "recycling-unset",
                worker.node,
                _unset("worker_max_tasks_per_child", "worker_max_memory_per_child", case=case),
                "a child lives until the worker ends, so whatever grows, grows without end; "
                + _no_rate(growth),
                source=f"{DOCS}/workers.html#max-tasks-per-child-setting",
                todo="leakhunt dump, some tasks later again, then leakhunt doctor",
            )


def _unset(*settings: str, case: Case) -> str:
    """That none of these is set, as far as that is known: a command line is seen of each worker."""
    if case.configuration is None:
        options = [f"--{name.partition('_')[2].replace('_', '-')}" for name in settings]
        given = f"neither {' nor '.join(options)}" if len(options) > 1 else f"no {options[0]}"
        return f"{given} is on its command line; whether its app sets {' or '.join(settings)} only -A APP tells"
    if len(settings) > 1:
        return f"neither {' nor '.join(settings)} is set"
    return f"{settings[0]} is not set"


def _no_rate(growth: Measured | None) -> str:
    """Why no value is given."""
    if growth is None:
        return (
            f"no growth over {TASKS} tasks or more is measured yet, so there is no value to give: two "
            "snapshots of a hooked child (`leakhunt dump`) measure it"
        )
    changed = units.signed_size(growth.per_task * growth.tasks)
    if growth.per_task <= 0:
        return (
            f"what was measured, {changed} of RSS over {units.counted(growth.tasks, 'task')}, is no growth, so "
            "there is no value to give"
        )
    return (
        f"what was measured, {changed} of RSS over {units.counted(growth.tasks, 'task')}, is too little to give "
        "a value from: so much comes and goes whatever the tasks do"
    )


def _due(worker: Worker, growth: Measured, case: Case) -> Iterator[Finding]:
    """When a child must be replaced at that growth, or why no number of tasks says so."""
    share, room = _room(worker, case)
    if worker.max_memory is not None and share is not None and worker.max_memory <= share:
        return
    tasks = None if room is None else max(0, int(room / growth.per_task))
    far = "" if tasks is None else _too_far(worker, growth, tasks, case)
    is_set = worker.max_tasks is not None or worker.max_memory is not None
    if is_set and (tasks is None or far):
        return
    if tasks is not None and worker.max_tasks and worker.max_tasks <= _rounded(tasks):
        return
    value = None
    fewer = (
        "find the leak: leakhunt trend; or have fewer children (worker_concurrency), or more memory"
    )
    if room is None or tasks is None:
        why = "how much memory each child may fill is not known, so there is no value to give"
    elif room <= 0:
        why = f"the children fill {units.share(FILL)} of the memory already, whatever replaces them"
    else:
        why = (
            f"each child has {units.size(room)} of room before the children fill "
            f"{units.share(FILL)} of the memory: that is "
        )
        if far:
            why += f"{units.counted(_rounded(tasks), 'task')}, {far}"
        elif tasks < FEWEST:
            number = units.counted(tasks, "task") if tasks else "less than one task"
            why += f"{number}, and a child that is replaced so often does little else than start"
        else:
            value = _rounded(tasks)
            why += f"{units.counted(value, 'task')}{_restart(worker, value)}"
            why += "; the leak itself is what `leakhunt trend` finds"
    yield Finding(
        ADVICE if is_set or far or tasks is None else SERIOUS,
        "recycling-due",
        worker.node,
        f"a child grows by {units.size(growth.per_task)} a task (RSS over {units.count(growth.tasks)} "
        f"tasks, {growth.snapshots} snapshots), and {_replaced(worker)}",
        why,
        None if value is None else _where_tasks_are_set(worker),
        value,
        f"{DOCS}/workers.html#max-tasks-per-child-setting",
        todo="" if value is not None else "leakhunt trend" if far or tasks is None else fewer,
    )


def _where_tasks_are_set(worker: Worker) -> str:
    """A command line outdoes the app's configuration."""
    told = worker.main.celery if worker.main else None
    if told is not None and told.max_tasks_per_child is not None:
        return "--max-tasks-per-child"
    return "worker_max_tasks_per_child"


def _replaced(worker: Worker) -> str:
    """What replaces its children."""
    ends = []
    if worker.max_tasks is not None:
        ends.append(f"after {units.counted(worker.max_tasks, 'task')}")
    if worker.max_memory is not None:
        ends.append(f"at {units.size(worker.max_memory)}")
    return f"is replaced {' or '.join(ends)}, too late" if ends else "nothing replaces it"


def _room(worker: Worker, case: Case) -> tuple[int | None, int | None]:
    """(bytes that each child may have, bytes that the smallest may grow by until then); None: not known."""
    if not worker.children:
        return None, None
    first = worker.children[0]
    limit = min(filter(None, (first.limit, case.machine.total)), default=None)
    sizes = [child.memory.uss for child in worker.children if child.memory.uss is not None]
    if limit is None:
        return None, None
    sharing = [
        child for each in case.workers for child in each.children if child.group == first.group
    ]
    share = int(FILL * limit / len(sharing))
    return share, share - min(sizes) if sizes else None


def _share(worker: Worker, case: Case) -> float:
    """Bytes that each of the children that are asked for may have."""
    if case.machine.total is None:
        return float("inf")
    asked = worker.concurrency if isinstance(worker.concurrency, int) else 0
    return FILL * case.machine.total / (asked or case.machine.cores)


def _too_far(worker: Worker, growth: Measured, tasks: int, case: Case) -> str:
    """Why nothing is said of so many tasks; empty where something may be."""
    if tasks > FARTHEST * growth.tasks:
        return f"more than {units.count(FARTHEST)} times as many as it was seen over: no value follows from that"
    paces = [
        child.pulse.done / (case.machine.now - child.started_at)
        for child in worker.children
        if child.pulse is not None and child.started_at < case.machine.now
    ]
    pace = max(paces, default=0.0)
    if pace <= 0 or tasks / pace <= LIFETIME:
        return ""
    return (
        f"{units.duration(tasks / pace)} at the pace of the busiest child: the worker is restarted for other "
        "reasons before"
    )


def _rounded(tasks: int) -> int:
    """Three figures of it, rounded down: a measured growth is known no better."""
    unit: int = 10 ** max(0, len(str(tasks)) - 3)
    return tasks // unit * unit


def _restart(worker: Worker, tasks: int) -> str:
    """What a restart costs, where a child that has done nothing yet shows it."""
    idle = [
        c.cpu for c in worker.children if c.pulse is not None and c.pulse.done == 0 and c.cpu > 0
    ]
    walls = [c.pulse for c in worker.children if c.pulse is not None and c.pulse.done]
    if not idle or not walls:
        return ""
    mean = sum(p.wall for p in walls) / sum(p.done for p in walls)
    cost = min(idle)
    return (
        f"; a new child has cost {units.duration(cost)} of CPU, "
        f"{units.share(cost / (cost + tasks * mean))} of the time"
    )


def memory_limit(case: Case) -> Iterator[Finding]:
    """worker_max_memory_per_child in the wrong unit, or below what a child's peak is anyway."""
    for worker in case.workers:
        limit = worker.max_memory
        if not limit or worker.pool != "prefork":
            continue
        total = case.machine.total
        if total is not None and limit > total:
            yield Finding(
                SERIOUS,
                "memory-limit-unit",
                worker.node,
                f"worker_max_memory_per_child={limit >> 10} is {units.size(limit)}, more than this machine has",
                "the unit is KiB, so the limit is never reached",
                "worker_max_memory_per_child",
                limit >> 20 if limit >> 10 <= total else None,
                f"{DOCS}/configuration.html#worker-max-memory-per-child",
                todo="give it in KiB: 200000 is 195 MiB",
            )
            continue
        peaks = [child.memory.peak for child in worker.children if child.memory.peak]
        if not peaks and limit < LEAST:
            yield Finding(
                SERIOUS,
                "memory-limit-unit",
                worker.node,
                f"worker_max_memory_per_child={limit >> 10} is {units.size(limit)}, less than any child begins with",
                "the unit is KiB, so each child is replaced after every task",
                "worker_max_memory_per_child",
                limit if LEAST <= limit << 10 <= _share(worker, case) else None,
                f"{DOCS}/configuration.html#worker-max-memory-per-child",
                todo="give it in KiB: 200000 is 195 MiB",
            )
        if peaks and min(peaks) >= limit:
            above = max(peaks) * 3 // 2
            fits = total is None or above <= total
            yield Finding(
                SERIOUS,
                "memory-limit-peak",
                worker.node,
                f"worker_max_memory_per_child is {units.size(limit)}, and no child's peak RSS is below "
                f"{units.size(min(peaks))}",
                "billiard compares it with the peak RSS of a child, which never falls: each child is "
                "replaced after every task"
                + (
                    ""
                    if fits
                    else "; what would be well above their peaks, this machine does not have"
                ),
                "worker_max_memory_per_child",
                above >> 10 if fits else None,
                "https://github.com/celery/celery/issues/4125",
            )


def concurrency(case: Case) -> Iterator[Finding]:
    for worker in case.workers:
        if worker.pool == "prefork" and worker.concurrency is None:
            cores = case.machine.cores
            if case.configuration is None and worker.children and len(worker.children) != cores:
                continue  # its app sets another number than the cores
            yield Finding(
                ADVICE,
                "concurrency-by-cores",
                worker.node,
                f"{_unset('worker_concurrency', case=case)}; without it there is a child for each core ({cores} here)",
                "memory per machine then goes by its cores: a machine twice the size, with twice the "
                "cores, gets twice the children; in a container the cores of the host count",
                "worker_concurrency",
                len(worker.children) or cores,
                f"{DOCS}/workers.html#concurrency",
            )


def time_limit(case: Case) -> Iterator[Finding]:
    """No limit is what Celery itself sets, and a task may have one of its own: told where one would have helped."""
    if case.configuration is None or any(
        case.value(name) for name in ("task_time_limit", "task_soft_time_limit")
    ):
        return
    for worker in case.workers:
        for child in worker.children:
            pulse = child.pulse
            since = pulse.since if pulse is not None and pulse.task is not None else None
            if pulse is None or since is None or case.machine.now - since < LONG:
                continue
            yield Finding(
                ADVICE,
                "no-time-limit",
                f"child {child.pid}",
                f"it has been in {visible(pulse.task or '')} for {units.duration(case.machine.now - since)}, and "
                "task_time_limit is not set",
                "a task that hangs keeps its child, and what that holds, for ever; one that is right to take so long "
                "can have a limit of its own (time_limit=), and the value is yours to choose",
                source=f"{DOCS}/workers.html#time-limits",
                todo="set task_time_limit to several times what the slowest task takes",
            )


RULES = (inert, unset, memory_limit, concurrency, time_limit)
