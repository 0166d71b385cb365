"""Reads what a hooked process says of its tasks (see :mod:`leakhunt.hook.celery.pulse`)."""

from __future__ import annotations

from leakhunt.hook.celery.pulse import look_at
from leakhunt.live import descriptors
from leakhunt.live.descriptors import Held
from leakhunt.model.process import Pulse


def pulse(pid: int, inner: int, targets: Held = None) -> Pulse | None:
    """The process's pulse; None where it has none, or not for this user.

    ``inner`` is the pid by which it knows itself; ``targets``: what it holds open, where that has just been
    read.
    """
    targets = descriptors.held(pid) if targets is None else targets
    reading = look_at(pid, inner, (targets or {}).items())
    return None if reading is None else Pulse(*reading)
