"""A timer that looks into the letter box, for a process that no signal reaches.

A thread, because timers of the kernel's would need a signal, and an event loop there may not be.
It sleeps nearly all the time: one look a second, of a few microseconds each. Only where it must be:
a program that forks with a thread in it is warned by Python 3.12.
"""

from __future__ import annotations

import _thread
import logging
import os
import sys
import time
from collections.abc import Callable

from leakhunt.hook.log import say

#: Seconds between two looks.
INTERVAL = 1.0
#: Modules that only a server written in C can give a program, which calls it for each request.
SERVERS = ("uwsgi", "mod_wsgi")


def waits_outside() -> bool:
    """Whether the main thread waits for work in a server's C code. Python's handler of a signal that
    comes then runs with the next request, which may never come.
    """
    return any(name in sys.modules for name in SERVERS)


def begin(look: Callable[[int], bool]) -> bool:
    """Call ``look(pid)`` once a second until it says False; whether there is such a timer now.

    Under gevent and eventlet a green one, as everything else there.
    """
    try:
        _thread.start_new_thread(_run, (look, os.getpid()))
    except (
        RuntimeError,
        OSError,
    ) as error:  # no more threads: the limit of the process or the host
        say(logging.WARNING, f"no timer for the letter box: {error}")
        return False
    return True


def _run(look: Callable[[int], bool], pid: int) -> None:
    try:
        while look(pid):
            time.sleep(INTERVAL)
    except Exception as error:  # noqa: BLE001 - the worker's guard
        say(
            logging.ERROR, f"the timer of the letter box has ended: {type(error).__name__}: {error}"
        )
