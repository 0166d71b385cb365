"""What is known of a live process and of the memory it shares with others: values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: What a process is for Celery. ``program``: hooked, and no worker; ``fork``: forked by a pool
#: child or a program, or for a capture; ``tracker``: the semaphore tracker of a pool that spawns its children.
ROLES = (
    "main", "child", "worker", "beat", "flower", "program", "orphan", "fork", "tracker",
)  # fmt: skip


class Identity(NamedTuple):
    """Names one process for ever: a pid alone is given to another process later."""

    pid: int
    start: int
    """When it began, in clock ticks since boot (field 22 of /proc/PID/stat); elsewhere in
    hundredths of a second since the epoch."""
    host: str = ""
    """Where its pid counts, if that is not here."""


@dataclass(frozen=True)
class Memory:
    """What a process holds, in bytes; None where it cannot be known."""

    rss: int | None = None
    """Resident pages, those that others use as well counted in full."""
    uss: int | None = None
    """Pages that nobody else uses: what its end would give back."""
    pss: int | None = None
    """Each page divided by the number of its users: the sum over processes counts it once."""
    shared: int | None = None
    swap: int | None = None
    vms: int | None = None
    peak: int | None = None
    """The most that RSS has been: what ``--max-memory-per-child`` looks at."""


@dataclass(frozen=True)
class Celery:
    """What a command line or process title says of a Celery process."""

    role: str
    """``worker`` (its main process or a child), ``main``, ``child``, ``beat``, ``flower``,
    ``tracker``."""
    node: str | None = None
    app: str | None = None
    pool: str | None = None
    concurrency: str | None = None
    """As it was asked for: ``8``, or ``10,3`` of ``--autoscale``."""
    queues: str | None = None
    has_beat: bool = False
    """Whether ``--beat`` embeds the scheduler, in a process that looks like a pool child."""
    max_memory_per_child: int | None = None
    """Bytes of ``--max-memory-per-child``."""
    max_tasks_per_child: int | None = None
    prefetch: int | None = None
    """Messages per child of ``--prefetch-multiplier``; 0: no limit."""
    has_no_prefetch: bool = False
    """Whether ``--disable-prefetch`` was given."""
    without: frozenset[str] = frozenset()
    """Of ``gossip``, ``mingle`` and ``heartbeat``, those that ``--without-…`` switches off."""
    is_titled: bool = False
    """Whether a title of Celery's own says that it is the main process."""


@dataclass(frozen=True)
class Pulse:
    """What the hook says of a process's tasks at this moment."""

    done: int
    """Tasks that it has finished."""
    wall: float
    """Seconds that those took in all."""
    last_done: float | None
    """When it finished one last, seconds since the epoch."""
    running: int
    """Tasks under way."""
    task: str | None
    """The name of the one that began last, while one is under way."""
    since: float | None
    """When that one began, seconds since the epoch."""


@dataclass(frozen=True)
class Process:
    """A live process: what the kernel and, where there is one, the hook say of it."""

    identity: Identity
    parent: int
    started_at: float
    """Seconds since the epoch."""
    uid: int
    user: str
    role: str
    """One of ROLES."""
    state: str
    """The kernel's letter: R runs, S sleeps, D waits for a device, T is stopped, Z is dead."""
    cpu: float
    """Seconds of CPU used since it began."""
    celery: Celery | None
    memory: Memory
    readable: bool
    """Whether this user may see its memory, descriptors and record."""
    open_files: int | None = None
    sockets: int | None = None
    weighed_at: float | None = None
    """When USS, PSS, shared pages, swap, open files and sockets were read, seconds since the epoch: earlier than
    the rest where somebody looks again and again."""
    threads: int | None = None
    limit: int | None = None
    """The least memory limit of its control groups, in bytes."""
    group: str | None = None
    """The control group that sets it, the same text for all processes under it."""
    hooked: bool = False
    engine: str | None = None
    signal_name: str = "SIGUSR1"
    """The hook's signal; SIGUSR1 where there is no hook."""
    signal: str = "none"
    """``heard``, ``blocked``, ``taken`` (a handler, but no hook) or ``none`` (it would kill)."""
    pulse: Pulse | None = None
    main: int | None = None
    """The pid of the main process that its hook was told of."""
    series: str | None = None
    """The folder for its snapshots."""
    is_copy: bool = False
    """Whether it is a capture's forked child, which ends by itself."""

    @property
    def pid(self) -> int:
        return self.identity.pid


@dataclass(frozen=True)
class Machine:
    """What the processes share."""

    total: int | None
    """Bytes of memory of this machine."""
    cores: int
    now: float
    """When the processes were looked at, seconds since the epoch."""
