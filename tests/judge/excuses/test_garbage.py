"""Objects that wait for the collector."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.excuses import garbage
from leakhunt.judge.growths import growths
from leakhunt.judge.history import Dead
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.series.shape import LEAK, SAWTOOTH
from leakhunt.model.snapshot import Block
from tests.support.builders import history, stack
from tests.support.growing import growth

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


# -- only waits, either side of the level ----------------------------------------------


@pytest.mark.parametrize(("short", "waits"), [(0, True), (1, False)])
def test_a_growth_of_which_half_waits_is_the_collectors(short: int, waits: bool) -> None:
    """Its objects are counted by the blocks of the size that grew most often: 100, in two sizes."""
    book = Book(
        replace(
            made(0, 0),
            first_blocks={stack(WHERE): (Block(0, 64, 20),)},
            last_blocks={stack(WHERE): (Block(0, 64, 120), Block(0, 280, 90))},
        )
    )
    waiting = {stack(WHERE): round(LEVELS.excuses.garbage * 100) - short}
    assert garbage.only_waits(book, growth(book, WHERE), waiting) is waits


def test_what_waits_elsewhere_and_what_was_collected_excuse_nothing() -> None:
    book = Book(made(0, 0))
    assert not garbage.only_waits(book, growth(book, WHERE), {stack("/srv/shop/b.py:1"): 900})
    assert not garbage.only_waits(book, growth(book, WHERE), {stack(WHERE): -5})
    assert not garbage.only_waits(book, growth(book, WHERE), {})
    assert garbage.only_waits(book, growth(book, WHERE), {stack(WHERE): 1})  # no blocks are known


def test_a_stack_in_the_file_is_the_most_recent_call_first() -> None:
    raw = (("/usr/lib/python3.11/json/decoder.py", 353), ("/srv/shop/tasks.py", 40))
    whole = history((WHERE, [1, 2], [1, 2]), garbage={"objects": 3, "stacks": [(raw, 3)]})
    inner = stack("/usr/lib/python3.11/json/decoder.py:353 < /srv/shop/tasks.py:40")
    assert garbage.waiting(whole) == {inner: 0}


@pytest.mark.parametrize(
    "said", [None, 3, {"stacks": None}, {"stacks": [7, ("a.py", "b"), ((("a.py", "x"),), 1), ()]}]
)
def test_a_file_may_say_anything(said: object) -> None:
    whole = history((WHERE, [1, 2], [1, 2]), garbage=said)
    assert set(garbage.waiting(whole).values()) <= {0}


def test_a_librarys_growth_waits_with_garbage_that_it_goes_in_step_with() -> None:
    library, other = (f"/usr/lib/python3.11/{name}.py:1" for name in "ab")
    up, down = [10, 20, 30, 40], [10, 40, 40, 40]
    book = Book(history(*((place, [1, 2, 3, 4], up) for place in (library, other, WHERE)),
                        ("/usr/lib/python3.11/c.py:1", [1, 2, 3, 4], down)))  # fmt: skip
    one, two, ours = (growth(book, place) for place in (library, other, WHERE))
    apart = growth(book, "/usr/lib/python3.11/c.py:1")
    assert garbage.waits_with(one, [two])
    assert not garbage.waits_with(one, [apart])
    assert not garbage.waits_with(one, [ours])
    assert not garbage.waits_with(ours, [two])
    assert not garbage.waits_with(one, [])


# -- what waits, told by births --------------------------------------------------------


def beside(sizes: list[int], waits: list[int]) -> Growth:
    """A line with those bytes, 10 in each block, of which so many wait at each snapshot."""
    whole = history((WHERE, sizes, [size // 10 for size in sizes]))
    idle = [float(size) for size in waits]
    lost = Dead(idle, [0.0] * len(idle), [size / 10 for size in idle], idle)
    (found,) = growths(replace(whole, dead={stack(WHERE): lost}))
    return found


def test_a_leak_beside_garbage_is_judged_and_told_without_it() -> None:
    kept = [10_000 + 2000 * index for index in range(8)]
    swings = [0, 9000, 4000, 30_000, 12_000, 0, 25_000, 40_000]
    found = beside([a + b for a, b in zip(kept, swings)], swings)
    assert found.shape.verdict == LEAK
    assert found.grown == kept[-1] - kept[0]
    assert found.shape.rate * found.series.t[-1] == pytest.approx(found.grown)


def test_a_line_of_garbage_is_told_with_it_and_is_no_leak() -> None:
    waits = [10_000 + 2000 * index for index in range(8)]
    found = beside([size + 500 for size in waits], waits)
    assert (found.shape.verdict, found.grown) == (SAWTOOTH, waits[-1] - waits[0])
    assert found.why is not None
    assert found.why.code == codes.UNCOLLECTED
