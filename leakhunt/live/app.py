"""Reads the configuration of a Celery app, the way ``celery -A`` finds it."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import Any

from leakhunt.errors import LeakhuntError
from leakhunt.hook.process.libraries import DISTRIBUTIONS
from leakhunt.model.configuration import Configuration

#: The settings that rules ask for.
SETTINGS = (
    "worker_pool", "worker_concurrency", "worker_prefetch_multiplier", "worker_disable_prefetch",
    "worker_max_tasks_per_child", "worker_max_memory_per_child", "worker_eta_task_limit",
    "worker_send_task_events", "task_send_sent_event", "task_acks_late",
    "task_reject_on_worker_lost", "task_time_limit", "task_soft_time_limit", "task_ignore_result", "result_expires",
    "result_extended", "worker_deduplicate_successful_tasks",
)  # fmt: skip


class AppError(LeakhuntError):
    """The app cannot be loaded."""


def load(name: str) -> Any:
    """The app of that name, from the current folder or the path. Imports the user's code.

    Raises AppError with what went wrong.
    """
    from celery.app.utils import find_app

    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return find_app(name)
    except (
        Exception,
        SystemExit,
    ) as error:  # a module may end the program where a variable is missing
        raise AppError(
            f"the app {name!r} cannot be loaded: {type(error).__name__}: {error}; run this where "
            f"`celery -A {name} worker` is run"
        ) from error


def configuration(name: str) -> Configuration:
    """What the app of that name is set to. Raises AppError."""
    app = load(name)
    try:
        conf = app.conf
        values = {key: conf[key] for key in SETTINGS if key in conf}
        broker, backend = conf.get("broker_url"), conf.get("result_backend")
    except Exception as error:
        raise AppError(
            f"the configuration of {name!r} cannot be read: {type(error).__name__}: {error}"
        ) from error
    return Configuration(
        app=name,
        values=values,
        broker=_scheme(broker) or "amqp",
        backend=_scheme(backend),
        django=_django(),
        versions=_versions(),
    )


def _scheme(url: Any) -> str | None:
    """The scheme of the first URL; nothing more of it is kept."""
    first = url[0] if isinstance(url, (list, tuple)) and url else url
    return first.partition(":")[0] if isinstance(first, str) and first else None


def _django() -> dict[str, Any]:
    """Django's own settings, if the app has made Django ready."""
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    if settings is None or not settings.configured:
        return {}
    databases = getattr(settings, "DATABASES", {}) or {}
    return {
        "DEBUG": bool(getattr(settings, "DEBUG", False)),
        "CONN_MAX_AGE": databases.get("default", {}).get("CONN_MAX_AGE", 0),
    }


def _versions() -> dict[str, str]:
    """Of what is installed here; the running workers may have another environment."""
    versions = {}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = metadata.version(name.replace("_", "-"))
        except metadata.PackageNotFoundError:
            continue
    return versions
