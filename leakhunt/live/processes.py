"""Hooked processes of this host: found, asked, waited for."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leakhunt.errors import CaptureError, NotHookedError
from leakhunt.hook.letterbox import RECORD, SCHEMA
from leakhunt.hook.process import vitals
from leakhunt.snapfile.folders import PROCESSES

#: How far the start time in a record may be off the kernel's, in seconds.
SAME_START = 2.0


@dataclass(frozen=True)
class Hooked:
    """A live process that carries the hook."""

    pid: int
    """As this host counts; the process's own pid may differ inside a container."""
    at: Path
    """Where its record can be opened: a file, or an entry of /proc/PID/fd."""
    record: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        role = self.record.get("role") or "process"
        node = self.record.get("node")
        return f"{role} {self.pid}" + (f" of {node}" if node else "")


def hooked(folder: Path) -> list[Hooked]:
    """The hooked processes of this host that this user may signal, by pid.

    Found through their open record in /proc, whatever folder they write to, and
    through the records in ``folder``.
    """
    found: dict[int, Hooked] = {}
    for process in (*_through_proc(), *_through_records(folder)):
        found.setdefault(process.pid, process)
    return [found[pid] for pid in sorted(found)]


def one(folder: Path, pid: int) -> Hooked:
    """The hooked process with that pid. Raises NotHookedError, which says why not."""
    for process in hooked(folder):
        if process.pid == pid:
            return process
    if not _alive(pid):
        raise NotHookedError(f"there is no process {pid}")
    owner = _owner(pid)
    if owner is not None and os.geteuid() not in (0, owner):
        raise NotHookedError(
            f"process {pid} belongs to uid {owner}: run this as that user or as root"
        )
    raise NotHookedError(
        f"process {pid} does not carry the hook, and the signal would kill it or abort its task. "
        "Start the worker with `-I leakhunt.worker` (or call leakhunt.install(app) beside the "
        f"Celery app), or set LEAKHUNT_DIR to the folder it writes to; looked in {folder}"
    )


def _through_proc() -> Iterator[Hooked]:
    """Records that live processes keep open: /proc/PID/fd/N -> .../processes/HOST-PID.json."""
    if not vitals.LINUX:
        return
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        fds = Path("/proc") / name / "fd"
        with contextlib.suppress(OSError):
            for entry in fds.iterdir():
                target = os.readlink(entry)
                if f"/{PROCESSES}/" in target and target.endswith(".json"):
                    record = _read(entry, _owner(int(name)))
                    if record and record.get("pid") == _inner_pid(int(name)):
                        yield Hooked(int(name), entry, record)


def _through_records(folder: Path) -> Iterator[Hooked]:
    with contextlib.suppress(OSError):
        for path in sorted((folder / PROCESSES).glob("*.json")):
            record = _read(path, None)
            if not record or record.get("host") != os.uname().nodename:
                continue
            pid = record["pid"]
            started = vitals.started_at(pid)
            if _alive(pid) and abs(started - (record.get("started_at") or 0)) < SAME_START:
                yield Hooked(pid, path, record)


def _read(path: Path, owner: int | None) -> dict[str, Any] | None:
    """A record, or None: it is somebody else's file, or not a record at all."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            trusted = status.st_uid in (0, os.geteuid()) or status.st_uid == owner
            if not stat.S_ISREG(status.st_mode) or not trusted:
                return None
            record = json.loads(os.pread(descriptor, RECORD, 0))
        finally:
            os.close(descriptor)
        if isinstance(record, dict) and record.get("schema") == SCHEMA:
            plain = all(isinstance(record.get(key), int) for key in ("pid", "signal", "captures"))
            return record if plain else None
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _owner(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{pid}").st_uid
    return None


def _inner_pid(pid: int) -> int:
    """The pid by which a process knows itself, in its innermost namespace."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return pid


# -- asking ---------------------------------------------------------------------------


def ask(process: Hooked, request: str) -> None:
    """Leave a request in the process's letter box and send its signal.

    Raises NotHookedError when the process has no handler for the signal (any more).
    """
    signum = process.record["signal"]
    if not 0 < signum < signal.NSIG or vitals.catches(process.pid, signum) is False:
        raise NotHookedError(
            f"{process.name} has a record but no handler for signal {signum}, which would kill it"
        )
    descriptor = os.open(process.at, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, request.encode(), RECORD + 1)
    finally:
        os.close(descriptor)
    os.kill(process.pid, signum)


def answered(process: Hooked) -> dict[str, Any] | None:
    """The record as it stands now; None while no capture or request ended since ``process``."""
    record = _read(process.at, _owner(process.pid))
    if record is None:
        if not _alive(process.pid):
            raise CaptureError(f"{process.name} has ended")
        return None
    before = process.record
    done = any(record.get(key, 0) > before.get(key, 0) for key in ("captures", "answers"))
    return record if done else None


def wait(processes: Iterable[Hooked], seconds: float) -> Iterator[tuple[Hooked, Any]]:
    """As each process answers: itself with its record, or with the CaptureError."""
    waiting = list(processes)
    deadline = time.monotonic() + seconds
    while waiting:
        for process in list(waiting):
            try:
                record = answered(process)
            except CaptureError as error:
                waiting.remove(process)
                yield process, error
                continue
            if record is not None:
                waiting.remove(process)
                yield process, record
        if waiting and time.monotonic() > deadline:
            for process in waiting:
                yield (
                    process,
                    CaptureError(
                        f"{process.name} has not answered within {seconds:g} s: it is busy in code that "
                        "does not return to the interpreter; it will answer when that ends"
                    ),
                )
            return
        time.sleep(0.01)
