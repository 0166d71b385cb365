"""Names of signals, and those that the hook may not take: for the settings, and for who asks a process."""

from __future__ import annotations

import signal

#: Signals that end or stop a process whatever it does, or that the runtime
#: itself needs; taking one of them would break the worker.
FORBIDDEN_SIGNALS = frozenset(
    [
        "SIGKILL",
        "SIGSTOP",
        "SIGINT",
        "SIGTERM",
        "SIGQUIT",
        "SIGHUP",
        "SIGCHLD",
        "SIGALRM",
        "SIGSEGV",
        "SIGBUS",
        "SIGFPE",
        "SIGILL",
        "SIGABRT",
        "SIGPIPE",
    ]
)


def signal_name(number: int) -> str:
    """``SIGUSR1``; real-time signals that have no name of their own: ``SIGRTMIN+3``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
