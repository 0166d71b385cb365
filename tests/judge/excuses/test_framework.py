"""Celery's own tables are excused as far as they can fill, and no further."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge.excuses.framework import is_frameworks_own
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.model.retention import Retention
from leakhunt.model.snapshot import Facts
from tests.support.builders import history, snap, stack
from tests.support.growing import growth
from tests.support.lives import held

LIBRARY = "/srv/venv/lib/python3.11/site-packages"
CELERY, REQUESTS = f"{LIBRARY}/celery/worker/state.py:9", f"{LIBRARY}/requests/api.py:9"
JSON = "/usr/lib/python3.11/json/decoder.py:353"
EXCUSES = LEVELS.excuses
N = 8


def excused(
    where: str = CELERY, bytes_grown: int = 7000, done: int | None = 800,
    ways: tuple[Retention, ...] = (), ours: bool | None = None, nframe: int = 25,
    **judged: Any,
) -> bool:  # fmt: skip
    """Whether a line that grew by so much, by 10 bytes per task, is the framework's own."""
    sizes = [bytes_grown * index // (N - 1) for index in range(N)]
    made = history((where, sizes, [1] * N), tasks_done=[100] * (N - 1) + [done], nframe=nframe)
    newest = replace(snap(f"{where} {sizes[-1]}B x1"), facts={stack(where): Facts(retention=ways)})
    book = Book(replace(made, newest=newest))
    return is_frameworks_own(book, growth(book, where, ours=ours, **{"rate": 10.0, **judged}))


def test_its_own_stacks_are_excused_and_others_are_not() -> None:
    assert excused()
    assert excused(f"{JSON} < {CELERY}")
    assert not excused(REQUESTS)
    assert not excused(JSON)
    assert not excused(ours=True)
    some = [100 * index for index in range(N)]
    both = Book(history((REQUESTS, some, some), (CELERY, some, some)))
    assert is_frameworks_own(both, growth(both, REQUESTS, CELERY, rate=10.0))


@pytest.mark.parametrize(("more", "own"), [(0, True), (1, False)])
def test_its_tables_are_full_after_some_thousand_tasks(more: int, own: bool) -> None:
    assert excused(done=EXCUSES.framework_tasks + more) is own


def test_nothing_is_excused_where_nobody_counts_tasks() -> None:
    assert not excused(done=None)


@pytest.mark.parametrize(("more", "own"), [(0, True), (1, False)])
def test_its_tables_have_a_size(more: int, own: bool) -> None:
    assert excused(bytes_grown=EXCUSES.framework_bytes + more) is own


@pytest.mark.parametrize(("more", "own"), [(0, True), (1, False)])
def test_they_fill_by_so_much_a_task(more: int, own: bool) -> None:
    assert excused(rate=EXCUSES.framework_per_task + more) is own


def test_no_rate_per_task_is_asked_of_a_series_by_seconds() -> None:
    made = history((CELERY, [1000 * index for index in range(N)], [1] * N))
    for unit, own in (("task", False), ("second", True)):
        book = Book(replace(made, unit=unit))
        assert is_frameworks_own(book, growth(book, CELERY, rate=1e6)) is own


@pytest.mark.parametrize(("nframe", "own"), [(2, True), (3, False)])
def test_where_stacks_are_cut_the_standard_library_may_be_called_by_it(
    nframe: int, own: bool
) -> None:
    assert excused(JSON, nframe=nframe) is own
    assert not excused(REQUESTS, nframe=nframe)


# -- who keeps it ---------------------------------------------------------------------


def way(module: str, size: int, length: int | None = 5) -> Retention:
    return held("dict", 5, None, module=module, size=size)._replace(length=length)


@pytest.mark.parametrize(("short", "own"), [(0, False), (1, True)])
def test_another_module_that_keeps_half_of_it_answers(short: int, own: bool) -> None:
    size = round(EXCUSES.framework_held * 7000) - short
    assert excused(ways=(way("shop.tasks", size),)) is own


def test_of_several_the_package_that_keeps_most_decides() -> None:
    mine = way("celery.worker.state", 2000), way("celery.app.trace", 2000)
    assert excused(ways=(*mine, way("shop.tasks", 3000)))
    assert not excused(ways=(*mine, way("shop.tasks", 3000), way("shop.cache", 1001)))


def test_what_no_module_names_and_no_container_holds_is_not_known() -> None:
    assert excused(ways=(way("shop.tasks", 7000, length=None),))
    frame = way("shop.tasks", 7000)
    local = frame._replace(path=(frame.path[0]._replace(kind="frame"), *frame.path[1:]))
    assert excused(ways=(local, local._replace(path=())))
