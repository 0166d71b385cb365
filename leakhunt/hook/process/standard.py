"""Keeps leakhunt's files off numbers that are other people's: of the standard streams, and after a program has
closed all descriptors (a daemon does), of the files that it has opened since.
"""

from __future__ import annotations

import _signal
import contextlib
import errno
import os
import posix
import signal
import sys
from collections.abc import Iterator
from typing import NamedTuple


@contextlib.contextmanager
def spared() -> Iterator[None]:
    """What is opened meanwhile is none of descriptors 0, 1 and 2.

    A daemon may have closed these, and open(2) gives the lowest number that is free: whatever prints
    afterwards, C code of libraries too, would write into leakhunt's file.
    """
    held: list[int] = []
    try:
        with contextlib.suppress(OSError):  # out of descriptors
            while True:
                number = posix.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
                held.append(number)
                if number > 2:
                    break
        if held and held[-1] > 2:
            posix.close(held.pop())
        yield
    finally:
        for number in held:
            posix.close(number)


class Kept(NamedTuple):
    """A descriptor that stays open while the program's own code runs: its number may be anybody's by then."""

    number: int
    device: int
    inode: int
    owner: int
    """The process that opened it."""

    def links(self) -> int | None:
        """How many names its file has; None: the number is not our file's any more, or the process is another."""
        if self.owner != os.getpid():
            return None
        return self._links()

    def _links(self) -> int | None:
        try:
            status = posix.fstat(self.number)
        except OSError:
            return None
        same = (status.st_dev, status.st_ino) == (self.device, self.inode)
        return status.st_nlink if same else None

    def close(self) -> None:
        """Close it, in a forked child as well, unless the number is somebody else's by now."""
        if self._links() is not None:
            with contextlib.suppress(OSError):
                posix.close(self.number)


def kept(number: int) -> Kept:
    """The open descriptor as one to be kept. Raises OSError."""
    status = posix.fstat(number)
    return Kept(number, status.st_dev, status.st_ino, os.getpid())


@contextlib.contextmanager
def within_limits() -> Iterator[None]:
    """A file that may not grow any more (RLIMIT_FSIZE) is an error of the write, and no SIGXFSZ, which ends a
    program that does not ignore it as Python does.
    """
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, {signal.SIGXFSZ})
    try:
        yield
    except OSError as error:
        if error.errno == errno.EFBIG and hasattr(_signal, "sigtimedwait"):
            _signal.sigtimedwait({signal.SIGXFSZ}, 0)
        raise
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)


def pwrite(number: int, content: bytes, at: int) -> None:
    """All of it, there. Raises OSError, also where a part of it went in."""
    with within_limits():
        while content:
            written = posix.pwrite(number, content, at)
            content, at = content[written:], at + written


def error(message: str) -> None:
    """A line on standard error, around Python's stream, which is not reentrant; never raises.

    None where the process was started without: descriptor 2 may be anybody's file there.
    """
    if sys.__stderr__ is None:
        return
    with contextlib.suppress(OSError):
        posix.write(2, f"{message}{os.linesep}".encode(errors="replace"))
