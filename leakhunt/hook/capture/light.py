"""A capture without a fork, whatever the heap: a copy of the engine's tables, written by a process beside.

A fork copies the page tables of the whole heap, and every page that is written afterwards. The sampled
engine's answer lies in tables of some hundred kilobytes. So the process copies these and what it alone
can tell into memory without a name (memfd_create(2)), starts a Python beside itself
(:mod:`leakhunt.hook.process.spawn`), and goes on. That process (:mod:`leakhunt.hook.capture.apart`) finds
out the rest and writes. What only the heap itself tells, who holds what and what is garbage, such a
snapshot does not say.

The first page of that memory is the one that a forked child would share (:mod:`leakhunt.hook.capture.page`).
"""

from __future__ import annotations

import builtins
import collections
import fcntl
import json
import os
import posix
import re
import signal
import struct
import sys
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import leakhunt
from leakhunt.engine.interface import Engine
from leakhunt.hook.capture import capture, fork, own
from leakhunt.hook.capture.capture import Capture
from leakhunt.hook.capture.order import Order, Outcome
from leakhunt.hook.capture.page import PAGE, pause_told
from leakhunt.hook.process import shared, spawn, standard, threads, vitals

#: The process beside asks /proc.
POSSIBLE = vitals.LINUX

#: What the process beside needs beside the copy: a Python with some modules.
NEEDS = 64 << 20
#: Bytes of addresses that it may have beside, most of them of libraries.
ADDRESSES = 1 << 30
#: It may take so much CPU time, and lasts so long at most, in seconds: captures of a host take turns.
CPU_SECONDS, WALL_SECONDS = 30, 900
#: By these a Python ends that cannot begin: with a stack too small for it, or a system call refused (seccomp).
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGSYS)
#: So many threads are told of.
MOST_THREADS = 500
#: Signals that are meant for the captured process. They stay blocked in the other one for life.
DEAF_TO = tuple(
    int(getattr(signal, name)) for name in fork.IGNORED if hasattr(signal, name)
)  # fmt: skip
#: What the process beside is told of the environment: what it takes to find its libraries and to spell
#: names of files alike. The rest may hold secrets.
VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUTF8")
#: Names that a Python is run by.
PYTHON = re.compile(r"(python|pypy)[0-9.]*[a-z]?(-[a-z0-9]+)?", re.ASCII)
#: How many parts the message has (twice JSON, and those of the tables), and the length of each.
_NUMBER = struct.Struct("=Q")
#: Nobody's code runs: no site, no user's folder, no folder of the program before the standard library.
_BOOT = (
    "import sys; sys.path[:] = [each for each in sys.path if each] + [sys.argv.pop(1)]; "
    "from leakhunt.hook.capture.apart import main; main()"
)


class RefusedError(Exception):
    """Why no such capture can be made in this process."""


def interpreter() -> str:
    """The Python that this process runs. Raises RefusedError where it does not tell: an embedded one."""
    try:
        path = spawn.interpreter()
    except OSError as error:
        raise RefusedError(str(error)) from None
    if not PYTHON.fullmatch(os.path.basename(path)):
        raise RefusedError(f"{path} is no Python by its name")
    return path


def guard(engine: Engine, groups: Sequence[vitals.Cgroup]) -> fork.Limits:
    """What the process beside may take. Raises CaptureError where it would not fit."""
    needed = engine.bytes_needed() + NEEDS
    capture.must_fit(needed, vitals.memory_left(groups))
    return fork.Limits(capture.PATIENCE, CPU_SECONDS, WALL_SECONDS, needed + ADDRESSES, 0)


class Light(Capture):
    """A light capture under way."""

    def _outcome(self, status: int | None) -> Outcome:
        began = self.page[1] == fork.WRITING
        outcome = super()._outcome(status)
        ended_by = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None
        if outcome.path is None and not began and ended_by in (None, *FAULTS):
            return outcome._replace(refused=True)
        return outcome


def begin(order: Order, began: float) -> Light:
    """Copy the tables and have them written. Raises RefusedError where that cannot be done here.

    ``began`` is the moment the trigger fired, by ``time.monotonic()``.
    """
    program = interpreter()
    try:
        descriptor = _memory(order)
    except OSError as error:
        raise RefusedError(f"no memory to leave the tables in: {error.strerror}") from error
    page = None
    try:
        page = shared.mapped(descriptor, PAGE)
        _write(descriptor, _message(order, began), order.engine.read())
        words = ["-S", "-s", "-B", "-c", _BOOT, spawn.ROOT]
        pid = spawn.python(words, VARIABLES, {0: descriptor}, (*DEAF_TO, order.signum))
    except BaseException as error:
        if page is not None:
            page.close()
        if isinstance(error, (OSError, ValueError, TypeError, NotImplementedError)):
            raise RefusedError(f"{program}: {error}") from error
        raise
    finally:
        posix.close(descriptor)
    pause_told(page, time.monotonic() - began)
    return Light(order, pid, page, time.monotonic() + order.limits.wall + 10)


def _memory(order: Order) -> int:
    """A file without a name, whose first page is there: writing to it later cannot fail. Raises OSError.

    Its number is above those of the standard streams, which another process gets instead of its own.
    """
    if hasattr(posix, "memfd_create"):
        descriptor = posix.memfd_create(vitals.LEFT)
    else:
        name = str(order.series.parent / f".{vitals.LEFT}-{os.getpid()}.tmp")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(FileNotFoundError):  # of one that was killed in between, with the same pid
            posix.unlink(name)
        descriptor = posix.open(name, flags, 0o600)
        posix.unlink(name)
    try:
        if descriptor <= 2:
            low, descriptor = descriptor, fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
            posix.close(low)
        standard.pwrite(descriptor, bytes(PAGE), 0)
    except BaseException:
        posix.close(descriptor)
        raise
    return descriptor


def _message(order: Order, began: float) -> bytes:
    """What the process beside is told. No system call, no code of anybody's modules or objects."""
    life, roots = order.life, own.roots()
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    told = {
        "version": leakhunt.__version__,
        "began": began,
        "path": str(order.path),
        "series": str(order.series),
        "signum": order.signum,
        "keep": order.keep,
        "source": order.source,
        "notify": order.notify,
        "limits": order.limits,
        "facts": order.facts,
        "work": order.late_facts(),
        "tasks": life.tasks,
        "marks": life.marks,
        "nframe": order.engine.nframe,
        "salt": order.engine.salt,
        "roots": roots,
        "modules": "\n".join([name for name in list(sys.modules) if type(name) is str]),
        "main": main if type(main) is str else None,
        "threads": threads.described(threads.alive()[:MOST_THREADS]),
    }
    return json.dumps(told).encode()


def _builtin() -> Iterator[type]:
    """Types of the interpreter's own: those of freelists (:mod:`leakhunt.cpython.freelists`), and usual ones."""
    for kind in vars(builtins).values():
        if type(kind) is type and not issubclass(kind, BaseException):
            yield kind
    for name in dir(types):
        kind = getattr(types, name)
        if type(kind) is type and kind.__module__ == "builtins":
            yield kind
    yield from map(type, (iter([]), iter(()), iter({}), iter(range(0))))
    yield from (collections.deque, collections.defaultdict, collections.OrderedDict)
    yield slice
    module = sys.modules.get("_contextvars")
    if module is not None:
        yield from (module.Context, module.ContextVar)


def _name(kind: type) -> str:
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


#: The types that are told, by their addresses, and their names as the engine has them: made once, and the
#: same in each fork.
KINDS = json.dumps({id(kind): _name(kind) for kind in _builtin()}).encode()


def _write(descriptor: int, message: bytes, tables: Sequence[bytes]) -> None:
    parts = [message, KINDS, *tables]
    head = struct.pack(f"={len(parts) + 1}Q", len(parts), *map(len, parts))
    rest = [memoryview(part) for part in (head, *parts) if part]
    at = PAGE
    with standard.within_limits():
        while rest:
            written = posix.pwritev(descriptor, rest, at)
            at += written
            while rest and written >= len(rest[0]):
                written -= len(rest.pop(0))
            if written:
                rest[0] = rest[0][written:]


def received(descriptor: int) -> tuple[dict[str, Any], list[bytes]]:
    """In the process beside: what it is told, and the tables. Raises OSError, ValueError, struct.error."""
    at = PAGE + _NUMBER.size
    (number,) = _NUMBER.unpack(posix.pread(descriptor, _NUMBER.size, PAGE))
    lengths = struct.unpack(f"={number}Q", posix.pread(descriptor, number * _NUMBER.size, at))
    at += number * _NUMBER.size
    parts = []
    for length in lengths:
        pieces = []
        while length:
            piece = posix.pread(descriptor, length, at)
            if not piece:
                raise ValueError("it ends too early")
            pieces.append(piece)
            at, length = at + len(piece), length - len(piece)
        parts.append(b"".join(pieces))
    return {**json.loads(parts[0]), "kinds": json.loads(parts[1])}, parts[2:]
