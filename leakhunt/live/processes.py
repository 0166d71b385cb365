"""Hooked processes of this host, found by their records.

A record is a file that another user's process may have made: see :mod:`leakhunt.live.records`. Its
texts are shown with their control characters made visible.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leakhunt.errors import NotHookedError
from leakhunt.hook import asking, letterbox
from leakhunt.hook.process import alive
from leakhunt.hook.signal_names import signal_name
from leakhunt.live import descriptors, table
from leakhunt.live.descriptors import Held
from leakhunt.live.records import Records, kept_record, open_record
from leakhunt.model.paths import visible
from leakhunt.snapfile.folders import PROCESSES

if TYPE_CHECKING:
    from leakhunt.model.meta import Meta


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
    def runs(self) -> bool:
        """Whether it is still there: its pid may be another's by now."""
        return alive.runs(self.pid, self.record.get("ticks"), self.record.get("started_at"))

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
    for process in through_proc(opened, records, told):
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


def through_proc(
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
        record = kept_record(place, owner, records) if records.any else None
        if record is not None:
            return Hooked(pid, place, record, owner)
        with contextlib.suppress(OSError), open_record(place, owner, os.O_RDONLY) as descriptor:
            record = records.read(descriptor)
            if record is not None:
                return Hooked(pid, place, record, owner)
    return None
