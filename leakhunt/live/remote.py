"""The workers of an app on whatever host, asked through its broker (:mod:`leakhunt.hook.celery.remote`).

Replies are checked field by field (:mod:`leakhunt.live.replies`): a file's name must be one that leakhunt gives,
its bytes go to a new file in one folder and nowhere else, no more of them than was agreed, and what has come is
read as an untrusted snapshot before it gets its name.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from leakhunt import units
from leakhunt.errors import CaptureError, LeakhuntError, SnapshotError
from leakhunt.hook.celery.remote import PIECE
from leakhunt.live import app as apps
from leakhunt.live.replies import (
    LONGEST,
    Answers,
    Asked,
    Written,
    answers,
    content,
    dicts,
    outcome,
    refusal,
    text,
    texts,
    whole,
)  # fmt: skip
from leakhunt.model.paths import visible
from leakhunt.snapfile import folders
from leakhunt.snapfile.read import read_facts

#: Replies that are looked at.
MOST_NODES = 4096
#: Seconds between two questions whether a snapshot is there, and for a piece of a file to come.
EVERY, PIECE_PATIENCE = 0.3, 20.0
#: What to do where a transport has no broadcast.
INSTEAD = "run leakhunt on their hosts, without -A"


class RemoteError(LeakhuntError):
    """The workers cannot be asked through this broker."""


@contextlib.contextmanager
def reached(name: str, destination: Sequence[str], timeout: float) -> Iterator[Fleet]:
    """The workers of the app of that name. Raises RemoteError, AppError.

    ``destination``: nodes, all without; ``timeout``: seconds after the last reply.
    """
    app = apps.load(name)
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(app.connection_for_write())
            why = _mute(connection)  # before it is reached: nobody could be asked through it anyway
            if why is None:
                connection.ensure_connection(max_retries=1, interval_start=0.2)
        except Exception as error:
            raise RemoteError(
                f"the broker of {name} is not reached: {type(error).__name__}: {error}"
            ) from error
        if why is not None:
            raise RemoteError(f"{why}, so workers cannot be asked through it: {INSTEAD}")
        yield Fleet(app, name, connection, list(destination), timeout)


def _mute(connection: Any) -> str | None:
    """Why that connection's transport carries no broadcast to a worker; None: it does."""
    if not connection.supports_exchange_type("fanout"):
        return f"the {connection.transport_cls} transport has no broadcast"
    # Kombu's queues of memory:// are attributes of a class: they have a fanout, and it ends with the process.
    if connection.transport.driver_type == "memory":
        return (
            f"the {connection.transport_cls} transport has no broadcast to other processes "
            "(its messages stay in the memory of the process that sends them)"
        )
    return None


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
        return answers(self._ask("leakhunt"))

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
            said = refusal(told)
            if said is not None:
                problems.append(visible(f"{node}: {said}"))
                continue
            host, space, folder = (text(told, key) or "" for key in ("host", "space", "dir"))
            for each in dicts(told, "asked"):
                pid, request = whole(each, "pid"), text(each, "request")
                if pid is not None and request is not None:
                    asked.append(Asked(node, host, space, folder, pid, request))
            if not pids:  # with pids, every other worker says that they are none of its own
                problems += [visible(f"{node}: {said}") for said in texts(told, "problems")]
        for node in self.silent(replies):
            problems.append(visible(f"{node} has not answered within {units.limit(self._timeout)}"))
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
                for answer in dicts(told, "answers"):
                    each = waiting.get((node, text(answer, "request") or ""))
                    if each is not None:
                        told_of = outcome(each, answer)
                        del waiting[node, each.request]
                        yield each, told_of
            if waiting and time.monotonic() > deadline:
                for each in waiting.values():
                    yield (
                        each,
                        CaptureError(
                            f"no snapshot within {units.limit(seconds)}: it is busy, or the worker does not answer"
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
                        for part in self._pieces(written):
                            file.write(part)
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
            part = content(told) if whole(told, "at") == at else b""
            if not 0 < len(part) <= min(PIECE, written.size - at):
                why = refusal(told) if told else f"no reply within {units.limit(PIECE_PATIENCE)}"
                raise CaptureError(f"its bytes did not come: {visible(why or 'a reply is wrong')}")
            at += len(part)
            yield part
