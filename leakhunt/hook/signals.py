"""The signal handlers: the hook's own, chained to whoever had the signal before,
and SIGCHLD for as long as a capture's child is alive.

Through ``_signal`` and not ``signal``: gevent replaces ``signal.signal`` for SIGCHLD.
"""

from __future__ import annotations

import _signal
import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from leakhunt.hook.hook import Hook
from leakhunt.hook.process import vitals


class Handlers:
    """The handlers of one hook; they survive forks and know whose process it is."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self.previous: Any = None
        self.broadcast: Callable[[], None] | None = None
        """Passes an outside signal on to the pool children (main process only)."""
        self._previous_child: Any = None
        self._early = False
        self._chaining = self._again = False
        # Bound once: a bound method is a new object each time it is looked up.
        self._on_signal = self.on_signal
        self._on_child = self.on_child
        hook.watch_child = self.watch_child
        hook.release_child = self.release_child
        hook.wake_main = self.wake_main
        hook.hears = lambda: self.installed

    # -- the hook's signal ----------------------------------------------------------

    @property
    def signum(self) -> int:
        return self.hook.settings.signal

    @property
    def installed(self) -> bool:
        return _signal.getsignal(self.signum) is self._on_signal

    def install(self, previous: Any = None) -> None:
        """Take the signal and chain to ``previous``, or to the handler that has it now.

        Main thread only (ValueError elsewhere).
        """
        current = _signal.getsignal(self.signum) if previous is None else previous
        if current is not self._on_signal:
            self.previous = current
        _signal.signal(self.signum, self._on_signal)
        if self._early:
            self._early = False
            self.on_signal(self.signum, None)

    def uninstall(self) -> None:
        """Give the signal back, unless somebody has taken it over since."""
        if self.installed:
            previous = self.previous if self.previous is not None else _signal.SIG_DFL
            _signal.signal(self.signum, previous)

    def reclaim(self) -> None:
        """Take the signal back from a handler that user code has set since, and chain to it."""
        if not self.installed and in_main_thread():
            self.install()

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """The handler. What a chained handler raises is the user's and goes through."""
        if os.getpid() != self.hook.pid:
            # A fork that is not hooked yet (a pool child that is starting), or never
            # will be (a process that a task forked): do no harm.
            self._early = True
            return
        if self.hook.signalled():
            if self.broadcast is not None:
                self.broadcast()
            self._chain(signum, frame)

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
        """Send the signal to the main thread; False if this is it, or it would not hear."""
        if in_main_thread() or not self.installed:
            return False
        ident = threading.main_thread().ident
        if ident is None or not hasattr(signal, "pthread_kill"):
            return False
        signal.pthread_kill(ident, self.signum)
        return True

    # -- the capture's child --------------------------------------------------------

    def watch_child(self) -> bool:
        """Have the child reaped when it ends, if SIGCHLD is free or can be chained.

        Where it is not (C code such as gevent's libev owns it, it is ignored, this is
        no main thread), False: the child then says by the hook's own signal that it is done.
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
        if os.getpid() == self.hook.pid:
            self.hook.poll()
        if callable(previous):
            previous(signum, frame)

    def release_child(self) -> None:
        """Give SIGCHLD back, unless somebody has taken it over since."""
        if in_main_thread() and _signal.getsignal(_signal.SIGCHLD) is self._on_child:
            _signal.signal(_signal.SIGCHLD, self._previous_child)


def in_main_thread() -> bool:
    """Whether signal handlers can be set here; right under gevent's patched threads too."""
    if sys.platform.startswith("linux"):
        return _thread.get_native_id() == os.getpid()
    return threading.current_thread() is threading.main_thread()
