"""Keeps other signals out of the hook's own code.

A soft time limit, or a user's SIGALRM handler, raises in whatever code is running.
Raised inside the hook it would be taken for the hook's own failure, and the task
would never hear of it. So signals wait while the hook works, and are delivered
when it is done, in the user's code.
"""

from __future__ import annotations

import _signal
import signal
from collections.abc import Iterator
from contextlib import contextmanager

#: Sent by the kernel for a fault of this very thread: these cannot wait.
FAULTS = frozenset(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS")
    if hasattr(signal, name)
)
WAITING = frozenset(int(number) for number in signal.valid_signals() - FAULTS)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold all signals of this thread back; what arrived is delivered at the end.

    The handlers then run inside the closing call, so what they raise leaves this
    block: nothing may stand between it and the user's code that swallows exceptions.
    """
    # `_signal`, because `signal` makes an enum member of each of sixty numbers.
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    try:
        # Inside, because it blocks first and runs the handlers of what came before then.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, WAITING)
        yield
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
