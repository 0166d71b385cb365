"""Judges a series for the worker beside: started by :mod:`leakhunt.hook.summary`, never by a user.

Last in line for the CPU, bounded in CPU time, memory and time, and one at a time for all that share
a folder: who finds another one at work leaves it for the next snapshot. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

from leakhunt.hook.summary import BUSY

#: Seconds of CPU and of the clock, and bytes of address space.
CPU, CLOCK, MEMORY = 20, 300, 2 << 30


def main() -> None:
    """``records' folder, series``: judge it and print ``{"verdict", "sentence"}``."""
    _bound()
    records, series = sys.argv[1:3]
    if not _is_alone(records):
        sys.exit(BUSY)
    from leakhunt.cli import judging
    from leakhunt.errors import LeakhuntError
    from leakhunt.report.words import summary

    try:
        report = judging.look([series], judging.Asked(limit=3), quiet=True, command="verdict")
    except LeakhuntError:
        sys.exit(2)
    told = {
        "verdict": report.verdict.verdict,
        "sentence": summary.sentence(
            report.summary,
            [each.finding for each in report.findings],
            report.labels,
            report.verdict.unit,
        ),
    }
    sys.stdout.write(json.dumps(told))


def _bound() -> None:
    import resource
    import signal

    with suppress(OSError):
        os.nice(19)
    for what, most in ((resource.RLIMIT_CPU, CPU), (resource.RLIMIT_AS, MEMORY)):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    with suppress(OSError):  # as for a capture's child: first in line for the kernel
        open("/proc/self/oom_score_adj", "w").write("1000")  # noqa: SIM115, PTH123
    signal.alarm(CLOCK)


def _is_alone(records: str) -> bool:
    """Whether this is the only one at work in that folder; the lock lasts as long as the process."""
    import fcntl

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.open(os.path.join(records, ".verdict.lock"), flags, 0o600)  # noqa: PTH118
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
