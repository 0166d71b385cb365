"""What the workers of an app have answered, as values. Nothing in a reply is believed.

It comes from whoever may write to the broker: each field is checked for its type and its size, and what is wrong
counts as not said.
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leakhunt.errors import CaptureError
from leakhunt.hook.celery.remote import PIECE, SCHEMA
from leakhunt.hook.letterbox import LARGEST as LARGEST_NUMBER
from leakhunt.hook.process import alive
from leakhunt.model.paths import visible
from leakhunt.model.process import ROLES, Celery, Identity, Machine, Memory, Process, Pulse
from leakhunt.snapfile import folders

#: Processes of one reply that are looked at; names are cut there.
MOST_PROCESSES = 4096
LONGEST = 500


@dataclass(frozen=True)
class Host:
    """A machine (or container), with the processes of the workers there that have answered."""

    name: str
    machine: Machine
    nodes: tuple[str, ...]
    processes: tuple[Process, ...]
    grown: Mapping[Identity, tuple[int, float, int]]
    """Bytes of RSS since tracing began there, seconds since, and snapshots."""


@dataclass(frozen=True)
class Answers:
    """Who has answered, and what."""

    hosts: tuple[Host, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Per node, why it tells nothing."""
    left_out: int = 0
    """Processes that were too many for a reply."""


@dataclass(frozen=True)
class Asked:
    """A snapshot that was asked for."""

    node: str
    host: str
    space: str
    folder: str
    """Of the worker's, where its series are: on its host."""
    pid: int
    request: str


@dataclass(frozen=True)
class Written:
    """A snapshot that a worker has written."""

    asked: Asked
    series: str
    file: str
    """Both are names that leakhunt gives: no path."""
    size: int

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return visible(f"{self.asked.host}:{self.asked.folder}/{self.series}/{self.file}", 0)

    @property
    def here(self) -> Path | None:
        """Its path, where the worker runs on this very machine."""
        path = Path(self.asked.folder) / self.series / self.file
        same = self.asked.space and self.asked.space == alive.space()
        return path if same and path.is_absolute() and path.is_file() else None


def answers(replies: Mapping[str, Mapping[str, Any]]) -> Answers:
    """Replies of ``leakhunt`` as values. Two workers of one machine are one Host.

    Every app's workers at a broker answer: a worker is of the app that it says it has, whichever was asked for.
    """
    refused: dict[str, str] = {}
    several: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    left_out = 0
    for node, told in sorted(replies.items()):
        said = refusal(told)
        if said is not None:
            refused[node] = said
            continue
        host, space = text(told, "host") or node, text(told, "space") or ""
        several.setdefault((host, space), []).append((node, told))
        left_out += whole(told, "left_out") or 0
    return Answers(
        tuple(_host(host, space, each) for (host, space), each in sorted(several.items())),
        refused,
        left_out,
    )


def _host(name: str, space: str, told: Sequence[tuple[str, Mapping[str, Any]]]) -> Host:
    processes: dict[Identity, Process] = {}
    grown = {}
    now = time.time()
    for node, reply in told:
        now = real(reply, "now") or now
        for each in dicts(reply, "processes")[:MOST_PROCESSES]:
            process = _process(each, node, reply, f"{name} {space}")
            if process is None:
                continue
            processes[process.identity] = process
            size, since = each.get("grown"), real(each, "grown_since")
            if type(size) is int and abs(size) < LARGEST_NUMBER and since is not None:
                grown[process.identity] = (
                    size,
                    max(0.0, now - since),
                    whole(each, "snapshots") or 0,
                )
    cores = max((whole(reply, "cores") or 1 for _, reply in told), default=1)
    memory = max((whole(reply, "memory") or 0 for _, reply in told), default=0)
    nodes = tuple(node for node, _ in told)
    return Host(name, Machine(memory or None, cores, now), nodes, tuple(processes.values()), grown)


def _process(
    told: Mapping[str, Any], node: str, reply: Mapping[str, Any], host: str
) -> Process | None:
    pid, started_at = whole(told, "pid"), real(told, "started_at")
    if pid is None or started_at is None:
        return None
    role = text(told, "role")
    limit = whole(reply, "limit")
    most = whole(reply, "max_memory_per_child")
    sizes = {
        name: whole(told, name) for name in ("rss", "uss", "pss", "shared", "swap", "vms", "peak")
    }
    ticks = whole(told, "ticks")
    return Process(
        identity=Identity(pid, round(started_at * 100) if ticks is None else ticks, host),
        parent=whole(told, "parent") or 0,
        started_at=started_at,
        uid=-1,
        user="",
        role=role if role in ROLES else "program",
        state=(text(told, "state") or "S")[:1],
        cpu=real(told, "cpu") or 0.0,
        celery=Celery(
            "worker",
            node=node,
            app=text(reply, "app"),
            pool=text(reply, "pool"),
            concurrency=None if (n := whole(reply, "concurrency")) is None else str(n),
            queues=",".join(texts(reply, "queues")) or None,
            max_memory_per_child=None if most is None else most << 10,
            max_tasks_per_child=whole(reply, "max_tasks_per_child"),
        ),
        memory=Memory(**sizes),
        readable=True,
        threads=whole(told, "threads"),
        limit=limit,
        group=host if limit is not None else None,
        hooked=told.get("hooked") is True,
        engine=text(told, "engine"),
        signal_name=text(told, "signal_name") or "SIGUSR1",
        signal=signal
        if (signal := text(told, "signal")) in ("heard", "blocked", "taken", "none")
        else "heard",
        pulse=_pulse(told.get("pulse")),
    )


def _pulse(told: Any) -> Pulse | None:
    if not isinstance(told, list) or len(told) != 6:
        return None
    done, wall, last, running, task, since = told
    numbers = {"done": done, "wall": wall, "last": last, "running": running, "since": since}
    ended, seconds = whole(numbers, "done"), real(numbers, "wall")
    if ended is None or seconds is None:
        return None
    name = task[:LONGEST] if isinstance(task, str) else None
    under_way = whole(numbers, "running") or 0
    return Pulse(ended, seconds, real(numbers, "last"), under_way, name, real(numbers, "since"))


def outcome(asked: Asked, answer: Mapping[str, Any]) -> Written | CaptureError:
    """What has become of a request: a snapshot by the names that leakhunt gives, or the reason why there is none."""
    series, file, size = text(answer, "series"), text(answer, "file"), whole(answer, "size")
    if answer.get("gone") is True:
        return CaptureError("it has ended")
    if file is None:
        return CaptureError(text(answer, "problem") or "no snapshot")
    named = folders.SERIES.fullmatch(series or "") and folders.SNAPSHOT.fullmatch(file)
    if series is None or not named or "/" in series or series.startswith("."):
        return CaptureError("its answer names no snapshot of leakhunt's")
    if size is None:
        return CaptureError("its snapshot is not there any more")
    return Written(asked, series, file, size)


def refusal(told: Mapping[str, Any]) -> str | None:
    """Why a reply tells nothing."""
    error = text(told, "error")
    if error is not None:
        return error
    return (
        None
        if told.get("schema") == SCHEMA
        else "its leakhunt speaks another version than this one"
    )


def whole(told: Mapping[str, Any], key: str) -> int | None:
    """A whole number that is not negative; None: it says none."""
    value = told.get(key)
    return value if type(value) is int and 0 <= value < LARGEST_NUMBER else None


def real(told: Mapping[str, Any], key: str) -> float | None:
    """A number that is not negative, as a float; None: it says none."""
    value = told.get(key)
    if type(value) not in (int, float):
        return None
    assert isinstance(value, (int, float))
    return float(value) if 0 <= value < LARGEST_NUMBER else None


def text(told: Mapping[str, Any], key: str) -> str | None:
    """A text, cut at :data:`LONGEST`; None: it says none."""
    value = told.get(key)
    return value[:LONGEST] if isinstance(value, str) else None


def dicts(told: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Those of a list that are objects."""
    value = told.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(told: Mapping[str, Any], key: str) -> list[str]:
    """Those of a list that are texts, each cut."""
    value = told.get(key)
    return (
        [each[:LONGEST] for each in value if isinstance(each, str)]
        if isinstance(value, list)
        else []
    )


def content(told: Mapping[str, Any]) -> bytes:
    """The bytes of a piece; none where they are no base64, or more than a piece has."""
    value = told.get("content")
    if not isinstance(value, str) or len(value) > 2 * PIECE:
        return b""
    try:
        return binascii.a2b_base64(value)
    except ValueError:
        return b""
