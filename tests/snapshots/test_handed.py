"""Parts of births, from a file that may say anything: never more than the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.snapshot import Birth, Facts, Frame, Handed, Stack, Tally
from leakhunt.snapfile.write import RawFrames
from leakhunt.snapshots import calendar as calendars
from leakhunt.snapshots.handed import by_stack

FILE = "/srv/shop/tasks.py"
RAW: RawFrames = ((FILE, 10), (FILE, 3))
KEEP: RawFrames = ((FILE, 40),)
CALENDAR = {
    "unit": "task", "edges": (0, 100, 200), "moments": (None, 5.0, 6.0), "intervals": (None, 512.0),
    "armed": 0, "tasks": ("shop.take",),
}  # fmt: skip
PATHS = (
    None,
    (0, "module", "shop", "module", None, None, False),
    (1, "attribute", "KEPT", "list", 80, None, False),
)
HEAP = {"paths": PATHS, "holders": ((2, "list", 80, None, 12, None, 640), 7, (2, "list", 80, None, 0, None, 640))}  # fmt: skip


def of(frames: RawFrames) -> Stack:
    return tuple(Frame(*frame) for frame in reversed(frames))


TALLIES = {of(RAW): Tally(1000, 20), of(KEEP): Tally(500, 1)}
BIRTHS = [(0, 1, 2, 4, 300, 200, 6, 200), (1, 1, 2, 4, 300, 200, 6, 200), (1, 0, 1, 1, 50, 50, 1, 0)]  # fmt: skip
TOLD = {
    stack: Facts(births=births)
    for stack, births in calendars.births([(RAW, BIRTHS)], CALENDAR, TALLIES).items()
}


def read(*records: Any, heap: Any = HEAP) -> tuple[Handed, ...]:
    said = {"calendar": CALENDAR, "heap": heap, "handed": records}
    return by_stack(said, TOLD, TALLIES).get(of(RAW), ())


def record(*births: Any, holder: Any = 1, grower: Any = KEEP, frames: Any = RAW) -> tuple[Any, ...]:
    return (frames, grower, holder, births)


PART = (0, 1, 1, 2, 100, 80, 2, 100)


def test_a_part_has_its_container_and_who_makes_it_grow() -> None:
    (one,) = read(record(PART))
    assert (one.holder.type, one.holder.length, one.holder.mark) == ("list", 80, 12)
    assert [step.name for step in one.holder.path] == ["shop", "KEPT"]
    assert one.grower == of(KEEP)
    assert one.births == (Birth(0, "shop.take", 1, 2, 100.0, 10_000.0, 2.0, 100.0),)
    assert one.size == 100
    assert read((*record(PART), "what a later version says")) == (one,)


@pytest.mark.parametrize("grower", [3, (), ((1, 2),), None, ((FILE, 99),), {}])
def test_a_grower_that_is_none_of_the_stacks_is_not_known(grower: Any) -> None:
    (one,) = read(record(PART, grower=grower))
    assert one.grower is None


@pytest.mark.parametrize(
    "said",
    [
        None, 3, "x", (), record(PART)[:3], record(), record(PART, frames=((FILE, 99),)),
        record(PART, holder=0), record(PART, holder=2), record(PART, holder=3), record(PART, holder=4),
        record(PART, holder="1"), record(PART, holder=-1), record(PART, "x"), record((0, 1, 1)),
        record((0, 0, 1, 1, 10, 10, 1, 10)),  # nothing was born outside of tasks then
        record((2, 1, 1, 1, 10, 10, 1, 10)),  # no such period
        record((0, 1, 1, 5, 100, 80, 2, 100)),  # more samples than there are
        record((0, 1, 1, 2, 301, 80, 2, 100)),  # more bytes
        record((0, 1, 1, 2, 201, 80, 2, 0)),  # more than is recycled
        record((0, 1, 1, 2, 100, 80, 7, 100)),  # more blocks
    ],
)  # fmt: skip
def test_what_cannot_be_is_not_told(said: Any) -> None:
    assert read(said) == ()
    assert len(read(said, record(PART))) == 1  # and takes nothing from what can


def test_a_file_without_a_heap_or_births_has_no_parts() -> None:
    assert read(record(PART), heap=None) == ()
    assert read(record(PART), heap={"paths": PATHS}) == ()
    said = {"calendar": CALENDAR, "heap": HEAP, "handed": (record(PART),)}
    assert by_stack(said, {}, TALLIES) == {}
    bare = {stack: replace(told, births=()) for stack, told in TOLD.items()}
    assert by_stack(said, bare, TALLIES) == {}
    assert by_stack({**said, "calendar": None}, TOLD, TALLIES) == {}


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 1), st.just(1), st.just(1), st.integers(1, 3),
                st.integers(0, 250), st.just(0), st.integers(0, 7), st.just(0),
            ),
            min_size=1, max_size=3,
        ),
        max_size=6,
    )
)  # fmt: skip
def test_parts_of_all_containers_are_never_more_than_the_whole(said: list[list[Any]]) -> None:
    parts = read(*(record(*births) for births in said))
    for whole in TOLD[of(RAW)].births:
        inside = [
            birth
            for part in parts
            for birth in part.births
            if (birth.period, birth.task) == (whole.period, whole.task)
        ]
        assert sum(birth.size for birth in inside) <= whole.recycled
        assert sum(birth.blocks for birth in inside) <= whole.blocks
        assert sum(birth.samples for birth in inside) <= whole.samples
