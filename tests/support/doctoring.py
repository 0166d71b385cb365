"""Apps and their workers for the doctor: sound but for what a test says."""

from __future__ import annotations

from typing import Any

from leakhunt.advice.doctor import examine
from leakhunt.advice.doctor.case import Case, Collector, Finding, Measured, workers
from leakhunt.model.configuration import Configuration, Surroundings
from leakhunt.model.process import Celery, Process
from tests.support.fleet import machine, process

#: What Celery itself sets.
CELERY: dict[str, Any] = {
    "worker_pool": "prefork", "worker_concurrency": 0, "worker_prefetch_multiplier": 4,
    "worker_max_tasks_per_child": None, "worker_max_memory_per_child": None,
    "worker_eta_task_limit": None, "worker_send_task_events": False, "task_send_sent_event": False,
    "task_acks_late": False, "task_reject_on_worker_lost": None, "task_time_limit": None, "task_soft_time_limit": None,
    "task_ignore_result": False, "result_expires": 86400,
}  # fmt: skip
SOUND = {
    **CELERY, "worker_concurrency": 2, "worker_max_tasks_per_child": 500, "task_ignore_result": True,
}  # fmt: skip


def said_of(
    processes: tuple[Process, ...] = (),
    growths: dict[int, Measured] | None = None,
    around: Surroundings | None = None,
    django: dict[str, Any] | None = None,
    versions: dict[str, str] | None = None,
    total: int = 16 * 1024,
    collectors: dict[int, Collector] | None = None,
    known: bool = True,
    **settings: Any,
) -> dict[str, Finding]:
    """Each rule's finding; ``known``: whether an app was named, and its configuration read."""
    app = Configuration(
        "proj", {**SOUND, **settings}, "redis", "redis", django or {}, versions or {}
    )
    configuration = app if known else None
    running = tuple(workers(configuration, processes, growths or {}))
    case = Case(
        configuration,
        processes,
        running,
        machine(total),
        around or Surroundings(),
        collectors or {},
    )
    return {finding.rule: finding for finding in examine(case)}


def crew(
    uss: float = 100, peak: float = 100, *, count: int = 2, **facts: Any
) -> tuple[Process, ...]:
    celery = facts.pop("celery", Celery("worker", "w@h", "proj"))
    main = process(10, "main", celery=celery, hooked=True, signal="heard")
    return main, *(
        process(
            11 + n,
            parent=10,
            uss=uss,
            peak=peak,
            celery=celery,
            hooked=True,
            signal="heard",
            **facts,
        )
        for n in range(count)
    )
