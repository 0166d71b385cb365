"""Reads what a hooked process says of its tasks (see :mod:`leakhunt.hook.celery.pulse`)."""

from __future__ import annotations

from leakhunt.hook.celery.pulse import look_at
from leakhunt.live import descriptors
from leakhunt.live.descriptors import Held
from leakhunt.model.process import Pulse


def pulse(pid: int, inner: int, held: Held = None) -> Pulse | None:
    """The process's pulse; None where it has none, or not for this user.

    ``inner`` is the pid by which it knows itself; ``held``: what it holds open, where that has just been
    read.
    """
    held = descriptors.held(pid) if held is None else held
    reading = look_at(pid, inner, held.telling.items() if held is not None else ())
    return None if reading is None else Pulse(*reading)
