"""Records of hooked processes, read without trust.

A record is a file that another user's process may have made: it is read with the rights of that
user where root asks (:func:`acting_as`), opened once, and checked.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from typing import Any

from leakhunt.hook import letterbox

#: Nanoseconds: no file system tells times more coarsely.
SETTLED_NS = 2_500_000_000


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


def kept_record(
    path: str, owner: tuple[int, int] | None, records: Records
) -> dict[str, Any] | None:
    """What that record said, if it has been read and not been written since; it need not be opened then."""
    with contextlib.suppress(OSError), acting_as(owner):
        status = os.stat(path, follow_symlinks=_is_of_proc(path))
        if _is_trusted(status, owner):
            return records.kept(status)
    return None


def read_record(path: str, owner: tuple[int, int] | None) -> dict[str, Any] | None:
    """A record, or None: it is somebody else's file, or not a record at all."""
    with contextlib.suppress(OSError), open_record(path, owner, os.O_RDONLY) as descriptor:
        return letterbox.read(descriptor)
    return None


@contextlib.contextmanager
def open_record(path: str, owner: tuple[int, int] | None, flags: int) -> Iterator[int]:
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


def _is_of_proc(path: str) -> bool:
    """Whether a link there is the kernel's own, and no user's."""
    return path.startswith("/proc/")


def _is_trusted(status: os.stat_result, owner: tuple[int, int] | None) -> bool:
    """Whether it is a plain file of the process's user, with one name. With that user's rights."""
    trusted = status.st_uid == (os.geteuid() if owner is None else owner[0])
    return stat.S_ISREG(status.st_mode) and trusted and status.st_nlink <= 1


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
