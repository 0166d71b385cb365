"""The workers of an app on whatever host, asked through its broker (:mod:`leakhunt.hook.celery.remote`).

A reply comes from whoever may write to the broker: it is checked field by field, a file's name must be
one that leakhunt gives, its bytes go to a new file in one folder and nowhere else, no more of them than
was agreed, and what has come is read as an untrusted snapshot before it gets its name.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leakhunt.errors import CaptureError, LeakhuntError, SnapshotError
from leakhunt.hook.celery.remote import PIECE, SCHEMA
from leakhunt.hook.letterbox import LARGEST as LARGEST_NUMBER
from leakhunt.hook.process import alive
from leakhunt.live import app as apps
from leakhunt.model.paths import visible
from leakhunt.model.process import ROLES, Celery, Identity, Machine, Memory, Process, Pulse
from leakhunt.snapfile import folders
from leakhunt.snapfile.read import read_facts

#: Replies and processes of one that are looked at; names are cut there.
MOST_NODES, MOST_PROCESSES = 4096, 4096
LONGEST = 500
#: Seconds between two questions whether a snapshot is there, and for a piece of a file to come.
EVERY, PIECE_PATIENCE = 0.3, 20.0


class RemoteError(LeakhuntError):
    """The workers cannot be asked through this broker."""


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


@contextlib.contextmanager
def reached(name: str, destination: Sequence[str], timeout: float) -> Iterator[Fleet]:
    """The workers of the app of that name. Raises RemoteError, AppError.

    ``destination``: nodes, all without; ``timeout``: seconds after the last reply.
    """
    app = apps.load(name)
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(app.connection_for_write())
            connection.ensure_connection(max_retries=1, interval_start=0.2)
        except Exception as error:
            raise RemoteError(
                f"the broker of {name} is not reached: {type(error).__name__}: {error}"
            ) from error
        if not connection.supports_exchange_type("fanout"):
            raise RemoteError(
                f"the {connection.transport_cls} transport has no broadcast, so workers cannot be "
                "asked through it: run leakhunt on their hosts, without -A"
            )
        yield Fleet(app, name, connection, list(destination), timeout)


class Fleet:
    """For as long as its connection is open."""

    def __init__(
        self, app: Any, name: str, connection: Any, destination: Sequence[str], timeout: float
    ) -> None:
        self.name = name
        self._app, self._connection = app, connection
        self._destination, self._timeout = list(destination), timeout

    def _ask(
        self,
        command: str,
        nodes: Sequence[str] = (),
        timeout: float | None = None,
        **arguments: Any,
    ) -> dict[str, dict[str, Any]]:
        """The replies by node. Raises RemoteError."""
        try:
            replies = self._app.control.broadcast(
                command, arguments=arguments, destination=list(nodes) or self._destination or None,
                connection=self._connection, reply=True, timeout=timeout or self._timeout,
            )  # fmt: skip
        except Exception as error:
            raise RemoteError(
                f"the workers of {self.name} could not be asked: {type(error).__name__}: {error}"
            ) from error
        by_node = {}
        for reply in list(replies or ())[:MOST_NODES]:
            for node, told in reply.items() if isinstance(reply, dict) else ():
                if isinstance(node, str) and isinstance(told, dict):
                    by_node[node[:LONGEST]] = told
        return by_node

    def look(self) -> Answers:
        """The processes of all workers, now."""
        return answers(self._ask("leakhunt"), self.name)

    def silent(self, seen: Iterable[str]) -> list[str]:
        """Nodes that were asked by name and are not among these."""
        return sorted(set(self._destination) - set(seen))

    def dump(
        self, pids: Sequence[int] = (), nodes: Sequence[str] = ()
    ) -> tuple[list[Asked], list[str]]:
        """Ask every process (or those) for a snapshot: what was asked, and what could not be."""
        asked: list[Asked] = []
        problems = []
        replies = self._ask("leakhunt_dump", nodes, pids=list(pids))
        for node, told in sorted(replies.items()):
            said = _refusal(told)
            if said is not None:
                problems.append(visible(f"{node}: {said}"))
                continue
            host, space, folder = (_text(told, key) or "" for key in ("host", "space", "dir"))
            for each in _list(told, "asked"):
                pid, request = _whole(each, "pid"), _text(each, "request")
                if pid is not None and request is not None:
                    asked.append(Asked(node, host, space, folder, pid, request))
            if not pids:  # with pids, every other worker says that they are none of its own
                problems += [visible(f"{node}: {said}") for said in _texts(told, "problems")]
        for node in self.silent(replies):
            problems.append(visible(f"{node} has not answered within {self._timeout:g} s"))
        return asked, problems

    def wait(self, asked: Sequence[Asked], seconds: float) -> Iterator[tuple[Asked, Any]]:
        """As snapshots are there: what was asked with what was Written, or with a CaptureError."""
        waiting = {(each.node, each.request): each for each in asked}
        deadline = time.monotonic() + seconds
        while waiting:
            for node in sorted({node for node, _ in waiting}):
                requests = [
                    [each.pid, each.request] for each in waiting.values() if each.node == node
                ]
                told = self._one(node, "leakhunt_dumped", requests=requests)
                for answer in _list(told, "answers"):
                    each = waiting.get((node, _text(answer, "request") or ""))
                    if each is not None:
                        outcome = _outcome(each, answer)
                        del waiting[node, each.request]
                        yield each, outcome
            if waiting and time.monotonic() > deadline:
                for each in waiting.values():
                    yield (
                        each,
                        CaptureError(
                            f"no snapshot within {seconds:g} s: it is busy, or the worker does not answer"
                        ),
                    )
                return
            if waiting:
                time.sleep(EVERY)

    def _one(self, node: str, command: str, **arguments: Any) -> dict[str, Any]:
        """One node's reply; empty without one."""
        return self._ask(command, [node], PIECE_PATIENCE, **arguments).get(node, {})

    def collect(self, written: Written, folder: Path, most: int) -> Path:
        """Bring a snapshot into its series' folder below that one. Raises LeakhuntError.

        It gets its name once it is whole and can be read, and replaces nothing.
        """
        if written.size > most:
            raise CaptureError(f"it has {written.size} bytes, and {most} were agreed")
        series = folders.make_private(folders.make_private(folder) / written.series, own=True)
        path = series / written.file
        if path.exists() or path.is_symlink():
            raise CaptureError(f"{visible(str(path), 0)} is there already, and stays as it is")
        torn = f".{written.file[: -len('.bin')]}.tmp"
        try:
            with folders.opened(series) as opened:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptor = os.open(torn, flags, 0o600, dir_fd=opened)
                try:
                    with os.fdopen(descriptor, "wb") as file:
                        for content in self._pieces(written):
                            file.write(content)
                    read_facts(series / torn)
                    os.link(torn, written.file, src_dir_fd=opened, dst_dir_fd=opened)
                finally:
                    os.unlink(torn, dir_fd=opened)
        except SnapshotError as error:
            raise CaptureError(f"what {written.asked.node} has sent is no snapshot") from error
        except OSError as error:
            raise CaptureError(f"{visible(str(path), 0)}: {error.strerror}") from error
        return path

    def _pieces(self, written: Written) -> Iterator[bytes]:
        """The bytes of a snapshot, exactly as many as it was said to have. Raises CaptureError."""
        at = 0
        while at < written.size:
            told = self._one(
                written.asked.node,
                "leakhunt_piece",
                series=written.series,
                file=written.file,
                at=at,
            )
            content = _bytes(told) if _whole(told, "at") == at else b""
            if not 0 < len(content) <= min(PIECE, written.size - at):
                why = _refusal(told) if told else f"no reply within {PIECE_PATIENCE:g} s"
                raise CaptureError(f"its bytes did not come: {visible(why or 'a reply is wrong')}")
            at += len(content)
            yield content


# -- replies: nothing in them is believed ---------------------------------------------------


def answers(replies: Mapping[str, Mapping[str, Any]], app: str) -> Answers:
    """Replies of ``leakhunt`` as values. Two workers of one machine are one Host."""
    refused: dict[str, str] = {}
    several: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    left_out = 0
    for node, told in sorted(replies.items()):
        said = _refusal(told)
        if said is not None:
            refused[node] = said
            continue
        host, space = _text(told, "host") or node, _text(told, "space") or ""
        several.setdefault((host, space), []).append((node, told))
        left_out += _whole(told, "left_out") or 0
    return Answers(
        tuple(_host(host, space, each, app) for (host, space), each in sorted(several.items())),
        refused,
        left_out,
    )


def _host(name: str, space: str, told: Sequence[tuple[str, Mapping[str, Any]]], app: str) -> Host:
    processes: dict[Identity, Process] = {}
    grown = {}
    now = time.time()
    for node, reply in told:
        now = _real(reply, "now") or now
        for each in _list(reply, "processes")[:MOST_PROCESSES]:
            process = _process(each, node, app, reply, f"{name} {space}")
            if process is None:
                continue
            processes[process.identity] = process
            size, since = each.get("grown"), _real(each, "grown_since")
            if type(size) is int and abs(size) < LARGEST_NUMBER and since is not None:
                grown[process.identity] = (
                    size,
                    max(0.0, now - since),
                    _whole(each, "snapshots") or 0,
                )
    cores = max((_whole(reply, "cores") or 1 for _, reply in told), default=1)
    memory = max((_whole(reply, "memory") or 0 for _, reply in told), default=0)
    nodes = tuple(node for node, _ in told)
    return Host(name, Machine(memory or None, cores, now), nodes, tuple(processes.values()), grown)


def _process(
    told: Mapping[str, Any], node: str, app: str, reply: Mapping[str, Any], host: str
) -> Process | None:
    pid, started_at = _whole(told, "pid"), _real(told, "started_at")
    if pid is None or started_at is None:
        return None
    role = _text(told, "role")
    limit = _whole(reply, "limit")
    most = _whole(reply, "max_memory_per_child")
    sizes = {
        name: _whole(told, name) for name in ("rss", "uss", "pss", "shared", "swap", "vms", "peak")
    }
    ticks = _whole(told, "ticks")
    return Process(
        identity=Identity(pid, round(started_at * 100) if ticks is None else ticks, host),
        parent=_whole(told, "parent") or 0,
        started_at=started_at,
        uid=-1,
        user="",
        role=role if role in ROLES else "program",
        state=(_text(told, "state") or "S")[:1],
        cpu=_real(told, "cpu") or 0.0,
        celery=Celery(
            "worker",
            node=node,
            app=app,
            pool=_text(reply, "pool"),
            concurrency=None if (n := _whole(reply, "concurrency")) is None else str(n),
            queues=",".join(_texts(reply, "queues")) or None,
            max_memory_per_child=None if most is None else most << 10,
            max_tasks_per_child=_whole(reply, "max_tasks_per_child"),
        ),
        memory=Memory(**sizes),
        readable=True,
        threads=_whole(told, "threads"),
        limit=limit,
        group=host if limit is not None else None,
        hooked=told.get("hooked") is True,
        engine=_text(told, "engine"),
        signal_name=_text(told, "signal_name") or "SIGUSR1",
        signal=signal
        if (signal := _text(told, "signal")) in ("heard", "blocked", "taken", "none")
        else "heard",
        pulse=_pulse(told.get("pulse")),
    )


def _pulse(told: Any) -> Pulse | None:
    if not isinstance(told, list) or len(told) != 6:
        return None
    done, wall, last, running, task, since = told
    numbers = {"done": done, "wall": wall, "last": last, "running": running, "since": since}
    whole, seconds = _whole(numbers, "done"), _real(numbers, "wall")
    if whole is None or seconds is None:
        return None
    name = task[:LONGEST] if isinstance(task, str) else None
    under_way = _whole(numbers, "running") or 0
    return Pulse(whole, seconds, _real(numbers, "last"), under_way, name, _real(numbers, "since"))


def _outcome(asked: Asked, answer: Mapping[str, Any]) -> Written | CaptureError:
    series, file, size = _text(answer, "series"), _text(answer, "file"), _whole(answer, "size")
    if answer.get("gone") is True:
        return CaptureError("it has ended")
    if file is None:
        return CaptureError(_text(answer, "problem") or "no snapshot")
    named = folders.SERIES.fullmatch(series or "") and folders.SNAPSHOT.fullmatch(file)
    if series is None or not named or "/" in series or series.startswith("."):
        return CaptureError("its answer names no snapshot of leakhunt's")
    if size is None:
        return CaptureError("its snapshot is not there any more")
    return Written(asked, series, file, size)


def _refusal(told: Mapping[str, Any]) -> str | None:
    """Why a reply tells nothing."""
    error = _text(told, "error")
    if error is not None:
        return error
    return (
        None
        if told.get("schema") == SCHEMA
        else "its leakhunt speaks another version than this one"
    )


def _whole(told: Mapping[str, Any], key: str) -> int | None:
    value = told.get(key)
    return value if type(value) is int and 0 <= value < LARGEST_NUMBER else None


def _real(told: Mapping[str, Any], key: str) -> float | None:
    value = told.get(key)
    if type(value) not in (int, float):
        return None
    assert isinstance(value, (int, float))
    return float(value) if 0 <= value < LARGEST_NUMBER else None


def _text(told: Mapping[str, Any], key: str) -> str | None:
    value = told.get(key)
    return value[:LONGEST] if isinstance(value, str) else None


def _list(told: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = told.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts(told: Mapping[str, Any], key: str) -> list[str]:
    value = told.get(key)
    return (
        [each[:LONGEST] for each in value if isinstance(each, str)]
        if isinstance(value, list)
        else []
    )


def _bytes(told: Mapping[str, Any]) -> bytes:
    value = told.get("content")
    if not isinstance(value, str) or len(value) > 2 * PIECE:
        return b""
    try:
        return binascii.a2b_base64(value)
    except ValueError:
        return b""
