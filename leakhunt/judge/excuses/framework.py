"""Celery's own tables fill up to their bounds."""

from __future__ import annotations

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.history import TASK
from leakhunt.judge.owners import Book, Growth
from leakhunt.model.paths import STDLIB

#: Celery's own bounded tables: they fill until about task 1,700 and take about 280 KiB in all
#: (1,000 task ids among them: ``celery/worker/state.py``, ``celery/utils/collections.py``).
FRAMEWORK_TASKS = 3000
FRAMEWORK_BYTES = 320 << 10
FRAMEWORK_PER_TASK = 320.0
FRAMEWORK = because(codes.FRAMEWORK_TABLES)


def is_frameworks_own(book: Book, growth: Growth) -> bool:
    """Whether the framework's bounded tables may still be filling, and explain the growth."""
    done = book.history.last.tasks_done
    if growth.blame.ours or done is None or done > FRAMEWORK_TASKS:
        return False
    if growth.grown > FRAMEWORK_BYTES:
        return False
    cut = book.history.nframe <= 2  # who called the standard library is not to be seen
    known = any(map(book.paths.is_framework, growth.blame.stacks)) or (
        cut and book.paths.kind(growth.blame.frame.file) == STDLIB
    )
    return known and (book.history.unit != TASK or growth.shape.rate <= FRAMEWORK_PER_TASK)
