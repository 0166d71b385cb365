"""The fork that a capture runs in, and what the forked child must do at once."""

from __future__ import annotations

import contextlib
import gc
import os
import posix
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

try:
    from leakhunt.hook.capture import _fork  # type: ignore[attr-defined,unused-ignore]
except ImportError:  # installed without a compiler
    _fork = None
try:
    from leakhunt.hook.capture import _garbage  # type: ignore[attr-defined,unused-ignore]
except ImportError:  # without a compiler, or an interpreter that it does not know
    _garbage = None
try:
    from leakhunt.hook.capture import _holders  # type: ignore[attr-defined,unused-ignore]
except ImportError:  # likewise
    _holders = None

#: Signals that must not end a capture halfway: the hook's own (``pkill -USR1 -f
#: celery`` matches the forked child too) and Ctrl-C, which reaches the whole group.
IGNORED = ("SIGUSR1", "SIGUSR2", "SIGINT", "SIGHUP", "SIGPIPE")


class ForkRefusedError(Exception):
    """Why no child can be forked here now; the capture then happens in the process."""


def exact() -> bool:
    """Whether the child sees everything the process held, fork hooks included."""
    return _fork is not None


#: In a capture's child: what only waits for the garbage collector, as (number of objects,
#: {traceback, most recent call first: number}); None where it was not looked at.
unreachable: tuple[int, Mapping[Any, int]] | None = None


def among(addresses: bytes) -> bytes:
    """Which blocks (64 bits each) hold an object that is in ``unreachable``: a byte each, 0 or 1."""
    if _garbage is None:
        return bytes(len(addresses) // 8)
    found: bytes = _garbage.among(addresses)
    return found


#: Looking for holders ends after so much of the child's CPU time: seconds.
SEARCH_SECONDS = 2.0


def holders(wanted: bytes, known: bytes) -> bytes:
    """What holds the objects in blocks: see :meth:`leakhunt.engine.interface.Engine.holders`."""
    if _holders is None:
        return b""
    try:
        answers, _, _ = _holders.find(wanted, known, SEARCH_SECONDS)
    except MemoryError:
        return b""
    found: bytes = answers
    return found


def fork(read: Callable[[], Any], seconds: int) -> tuple[int, Any]:
    """Fork; ``(pid, None)`` in the parent, ``(0, read())`` in the child.

    In the child, ``unreachable`` is set.

    The child is ended by the kernel after ``seconds``. Raises ForkRefusedError.
    Uses ``posix`` rather than ``os``: gevent and eventlet replace the functions of ``os``.
    """
    # Thread objects live on in `held` across the fork, so that threading's own
    # clean-up in the child frees nothing and runs nobody's finalizer.
    held = [*getattr(threading, "_active", {}).values(), *getattr(threading, "_limbo", {}).values()]
    collecting = gc.isenabled()
    gc.disable()
    parent = os.getpid()
    try:
        if _fork is not None:
            global unreachable
            look = (_garbage.look, _garbage.unreachable) if _garbage is not None else ()
            pid, raw, unreachable = _fork.fork_and_read(read, seconds, *look)
            return pid, raw
        if len(sys._current_frames()) > 1:
            raise ForkRefusedError(
                "other threads are alive and leakhunt was installed without its C part"
            )
        _refuse_if_it_would_wait()
        pid = posix.fork()
        if pid == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
            signal.alarm(seconds)
            return 0, read()
        return pid, None
    except OSError as error:
        raise ForkRefusedError(f"fork: {error.strerror}") from error
    finally:
        if collecting and os.getpid() == parent:
            gc.enable()
        del held


def _refuse_if_it_would_wait() -> None:
    """Raises ForkRefusedError while a lock is taken that a plain fork waits for.

    concurrent.futures takes its lock before a fork. A signal handler may run in the middle of
    ``ThreadPoolExecutor.submit``, which holds it: this thread would wait for itself.
    """
    executors = sys.modules.get("concurrent.futures.thread")
    lock = getattr(executors, "_global_shutdown_lock", None)
    if lock is not None and lock.locked():
        raise ForkRefusedError(
            "a thread is being started, and leakhunt was installed without its C part"
        )


def settle(signum: int) -> None:
    """In the child, first of all: let go of everything that belongs to the worker.

    Inherited descriptors are closed (they are copies: the worker's own stay
    open), standard streams go to /dev/null, signals that are meant for the worker
    are ignored, and the kernel is told to kill this process first when memory
    runs out. Nothing here may raise.
    """
    for name in IGNORED:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        signal.signal(signum, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(OSError, ValueError):
        signal.set_wakeup_fd(-1)
    with contextlib.suppress(OSError, ValueError):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the hook held them back
    with contextlib.suppress(OSError):
        descriptor = posix.open("/proc/self/oom_score_adj", os.O_WRONLY)
        posix.write(descriptor, b"1000")
        posix.close(descriptor)
    with contextlib.suppress(OSError):
        null = posix.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            posix.dup2(null, standard)
        highest = max(open_descriptors(), default=2)
        posix.closerange(3, highest + 1)


def open_descriptors(pid: str = "self") -> list[int]:
    """The open file descriptors of a process; of this one where there is no /proc."""
    for folder in (f"/proc/{pid}/fd", "/dev/fd"):
        with contextlib.suppress(OSError, ValueError):
            return [int(name) for name in posix.listdir(folder)]
        if pid != "self":
            break
    return []
