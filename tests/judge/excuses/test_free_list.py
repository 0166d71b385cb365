"""Blocks of one small size that grow alone: either side of each number of CPython's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge.excuses.free_list import (
    FREE_LIST,
    FREE_LIST_SIZES,
    HANDED_ON,
    IN_FREE_LIST,
    KEYS_SIZES,
    holds,
    kept,
    small_blocks,
)
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.model.snapshot import Block
from tests.support.builders import history, stack
from tests.support.growing import LINE, growth

LEAK = "/srv/shop/cache.py:9"
N = 8


def made_of(
    *blocks: tuple[int, int], before: int = 0, counts: list[int] | None = None, **facts: Any
) -> tuple[Book, Growth]:
    """A line that grew by blocks of those (size, number), with so many of the first kind before."""
    numbers = counts or [100 * index for index in range(N)]
    size = sum(size * number for size, number in blocks)
    made = history((LINE, [size * index // (N - 1) for index in range(N)], numbers),
                   (LEAK, [5000 * index for index in range(N)], [100 * index for index in range(N)]))  # fmt: skip
    first = tuple(Block(0, blocks[0][0], before) for _ in range(bool(before)))
    last = tuple(Block(0, size, number) for size, number in blocks)
    made = replace(made, first_blocks={stack(LINE): first}, last_blocks={stack(LINE): last})
    book = Book(replace(made, **facts))
    return book, growth(book, LINE)


@pytest.mark.parametrize(
    ("size", "small"),
    [(16, False), (24, True), (25, False), (64, True), (208, True), (216, False)],
)
def test_free_lists_hold_whole_words_from_a_float_to_a_tuple_of_twenty(
    size: int, small: bool
) -> None:
    assert small_blocks(*made_of((size, 700))) == (size if small else None)


def test_a_full_collection_before_every_look_has_emptied_them() -> None:
    """A string of 200 bytes that nothing holds and nobody frees: a reference too many in a C extension."""
    book, grown = made_of((200, 700))
    assert kept(book, grown, []) == IN_FREE_LIST
    each = [
        replace(snapshot, facts={**snapshot.facts, "collected": True})
        for snapshot in book.history.metas
    ]
    collected = Book(replace(book.history, metas=tuple(each)))
    assert kept(collected, growth(collected, LINE), []) is None
    once = Book(replace(book.history, metas=(*each[:-1], book.history.metas[-1])))
    assert kept(once, growth(once, LINE), []) == IN_FREE_LIST


def test_a_tuple_of_twenty_is_the_largest_that_one_holds() -> None:
    """The collector's two words, the head's three, a hash (since Python 3.14), twenty pointers."""
    assert (FREE_LIST_SIZES[0], FREE_LIST_SIZES[-1]) == (24, 8 * (2 + 3 + 1 + 20))
    # A table of 8 slots: a head of 32 bytes (40 before 3.11), a byte a slot, five entries of 24 (or 16).
    assert {32 + 8 + 5 * 16, 32 + 8 + 5 * 24, 40 + 8 + 5 * 24} <= set(KEYS_SIZES)
    assert set(KEYS_SIZES) <= set(FREE_LIST_SIZES)


@pytest.mark.parametrize(("others", "small"), [(50, 64), (51, None)])
def test_nearly_all_of_it_is_of_one_size(others: int, small: int | None) -> None:
    """950 blocks of 64 bytes beside 50 others: 95 % by bytes."""
    assert LEVELS.excuses.one_size == 0.95
    assert small_blocks(*made_of((64, 1000 - others), (64 * 2, 0), (8, 8 * others))) == small


def test_the_size_is_that_of_most_bytes_not_of_most_blocks() -> None:
    assert small_blocks(*made_of((24, 100), (2048, 90))) is None
    assert small_blocks(*made_of((8, 11), (208, 10))) == 208  # 96 % of the bytes


def test_what_was_there_before_did_not_grow() -> None:
    assert small_blocks(*made_of((64, 700), before=700)) is None
    assert small_blocks(*made_of((64, 700), before=699)) == 64
    assert small_blocks(*made_of((64, 700), (4096, 0))) == 64


def test_types_that_no_free_list_serves_rule_it_out_where_they_are_half_of_it() -> None:
    book, judged = made_of((64, 700))
    alive = book.history.tracks[stack(LINE)].sizes[-1]
    half = int(LEVELS.excuses.others * alive)
    for size, small in ((half, 64), (half + 1, None)):
        told = Book(replace(book.history, types={stack(LINE): {"mmap": size}}))
        assert small_blocks(told, judged) == small
        recycled = replace(told.history, recycled={stack(LINE): 1})
        assert small_blocks(Book(recycled), judged) == 64


# -- in a free list, or handed on -----------------------------------------------------


@pytest.mark.parametrize(("more", "fate"), [(0, IN_FREE_LIST), (1, None)])
def test_a_free_list_keeps_so_many_of_a_size(more: int, fate: str | None) -> None:
    counts = [10] * (N - 1) + [10 + FREE_LIST + more]
    book, judged = made_of((64, FREE_LIST + more), counts=counts)
    assert kept(book, judged, []) == fate


def test_what_grows_in_step_with_a_leak_is_kept_by_it() -> None:
    book, judged = made_of((64, 700))
    leak = growth(book, LEAK)
    assert kept(book, judged, [leak]) is None
    apart = replace(leak, series=replace(leak.series, counts=[0, 700, 0, 700, 700, 700, 700, 700]))
    assert kept(book, judged, [apart]) == IN_FREE_LIST


@pytest.mark.parametrize(
    ("size", "function", "fate"),
    [
        (KEYS_SIZES[0], "send", HANDED_ON),
        (KEYS_SIZES[-1], "send", HANDED_ON),
        (KEYS_SIZES[0] - 8, "send", None),  # no dict's table of keys
        (KEYS_SIZES[-1] + 8, "send", None),
        (KEYS_SIZES[0], "take", None),  # the same function makes and keeps them
    ],
)
def test_a_dicts_keys_may_come_from_another_functions_line(
    size: int, function: str, fate: str | None
) -> None:
    frames = {"/srv/shop/tasks.py": {40: ("take", None)}, "/srv/shop/cache.py": {9: (function, None)}}  # fmt: skip
    spots = history((LINE, [1] * 3, [1] * 3), frames=frames).spots
    book, judged = made_of((size, 700), spots=spots)
    assert kept(book, judged, [growth(book, LEAK)]) == fate


def test_what_is_no_small_blocks_is_in_no_free_list() -> None:
    book, judged = made_of((4096, 7))
    assert kept(book, judged, []) is None


KNOWN = {stack(LEAK): {"str": 35_000}}


@pytest.mark.parametrize(
    ("blocks", "types", "lies"),
    [
        ([(64, 700)], {}, True),
        ([(64, 700)], {"tuple": 22_400}, True),  # half of them are objects
        ([(64, 700)], {"tuple": 22_464}, False),
        ([(64, FREE_LIST)], {}, True),
        ([(64, FREE_LIST + 1)], {}, False),
        ([(64, 700), (72, 1)], {}, False),
        ([(216, 700)], {}, False),
        ([], {}, False),
    ],
)
def test_blocks_that_are_no_objects_lie_in_a_free_list(
    blocks: list[tuple[int, int]], types: dict[str, int], lies: bool
) -> None:
    book, _ = made_of(*(blocks or [(64, 700)]), types={**KNOWN, stack(LINE): types})
    if not blocks:
        book = Book(replace(book.history, last_blocks={}))
    assert holds(book, stack(LINE)) is lies


def test_where_no_type_is_known_of_anything_nothing_is_known_of_these() -> None:
    book, _ = made_of((64, 700))
    assert not holds(book, stack(LINE))
    each = [
        replace(snapshot, facts={**snapshot.facts, "collected": True})
        for snapshot in book.history.metas
    ]
    known = replace(book.history, types=KNOWN)
    assert holds(Book(known), stack(LINE))
    assert not holds(Book(replace(known, metas=tuple(each))), stack(LINE))
