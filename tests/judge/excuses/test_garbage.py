"""Objects that wait for the collector."""

from __future__ import annotations

from typing import Any

from leakhunt.judge.excuses import garbage
from tests.support.builders import history, stack

WHERE = "/srv/shop/tasks.py:40"


def made(first: int, last: int, **facts: Any) -> Any:
    raw = (("/srv/shop/tasks.py", 40),)
    waiting = [{"objects": n, "stacks": [(raw, n)]} for n in (first, first, last)]
    return history((WHERE, [1, 2, 3], [1, 2, 3]), garbage=waiting, **facts)


def test_what_waited_from_the_first_is_no_growth() -> None:
    """A pool of garbage that stays the same excuses nothing."""
    assert garbage.waiting(made(900, 900)) == {stack(WHERE): 0}
    assert garbage.waiting(made(100, 900)) == {stack(WHERE): 800}
    assert garbage.waiting(made(900, 100)) == {stack(WHERE): -800}


def test_nobody_waits_for_a_collector_that_is_off() -> None:
    assert garbage.waiting(made(0, 900, gc={"enabled": False})) == {}
    assert garbage.waiting(made(0, 900, gc={"enabled": True})) != {}
