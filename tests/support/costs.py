"""What something costs in CPU time: a busy machine adds to the clock, not to this."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator


def spent() -> float:
    """CPU seconds of this process and of the children that it has reaped."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fails where the block takes more CPU time: say several times what it ever takes, and far
    less than what the fault takes that the test is about.
    """
    before = spent()
    yield
    used = spent() - before
    assert used <= seconds, f"{used:.1f} s of CPU"
