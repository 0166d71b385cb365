"""The signal handlers: the hook's own, chained to whoever had the signal before,
and SIGCHLD for as long as a capture's child is alive.

Through ``_signal`` and not ``signal``: gevent replaces ``signal.signal`` for SIGCHLD.

The signal that users send (SIGUSR1) may be anybody's: web servers, faulthandler and event loops
take it without a word, and a mask may hold it back. So the console is heard by a second one, a
real-time signal that nobody uses, and who has the first is told (:meth:`Handlers.heard`).
"""

from __future__ import annotations

import _signal
import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Any, NamedTuple

from leakhunt.cpython import parts
from leakhunt.hook.process import alive, vitals

takeover = parts.load("leakhunt.hook._takeover")

#: Offsets from SIGRTMIN that are tried, the first free one wins. The first few are left to
#: others: glibc and container runtimes use some.
REAL_TIME = range(9, 20)


class Heard(NamedTuple):
    """Whether the hook hears its signal, and who does else."""

    state: str
    """``heard``, ``blocked`` (a mask holds it back), ``taken`` or ``none`` (nobody has it)."""
    by: str | None = None
    """Who took it, in words."""


HEARD = Heard("heard")


def free_real_time(besides: Collection[int | None] = ()) -> int | None:
    """A real-time signal that nobody uses; None where there is none."""
    if not hasattr(signal, "SIGRTMIN"):
        return None
    for offset in REAL_TIME:
        number = int(signal.SIGRTMIN) + offset
        if number > signal.SIGRTMAX or number in besides:
            continue
        if _signal.getsignal(number) == signal.SIG_DFL:
            told = alive.disposition(os.getpid(), number)
            if told is None or not (told.caught or told.ignored):  # C code has its own handlers
                return number
    return None


class Handlers:
    """The handlers of one hook; they survive forks and know whose process it is."""

    def __init__(
        self, signum: int, on_signal: Callable[[bool], bool], on_child: Callable[[], object]
    ) -> None:
        """``on_signal`` is told whether it was the second signal, and says whether the first one
        came from outside and is to be passed on; ``on_child`` looks whether a capture has ended.
        """
        self.signum = signum
        self.second = free_real_time((signum,))
        """The signal by which the console and the hook itself ask; None where there is none."""
        self.previous: Any = None
        self._signalled, self._child_ended = on_signal, on_child
        self._owner = os.getpid()
        self._previous_child: Any = None
        self._early = False
        self.missed = False
        """Whether a signal was heard whose handler could do nothing there: near the recursion limit."""
        self._blocked: frozenset[int] = frozenset()
        self._chaining = self._again = False
        # Bound once: a bound method is a new object each time it is looked up.
        self._on_signal, self._on_second = self.on_signal, self.on_second
        self._on_child = self.on_child

    def adopt(self) -> None:
        """From now on the handlers are this process's: before that, in a fork, they do nothing."""
        self._owner = os.getpid()

    # -- the hook's signals ---------------------------------------------------------

    @property
    def installed(self) -> bool:
        """Whether the signal goes to the hook's handler, as far as Python knows."""
        return _signal.getsignal(self.signum) is self._on_signal

    def has_it(self) -> bool:
        """Whether the signal goes to the hook's handler: C code may have set another since."""
        return self.installed and (takeover is None or takeover.has(self.signum))

    def install(self, previous: Any = None) -> None:
        """Take the signal and chain to ``previous``, or to the handler that has it now; and the
        second one. A handler that C code set is called first, in the signal's own context.

        Main thread only (ValueError elsewhere).
        """
        current = _signal.getsignal(self.signum) if previous is None else previous
        if current is not self._on_signal:
            self.previous = current
        if self.second is not None and _signal.getsignal(self.second) is not self._on_second:
            _signal.signal(self.second, self._on_second)
        if takeover is not None:
            in_python = callable(_signal.getsignal(self.signum))
            takeover.before(self.signum, in_python, self.second or 0)
        _signal.signal(self.signum, self._on_signal)
        if takeover is not None:
            takeover.after(self.signum)
        self.look_at_mask()
        if self._early:
            self._early = False
            self.on_signal(self.signum, None)

    def look_at_mask(self) -> None:
        """Take note of what is blocked here; not from within the hook's own work, which blocks all."""
        both = (self.signum, self.second)
        told = {number: alive.disposition(os.getpid(), number) for number in both if number}
        mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
        self._blocked = frozenset(
            number
            for number, each in told.items()
            if (number in mask if each is None else each.blocked)
        )

    def heard(self) -> Heard:
        """Who has the first signal: the hook, somebody else, nobody."""
        current = _signal.getsignal(self.signum)
        if current is self._on_signal:
            if takeover is not None and not takeover.has(self.signum):
                return _taken_by_c(self.signum)
            return Heard("blocked") if self.signum in self._blocked else HEARD
        if callable(current):
            if getattr(current, "__module__", "").startswith("leakhunt."):
                return HEARD  # it decides by the clock whose the signal is, and passes it on
            return Heard("taken", _described(current))
        if current is not None and vitals.catches(os.getpid(), self.signum):
            return _taken_by_c(self.signum)
        return Heard("taken", "C code") if current is None else Heard("none")

    def hears_second(self) -> bool:
        """Whether the second signal reaches the hook."""
        return (
            self.second is not None
            and self.second not in self._blocked
            and _signal.getsignal(self.second) is self._on_second
        )

    def waking(self) -> int | None:
        """The signal by which this process, a child of it or the console can wake its main thread."""
        return next(self._ways(), None)

    def _ways(self) -> Iterator[int]:
        """The signals by which that can be done, the best one first."""
        if self.second is not None and self.hears_second():
            yield self.second
        if self.has_it() and self.signum not in self._blocked:
            yield self.signum

    def reclaim(self) -> None:
        """Take the signal back from a handler that user code has set since, and chain to it."""
        if not self.has_it() and in_main_thread():
            self.install()

    def ignore(self) -> None:
        """At the interpreter's end: it resets handlers, and then a signal would kill a process that
        has ended well. What is ignored stays ignored.
        """
        for number, own in ((self.signum, self._on_signal), (self.second, self._on_second)):
            if number is not None and in_main_thread() and _signal.getsignal(number) is own:
                _signal.signal(number, _signal.SIG_IGN)

    # Where the interrupted code is as deep as it may go, no handler can call anything: that is no reason for
    # a task to fail. What was to be done is made up for later.

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """The handler. What a chained handler raises is the user's and goes through."""
        from_outside = False
        try:
            if os.getpid() == self._owner:
                from_outside = self._signalled(False)
            else:
                # A fork that is not hooked yet (a pool child that is starting), or never
                # will be (a process that a task forked): do no harm.
                self._early = True
        except RecursionError:
            self.missed = True
        if from_outside:
            self._chain(signum, frame)

    def on_second(self, signum: int, frame: FrameType | None) -> None:
        """The handler of the second signal, which only the console and this process itself send."""
        try:
            if os.getpid() == self._owner:
                self._signalled(True)
        except RecursionError:
            self.missed = True

    def _chain(self, signum: int, frame: FrameType | None) -> None:
        """Call whoever had the signal before: never nested, once more for all that came
        meanwhile. Celery's stack report takes longer the deeper the stack is; a hundred of
        them on top of each other would block the process for seconds.
        """
        self._again = True
        if self._chaining:
            return
        self._chaining = True
        try:
            while self._again and callable(self.previous):
                self._again = False
                self.previous(signum, frame)
        finally:
            self._chaining = False

    def wake_main(self) -> bool:
        """Send a signal to the main thread; False if this is it, or it would not hear."""
        ident = threading.main_thread().ident
        if in_main_thread() or ident is None or not hasattr(signal, "pthread_kill"):
            return False
        for number in self._ways():
            # All processes of a user share one queue for real-time signals (RLIMIT_SIGPENDING), which may be full.
            with contextlib.suppress(OSError):
                signal.pthread_kill(ident, number)
                return True
        return False

    # -- the capture's child --------------------------------------------------------

    def watch_child(self) -> bool:
        """Have the child reaped when it ends, if SIGCHLD is free or can be chained.

        Where it is not (C code such as gevent's libev owns it, it is ignored, this is
        no main thread), False: the child then says by a signal of the hook's that it is done.
        """
        if not in_main_thread():
            return False
        current = _signal.getsignal(_signal.SIGCHLD)
        if current is self._on_child:
            return True
        if current is None or current == _signal.SIG_IGN:
            return False
        if current == _signal.SIG_DFL and vitals.catches(os.getpid(), _signal.SIGCHLD):
            return False  # set by C code: Python does not know of it
        self._previous_child = current
        _signal.signal(_signal.SIGCHLD, self._on_child)
        return True

    def on_child(self, signum: int, frame: FrameType | None) -> None:
        previous = self._previous_child
        try:
            if os.getpid() == self._owner:
                self._child_ended()
        except RecursionError:
            pass  # the next look finds it
        if callable(previous):
            previous(signum, frame)

    def release_child(self) -> None:
        """Give SIGCHLD back, unless somebody has taken it over since."""
        if in_main_thread() and _signal.getsignal(_signal.SIGCHLD) is self._on_child:
            _signal.signal(_signal.SIGCHLD, self._previous_child)


def _taken_by_c(signum: int) -> Heard:
    file = takeover.where(signum) if takeover is not None else None
    name = os.path.basename(file) if file else ""
    if "faulthandler" in sys.modules and name.startswith(("python", "libpython")):
        return Heard("taken", "the interpreter's own C code (faulthandler.register?)")
    return Heard("taken", f"C code of {name}" if name else "C code")


def _described(handler: Any) -> str:
    """``gunicorn.workers.base: Worker.handle_usr1``, as far as a handler says who it is."""
    handler = getattr(handler, "func", handler)  # functools.partial
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    module = getattr(handler, "__module__", None) or "?"
    if module == "asyncio.unix_events":
        return "an event loop (loop.add_signal_handler)"
    return f"{module}: {name}"[:200]


def in_main_thread() -> bool:
    """Whether signal handlers can be set here; right under gevent's patched threads too."""
    if sys.platform.startswith("linux"):
        return _thread.get_native_id() == os.getpid()
    return threading.current_thread() is threading.main_thread()
