"""Each message of Dramatiq and each job of RQ as a unit of work. Imports them where they are used."""

from __future__ import annotations

import functools
from typing import Any

from leakhunt.hook.unit import JOB, Unit


def dramatiq() -> Any:
    """A middleware for a Dramatiq broker: each message counts under its actor's name.

    A message runs in one thread from begin to end, so that what it allocates is its own.
    """
    from dramatiq.middleware import Middleware

    units: dict[str, Unit] = {}

    class Leakhunt(Middleware):  # type: ignore[misc, unused-ignore]
        def before_process_message(self, broker: Any, message: Any) -> None:
            unit = units[message.message_id] = Unit(message.actor_name, JOB)
            unit.begin()

        def after_process_message(
            self, broker: Any, message: Any, *, result: Any = None, exception: Any = None
        ) -> None:
            unit = units.pop(message.message_id, None)
            if unit is not None:
                unit.end(failed=exception is not None)

        def after_skip_message(self, broker: Any, message: Any) -> None:
            unit = units.pop(message.message_id, None)
            if unit is not None:
                unit.end()

    return Leakhunt()


def rq(worker: Any) -> Any:
    """A subclass of an RQ worker whose jobs count under their function's name.

    ``rq.Worker`` forks for each job, and what a job keeps ends with its process: a leak is one where
    jobs share a process, as in ``rq.SimpleWorker``.
    """

    @functools.wraps(worker, updated=())
    class Worker(worker):  # type: ignore[misc, valid-type, unused-ignore]
        def perform_job(self, job: Any, *args: Any, **kwargs: Any) -> Any:
            unit = Unit(_function_name(job), JOB)
            unit.begin()
            done = False
            try:
                done = super().perform_job(job, *args, **kwargs)
            finally:
                unit.end(failed=not done)
            return done

    return Worker


def _function_name(job: Any) -> str:
    """The function's dotted name; never the job's description, which holds the arguments."""
    try:
        return str(job.func_name)
    except Exception:  # noqa: BLE001 - a job whose data cannot be read: RQ will say so
        return "job"
