"""What a Celery app and its surroundings are set to: values, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Configuration:
    """What was read from an app. No URL, password or other text of the user's is in it."""

    app: str
    """As it was named (``-A``)."""
    values: Mapping[str, Any]
    """Celery's settings in lower case, only those that a rule asks for; what this Celery does not
    know is missing."""
    broker: str | None
    """The scheme of its URL: ``redis``, ``amqp``."""
    backend: str | None
    django: Mapping[str, Any] = field(default_factory=dict)
    """``DEBUG``, and ``CONN_MAX_AGE`` of the default database, where Django is configured."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the installed distributions that known leaks are about."""


@dataclass(frozen=True)
class Surroundings:
    """What the machine and the environment add."""

    huge_pages: str | None = None
    """``always``, ``madvise`` or ``never``: transparent huge pages."""
    folder: str | None = None
    """Where snapshots are written."""
    free: int | None = None
    """Bytes free on its disk."""
    filesystem: str | None = None
    """The type of its file system: ``ext4``, ``nfs4``."""
    environments: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Per pid, the few variables that rules ask for."""
    now: float = 0.0
