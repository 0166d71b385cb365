"""Keeps other signals out of the hook's own code.

A soft time limit, or a user's SIGALRM handler, raises in whatever code is running.
Raised inside the hook it would be taken for the hook's own failure, and the task
would never hear of it. So signals wait while the hook works, and are delivered
when it is done, in the user's code.
"""

from __future__ import annotations

import _signal
import signal
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

#: Sent by the kernel for a fault of this very thread: these cannot wait.
FAULTS = frozenset(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS")
    if hasattr(signal, name)
)
WAITING = frozenset(int(number) for number in signal.valid_signals() - FAULTS)


def held(work: Callable[[], Result]) -> Result:
    """Do ``work`` with all signals of this thread held back; they are delivered at the end.

    The handlers then run inside the closing call, so what they raise leaves this function:
    nothing may stand between it and the user's code that swallows exceptions. Another thread
    may take a signal meanwhile, whose handler then runs here, anywhere, and may raise: hence a
    function and no ``with`` block, which has a moment between its beginning and its body, and
    hence the second ``finally``.
    """
    # `_signal`, because `signal` makes an enum member of each of sixty numbers.
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    try:
        try:
            _signal.pthread_sigmask(_signal.SIG_BLOCK, WAITING)
            return work()
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)


def is_a_handlers(error: BaseException) -> bool:
    """Whether a signal handler raised it, on top of whatever was running: it is not ours."""
    handlers = (_signal.getsignal(number) for number in WAITING)
    codes = {getattr(getattr(each, "__func__", each), "__code__", None) for each in handlers}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def is_theirs(error: BaseException) -> bool:
    """As :func:`is_a_handlers`, for what catches everything: near the recursion limit nobody can tell, and
    then it counts as ours.
    """
    try:
        return is_a_handlers(error)
    except RecursionError:
        return False
