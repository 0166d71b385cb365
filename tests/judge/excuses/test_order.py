"""What excuses a growth, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from leakhunt.judge import codes, growths
from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.excuses import order
from leakhunt.judge.history import History
from leakhunt.judge.series.shape import LEAK, SAWTOOTH, WARM_UP
from leakhunt.model.retention import Retention, Step
from leakhunt.model.snapshot import Block
from tests.support.builders import history, snap
from tests.support.lives import aged


def alone(size: int, kind: str | None = None, part: float = 1.0, recycled: bool = False) -> str:
    """The verdict on blocks of one size that grow alone, 100 at each of ten snapshots.

    So much of them is known to be of a type.
    """
    numbers = [100 * (index + 1) for index in range(10)]
    made = history(("/srv/shop/tasks.py:40", [size * number for number in numbers], numbers))
    where = next(iter(made.tracks))
    known = {} if kind is None else {where: {kind: round(size * 1000 * part)}}
    made = replace(
        made,
        first_blocks={where: (Block(0, size, 100),)},
        last_blocks={where: (Block(0, size, 1000),)},
        types=known,
        recycled={where: size * 1000} if recycled else {},
    )
    (growth,) = growths.growths(made)
    return growth.shape.verdict


def test_free_lists_keep_whole_words_of_the_types_that_they_serve() -> None:
    """A tuple of 96 bytes may lie in one; a string of 109 and a map of 96 may not."""
    assert alone(96) == WARM_UP
    assert alone(109) == LEAK
    assert alone(96, "mmap") == LEAK
    assert alone(96, "mmap", part=0.3) == WARM_UP  # of most the type is not known
    assert alone(96, "tuple", recycled=True) == WARM_UP


def faltering(**facts: Any) -> History:
    """Three hundred objects whose growth falters, so that it may go on or not, as far as the sizes tell."""
    numbers = [0, 40, 90, 150, 150, 240, 240, 300]
    made = history(
        ("/srv/shop/tasks.py:40", [200 * number for number in numbers], numbers), **facts
    )
    where = next(iter(made.tracks))
    return replace(made, last_blocks={where: (Block(0, 109, 300), Block(0, 91, 300))})


def waiting(number: int) -> list[dict[str, Any]]:
    """Garbage, at eight snapshots."""
    raw = (("/srv/shop/tasks.py", 40),)
    return [{"objects": n, "stacks": [(raw, n)]} for n in [0] * 7 + [number]]


def test_what_may_go_on_and_only_waits_for_the_collector_is_no_open_question() -> None:
    """A program that other work slows down makes its garbage less and less evenly."""
    (left,) = growths.growths(faltering())
    assert left.shape.verdict != LEAK
    assert left.shape.open
    (few,) = growths.growths(faltering(garbage=waiting(149)))
    assert few.shape == left.shape
    (idle,) = growths.growths(faltering(garbage=waiting(150)))
    assert (idle.shape.verdict, idle.shape.open) == (SAWTOOTH, False)
    assert idle.why is not None
    assert idle.why.code == codes.UNCOLLECTED


def test_what_may_go_on_and_has_a_bound_is_no_open_question() -> None:
    made = faltering()
    assert made.newest is None
    where = next(iter(made.tracks))
    path = (
        Step("module", "shop.tasks", "module"),
        Step("attribute", "RECENT", "collections.deque", 300, 400),
    )
    way = Retention(path, 300, 60_000, "collections.deque", 300, 400, 1, 66_000, path)
    newest = snap("/srv/shop/tasks.py:40 60000 x300")
    newest = replace(newest, facts={where: replace(newest.told(where), retention=(way,))})
    (ends,) = growths.growths(replace(made, newest=newest))
    assert (ends.shape.verdict, ends.shape.open) == (WARM_UP, False)
    assert ends.why is not None
    assert ends.why.code == codes.BOUNDED


def test_every_excuse_is_one_for_the_gate_too() -> None:
    """Each fate has a reason of its own, and each reason is among the excuses."""
    life = lived(aged(("/srv/shop/tasks.py:40", [2_000] * 20)))
    assert life is not None
    book = Survivors(life)
    growth = growths.growths(life)[0]
    told = []
    for fate in (order.WAITING, order.OVERRATED, order.SCATTERED):
        why = order.excused(book, growth, fate).why
        assert why is not None
        told.append(why.code)
    assert len(set(told)) == len(told)
    of_holders = {codes.BOUNDED, codes.EACH_BOUNDED}
    assert {*told, *of_holders, codes.FREE_LIST, codes.FRAMEWORK_TABLES} == codes.EXCUSES
