"""Keeps leakhunt's files off the numbers of the standard streams, and off whatever has those."""

from __future__ import annotations

import contextlib
import os
import posix
import sys
from collections.abc import Iterator


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


def error(message: str) -> None:
    """A line on standard error, around Python's stream, which is not reentrant; never raises.

    None where the process was started without: descriptor 2 may be anybody's file there.
    """
    if sys.__stderr__ is None:
        return
    with contextlib.suppress(OSError):
        posix.write(2, f"{message}{os.linesep}".encode(errors="replace"))
