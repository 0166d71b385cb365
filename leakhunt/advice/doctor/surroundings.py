"""Rules about Django, versions, the allocator, the machine and the hook itself."""

from __future__ import annotations

from collections.abc import Iterator

from leakhunt import units
from leakhunt.advice.doctor.case import ADVICE, DOCS, IN_PROCESS, NOTE, SERIOUS, Case, Finding
from leakhunt.advice.rules import RULES as KNOWN
from leakhunt.advice.versions import between, installed_names

#: Less than that on the disk of the snapshots is little.
DISK = 1 << 30
SHARED = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "glusterfs", "ceph", "lustre"]
)
#: More frames than that of the exact engine, from the start, cost too much.
FRAMES = 10
#: Threads that allocate side by side have an arena each, up to eight per core.
THREADS = 8


def django(case: Case) -> Iterator[Finding]:
    settings = case.configuration.django if case.configuration else {}
    if settings.get("DEBUG"):
        yield Finding(
            SERIOUS,
            "django-debug",
            case.app,
            "Django's DEBUG is on",
            "every connection keeps the text of its last 9,000 queries",
            "DEBUG",
            False,
            "https://docs.djangoproject.com/en/stable/faq/models/#why-is-django-leaking-memory",
        )
    age = settings.get("CONN_MAX_AGE", 0)
    threaded = [
        worker for worker in case.workers if worker.pool in ("threads", "gevent", "eventlet")
    ]
    if settings and (age is None or age) and threaded:
        yield Finding(
            ADVICE,
            "django-connections",
            case.app,
            f"CONN_MAX_AGE is {age} in the {threaded[0].pool} pool",
            "each thread keeps a connection of its own, with its buffers",
            "CONN_MAX_AGE",
            0,
            "https://docs.djangoproject.com/en/stable/ref/databases/#persistent-database-connections",
        )


def versions(case: Case) -> Iterator[Finding]:
    """Installed versions with a known leak: the same data that findings are advised by."""
    installed = installed_names(case.configuration.versions) if case.configuration else {}
    for rule in KNOWN:
        ranges = {each for sign in rule.signs for each in sign.versions}
        hit = sorted(
            (each for each in ranges if each.distribution in installed
             and between(installed[each.distribution], each)),
            key=lambda each: each.distribution,
        )  # fmt: skip
        if not hit:
            continue
        name = hit[0].distribution
        yield Finding(
            SERIOUS,
            "version-" + rule.pattern,
            case.app,
            f"{name} {installed[name]} is installed: {rule.title}",
            rule.why,
            name if hit[0].before else None,
            f">={hit[0].before}" if hit[0].before else None,
            rule.source,
            todo=rule.fix,
        )


def arenas(case: Case) -> Iterator[Finding]:
    for process in case.processes:
        seen = case.surroundings.environments.get(process.pid, {})
        if (process.threads or 0) < THREADS or "MALLOC_ARENA_MAX" in seen or "LD_PRELOAD" in seen:
            continue
        if not process.readable or case.surroundings.huge_pages is None:  # not Linux, or hidden
            continue
        yield Finding(
            ADVICE,
            "malloc-arenas",
            f"{process.role} {process.pid}",
            f"{units.count(process.threads or 0)} threads, and MALLOC_ARENA_MAX is not set",
            "glibc's malloc gives threads up to eight arenas a core, and memory that is freed in one is "
            "of no use to the others: RSS grows while Python's own count does not",
            "MALLOC_ARENA_MAX",
            2,
            "https://man7.org/linux/man-pages/man3/mallopt.3.html",
        )


def allocator(case: Case) -> Iterator[Finding]:
    """PYTHONMALLOC in the environment of a process."""
    for process in case.processes:
        chosen = case.surroundings.environments.get(process.pid, {}).get("PYTHONMALLOC", "")
        if chosen.endswith("debug"):
            yield Finding(
                ADVICE,
                "allocator-debug",
                f"{process.role} {process.pid}",
                f"PYTHONMALLOC is {chosen}",
                "every block that Python asks for is four words longer, and is filled and checked each time",
                "PYTHONMALLOC",
                "default",
                "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONMALLOC",
            )
        elif chosen == "malloc":
            yield Finding(
                NOTE,
                "allocator-malloc",
                f"{process.role} {process.pid}",
                "PYTHONMALLOC is malloc",
                "small objects come from the C library's heap, where they lie among its own blocks; what is "
                "freed between them is given back to the system later than by Python's arenas",
                "PYTHONMALLOC",
                "default",
                "https://docs.python.org/3/c-api/memory.html#the-pymalloc-allocator",
            )


def collector(case: Case) -> Iterator[Finding]:
    """The garbage collector, as the newest snapshots have it."""
    for process in case.processes:
        gathers = case.collectors.get(process.pid)
        if gathers is None:
            continue
        where = f"{process.role} {process.pid}"
        if gathers.on is False:
            yield Finding(
                SERIOUS,
                "collector-off",
                where,
                "the garbage collector is off",
                "objects that refer to each other in a circle are never freed; an exception that is kept, and "
                "its traceback, make such circles",
                todo="call gc.enable(), or gc.collect() after every so many tasks",
                source="https://docs.python.org/3/library/gc.html#gc.disable",
            )
        if gathers.frozen:
            yield Finding(
                NOTE,
                "collector-frozen",
                where,
                f"{units.counted(gathers.frozen, 'object')} {'is' if gathers.frozen == 1 else 'are'} frozen",
                "the collector never looks at them again: right for what is loaded once before the pool forks, "
                "and a leak for circles among them that are let go of later",
                todo="call gc.freeze() once, in the main process, and never in a task",
                source="https://docs.python.org/3/library/gc.html#gc.freeze",
            )


def huge_pages(case: Case) -> Iterator[Finding]:
    if case.surroundings.huge_pages == "always" and any(w.pool == "prefork" for w in case.workers):
        yield Finding(
            NOTE,
            "huge-pages",
            "this machine",
            "transparent huge pages are on for every program",
            "memory comes in pieces of 2 MiB instead of 4 KiB where it can: a process is charged for a whole one "
            "where it touches a byte of it, and keeps it until all of it is freed; before Linux 5.8 a child "
            "that wrote one byte of what it shares with its main process copied a whole one too",
            "/sys/kernel/mm/transparent_hugepage/enabled",
            "madvise",
            "https://docs.kernel.org/admin-guide/mm/transhuge.html",
        )


def hook(case: Case) -> Iterator[Finding]:
    for process in case.processes:
        where = f"{process.role} {process.pid}"
        if process.hooked and process.signal == "none":
            yield Finding(
                SERIOUS,
                "signal-lost",
                where,
                f"it has the hook, but no handler for {process.signal_name} any more",
                "something has reset or replaced it: the signal would kill the process or abort its task",
                todo="find who calls signal.signal for it, or set LEAKHUNT_SIGNAL to another one",
                source="https://man7.org/linux/man-pages/man5/proc_pid_status.5.html",
            )
        if process.hooked and process.signal in ("taken", "blocked"):
            yield Finding(
                ADVICE,
                f"signal-{process.signal}",
                where,
                f"{process.signal_name} does not reach the hook: "
                + ("another handler has it" if process.signal == "taken" else "it is blocked"),
                "kill writes no snapshot here; leakhunt dump finds another way where there is one",
                todo="find who takes or blocks it, or set LEAKHUNT_SIGNAL to another one",
                source="https://man7.org/linux/man-pages/man5/proc_pid_status.5.html",
            )
        if not process.hooked and process.role in ("main", "worker") and process.readable:
            yield Finding(
                NOTE,
                "not-hooked",
                where,
                "this worker does not carry the hook",
                "so nothing can tell which line or task grows, and no growth is measured",
                todo="start it with -I leakhunt.worker",
                source=f"{DOCS}/workers.html",
            )
        seen = case.surroundings.environments.get(process.pid, {})
        frames = seen.get("LEAKHUNT_NFRAME", "")
        if (process.engine == "exact" and seen.get("LEAKHUNT_START") == "boot"
                and frames.isdigit() and int(frames) > FRAMES and process.role != "child"):  # fmt: skip
            yield Finding(
                SERIOUS,
                "hook-costs",
                where,
                f"tracemalloc keeps {frames} frames of every allocation from the start",
                "tracemalloc with many frames makes a worker that allocates much several times slower; "
                "the sampled engine keeps to a budget",
                "LEAKHUNT_ENGINE",
                "sampled",
                "https://docs.python.org/3/library/tracemalloc.html#tracemalloc.start",
            )


def disk(case: Case) -> Iterator[Finding]:
    surroundings = case.surroundings
    if surroundings.folder is None or not any(process.hooked for process in case.processes):
        return
    if surroundings.free is not None and surroundings.free < DISK:
        yield Finding(
            ADVICE,
            "disk-small",
            surroundings.folder,
            f"{units.size(surroundings.free)} are free where snapshots are written",
            "a snapshot takes from some hundred KiB to tens of MiB, and each process keeps several",
            "LEAKHUNT_KEEP",
            4,
        )
    if surroundings.filesystem in SHARED:
        yield Finding(
            ADVICE,
            "disk-shared",
            surroundings.folder,
            f"snapshots are written to a shared file system ({surroundings.filesystem})",
            "a capture waits for the network, and hosts with equal names may meet there",
            todo="set LEAKHUNT_DIR to a folder on a disk of this machine",
        )


def in_process_growth(case: Case) -> Iterator[Finding]:
    """A pool without children that grows: only a restart helps."""
    for worker in case.workers:
        growth = worker.growth
        if worker.pool in IN_PROCESS and growth is not None and growth.is_rate:
            yield Finding(
                ADVICE,
                "grows-in-process",
                worker.node,
                f"the process grows by {units.size(growth.per_task)} a task (RSS over "
                f"{units.count(growth.tasks)} tasks), and the {worker.pool} pool replaces nothing",
                "what grows, grows until the worker is restarted",
                todo="leakhunt trend",
                source="https://github.com/celery/celery/issues/6312",
            )


RULES = (django, versions, arenas, allocator, collector, huge_pages, hook, disk, in_process_growth)
