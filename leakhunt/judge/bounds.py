"""Containers that cannot grow for good: those with a bound of their own that a worker ever comes to."""

from __future__ import annotations

from leakhunt.model.retention import Path, Step

#: Celery's and kombu's own containers that drop their oldest entries (``celery/utils/collections.py``,
#: ``kombu/utils/functional.py``): a freelist hands the application's blocks to their entries, too.
LIMITED = frozenset({
    "celery.utils.collections.LimitedSet",
    "celery.utils.collections.BufferMap",
    "kombu.utils.functional.LRUCache",
})  # fmt: skip
#: Attributes of types whose own documentation calls what they keep a leak, bound or not: Django keeps the
#: last 9,000 statements of each connection where DEBUG is on ("Why is Django leaking memory?", FAQ).
LEAKS = (("django.db.backends.", "queries_log"),)


def ends(path: Path, bound: int | None) -> bool:
    """Whether a container with that bound, on that way or at its end, has one that a worker should ever
    come to.
    """
    if is_limited(path):
        return True
    return bound is not None and not any(map(is_known, path, path[1:]))


def is_limited(path: Path) -> bool:
    """Whether a way leads through one of Celery's and kombu's own containers that drop their oldest entries."""
    return any(step.type in LIMITED for step in path)


def is_known(before: Step, step: Step) -> bool:
    """Whether a step leads to a container that is a leak, bound or not."""
    return any(step.name == name and (before.type or "").startswith(kind) for kind, name in LEAKS)
