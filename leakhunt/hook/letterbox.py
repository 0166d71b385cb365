"""The record of a hooked process: how ``leakhunt dump`` and ``ls`` find it, and a letter box.

One JSON file per process in ``<dir>/processes``, kept open for as long as the
process lives: so it can also be found, read and written through
``/proc/PID/fd`` by root or the same user, whatever folder the worker uses. The
console leaves requests in the same file before it sends the signal, because
a Python signal handler receives no more than the signal's number.
"""

from __future__ import annotations

import contextlib
import json
import os
import posix
from pathlib import Path
from typing import Any

from leakhunt.snapfile import folders

SCHEMA = 1
#: A record is padded to this length; the request stands behind it.
RECORD = 4096
REQUEST = 512


class Record:
    """This process's record; every method is safe to call in any state."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._owner = 0
        self._identity = (0, 0)

    def _is_open(self, linked: bool = False) -> bool:
        """Whether the descriptor is still our file: a daemonizing worker closes all of
        them, and the number may by now be somebody else's file. With ``linked``, whether
        the file can also still be found in the folder, which may have been cleaned.
        """
        if self._descriptor is None or self._owner != os.getpid():
            return False
        with contextlib.suppress(OSError):
            status = posix.fstat(self._descriptor)
            same = (status.st_dev, status.st_ino) == self._identity
            return same and (status.st_nlink > 0 or not linked)
        return False

    def publish(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write or rewrite the record. Raises OSError, SettingError."""
        content = json.dumps({"schema": SCHEMA, **facts}).encode()[: RECORD - 1]
        if not self._is_open(linked=True):
            self.forget()
            parent = folders.make_private(folders.make_private(folder) / folders.PROCESSES)
            path = parent / f"{facts['host']}-{facts['pid']}.json"
            _sweep(parent, f"{facts['host']}-")
            with contextlib.suppress(FileNotFoundError):  # of an earlier process with this pid
                posix.unlink(path)
            self._descriptor = posix.open(
                path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            self._path, self._owner = path, os.getpid()
            status = posix.fstat(self._descriptor)
            self._identity = (status.st_dev, status.st_ino)
        assert self._descriptor is not None
        posix.pwrite(self._descriptor, content.ljust(RECORD, b" ") + b"\n", 0)

    def take_request(self) -> str | None:
        """The request that was left since the last one, if any."""
        if self._descriptor is None or not self._is_open():
            return None
        with contextlib.suppress(OSError):
            request = posix.pread(self._descriptor, REQUEST, RECORD + 1)
            if request.strip():
                posix.ftruncate(self._descriptor, RECORD + 1)
                return request.decode(errors="replace").strip()
        return None

    def forget(self) -> None:
        """Close without removing: the record of a parent, seen from its child."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                status = posix.fstat(self._descriptor)
                if (status.st_dev, status.st_ino) == self._identity:
                    posix.close(self._descriptor)
        self._descriptor = self._path = None

    def withdraw(self) -> None:
        """Close and remove: this process takes no more signals."""
        if self._path is not None and self._owner == os.getpid():
            with contextlib.suppress(OSError):
                posix.unlink(self._path)
        self.forget()


def _sweep(folder: Path, prefix: str) -> None:
    """Remove the records of this host's processes that were killed and could not."""
    with contextlib.suppress(OSError):
        for name in posix.listdir(folder):
            pid = name[len(prefix) : -len(".json")]
            if name.startswith(prefix) and name.endswith(".json") and pid.isdigit():
                try:
                    posix.kill(int(pid), 0)
                except ProcessLookupError:
                    posix.unlink(folder / name)
                except OSError:
                    continue
