"""The place of an object among the entries of the container that keeps it."""

from __future__ import annotations

import collections
import functools
import gc
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from leakhunt.engine.retention import PLACE, TIE
from tests.hook.capture.walk.test_walk import block_of, names, walked

#: What is looked at stands here alone, and in no variable of a call.
KEPT: list[Any] = []


class Cells(list[Any]):
    """A list that is more than a list."""


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    KEPT.clear()
    gc.enable()


def places_of(asked: bytes, **limits: int) -> list[int]:
    return [place for (place,) in PLACE.iter_unpack(walked(asked, **limits)["places"])]


def blocks_of(things: Sequence[object]) -> bytes:
    return struct.pack(f"={len(things)}Q", *map(block_of, things))


@pytest.mark.parametrize("make", [list, Cells, collections.deque])
def test_an_object_has_the_place_of_its_entry(make: Callable[[Any], Any]) -> None:
    KEPT.append(make((bytes(200), str(number) * 9) for number in range(3000)))
    wanted = [0, 1, 62, 63, 64, 65, 700, 2999]
    asked = blocks_of([KEPT[0][at][0] for at in wanted] + [KEPT[0][7]])
    assert places_of(asked) == [at + 1 for at in wanted] + [8]


def test_a_deque_that_has_lost_its_first_entries_begins_at_those_that_are_left() -> None:
    KEPT.append(collections.deque(bytes(200) for _ in range(1000)))
    for _ in range(130):
        KEPT[0].popleft()
    assert places_of(blocks_of([KEPT[0][0], KEPT[0][62], KEPT[0][869]])) == [1, 63, 870]


def test_the_entries_of_a_dict_are_in_the_order_in_which_they_came() -> None:
    KEPT.append({f"key {number}" * 9: bytes(300) for number in range(2000)})
    for number in range(500):
        del KEPT[0][f"key {number * 2}" * 9]
    KEPT[0]["key 0" * 9] = bytes(300)
    KEPT.append(list(KEPT[0]))
    wanted = [0, 1, 400, 1500]
    keys = [KEPT[1][at] for at in wanted]
    asked = blocks_of([KEPT[0][key] for key in keys] + keys)
    del KEPT[1], keys
    assert places_of(asked) == [at + 1 for at in wanted] * 2


def test_the_dict_of_a_cache_has_the_order_of_its_holder() -> None:
    @functools.cache
    def made(number: int) -> bytes:
        return bytes(300 + number % 2)

    for number in range(1200):
        made(number)
    KEPT.append(made)
    assert places_of(blocks_of([made(5), made(1100)])) == [6, 1101]


def test_what_is_in_no_order_has_no_place() -> None:
    KEPT.append({str(number) * 20 for number in range(1500)})
    assert places_of(blocks_of(list(KEPT[0])[:20])) == [0] * 20


def test_an_object_in_two_containers_has_its_place_in_the_one_that_keeps_it() -> None:
    KEPT.append([bytes(200) for _ in range(900)])
    KEPT.append({"a longer way": ["to", KEPT[0][::-1]]})
    found = walked(blocks_of([KEPT[0][100]]))
    ((_, holder, *_),) = TIE.iter_unpack(found["ties"])
    ((place,),) = PLACE.iter_unpack(found["places"])
    way = names(found, found["holders"][holder - 1][0])
    assert ("attribute", "KEPT") in way
    assert place == 101


def test_a_container_that_holds_itself_ends_the_search() -> None:
    KEPT.append([bytes(200) for _ in range(900)])
    KEPT[0].append(KEPT[0])
    assert places_of(blocks_of([KEPT[0][899], KEPT[0]])) == [900, 0]


def test_where_there_is_no_memory_no_place_is_told() -> None:
    KEPT.append([bytes(200) for _ in range(5000)])
    asked = blocks_of(KEPT[0])
    assert places_of(asked) == list(range(1, 5001))
    whole = walked(asked)["memory"]
    for part in range(1, 20):
        try:
            found = walked(asked, memory=whole * part // 20)
        except MemoryError:
            continue
        assert not found["places"] or len(found["places"]) == 5000 * PLACE.size
