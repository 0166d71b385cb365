"""Hooked processes of this host: found, asked, waited for.

A record is a file that another user's process may have made: it is read with the rights of that
user where root asks (:func:`acting_as`), opened once, checked, and its texts are shown with their
control characters made visible.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leakhunt.errors import CaptureError, NotHookedError
from leakhunt.hook import asking, letterbox
from leakhunt.hook.letterbox import Answer
from leakhunt.hook.process import alive
from leakhunt.hook.signal_names import signal_name
from leakhunt.live import descriptors, table
from leakhunt.live.descriptors import Held
from leakhunt.model.paths import visible
from leakhunt.snapfile.folders import PROCESSES

if TYPE_CHECKING:
    from leakhunt.model.snapshot import Meta

#: Nanoseconds: no file system tells times more coarsely.
SETTLED_NS = 2_500_000_000

#: How /proc marks a file that has been removed: whoever has cleaned the folder has not ended the process.
GONE = " (deleted)"

#: How to carry the hook, for who asks a process without.
HOW = (
    "start a Celery worker with `celery -A proj worker -I leakhunt.worker`, any other program with "
    "`leakhunt run` or leakhunt.install() in it"
)


@dataclass(frozen=True)
class Hooked:
    """A live process that carries the hook."""

    pid: int
    """As this host counts; the process's own pid may differ inside a container."""
    at: str
    """Where its record can be opened: a file, or an entry of /proc/PID/fd."""
    record: dict[str, Any] = field(repr=False)
    """What it says of itself, checked: see ``letterbox.FACTS``. Its texts are not for a terminal."""
    owner: tuple[int, int] | None = None
    """The user and the group it runs as; None where that cannot be known."""

    @property
    def name(self) -> str:
        role = self.record.get("role") or "process"
        node = self.record.get("node")
        return visible(f"{role} {self.pid}" + (f" of {node}" if node else ""))

    @property
    def is_strangers(self) -> bool:
        """Whether another user than this one runs it."""
        return self.owner is not None and self.owner[0] != os.geteuid()

    @property
    def hearing(self) -> str:
        """``heard``, ``blocked``, ``taken`` or ``none``: the signal that users send."""
        return self.hears()

    def hears(self, status: bytes | None = None) -> str:
        """:attr:`hearing`; ``status``: what ``alive.told`` has just said of it."""
        return asking.hearing(self.pid, self.record, status)

    @property
    def silence(self) -> str | None:
        """Why the signal that users send is not heard there, in words; None: it is."""
        name = signal_name(self.record["signal"])
        by = visible(self.record["taken_by"] or "somebody else")
        return {
            "taken": f"{name} was taken by {by}",
            "none": f"nobody has {name} there: it would end the process",
            "blocked": f"a signal mask holds {name} back",
        }.get(self.hearing)


def runs(meta: Meta) -> bool | None:
    """Whether the process of a snapshot still runs, by its pid and its start; None where that cannot
    be known: it is another host's or namespace's, or the file does not say.
    """
    if meta.pid is None or meta.host != os.uname().nodename:
        return None
    space, ticks = meta.facts.get("space"), meta.facts.get("ticks")
    if space and space != alive.space():
        return None
    ticks = ticks if type(ticks) is int else None
    if ticks is None and meta.started_at is None:
        return None
    return alive.runs(meta.pid, ticks, meta.started_at)


class Records:
    """Records that were read, for who looks again and again: one that has not been written since need not be."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[tuple[int, int], dict[str, Any]]] = {}
        """By device and file: when it was written and how long it was, and what it said."""
        self._used: dict[tuple[int, int], tuple[tuple[int, int], dict[str, Any]]] = {}

    def read(self, descriptor: int) -> dict[str, Any] | None:
        """As :func:`letterbox.read`. Raises OSError."""
        status = os.fstat(descriptor)
        record = self.kept(status)
        if record is None:
            record = letterbox.read(descriptor)
            # A file's time moves in steps of some milliseconds: what was written just now may be written again.
            if record is not None and time.time_ns() - status.st_mtime_ns > SETTLED_NS:
                file, written = _written(status)
                self._used[file] = written, record
        return record

    def kept(self, status: os.stat_result) -> dict[str, Any] | None:
        """What the file with that status said when it was read; None: it was not, or was written since."""
        file, written = _written(status)
        kept = self._known.get(file)
        if kept is None or kept[0] != written:
            return None
        self._used[file] = kept
        return kept[1]

    @property
    def any(self) -> bool:
        """Whether some are kept: an asker's first look has none."""
        return bool(self._known)

    def forget(self) -> None:
        """A look is over: those that it has not read are there no more."""
        self._known, self._used = self._used, {}


def _written(status: os.stat_result) -> tuple[tuple[int, int], tuple[int, int]]:
    """Which file that is, and when it was written and how long it is."""
    return (status.st_dev, status.st_ino), (status.st_mtime_ns, status.st_size)


def hooked(
    folder: Path,
    opened: Mapping[int, Held] | None = None,
    records: Records | None = None,
    told: Callable[[int], bytes] = alive.told,
) -> list[Hooked]:
    """The hooked processes of this host that this user may signal, by pid.

    Found through their open record in /proc, whatever folder they write to, and through the records in
    ``folder``. ``opened``: what each process holds open, where that has just been read; ``told``: what says
    of each the same as :func:`alive.told`.
    """
    records = Records() if records is None else records
    opened = descriptors.everybody(table.table()) if opened is None else opened
    by_pid: dict[int, Hooked] = {}
    for process in _through_proc(opened, records, told):
        by_pid.setdefault(process.pid, process)
    for process in _through_records(folder, {*by_pid}, opened, records, told):
        by_pid.setdefault(process.pid, process)
    records.forget()
    return [by_pid[pid] for pid in sorted(by_pid)]


def nobody(pid: int) -> NotHookedError:
    """What to raise for a pid that no process has."""
    return NotHookedError(f"there is no process {pid}")


def one(folder: Path, pid: int) -> Hooked:
    """The hooked process with that pid. Raises NotHookedError, which says why not."""
    for process in hooked(folder):
        if process.pid == pid:
            return process
    if not alive.runs(pid):
        raise nobody(pid)
    owner = alive.owner(pid)
    if owner is not None and os.geteuid() not in (0, owner[0]):
        raise NotHookedError(
            f"process {pid} belongs to uid {owner[0]}: run this as that user or as root"
        )
    raise NotHookedError(
        f"process {pid} does not carry the hook, and a signal might kill it or abort its task: "
        f"{HOW}; or set LEAKHUNT_DIR to the folder it writes to (looked in {visible(str(folder))})"
    )


def _through_proc(
    opened: Mapping[int, Held], records: Records, told: Callable[[int], bytes] = alive.told
) -> Iterator[Hooked]:
    """Records that live processes keep open: /proc/PID/fd/N -> .../processes/HOST-PID-….json."""
    for pid, held in opened.items():
        for number, target in held.telling.items() if held is not None else ():
            target = target[: -len(GONE)] if target.endswith(GONE) else target
            if f"/{PROCESSES}/" not in target or not target.endswith(".json"):
                continue
            status = told(pid)
            places = f"/proc/{pid}/fd/{number}", target
            process = _hooked(pid, places, records, status)
            if process is not None and process.record["pid"] == alive.inner_pid(pid, status):
                yield process


def _through_records(
    folder: Path,
    but: Container[int],
    opened: Mapping[int, Held],
    records: Records,
    told: Callable[[int], bytes],
) -> Iterator[Hooked]:
    """Records in the folder of processes, but for these, that count their pids as this one does."""
    space = alive.space()
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder / PROCESSES)):
            named = letterbox.NAME.fullmatch(name)
            if named is None or named["space"] != (space or "-"):
                continue
            pid, ticks = int(named["pid"]), int(named["ticks"]) if named["ticks"] else None
            if pid in but or not alive.runs(pid, ticks):
                continue
            if _has_let_go(name, opened[pid] if pid in opened else descriptors.held(pid)):
                continue
            process = _hooked(pid, [str(folder / PROCESSES / name)], records, told(pid))
            if process is not None and process.record["pid"] == pid:
                yield process


def _has_let_go(name: str, held: Held) -> bool:
    """Whether a process that may be looked at does not hold its record open any more: execve(2) has made
    another program of it, which keeps the pid and the start, and what it does with signals is its own.
    """
    return held is not None and not any(
        f"/{PROCESSES}/{name}" in target for target in held.telling.values()
    )


def _hooked(pid: int, places: Iterable[str], records: Records, status: bytes) -> Hooked | None:
    """The process whose record can be opened at one of these; None: it is no record, or not its own."""
    owner = alive.owner(pid, status)
    for place in places:
        record = _kept(place, owner, records) if records.any else None
        if record is not None:
            return Hooked(pid, place, record, owner)
        with contextlib.suppress(OSError), _opened(place, owner, os.O_RDONLY) as descriptor:
            record = records.read(descriptor)
            if record is not None:
                return Hooked(pid, place, record, owner)
    return None


@contextlib.contextmanager
def acting_as(owner: tuple[int, int] | None) -> Iterator[None]:
    """With the rights of that user and no others, where this is root and the user is not.

    So nothing is done to a file that its owner could not do; root's rights come back at the end.
    """
    if owner is None or os.geteuid() != 0 or owner[0] == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    try:
        os.setgroups([])
        os.setegid(owner[1])
        os.seteuid(owner[0])
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _kept(path: str, owner: tuple[int, int] | None, records: Records) -> dict[str, Any] | None:
    """What that record said, if it has been read and not been written since; it need not be opened then."""
    with contextlib.suppress(OSError), acting_as(owner):
        status = os.stat(path, follow_symlinks=_is_of_proc(path))
        if _is_trusted(status, owner):
            return records.kept(status)
    return None


def _is_of_proc(path: str) -> bool:
    """Whether a link there is the kernel's own, and no user's."""
    return path.startswith("/proc/")


def _is_trusted(status: os.stat_result, owner: tuple[int, int] | None) -> bool:
    """Whether it is a plain file of the process's user, with one name. With that user's rights."""
    trusted = status.st_uid == (os.geteuid() if owner is None else owner[0])
    return stat.S_ISREG(status.st_mode) and trusted and status.st_nlink <= 1


@contextlib.contextmanager
def _opened(path: str, owner: tuple[int, int] | None, flags: int) -> Iterator[int]:
    """A record's descriptor. Raises OSError where it is not a plain file of the process's user.

    A pipe does not keep anybody waiting, a link is not followed but for the kernel's own in /proc.
    """
    follow = 0 if _is_of_proc(path) else os.O_NOFOLLOW
    with acting_as(owner):
        descriptor = os.open(path, flags | follow | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            if not _is_trusted(os.fstat(descriptor), owner):
                raise PermissionError(f"{path} is no record of that process")
            yield descriptor
        finally:
            os.close(descriptor)


def _read(path: str, owner: tuple[int, int] | None) -> dict[str, Any] | None:
    """A record, or None: it is somebody else's file, or not a record at all."""
    with contextlib.suppress(OSError), _opened(path, owner, os.O_RDONLY) as descriptor:
        return letterbox.read(descriptor)
    return None


# -- asking ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A request that was left with a process."""

    process: Hooked
    identity: str
    """Under this name the process answers."""
    by: str
    """What made it look: ``signal``, ``task`` or ``timer``."""


def ask(process: Hooked, request: str) -> Asked:
    """Leave a request in the process's letter box, and wake it if one of its signals is heard.

    Raises NotHookedError where it would neither hear nor look.
    """
    by = asking.way(process.pid, process.record)
    if by is None:
        raise NotHookedError(f"{process.name} cannot be asked: {process.silence}")
    with _opened(process.at, process.owner, os.O_WRONLY | os.O_APPEND) as descriptor:
        identity = asking.leave(descriptor, request)
    if by.signum is not None:
        os.kill(process.pid, by.signum)
    return Asked(process, identity, by.word)


def answered(asked: Asked) -> tuple[Answer, dict[str, Any]] | None:
    """The answer and the record as it stands now; None while there is none.

    Raises CaptureError when the process has ended.
    """
    process = asked.process
    record = _read(process.at, process.owner)
    if record is None:
        if not alive.runs(process.pid):
            raise CaptureError(f"{process.name} has ended")
        record = _again(process)
        if record is None:
            return None
    for answer in record["answers"]:
        if answer[0] == asked.identity:
            return answer, record
    return None


def _again(process: Hooked) -> dict[str, Any] | None:
    """The record of a process that has made another one, because the folder had been cleaned."""
    held = {process.pid: descriptors.held(process.pid)}
    return next((each.record for each in _through_proc(held, Records())), None)


def wait(asked: Iterable[Asked], seconds: float) -> Iterator[tuple[Asked, Any]]:
    """As each process answers: its request with (answer, record), or with the CaptureError."""
    waiting = list(asked)
    deadline = time.monotonic() + seconds
    while waiting:
        for each in list(waiting):
            try:
                outcome = answered(each)
            except CaptureError as error:
                waiting.remove(each)
                yield each, error
                continue
            if outcome is not None:
                waiting.remove(each)
                yield each, outcome
        if waiting and time.monotonic() > deadline:
            for each in waiting:
                yield each, CaptureError(_late(each, seconds))
            return
        time.sleep(0.01)


def _late(asked: Asked, seconds: float) -> str:
    process = asked.process
    why = {
        "task": "no signal is heard there, and no task has ended meanwhile: it looks after each one",
        "timer": "no signal is heard there, and its timer has not looked: it is busy in code that "
        "does not let other threads run",
        "signal": "it is busy in code that does not return to the interpreter; it will answer when "
        "that ends",
    }[asked.by]
    signum = process.record["second"] or process.record["signal"]
    told = alive.disposition(process.pid, signum) if asked.by == "signal" else None
    if told is not None and told.blocked:
        why = "a signal mask holds the signal back; it will answer when that is lifted"
    return f"{process.name} has not answered within {seconds:g} s: {why}"
