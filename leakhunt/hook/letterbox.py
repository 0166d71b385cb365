"""The record of a hooked process: how ``leakhunt dump`` and ``ls`` find it, and a letter box.

One JSON file per process in ``<dir>/processes``, kept open for as long as the
process lives: so it can also be found, read and written through
``/proc/PID/fd`` by root or the same user, whatever folder the worker uses. The
console leaves requests in the same file, one line each behind the record, before it sends
a signal, because a Python signal handler receives no more than the signal's number. Each
request has a name, under which the record tells its answer.

Everything about the file is here, for both sides: its name, its layout, and the checks
without which nothing in it is believed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import posix
import re
import stat
from pathlib import Path
from typing import Any, Optional

from leakhunt.hook.process import alive, standard
from leakhunt.snapfile import folders

SCHEMA = 2
#: A record is padded to this length; requests stand behind it.
RECORD = 16384
#: A request is at most that long, and so many bytes of them are looked at together.
REQUEST = 200
REQUESTS = 65536
#: Texts in a record are cut here, but for paths and stacks.
LONGEST_TEXT = 500
#: Answers that a record tells, the newest.
ANSWERS = 16

#: ``HOST-PID-BOOT-NAMESPACE-TICKS.json``: one name for each process, whoever shares the folder.
NAME = re.compile(
    r"(?P<host>.+)-(?P<pid>[0-9]+)-(?P<space>[0-9A-Za-z]*-[0-9a-f]*)-(?P<ticks>[0-9]*)\.json"
)
_REQUEST = re.compile(r"(?P<id>[0-9a-f]{1,32}) (?P<request>[ -~]{1,160})")

_WHOLE = (int,)
_REAL = (int, float)
_TEXT = (str,)
#: What a record says, and of which types; a value of another type counts as not said.
FACTS: dict[str, tuple[type, ...]] = {
    "pid": _WHOLE, "parent": _WHOLE, "main": _WHOLE, "ticks": _WHOLE, "signal": _WHOLE,
    "second": _WHOLE, "nframe": _WHOLE, "armed_rss": _WHOLE, "captures": _WHOLE,
    "first_rss": _WHOLE, "started_at": _REAL, "armed_at": _REAL, "first_at": _REAL,
    "host": _TEXT, "space": _TEXT, "node": _TEXT, "pool": _TEXT, "role": _TEXT, "python": _TEXT,
    "engine": _TEXT, "start": _TEXT, "series": _TEXT, "note": _TEXT, "path": _TEXT,
    "problem": _TEXT, "heard": _TEXT, "stacks": _TEXT,
    "verdict": _TEXT, "summary": _TEXT, "taken_by": _TEXT, "looks": _TEXT, "answers": (list,),
}  # fmt: skip
_NEEDED = ("pid", "signal", "captures", "series")
_WHOLE_TEXTS = ("series", "path", "stacks")
LARGEST = 1 << 62


class Record:
    """This process's record; every method is safe to call in any state."""

    def __init__(self) -> None:
        self._file: standard.Kept | None = None
        self._path: Path | None = None
        self._user = -1
        """Whose the file is: a program may become another user, whose record it then is not."""
        self._read_to = RECORD + 1
        self.is_lost = False
        """Whether the last look has shown that the folder was cleaned, or the descriptor closed."""

    def publish(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write or rewrite the record. Raises OSError, SettingError."""
        content = packed(facts)
        if self._file is None or not self._file.links() or self._user != posix.geteuid():
            self.forget()
            parent = folders.make_private(
                folders.make_private(folder) / folders.PROCESSES, own=True
            )
            path = parent / name(facts)
            sweep(parent, facts["host"], facts["space"])
            with contextlib.suppress(FileNotFoundError):  # left over: the name is this process's
                posix.unlink(path)
            with standard.spared():
                descriptor = posix.open(
                    path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
                )
            self._file = standard.kept(descriptor)
            self._path, self._read_to, self._user = path, RECORD + 1, posix.geteuid()
            posix.fchmod(descriptor, 0o600)  # whatever the umask
        self.is_lost = False
        standard.pwrite(self._file.number, content, 0)

    def take_requests(self) -> list[tuple[str, str]]:
        """The requests that were left since the last look, with their names."""
        if self._file is None:
            return []
        links = self._file.links()
        self.is_lost = not links
        if links is None:
            return []
        with contextlib.suppress(OSError):
            left = posix.pread(self._file.number, REQUESTS, self._read_to)
            whole = left[: left.rfind(b"\n") + 1]
            if len(left) == REQUESTS and not whole:  # nonsense: skip it
                whole = left
            self._read_to += len(whole)
            if self._read_to > RECORD + 1 + REQUESTS and len(left) < REQUESTS:
                # Rare, and what is being added this very moment is asked once more by the asker.
                posix.ftruncate(self._file.number, RECORD + 1)
                self._read_to = RECORD + 1
            lines = whole.decode("ascii", "replace").splitlines()
            matches = (_REQUEST.fullmatch(line) for line in lines)
            return [(match["id"], match["request"].strip()) for match in matches if match]
        return []

    def forget(self) -> None:
        """Close without removing: the record of a parent, seen from its child."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None

    def withdraw(self) -> None:
        """Close and remove: this process takes no more requests."""
        if self._path is not None and self._file is not None and self._file.owner == os.getpid():
            with contextlib.suppress(OSError):
                posix.unlink(self._path)
        self.forget()


def name(facts: dict[str, Any]) -> str:
    """The file name of a process's record."""
    ticks = "" if facts["ticks"] is None else facts["ticks"]
    host = re.sub(r"[^A-Za-z0-9._-]", "_", facts["host"])[:100]
    return f"{host}-{facts['pid']}-{facts['space'] or '-'}-{ticks}.json"


def packed(facts: dict[str, Any]) -> bytes:
    """The record as it stands in the file. What is too long for it is cut, who it is never."""
    told = {"schema": SCHEMA, **facts}
    for key, value in told.items():
        if isinstance(value, str) and key not in _WHOLE_TEXTS:
            told[key] = value[:LONGEST_TEXT]
    for dropped in (None, "stacks", "answers", "path", "series"):
        if dropped == "stacks":
            told["stacks"] = None
        elif dropped == "answers":
            told["answers"] = told.get("answers", ())[-1:]
        elif dropped == "path":
            told["answers"], told["path"] = [], None
        elif dropped == "series":
            told["series"] = ""
        content = json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if len(content) < RECORD:
            break
    return content.ljust(RECORD, b" ") + b"\n"


def read(descriptor: int) -> dict[str, Any] | None:
    """What a record says, every key of FACTS, checked; None for what is no record. Raises OSError."""
    try:
        told = json.loads(os.pread(descriptor, RECORD, 0).decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        return None
    record = {key: _checked(told.get(key), kinds) for key, kinds in FACTS.items()}
    record["answers"] = [each for each in map(_answer, record["answers"] or ()) if each]
    return None if any(record[key] is None for key in _NEEDED) else record


def _checked(value: Any, kinds: tuple[type, ...]) -> Any:
    if type(value) not in kinds:
        return None
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) and 0 <= value < LARGEST else None
    return value


#: A request's name, the snapshot's file in the series, what went wrong, what was done.
Answer = tuple[str, Optional[str], Optional[str], Optional[str]]


def _answer(value: Any) -> Answer | None:
    if not isinstance(value, list) or len(value) != 4 or type(value[0]) is not str:
        return None
    rest = (each if type(each) is str else None for each in value[1:])
    file, problem, note = rest
    return value[0], file, problem, note


def line(identity: str, request: str) -> bytes:
    """A request as it is added to the file."""
    content = f"{identity} {request}\n".encode("ascii")
    assert len(content) <= REQUEST, request
    return content


def sweep(folder: Path, host: str, space: str) -> None:
    """Remove the records of processes that were killed and could not.

    Only those that count their pids as this process does: of others nobody here can tell
    whether they live. Only files of this very user, through the folder's descriptor.
    """
    with contextlib.suppress(OSError):
        opened = posix.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for each in posix.listdir(opened):
                match = NAME.fullmatch(each)
                if match is None or match["space"] != (space or "-"):
                    continue
                if not space and match["host"] != host:
                    continue
                ticks = int(match["ticks"]) if match["ticks"] else None
                if not alive.runs(int(match["pid"]), ticks):
                    _remove(opened, each)
        finally:
            posix.close(opened)


def _remove(folder: int, each: str) -> None:
    with contextlib.suppress(OSError):
        status = posix.stat(each, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode) and status.st_uid == posix.geteuid():
            posix.unlink(each, dir_fd=folder)
