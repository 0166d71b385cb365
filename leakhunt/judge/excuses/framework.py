"""Celery's own tables fill up to their bounds."""

from __future__ import annotations

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.history import TASK
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.whose import FRAMEWORK as FRAMEWORKS
from leakhunt.model.paths import STDLIB

#: Celery's own bounded tables: they fill until about task 1,700 and take about 280 KiB in all
#: (1,000 task ids among them: ``celery/worker/state.py``, ``celery/utils/collections.py``).
FRAMEWORK_TASKS = 3000
FRAMEWORK_BYTES = 320 << 10
FRAMEWORK_PER_TASK = 320.0
FRAMEWORK = because(codes.FRAMEWORK_TABLES)
#: The holder decides where it is known of so much.
HELD = 0.5


def is_frameworks_own(book: Book, growth: Growth) -> bool:
    """Whether the framework's bounded tables may still be filling, and explain the growth."""
    done = book.history.last.tasks_done
    if growth.blame.ours or done is None or done > FRAMEWORK_TASKS:
        return False
    if growth.grown > FRAMEWORK_BYTES:
        return False
    cut = book.history.nframe <= 2  # who called the standard library is not to be seen
    holder = _holder(book, growth)
    if holder is not None and holder not in FRAMEWORKS:
        return False  # somebody else keeps what Celery has called for
    known = any(map(book.paths.is_framework, growth.blame.stacks)) or (
        cut and book.paths.kind(growth.blame.frame.file) == STDLIB
    )
    return known and (book.history.unit != TASK or growth.shape.rate <= FRAMEWORK_PER_TASK)


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
    known = sum(sizes.values())
    if not known or known < HELD * sum(
        book.history.tracks[s].sizes[-1] for s in growth.blame.stacks
    ):
        return None
    return max(sizes, key=lambda package: sizes[package])
