"""Containers that cannot grow for good: those with a bound of their own that a worker ever comes to."""

from __future__ import annotations

from types import MappingProxyType

from leakhunt.model.retention import Path, Step

#: Celery's and kombu's own containers that drop their oldest entries (``celery/utils/collections.py``,
#: ``kombu/utils/functional.py``): a freelist hands the application's blocks to their entries, too.
LIMITED = frozenset({
    "celery.utils.collections.LimitedSet",
    "celery.utils.collections.BufferMap",
    "kombu.utils.functional.LRUCache",
})  # fmt: skip
#: The standard library's dicts that drop an entry where they are full, with the entries that they may have:
#: ``_MAXCACHE`` and ``_MAXCACHE2`` in ``Lib/re/__init__.py``, ``_CACHE_MAX_SIZE`` in
#: ``Lib/_strptime.py``, which looks whether there are more.
EMPTIED = MappingProxyType({
    ("re", "_cache"): 512,
    ("re", "_cache2"): 256,
    ("_strptime", "_regex_cache"): 6,
})  # fmt: skip
#: Containers of its C types likewise, by the type that has one and its own: a connection looks through the weak
#: references to its cursors (before 3.11, to its statements too) each time that it has made 200 more, and drops the
#: dead ones (``Modules/_sqlite/connection.c``); pandas does so with those to the blocks that share an array, where there
#: are more than 500 (``clear_counter`` of ``pandas/_libs/internals.pyx``). What lives is kept by whoever uses it.
SWEPT = MappingProxyType({
    ("sqlite3.Connection", "list"): 200,
    ("pandas._libs.internals.BlockValuesRefs", "list"): 500,
})  # fmt: skip
#: Attributes of types whose own documentation calls what they keep a leak, bound or not: Django keeps the
#: last 9,000 statements of each connection where DEBUG is on ("Why is Django leaking memory?", FAQ).
LEAKS = (("django.db.backends.", "queries_log"),)


def ends(path: Path, bound: int | None) -> bool:
    """Whether a container with that bound, on that way or at its end, has one that a worker should ever
    come to.
    """
    if is_limited(path) or emptied(path) is not None:
        return True
    return bound is not None and not any(map(is_known, path, path[1:]))


def is_limited(path: Path) -> bool:
    """Whether a way leads through one of Celery's and kombu's own containers that drop their oldest entries."""
    return any(step.type in LIMITED for step in path)


def is_one(path: Path, kind: str | None) -> bool:
    """Whether a container with a bound is in one piece, as a deque and the standard library's dicts are; other caches keep
    their keys in a second one, by age or by use, and a connection's statements are their cursors' as well.
    """
    return kind == "collections.deque" or _dict_of(path) is not None


def emptied(path: Path) -> int | None:
    """The entries that one of the standard library's own containers may have, where a way leads through it."""
    for before, step in zip(path, path[1:]):
        most = SWEPT.get((before.type or "", step.type or ""))
        if most is not None:
            return most
    return _dict_of(path)


def _dict_of(path: Path) -> int | None:
    """The same, of its dicts alone."""
    named = (
        (before.name or "", step.name or "")
        for before, step in zip(path, path[1:])
        if before.kind == "module"
    )
    return next((EMPTIED[each] for each in named if each in EMPTIED), None)


def is_known(before: Step, step: Step) -> bool:
    """Whether a step leads to a container that is a leak, bound or not."""
    return any(step.name == name and (before.type or "").startswith(kind) for kind, name in LEAKS)
