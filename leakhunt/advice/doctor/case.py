"""What the doctor's rules look at, and what one of them says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leakhunt.model.configuration import Configuration, Surroundings
from leakhunt.model.process import Celery, Machine, Process

SERIOUS, ADVICE, NOTE = "serious", "advice", "note"
SEVERITIES = (SERIOUS, ADVICE, NOTE)
DOCS = "https://docs.celeryq.dev/en/stable/userguide"
#: Pools that run tasks in one process, where nothing is ever recycled.
IN_PROCESS = frozenset(["solo", "threads", "gevent", "eventlet"])

#: Growth over fewer tasks than that is no growth per task: the first ones import, and fill caches.
TASKS = 50
#: Less than that per task is noise for a process's RSS.
LEAST = 64
#: Bytes of growth in all below which it is no rate: RSS rises by arenas of 1 MiB (``pycore_obmalloc.h`` of
#: CPython 3.10), of which a few come and go whatever the tasks do.
ARENAS = 4 << 20


@dataclass(frozen=True)
class Finding:
    """One problem of a configuration or of a running process."""

    severity: str
    rule: str
    """A stable name for scripts."""
    where: str
    """What it is about: an app, a node, a process, this machine."""
    what: str
    why: str
    setting: str | None = None
    """What to set, and to what; None where no setting mends it."""
    value: Any = None
    source: str = ""
    """A public page."""
    todo: str = ""
    """What to do where no setting mends it."""


@dataclass(frozen=True)
class Measured:
    """Growth of a process per task, from its snapshots."""

    per_task: float
    """Bytes of RSS."""
    tasks: int
    snapshots: int

    @property
    def is_rate(self) -> bool:
        """Whether it is more than what comes and goes."""
        return self.per_task >= LEAST and self.per_task * self.tasks >= ARENAS


@dataclass(frozen=True)
class Collector:
    """A process's garbage collector, as its newest snapshot has it; None: it does not say."""

    on: bool | None
    frozen: int | None
    """Objects that ``gc.freeze`` has set aside."""


@dataclass(frozen=True)
class Worker:
    """One running worker, or the one that the configuration would start."""

    node: str
    main: Process | None
    children: tuple[Process, ...]
    growths: tuple[Measured, ...]
    pool: str
    max_tasks: int | None
    """Tasks per child, from the command line or the configuration."""
    max_memory: int | None
    """Bytes."""
    concurrency: int | str | None
    prefetch: int | None = None
    """Messages per child, from the command line or the configuration; 0: no limit."""
    has_no_prefetch: bool = False
    """Whether it takes none ahead at all."""
    asked: frozenset[str] = frozenset()
    """Settings that its command line overrides."""

    @property
    def growth(self) -> Measured | None:
        """The fastest of its processes that have done tasks enough; None: none has."""
        enough = (each for each in self.growths if each.tasks >= TASKS)
        return max(enough, key=lambda each: each.per_task, default=None)


@dataclass(frozen=True)
class Case:
    """Everything that is known; a rule takes what it needs."""

    configuration: Configuration | None
    processes: Sequence[Process]
    workers: Sequence[Worker]
    machine: Machine
    surroundings: Surroundings
    collectors: Mapping[int, Collector] = field(default_factory=dict)
    """By pid, of the processes with snapshots."""

    def value(self, setting: str) -> Any:
        """Of the app's configuration; None also where it is not known."""
        return self.configuration.values.get(setting) if self.configuration else None

    @property
    def app(self) -> str:
        return f"app {self.configuration.app}" if self.configuration else "the app"


def workers(
    configuration: Configuration | None,
    processes: Sequence[Process],
    growths: dict[int, Measured],
) -> Iterator[Worker]:
    """The running workers; without one, the one that the configuration would start."""
    values = configuration.values if configuration else {}
    running = [p for p in processes if p.role in ("main", "worker")]
    if configuration is not None:  # other apps' workers have configurations of their own
        running = [p for p in running if p.celery is None or is_of(p, configuration.app)]
    for main in running:
        told = main.celery
        children = tuple(p for p in processes if p.parent == main.pid and p.role == "child")
        yield _worker(
            values,
            told,
            node=(told.node if told else None) or f"process {main.pid}",
            main=main,
            children=children,
            growths=tuple(growths[p.pid] for p in (main, *children) if p.pid in growths),
        )
    if not running and configuration is not None:
        yield _worker(
            values, None, node=f"app {configuration.app}", main=None, children=(), growths=()
        )


def _worker(
    values: Mapping[str, Any],
    told: Celery | None,
    *,
    node: str,
    main: Process | None,
    children: tuple[Process, ...],
    growths: tuple[Measured, ...],
) -> Worker:
    """What its command line says, and where that is silent the configuration."""
    memory = values.get("worker_max_memory_per_child")
    prefetch = values.get("worker_prefetch_multiplier")
    pool = told.pool if told else None
    limit = told.max_memory_per_child if told else None
    ahead = told.prefetch if told else None
    asked = {"worker_pool": pool, "worker_prefetch_multiplier": ahead}
    return Worker(
        node=node,
        main=main,
        children=children,
        growths=growths,
        pool=pool or ("prefork" if children else _pool(values.get("worker_pool"))),
        max_tasks=(told.max_tasks_per_child if told else None)
        or values.get("worker_max_tasks_per_child"),
        max_memory=limit or (int(memory) << 10 if memory else None),
        concurrency=(told.concurrency if told else None)
        or values.get("worker_concurrency")
        or None,
        prefetch=ahead if ahead is not None else prefetch if isinstance(prefetch, int) else None,
        has_no_prefetch=bool(
            (told is not None and told.has_no_prefetch) or values.get("worker_disable_prefetch")
        ),
        asked=frozenset(setting for setting, value in asked.items() if value is not None),
    )


def is_of(process: Process, app: str) -> bool:
    """Whether a process may be that app's: it is Celery's, and its command line names the same package, or none."""
    if process.celery is None and process.role in ("program", "fork"):
        return False  # hooked, and whose it is nothing tells
    named = process.celery.app if process.celery else None
    return (
        named is None
        or named.partition(":")[0].partition(".")[0] == app.partition(":")[0].partition(".")[0]
    )


def _pool(name: Any) -> str:
    return {"processes": "prefork", None: "prefork"}.get(name, str(name))
