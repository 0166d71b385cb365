"""What a hooked worker answers through Celery's remote control: figures, and requests for snapshots.

``celery -A proj inspect leakhunt``, ``celery -A proj control leakhunt_dump``, and the two commands
by which ``leakhunt dump -A proj`` waits for snapshots and collects them. They run in the worker's
main process, between two messages of its consumer: each reads small files and sends signals, waits
for nothing, is bounded in time and size, and lets nothing out. A snapshot is asked for in a pool
child's letter box, and taken there.

Whoever may write to the broker may ask. A reply tells what a record tells: no arguments,
environment or contents. Bytes of a file are sent only when that file is asked for, of snapshots that
leakhunt wrote as this user in the worker's own folder, a piece at a time; ``LEAKHUNT_REMOTE`` limits
this to figures, or turns it off.
"""

from __future__ import annotations

import binascii
import contextlib
import functools
import logging
import os
import posix
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from leakhunt.hook import asking, letterbox
from leakhunt.hook.celery.session import session
from leakhunt.hook.log import say
from leakhunt.hook.process import alive, others, vitals
from leakhunt.hook.signal_names import signal_name
from leakhunt.snapfile import folders

#: Of a reply: its version, the most processes that it tells, and the time after which no more
#: mappings are walked, in seconds.
SCHEMA = 1
MOST_PROCESSES = 512
WALKING = 0.05
#: Bytes of a file in one reply, and of the largest file that is sent at all.
PIECE = 192 << 10
LARGEST = 64 << 20

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Handler = Callable[..., dict[str, Any]]


class RefusedError(Exception):
    """What cannot be answered, in words for who asks."""


def guarded(handler: Handler) -> Handler:
    """What goes wrong is the answer: the consumer must go on."""

    @functools.wraps(handler)
    def command(state: Any, **arguments: Any) -> dict[str, Any]:
        try:
            return handler(state, **arguments)
        except RefusedError as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - the worker's guard
            say(logging.ERROR, f"remote control: {type(error).__name__}: {error}")
            return {"error": f"{type(error).__name__}: {error}"[:500]}

    return command


def register() -> None:
    """Make the commands known to Celery: to a worker, and to ``celery inspect`` and ``control``."""
    from celery.worker.control import Panel

    for type_, name, handler, options in (
        ("inspect", "leakhunt", figures, {}),
        ("control", "leakhunt_dump", dump, {"variadic": "pids", "signature": "[pid1 [pid2 […]]]"}),
        ("inspect", "leakhunt_dumped", dumped, {"visible": False}),
        ("inspect", "leakhunt_piece", piece, {"visible": False}),
    ):
        Panel.register(handler, type=type_, name=name, **options)


def register_for_the_console() -> None:
    """The same in a process that may be ``celery inspect``, and costs any other nothing."""
    if "celery.worker.control" in sys.modules:
        register()


# -- commands -------------------------------------------------------------------------


@guarded
def figures(state: Any, **_: Any) -> dict[str, Any]:
    """Memory, tasks and growth of the worker's processes, as leakhunt's hook sees them."""
    hook, session = hooked("look")
    worker = state.consumer.controller
    until = time.monotonic() + WALKING
    pids = [hook.pid, *pool_children(worker)]
    return {
        "schema": SCHEMA,
        "host": hook.process.host,
        "space": hook.process.space,
        "now": time.time(),
        "memory": vitals.memory_total(),
        "cores": os.cpu_count(),
        "limit": vitals.memory_limit(hook.process.groups),
        "app": worker.app.main,
        "pool": session.pool,
        "concurrency": worker.concurrency,
        "queues": sorted(map(str, worker.app.amqp.queues.consume_from))[:64],
        "max_memory_per_child": session.memory_limit,
        "max_tasks_per_child": getattr(worker, "max_tasks_per_child", None),
        "dir": str(hook.settings.dir),
        "processes": [_process(hook, pid, until) for pid in pids[:MOST_PROCESSES]],
        "left_out": max(0, len(pids) - MOST_PROCESSES),
    }


@guarded
def dump(state: Any, pids: Sequence[Any] = (), **_: Any) -> dict[str, Any]:
    """Ask the pool children (or those with these pids) for a snapshot each; does not wait for it."""
    hook, _session = hooked("full")
    of_this_worker = [*pool_children(state.consumer.controller), hook.pid]
    wanted = {int(pid) for pid in list(pids)[:MOST_PROCESSES]} or set(of_this_worker)
    asked: list[dict[str, Any]] = []
    problems = [
        f"process {pid} is none of this worker's" for pid in sorted(wanted - {*of_this_worker})
    ]
    for pid in of_this_worker:
        if pid not in wanted:
            continue
        try:
            asked.append({"pid": pid, **_ask(hook, pid, "dump")})
        except (OSError, RefusedError) as error:
            problems.append(f"process {pid}: {error}")
    return {
        "schema": SCHEMA, "host": hook.process.host, "space": hook.process.space,
        "dir": str(hook.settings.dir), "asked": asked, "problems": problems,
    }  # fmt: skip


@guarded
def dumped(state: Any, requests: Sequence[Any] = (), **_: Any) -> dict[str, Any]:
    """What has become of requests, each a pid and a name of ``leakhunt_dump``'s answer."""
    hook, _session = hooked("full")
    answers = []
    for pid, identity in list(requests)[:MOST_PROCESSES]:
        record = _record(hook, int(pid))
        if record is None:
            answers.append({"pid": pid, "request": identity, "gone": True})
            continue
        for name, file, problem, note in record["answers"]:
            if name == identity:
                series = os.path.basename(record["series"])
                answers.append(
                    {"pid": pid, "request": identity, "series": series, "file": file,
                     "size": _size(hook, series, file) if file else None,
                     "problem": problem, "note": note}
                )  # fmt: skip
    return {"schema": SCHEMA, "answers": answers}


@guarded
def piece(state: Any, series: str = "", file: str = "", at: int = 0, **_: Any) -> dict[str, Any]:
    """So many bytes of a snapshot, from an offset on, as base64."""
    hook, _session = hooked("full")
    with _snapshot(hook, str(series), str(file)) as (descriptor, size):
        if size > LARGEST:
            raise RefusedError(f"it has {size} bytes, and no more than {LARGEST} are sent")
        content = posix.pread(descriptor, PIECE, max(0, int(at)))
    return {
        "schema": SCHEMA, "series": series, "file": file, "at": int(at), "size": size,
        "content": binascii.b2a_base64(content, newline=False).decode("ascii"),
    }  # fmt: skip


# -- the worker -----------------------------------------------------------------------


def hooked(needs: str) -> tuple[Any, Any]:
    """The hook of this worker and its session. Raises RefusedError where there is none, or where the
    setting does not allow what is needed: ``look``, ``full``, or "" for what the worker says unasked.
    """
    hook = session.hook
    if hook is None or hook.pid != os.getpid():
        raise RefusedError("this worker runs without leakhunt's hook")
    allowed = hook.settings.remote
    if not needs:
        return hook, session
    if allowed == "off" or (needs == "full" and allowed != "full"):
        raise RefusedError(f"LEAKHUNT_REMOTE={allowed} does not allow that here")
    return hook, session


def pool_children(worker: Any) -> list[int]:
    """Pids of a worker's pool children, by the pool's own list: a spawn pool's semaphore_tracker and
    the embedded beat of ``-B`` are none.
    """
    pool = getattr(worker, "pool", None)
    crew = getattr(getattr(pool, "_pool", None), "_pool", None)
    pids = [getattr(process, "pid", None) for process in list(crew or ())]
    return [pid for pid in pids if isinstance(pid, int)]


def weighed(hook: Any, pid: int) -> dict[str, Any]:
    """The little that a worker says of a process unasked."""
    record = _record(hook, pid) or {}
    return {
        "pid": pid,
        "role": "main" if pid == hook.pid else "child",
        "rss": others.figures(pid, 0.0)["rss"],
        "snapshots": record.get("captures"),
        "verdict": record.get("verdict"),
        "summary": record.get("summary"),
    }


def _process(hook: Any, pid: int, until: float) -> dict[str, Any]:
    vitals_now = others.figures(pid, until)
    record = _record(hook, pid)
    told: dict[str, Any] = {
        "pid": pid, "ticks": alive.start_ticks(pid), "started_at": alive.began_at(pid),
        "role": "main" if pid == hook.pid else "child", **vitals_now,
    }  # fmt: skip
    if record is None:
        return {**told, "hooked": False}
    reading = None
    with contextlib.suppress(OSError):
        from leakhunt.hook.celery import pulse

        reading = pulse.look(pid, pid)
    # A child that was forked is traced from its first moment on, when it had next to nothing in memory.
    first = record["first_rss"]
    return {
        **told,
        "hooked": True,
        "role": record["role"],
        "engine": record["engine"],
        "signal_name": signal_name(record["signal"]),
        "signal": asking.hearing(pid, record),
        "series": os.path.basename(record["series"]),
        "snapshots": record["captures"],
        "grown": None if first is None or vitals_now["rss"] is None else vitals_now["rss"] - first,
        "grown_since": record["first_at"],
        "verdict": record["verdict"],
        "summary": record["summary"],
        "pulse": None if reading is None else list(reading),
    }


# -- records and files ------------------------------------------------------------------


def _record_path(hook: Any, pid: int) -> str:
    facts = {
        "host": hook.process.host,
        "pid": pid,
        "space": hook.process.space,
        "ticks": alive.start_ticks(pid),
    }
    return os.path.join(hook.settings.dir, folders.PROCESSES, letterbox.name(facts))


def _record(hook: Any, pid: int) -> dict[str, Any] | None:
    """What a process of this worker says of itself; None where it says nothing (any more)."""
    try:
        with _own(_record_path(hook, pid), _READ) as (descriptor, _size):
            record = letterbox.read(descriptor)
    except (OSError, RefusedError):
        return None
    return record if record is not None and record["pid"] == pid else None


def _ask(hook: Any, pid: int, request: str) -> dict[str, Any]:
    """Leave a request with a process of this worker. Raises RefusedError, OSError."""
    record = _record(hook, pid)
    if record is None:
        raise RefusedError("it has no hook, or has just begun")
    way = asking.way(pid, record)
    if way is None:
        raise RefusedError("no signal is heard there, and nothing looks into its letter box")
    path = _record_path(hook, pid)
    with _own(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC) as (descriptor, _):
        identity = asking.leave(descriptor, request)
    if way.signum is not None:
        posix.kill(pid, way.signum)
    return {"request": identity, "by": way.word, "series": os.path.basename(record["series"])}


@contextlib.contextmanager
def _own(path: str, flags: int) -> Iterator[tuple[int, int]]:
    """A plain file of this user's, opened: its descriptor and its size. Raises OSError, RefusedError."""
    descriptor = posix.open(path, flags)
    try:
        yield descriptor, _checked(descriptor, "that is no file of this worker's")
    finally:
        posix.close(descriptor)


def _checked(descriptor: int, otherwise: str) -> int:
    """The size of a plain file of this user's. Raises RefusedError."""
    status = posix.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != posix.geteuid():
        raise RefusedError(otherwise)
    return status.st_size


@contextlib.contextmanager
def _snapshot(hook: Any, series: str, file: str) -> Iterator[tuple[int, int]]:
    """A snapshot in this worker's folder, by the names that leakhunt gives, and nothing else.

    Raises RefusedError.
    """
    named = folders.SERIES.fullmatch(series) and folders.SNAPSHOT.fullmatch(file)
    if not named or "/" in series:
        raise RefusedError("that is no name of a snapshot")
    try:
        with folders.opened(hook.settings.dir / series) as folder:
            descriptor = os.open(file, _READ, dir_fd=folder)
        try:
            yield descriptor, _checked(descriptor, "that is no snapshot of this worker's user")
        finally:
            posix.close(descriptor)
    except OSError as error:
        raise RefusedError(f"{series}/{file}: {error.strerror}") from error


def _size(hook: Any, series: str, file: str) -> int | None:
    with contextlib.suppress(RefusedError), _snapshot(hook, series, file) as (_, size):
        return size
    return None
