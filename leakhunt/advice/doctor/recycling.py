"""Rules about the children's number and replacement, with values from what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from leakhunt import units
from leakhunt.advice.doctor.case import (
    ADVICE,
    DOCS,
    IN_PROCESS,
    NOTE,
    SERIOUS,
    Case,
    Finding,
    Worker,
)

#: Growth over fewer tasks than that is no growth per task.
TASKS = 50
#: Less than that per task is noise for a process's RSS.
LEAST = 64
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
                    "worker_pool",
                    "prefork",
                    "https://github.com/celery/celery/issues/6312",
                )


def unset(case: Case) -> Iterator[Finding]:
    """No recycling, or where measured growth says when it is due."""
    for worker in case.workers:
        if worker.pool != "prefork":
            continue
        growth = worker.growth
        fits = _tasks_that_fit(worker, case)
        if (
            growth is not None
            and fits is not None
            and growth.tasks >= TASKS
            and growth.per_task >= LEAST
        ):
            room, tasks = fits
            if worker.max_tasks and worker.max_tasks <= tasks:
                continue
            yield Finding(
                SERIOUS if worker.max_tasks is None and worker.max_memory is None else ADVICE,
                "recycling-due",
                worker.node,
                f"a child grows by {units.size(growth.per_task)} a task (RSS over {units.count(growth.tasks)} "
                f"tasks, {growth.snapshots} snapshots), and "
                + (
                    "nothing replaces it"
                    if worker.max_tasks is None
                    else f"is replaced after {units.count(worker.max_tasks)} tasks, too late"
                ),
                f"each child has {units.size(room)} of room before the children fill "
                f"{units.share(FILL)} of the memory: that is {units.count(tasks)} tasks"
                + _restart(worker, tasks)
                + "; the leak itself is what `leakhunt trend` finds",
                "worker_max_tasks_per_child",
                tasks,
                f"{DOCS}/workers.html#max-tasks-per-child-setting",
            )
        elif worker.max_tasks is None and worker.max_memory is None:
            yield Finding(
                ADVICE,
                "recycling-unset",
                worker.node,
                "neither worker_max_tasks_per_child nor worker_max_memory_per_child is set",
                "a child lives until the worker ends, so whatever grows, grows without end; no "
                f"growth over {TASKS} tasks or more is measured yet, so there is no value to give: two "
                "snapshots of a hooked child (`leakhunt dump`) measure it",
                source=f"{DOCS}/workers.html#max-tasks-per-child-setting",
                todo="leakhunt dump, some tasks later again, then leakhunt doctor",
            )


def _tasks_that_fit(worker: Worker, case: Case) -> tuple[int, int] | None:
    """(bytes of room per child, tasks until it is filled) at the measured growth."""
    growth = worker.growth
    if growth is None or not worker.children or growth.per_task <= 0:
        return None
    limit = min(filter(None, (worker.children[0].limit, case.machine.total)), default=None)
    sizes = [child.memory.uss for child in worker.children if child.memory.uss is not None]
    if limit is None or not sizes:
        return None
    room = int(FILL * limit / len(worker.children)) - min(sizes)
    return (room, _rounded(max(1, int(room / growth.per_task)))) if room > 0 else None


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
        if peaks and min(peaks) >= limit:
            yield Finding(
                SERIOUS,
                "memory-limit-peak",
                worker.node,
                f"worker_max_memory_per_child is {units.size(limit)}, and no child's peak RSS is below "
                f"{units.size(min(peaks))}",
                "billiard compares it with the peak RSS of a child, which never falls: each child is "
                "replaced after every task",
                "worker_max_memory_per_child",
                max(peaks) * 3 // 2 >> 10,
                "https://github.com/celery/celery/issues/4125",
            )


def concurrency(case: Case) -> Iterator[Finding]:
    for worker in case.workers:
        if worker.pool == "prefork" and worker.concurrency is None:
            yield Finding(
                ADVICE,
                "concurrency-by-cores",
                worker.node,
                f"no concurrency is set, so there is a child for each core ({case.machine.cores} here)",
                "memory per machine then goes by its cores: a machine twice the size, with twice the "
                "cores, gets twice the children; in a container the cores of the host count",
                "worker_concurrency",
                len(worker.children) or case.machine.cores,
                f"{DOCS}/workers.html#concurrency",
            )


def time_limit(case: Case) -> Iterator[Finding]:
    if case.configuration is not None and not case.value("task_time_limit"):
        prefork = [worker for worker in case.workers if worker.pool == "prefork"]
        if prefork:
            yield Finding(
                NOTE,
                "no-time-limit",
                case.app,
                "task_time_limit is not set",
                "a task that hangs keeps its child, and what that holds, for ever; the value is yours "
                "to choose: several times what the slowest task takes",
                source=f"{DOCS}/workers.html#time-limits",
                todo="set task_time_limit",
            )


RULES = (inert, unset, memory_limit, concurrency, time_limit)
