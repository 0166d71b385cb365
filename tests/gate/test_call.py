"""The loop that calls the target: as often as it is told, with the next arguments each time."""

from __future__ import annotations

import gc
import weakref
from itertools import repeat
from typing import Any

import pytest

from leakhunt.gate.call import call


def test_each_run_has_the_next_arguments_and_is_counted() -> None:
    seen: list[Any] = []
    done: list[int] = []
    arguments = iter([((1,), {}), ((), {"x": 2}), ((3,), {})])
    assert call(lambda x: seen.append(x), arguments, 2, lambda: done.append(len(seen))) == 2
    assert (seen, done) == ([1, 2], [1, 2])
    assert next(arguments) == ((3,), {})


def test_where_arguments_end_it_says_how_often_it_ran() -> None:
    assert call(lambda: None, iter([((), {})]), 5, lambda: None) == 1
    assert call(lambda: None, iter(()), 5, lambda: None) == 0


def test_what_the_target_raises_gets_through() -> None:
    def target() -> None:
        raise ValueError("no such order")

    with pytest.raises(ValueError, match="no such order"):
        call(target, repeat(((), {})), 3, lambda: None)


def test_nothing_of_a_run_is_kept_for_the_next() -> None:
    class Order:
        pass

    alive: list[weakref.ref[Order]] = []

    def arguments() -> Any:
        for _ in range(3):
            yield (Order(),), {}

    def target(order: Order) -> None:
        alive.append(weakref.ref(order))

    def done() -> None:
        gc.collect()
        assert [each for each in alive[:-1] if each() is not None] == []

    assert call(target, arguments(), 3, done) == 3


def test_what_is_returned_is_ended_and_not_kept() -> None:
    class Page:
        pass

    alive: list[weakref.ref[Page]] = []

    def done() -> None:
        gc.collect()
        assert alive[-1]() is None

    def end(page: Page) -> None:
        alive.append(weakref.ref(page))

    assert call(Page, repeat(((), {})), 3, done, end) == 3
    assert len(alive) == 3
