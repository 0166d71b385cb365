"""The fork that a capture runs in, and what the forked child must do at once."""

from __future__ import annotations

import _imp
import contextlib
import gc
import os
import posix
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from leakhunt.cpython import parts
from leakhunt.engine.interface import Engine
from leakhunt.hook.process import alive
from leakhunt.hook.process import threads as process_threads
from leakhunt.hook.process.threads import Thread

if TYPE_CHECKING:
    import mmap

PART = "leakhunt.hook.capture._fork"
_fork = parts.load(PART)
_garbage = parts.load("leakhunt.hook.capture._garbage")
_holders = parts.load("leakhunt.hook.capture._holders")

#: Signals that must not end a capture halfway: the hook's own (``pkill -USR1 -f
#: celery`` matches the forked child too) and Ctrl-C, which reaches the whole group.
IGNORED = ("SIGUSR1", "SIGUSR2", "SIGINT", "SIGHUP", "SIGPIPE")

#: The census of garbage takes so many bytes for each tracked object (measured 62 to 69), and is
#: given up after so much of the child's CPU time.
BYTES_PER_OBJECT = 70
CENSUS_SECONDS = 20.0
#: Looking for holders ends after so much of the child's CPU time, and is ended after that much.
SEARCH_SECONDS = 2.0
SEARCH_AT_MOST = 6.0

#: So many calls deeper than the interrupted code the child may go than that may.
DEEPER = 500

#: Where the child notes, in the page that it shares with the parent, why it ended itself and what it
#: was doing: see ``_fork.fork_and_read``.
HUNG, NO_MEMORY, LOCKED, FORBIDDEN = 1, 2, 3, 4
COPYING, WALKING, WRITING = 0, 1, 2


class ForkRefusedError(Exception):
    """Why no child can be forked here now; the capture then happens in the process."""


class Limits(NamedTuple):
    """What a child may take."""

    still: int
    """Seconds without progress after which it hangs."""
    cpu: int
    """Seconds of CPU time."""
    wall: int
    """Seconds in all, however long it has to wait."""
    memory: int
    """Bytes."""
    objects: int
    """The census is made of at most so many tracked objects."""


class Forked(NamedTuple):
    """Either side of a fork. But for ``pid`` the parent has None, and no problem."""

    pid: int
    """Of the child; 0 in the child."""
    raw: Any
    """What the engine has read."""
    garbage: tuple[int, Mapping[Any, int]] | None
    """What only waits for the garbage collector: number of objects, {traceback, most recent call
    first: number}; None where it was not looked at."""
    problem: str | None
    """Why it was not looked at to the end."""
    threads: tuple[Thread, ...] = ()
    """Those that the process had."""


def exact() -> bool:
    """Whether the child sees everything the process held, fork hooks included."""
    return _fork is not None


def prepare() -> bool:
    """To be called while the process is not in a hurry, after all imports.

    Whether a fork can then do without the fork handlers of libraries.
    """
    return _fork is not None and bool(_fork.prepare())


def objects() -> int:
    """About how many objects the collector tracks; 0 where nothing would look at them."""
    return 0 if _garbage is None else int(_garbage.tracked())


def others() -> bytes:
    """In the child: where the states of the process's other threads are, 64 bits each, for the walk."""
    return b"" if _fork is None else bytes(_fork.others())


def among(addresses: bytes) -> bytes:
    """Which blocks (64 bits each) hold an object that the census found: a byte each, 0 or 1."""
    if _garbage is None:
        return bytes(len(addresses) // 8)
    waiting: bytes = _garbage.among(addresses)
    return waiting


class Walks:
    """The walks over the process's objects in one capture's child, and what went wrong with them.

    A walk is a C function that runs no Python code, frees nothing and keeps nothing locked that
    the rest of the capture needs; it may ask malloc or Python for memory. It gets a limit of CPU
    time, and the capture goes on without it where it crashes, hangs or takes too long.
    """

    def __init__(self, first: str | None = None) -> None:
        self.problems: dict[str, str] = {} if first is None else {"garbage": first}

    def walk(self, name: str, function: Any, args: tuple[Any, ...], seconds: float) -> Any:
        """``function(*args)``; None where it fails, and then ``problems`` says how."""
        try:
            if _fork is None:
                return function(*args)
            result, number = _fork.guarded(function, args, seconds)
        except MemoryError:
            self.problems[name] = "out of memory"
            return None
        if number:
            self.problems[name] = ended_by(number)
        return result

    def holders(self, wanted: bytes, traced: bytes) -> bytes:
        """What holds the objects in blocks: see :meth:`leakhunt.engine.interface.Engine.holders`."""
        if _holders is None:
            return b""
        answer = self.walk(
            "holders", _holders.find, (wanted, traced, SEARCH_SECONDS), SEARCH_AT_MOST
        )
        answers: bytes = b"" if answer is None else answer[0]
        return answers


def ended_by(number: int) -> str:
    """What it means that this signal ended a walk."""
    if number == signal.SIGPROF:
        return "took too long"
    if number == signal.SIGALRM:
        return "hung"
    return f"crashed ({signal.Signals(number).name})"


def fork(engine: Engine, limits: Limits, page: mmap.mmap, walks: bool = True) -> Forked:
    """Fork; the child, and only it, has what ``engine`` reads, and ends within ``limits``.

    ``page`` is shared memory of at least two bytes, for the child's notes. Without ``walks``
    nobody looks for garbage. Raises ForkRefusedError.
    Uses ``posix`` rather than ``os``: gevent and eventlet replace the functions of ``os``.
    """
    # Thread objects live on in `held` across the fork, so that threading's own
    # clean-up in the child frees nothing and runs nobody's finalizer.
    held = process_threads.alive()
    collecting = gc.isenabled()
    gc.disable()
    parent = os.getpid()
    try:
        if alive.children_are_elsewhere():
            raise ForkRefusedError("the process's children begin in another pid namespace")
        if _fork is None:
            return _plain(engine, limits)
        if not _fork.is_bare() and _has_other_threads():
            raise ForkRefusedError(
                "other threads are alive, for which the fork handlers of a library may wait, and this "
                "system has no fork without those"
            )
        looks = walks and _garbage is not None
        pid, raw, garbage, number = _fork.fork_and_read(
            engine.read,
            engine.at_fork,
            _garbage.look if looks else None,
            _garbage.unreachable if looks else None,
            CENSUS_SECONDS,
            limits.objects,
            limits.still,
            limits.cpu,
            limits.wall,
            limits.memory,
            page,
        )
        threads = () if pid else tuple(process_threads.described(held))
        return Forked(pid, raw, garbage, ended_by(number) if number else None, threads)
    except OSError as error:
        raise ForkRefusedError(f"fork: {error.strerror}") from error
    except RuntimeError as error:
        raise ForkRefusedError(str(error)) from error
    finally:
        if collecting and os.getpid() == parent:
            gc.enable()
        del held


def _has_other_threads() -> bool:
    """Whether this process has another thread than this one, of Python's or of a library's."""
    if len(sys._current_frames()) > 1:
        return True
    with contextlib.suppress(OSError):
        return len(posix.listdir("/proc/self/task")) > 1
    return False


def _plain(engine: Engine, limits: Limits) -> Forked:
    """Without the C part: only where no other thread is, and with everybody's fork hooks."""
    if _has_other_threads():
        raise ForkRefusedError(f"other threads are alive, and {_without()}")
    _refuse_if_it_would_wait()
    pid = posix.fork()
    if pid:
        return Forked(pid, None, None, None)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.alarm(limits.cpu)
    raw = engine.read()
    return Forked(0, raw, None, None, tuple(process_threads.described(process_threads.alive())))


def quiet(engine: Engine) -> None:
    """In the child, once nobody asks whose a block is any more: tracing must not slow the rest down."""
    if _fork is None:
        engine.stop()
    else:  # whose memory is its own: only tracemalloc looks at objects as well
        _fork.end_tracemalloc()


def _refuse_if_it_would_wait() -> None:
    """Raises ForkRefusedError while a lock is taken that a plain fork waits for.

    concurrent.futures takes its lock before a fork. A signal handler may run in the middle of
    ``ThreadPoolExecutor.submit``, which holds it: this thread would wait for itself.
    """
    executors = sys.modules.get("concurrent.futures.thread")
    lock = getattr(executors, "_global_shutdown_lock", None)
    if lock is not None and lock.locked():
        raise ForkRefusedError(f"a thread is being started, and {_without()}")


def _without() -> str:
    """That the C part is missing, and why: it may not have been compiled, or refuse this interpreter."""
    why = parts.missing.get(PART, "it was not compiled")
    return f"leakhunt is without its C part that forks beside threads: {why}"


def settle(signum: int) -> None:
    """In the child, first of all: let go of everything that belongs to the worker.

    The locks of imports that other threads were in the middle of are forgotten, and no extension
    is loaded any more: the dynamic linker has locks of its own. Nothing here may raise.
    """
    with contextlib.suppress(Exception):
        bootstrap = sys.modules["importlib._bootstrap"]
        bootstrap._module_locks.clear()
        bootstrap._blocking_on.clear()
    _imp.create_dynamic = _load_nothing
    with contextlib.suppress(Exception):  # the interrupted code may be as deep as it goes
        sys.setrecursionlimit(sys.getrecursionlimit() + DEEPER)
    posix.umask(0o077)
    if _fork is None:
        _let_go(signum)


def _load_nothing(spec: Any, file: Any = None) -> Any:
    raise ImportError("a capture's child loads no extension", name=spec.name)


def _let_go(signum: int) -> None:
    """What the C part does at once: inherited descriptors are closed (they are copies: the worker's
    own stay open), standard streams go to /dev/null, signals that are meant for the worker
    are ignored, the process gets its own name, and the kernel is told to kill it first when memory runs out.
    """
    _write("/proc/self/comm", alive.COPY.encode())
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
        posix.close(0)  # a process that has run out of descriptors has one only then
        null = posix.open(os.devnull, os.O_RDWR)
        for standard in {0, 1, 2} - {null}:
            posix.dup2(null, standard)
        posix.closerange(3, max(open_descriptors(), default=2) + 1)
    go_first()


def go_first() -> None:
    """Have the kernel kill this process first when memory runs out."""
    _write("/proc/self/oom_score_adj", b"1000")


def _write(path: str, text: bytes) -> None:
    with contextlib.suppress(OSError):
        descriptor = posix.open(path, os.O_WRONLY)
        posix.write(descriptor, text)
        posix.close(descriptor)


def open_descriptors(pid: str = "self") -> list[int]:
    """The open file descriptors of a process; of this one where there is no /proc."""
    for folder in (f"/proc/{pid}/fd", "/dev/fd"):
        with contextlib.suppress(OSError, ValueError):
            return [int(name) for name in posix.listdir(folder)]
        if pid != "self":
            break
    return []


#: What a MemoryError means in a child that may not copy what it wants to enlarge.
SANDBOXED = "a sandbox lets its process copy nothing of the worker's (process_vm_readv, pipe2)"


def out_of_memory() -> str:
    """In the child, after a MemoryError: what it means."""
    forbidden = _fork is not None and _fork.is_forbidden()
    return SANDBOXED if forbidden else "out of memory while capturing"


def rest() -> None:
    """In the child, while it waits for something: it does not hang."""
    if _fork is not None:
        _fork.alive()
