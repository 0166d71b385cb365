"""Reads what a hooked process says of its tasks (see :mod:`leakhunt.hook.celery.pulse`)."""

from __future__ import annotations

from leakhunt.hook.celery.pulse import look
from leakhunt.model.process import Pulse


def pulse(pid: int, inner: int) -> Pulse | None:
    """The process's pulse; None where it has none, or not for this user.

    ``inner`` is the pid by which it knows itself.
    """
    reading = look(pid, inner)
    return None if reading is None else Pulse(*reading)
