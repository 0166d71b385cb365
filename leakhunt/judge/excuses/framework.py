"""Celery's own tables fill up to their bounds."""

from __future__ import annotations

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.history import TASK
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.whose import FRAMEWORK as FRAMEWORKS
from leakhunt.model.paths import STDLIB

FRAMEWORK = because(codes.FRAMEWORK_TABLES)


def is_frameworks_own(book: Book, growth: Growth) -> bool:
    """Whether the framework's bounded tables may still be filling, and explain the growth."""
    done = book.history.last.tasks_done
    if growth.blame.ours or done is None or done > LEVELS.excuses.framework_tasks:
        return False
    if growth.grown > LEVELS.excuses.framework_bytes:
        return False
    cut = book.history.nframe <= 2  # who called the standard library is not to be seen
    holder = _holder(book, growth)
    if holder is not None and holder not in FRAMEWORKS:
        return False  # somebody else keeps what Celery has called for
    is_named = any(map(book.paths.is_framework, growth.blame.stacks)) or (
        cut and book.paths.kind(growth.blame.frame.file) == STDLIB
    )
    return is_named and (
        book.history.unit != TASK or growth.shape.rate <= LEVELS.excuses.framework_per_task
    )


def _holder(book: Book, growth: Growth) -> str | None:
    """The top-level package of the module that holds most of it by name; None: not known.

    ``__main__`` and what no module names count as not known.
    """
    snapshot = book.history.newest
    if snapshot is None:
        return None
    sizes: dict[str, int] = {}
    for stack in growth.blame.stacks:
        for way in snapshot.told(stack).retention:
            first = way.path[0] if way.path else None
            name = first.name if first is not None and first.kind == "module" else None
            if name and way.length is not None:
                package = name.partition(".")[0]
                sizes[package] = sizes.get(package, 0) + way.size
    total = sum(sizes.values())
    if not total or total < LEVELS.excuses.framework_held * sum(
        book.history.tracks[s].sizes[-1] for s in growth.blame.stacks
    ):
        return None
    return max(sizes, key=lambda package: sizes[package])
