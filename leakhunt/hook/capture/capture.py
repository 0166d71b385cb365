"""One capture: the guard, the fork, what the child does, and reaping it.

The process stands still for reading its own memory figures and for the fork;
everything else happens in the child, which ends in ``posix._exit``: tools replace that of ``os``. Parent and child
share one anonymous page: the parent leaves the length of the pause there, the
child what became of the capture.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import posix
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from leakhunt import units
from leakhunt.engine.interface import Engine
from leakhunt.errors import CaptureError
from leakhunt.hook.capture import fork, own, turns, walk
from leakhunt.hook.capture.content import written
from leakhunt.hook.capture.order import Order, Outcome
from leakhunt.hook.capture.page import (
    LENGTH,
    LENGTH_AT,
    NOTES,
    PAGE,
    SAID_AT,
    SIGNALLED_AT,
    pause_told,
    shared_page,
)  # fmt: skip
from leakhunt.hook.process import alive, look, threads, vitals
from leakhunt.snapfile import write

if TYPE_CHECKING:
    import mmap

#: A child that makes no progress hangs: seconds. One on a starved machine makes some.
PATIENCE = 30
#: CPU time that it may use, and seconds for each 170 MB it needs (with tracemalloc 10^6 blocks,
#: which take about 2 s; or 2.4 * 10^6 objects to look through).
CPU_SECONDS = 30
CPU_SECONDS_PER_170_MB = 20
#: However starved, it ends after so many times its CPU time, and so many seconds at least.
WALL_PER_CPU = 20
WALL_AT_LEAST = 900

#: A child that somebody stops (SIGSTOP cannot be ignored) is let go on so often; after that it is ended.
STOPS = 3

#: How long a process stands still at most for a child that has told what it did: seconds.
EXITING = 0.05


class Capture:
    """A capture under way in a forked child."""

    def __init__(self, order: Order, pid: int, page: mmap.mmap, deadline: float) -> None:
        self.order = order
        self.pid = pid
        self.page = page
        self.deadline = deadline
        self.began = time.monotonic()
        self.ended = False
        self.stops = 0
        """How often somebody has stopped the child."""
        self.exiting = False
        """The child has told, and is not reaped yet."""

    def poll(self) -> Outcome | None:
        """Reap the child if it has ended; None while it has not. Never blocks.

        Only this child is waited for: others are other people's. It is ended at the deadline, while
        it is still there to be reaped: afterwards its pid may be another process's.
        """
        try:
            pid, status = posix.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:  # gone: somebody waits for all children, or SIGCHLD is ignored
            pid, status = self.pid, None
        except OSError:  # a sandbox refuses to wait: it stays a zombie when it has ended
            pid, status = 0 if alive.runs(self.pid) else self.pid, None
        if status is not None and pid and os.WIFSTOPPED(status):
            self.stops += 1
            with contextlib.suppress(OSError):
                posix.kill(self.pid, signal.SIGCONT if self.stops <= STOPS else signal.SIGKILL)
            return None
        if pid == 0:
            if time.monotonic() > self.deadline:
                self.ended = True
                with contextlib.suppress(OSError):
                    posix.kill(self.pid, signal.SIGKILL)
            return None
        return self._outcome(status)

    def is_told(self) -> bool:
        """Whether the child has sent the signal to say that it is done."""
        return bool(self.page[SIGNALLED_AT])

    def wait(self) -> Outcome:
        """Block until the child has ended, at most until the deadline, and reap it."""
        while True:
            outcome = self.poll()
            if outcome is not None:
                return outcome
            _pause(0.002)

    def told(self) -> Outcome:
        """What the child has told, which exits now, and may take a while to give a large heap's pages back;
        :func:`is_gone` reaps it then.
        """
        outcome = self.abandon(EXITING)
        self.exiting = outcome is None
        return outcome or self._outcome(None)

    def abandon(self, seconds: float) -> Outcome | None:
        """Wait that long; None where it is not done by then, and goes on alone.

        Of a process on its way out the child ends by itself in any case, and whatever becomes init
        in its place reaps it.
        """
        until = time.monotonic() + seconds
        while True:
            outcome = self.poll()
            if outcome is not None or time.monotonic() > until:
                return outcome
            _pause(0.002)

    def _outcome(self, status: int | None) -> Outcome:
        (length,) = LENGTH.unpack_from(self.page, LENGTH_AT)
        note, doing, _ = NOTES.unpack_from(self.page, 0)
        said = self.page[SAID_AT : SAID_AT + length]
        self.page.close()
        with contextlib.suppress(ValueError, TypeError, RecursionError):  # written by a walk astray
            if said:
                return Outcome(**{"path": None, "problem": None, **json.loads(said)})
        with contextlib.suppress(OSError):
            posix.unlink(write.temporary(self.order.path))
        seconds = time.monotonic() - self.began
        number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
        if self.stops > STOPS and number == signal.SIGKILL:
            why = f"its process was stopped {self.stops} times (SIGSTOP), and was ended"
            return Outcome(None, f"no snapshot: {why}")
        if note == fork.HUNG or self.ended:
            why = f"it hung and was ended after {units.duration(seconds)}"
        elif note == fork.NO_MEMORY:
            why = "no memory for its process"
        elif note == fork.FORBIDDEN:
            why = fork.SANDBOXED
        elif note == fork.LOCKED:
            why = "another thread had tracemalloc's lock when it was forked"
        elif number == signal.SIGXCPU:
            why = f"it took more than {units.limit(self.order.limits.cpu)} of CPU time"
        elif number:
            why = f"its process was killed by signal {number}"
        else:
            why = "its process ended without a word"
        walking = doing == fork.WALKING
        if walking:
            why += " while it looked through the objects"
        return Outcome(None, f"no snapshot: {why}", walking=walking, again=note == fork.LOCKED)


def is_gone(pid: int) -> bool:
    """Whether a capture's child has ended; it is reaped then. Never blocks."""
    try:
        return posix.waitpid(pid, os.WNOHANG)[0] != 0
    except OSError:  # reaped by somebody else; or a sandbox refuses to wait, and nobody can
        return True


def _pause(seconds: float) -> None:
    """Sleep without yielding to a green hub: gevent and eventlet replace time.sleep."""
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait((), seconds)
    else:
        time.sleep(seconds)


def prepare(in_place: bool) -> None:
    """Get ready what a capture needs, before anything is traced; ``in_place``: for one in the
    process, which would show its imports in the next snapshot.
    """
    shared_page().close()
    own.prefixes()
    fork.prepare()


def guard(engine: Engine, groups: Sequence[vitals.Cgroup]) -> fork.Limits:
    """What a capture's child may take. Raises CaptureError for one that would not fit.

    That counts what the engine needs; the census of objects gets what is left, or is left out.
    Where the kernel ends all processes of a control group together, the child may not be the
    reason: then what it needs counts with all that the process could write meanwhile.
    """
    needed, left = engine.bytes_needed(), vitals.memory_left(groups)
    census = fork.objects() * fork.BYTES_PER_OBJECT
    cpu = int(CPU_SECONDS + CPU_SECONDS_PER_170_MB * (needed + census) / 170e6)
    wall = max(WALL_AT_LEAST, WALL_PER_CPU * cpu)
    if left is None:
        return fork.Limits(PATIENCE, cpu, wall, _ANY_MEMORY, _ANY_MEMORY)
    must_fit(needed, left)
    if any(group.ends_together() for group in groups):
        copied = vitals.rss() or 0
        if needed + copied > left:
            raise CaptureError(
                f"no snapshot: it could take up to {units.size(needed + copied)} for a moment and "
                f"{units.size(left)} of memory is left, and running out of it would end all "
                "processes of this control group (memory.oom.group)"
            )
    return fork.Limits(PATIENCE, cpu, wall, left, (left - needed) // fork.BYTES_PER_OBJECT)


def must_fit(needed: int, left: int | None) -> None:
    """Raises CaptureError for a capture that takes more bytes than there are; None: nobody knows."""
    if left is not None and needed > left:
        raise CaptureError(
            f"no snapshot: it would take up to {units.size(needed)} for a moment and "
            f"{units.size(left)} of memory is left (cgroup or host)"
        )


#: Where nobody knows how much there is: bytes, and objects.
_ANY_MEMORY = 1 << 40


def begin(order: Order, began: float) -> Capture:
    """Fork and capture in the child. Raises ForkRefusedError, CaptureError.

    ``began`` is the moment the trigger fired, by ``time.monotonic()``.
    """
    page = shared_page()
    parent = os.getpid()
    try:
        forked = fork.fork(order.engine, order.limits, page, order.walks)
        if forked.pid:
            pause_told(page, time.monotonic() - began)
            return Capture(order, forked.pid, page, time.monotonic() + order.limits.wall + 10)
    except BaseException as error:
        if os.getpid() == parent:
            page.close()
            raise
        if isinstance(error, MemoryError):
            page[0] = page[0] or fork.NO_MEMORY
        posix._exit(70)
    _child(order, forked, page, began)
    raise AssertionError("unreachable")


def _child(order: Order, forked: fork.Forked, page: mmap.mmap, began: float) -> None:
    """The forked child: capture, say what became of it, and end without a trace."""
    try:
        fork.settle(order.signum)
        gc.disable()
        pid = order.facts["pid"]
        # As text: what lives while the heap is walked over may have taken objects from freelists.
        with_parent = posix.getppid() == pid
        seen = json.dumps(look.look(pid, forked.threads, os.getpid()) if with_parent else {})

        def looked() -> dict[str, Any]:
            how = order.walk if order.walks else "off"
            walked = walk.look(order.engine, forked.raw, how, own.PACKAGE)
            kept = order.engine.retention(forked.raw, walked) if walked else ()
            fork.quiet(order.engine)
            return written(order, forked, began, json.loads(seen), page, walked, kept)

        with turns.turn(order.series.parent):
            said = outcome_of(looked)
        tell(page, said, order)
    except MemoryError:  # not even for the words that say so
        page[0] = page[0] or fork.NO_MEMORY
    except Exception as error:  # noqa: BLE001 - the child must say whatever it was
        tell(page, {"problem": f"no snapshot: {type(error).__name__}: {error}"}, order)
    finally:
        posix._exit(0)


def tell(page: mmap.mmap, said: dict[str, Any], order: Order) -> None:
    """Leave in the shared page what became of a capture, and wake the process that waits for it."""
    content = json.dumps(said).encode()
    if len(content) > PAGE - SAID_AT:
        content = json.dumps({"path": said.get("path"), "problem": None}).encode()
    page[SAID_AT : SAID_AT + len(content)] = content
    LENGTH.pack_into(page, LENGTH_AT, len(content))
    if not _hears_of_the_end(order) and _still_hears(order):
        page[SIGNALLED_AT] = 1
        posix.kill(order.facts["pid"], order.signum)


def _hears_of_the_end(order: Order) -> bool:
    """Whether the process has a handler for SIGCHLD, as it had when this began: a task may have set another."""
    return not order.notify and vitals.catches(order.facts["pid"], signal.SIGCHLD) is not False


def _still_hears(order: Order) -> bool:
    """Whether the process has a handler for the signal: it may have become another program meanwhile
    (execve(2) keeps the pid and resets handlers), which would die of it.
    """
    pid: int = order.facts["pid"]
    return posix.getppid() == pid and vitals.catches(pid, order.signum) is not False


def in_process(order: Order, began: float) -> Outcome:
    """Capture without a fork: the process stands still all the while."""
    raw = order.engine.read()

    def capture() -> dict[str, Any]:
        seen = look.look(order.facts["pid"], threads.described(threads.alive()))
        return written(order, fork.Forked(-1, raw, None, None), began, seen)

    return Outcome(**{"path": None, "problem": None, **outcome_of(capture)})


def outcome_of(capture: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``capture`` gives, or what went wrong with it: fields of :class:`Outcome`."""
    try:
        return capture()
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return {"problem": f"no snapshot: cannot write{where}: {error.strerror}"}
    except MemoryError:
        return {"problem": f"no snapshot: {fork.out_of_memory()}"}
    except Exception as error:  # noqa: BLE001 - the child must say whatever it was
        return {"problem": f"no snapshot: {type(error).__name__}: {error}"}
