"""A worker says what it weighs: a Celery event, and in ``celery inspect stats`` (``LEAKHUNT_EVENTS``).

So Flower, log pipelines and whatever listens to events show it. No task's code changes, and nothing
is written to a result backend. RSS of each child is read when it is told; growing lines and the verdict
are those of the children's newest summaries (:mod:`leakhunt.hook.summary`), if they make any.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events

from leakhunt.hook.celery import remote
from leakhunt.hook.log import say

#: The type of the event, the seconds between two looks whether there is news, and the processes told.
EVENT, INTERVAL, MOST = "worker-leakhunt", 30.0, 64


def connect(app: Any) -> None:
    """Add both to the steps of that app's workers, before they are built."""
    app.steps["worker"].add(Stats)
    app.steps["consumer"].add(Telling)


def told() -> list[dict[str, Any]]:
    """Of each process of this worker: pid, role, RSS, snapshots, verdict, the summary's sentence."""
    hook, session = remote.hooked("")
    pids = [hook.pid, *remote.pool_children(session.worker)][:MOST]
    return [remote.weighed(hook, pid) for pid in pids]


class Stats(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """``leakhunt`` in the reply of ``inspect stats``."""

    label = "leakhunt"

    def info(self, parent: Any) -> dict[str, Any]:
        try:
            return {"leakhunt": told()}
        except Exception as error:  # noqa: BLE001 - the worker's guard
            return {"leakhunt": f"{type(error).__name__}: {error}"}


class Telling(bootsteps.StartStopStep):  # type: ignore[misc]
    """Sends the event when a child has taken a snapshot or judged some."""

    requires = (Events,)
    label = "leakhunt"

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None
        self._said: Any = None

    def start(self, consumer: Any) -> None:
        self._timer = consumer.timer.call_repeatedly(INTERVAL, self._tell, (consumer,))

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    shutdown = stop

    def _tell(self, consumer: Any) -> None:
        try:
            processes = told()
            news = [(each["pid"], each["snapshots"], each["summary"]) for each in processes]
            if news == self._said:
                return
            dispatcher = consumer.event_dispatcher
            if dispatcher is not None and dispatcher.enabled:
                dispatcher.send(EVENT, processes=processes)
                self._said = news
        except Exception as error:  # noqa: BLE001 - the worker's guard
            say(logging.ERROR, f"no event: {type(error).__name__}: {error}")
