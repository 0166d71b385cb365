"""Which growths are parts of one leak, where the walk tells what holds them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.judge.blame import parts
from leakhunt.judge.blame.parts import adopted, merged, responsible
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.whose import Blame
from leakhunt.model.retention import Retention, Step
from leakhunt.model.snapshot import UNTOLD, Block, Frame
from tests.support.builders import history, snap, stack
from tests.support.growing import growth, rising

TASKS, PRICES = "/srv/shop/tasks.py:14", "/srv/shop/pricing.py:11"
SIZES = [1000 * step for step in range(1, 9)]
COUNTS = [10 * step for step in range(1, 9)]
FRAMES = {
    "/srv/shop/tasks.py": {14: ("take", "order = json.loads(text)")},
    "/srv/shop/pricing.py": {11: ("quote", "SEEN[key] = text * 20")},
}


def way(name: str, mark: int, size: int) -> Retention:
    path = (Step("module", "shop", None), Step("attribute", name, "dict"))
    return Retention(path, 10, size, "dict", 80, None, mark, size, path)


@pytest.mark.parametrize(("marks", "leaks"), [((1, 2), 2), ((1, 1), 1), ((0, 2), 1)])
def test_what_different_containers_hold_is_two_leaks_however_well_it_goes_in_step(
    marks: tuple[int, int], leaks: int
) -> None:
    table = [8 * count for count in COUNTS]
    past = history(
        (TASKS, SIZES, COUNTS), (PRICES, [a + b for a, b in zip(SIZES, table)], COUNTS),
        frames=FRAMES,
    )  # fmt: skip
    facts = {
        stack(place): replace(UNTOLD, retention=(way(f"KEPT{mark}", mark, 600), way("A", 0, 100)))
        for place, mark in zip((TASKS, PRICES), marks)
    }
    newest = replace(
        snap(f"{TASKS} 8000B x80", f"{PRICES} 8640B x80"), facts=MappingProxyType(facts)
    )
    blocks = {stack(PRICES): (Block(0, 640, 1),)}
    book = Book(replace(past, newest=newest, last_blocks=blocks))
    found = merged(
        book,
        [
            book.of(Blame(Frame(file, int(line)), True, (stack(f"{file}:{line}"),)))
            for file, _, line in (place.rpartition(":") for place in (TASKS, PRICES))
        ],
    )
    assert len(found) == leaks
    assert sum(len(growth.blame.stacks) for growth in found) == 2


def test_lines_that_feed_one_container_are_one_leak_though_nothing_else_joins_them() -> None:
    """A freelist hands on what one line has freed: the other keeps it."""
    lines = {"/srv/shop/tasks.py:14": 3, "/srv/other/rows.py:50": 2}
    past = history(
        *((place, [times * size for size in SIZES], COUNTS) for place, times in lines.items())
    )
    here = way("KEPT", 7, 900)
    desk = replace_bound(way("DESK", 8, 5000), 24)
    facts = {stack(place): replace(UNTOLD, retention=(here, desk)) for place in lines}
    newest = replace(
        snap(*(f"{place} 8000B x80" for place in lines)), facts=MappingProxyType(facts)
    )
    book = Book(replace(past, newest=newest))
    growths = [
        book.of(Blame(Frame(file, int(line)), True, (stack(f"{file}:{line}"),)))
        for file, _, line in (place.rpartition(":") for place in lines)
    ]
    (growth,) = merged(book, growths)
    assert growth.blame.frame == Frame("/srv/shop/tasks.py", 14)  # most of it
    assert growth.parts == (Frame("/srv/other/rows.py", 50),)
    assert growth.sizes[-1] == 5 * SIZES[-1]


def replace_bound(way: Retention, bound: int) -> Retention:
    path = (way.path[0], way.path[1]._replace(bound=bound))
    return way._replace(path=path, container_path=path, bound=bound)


# -- in step, either side of each level ------------------------------------------------

NEAR = "/srv/shop/tasks.py:10", "/srv/shop/tasks.py:20"
LIBRARY = "/srv/venv/lib/python3.11/site-packages/requests/models.py:7"
OTHER_LIBRARY = "/srv/venv/lib/python3.11/site-packages/requests/cookies.py:9"


def late_by(part: float, each: int, number: int = 9) -> list[int]:
    """Rises evenly, but for one step that comes early: by that part of the whole rise."""
    line = [each * index for index in range(number)]
    line[4] += round(part * line[-1])
    return line


@pytest.mark.parametrize(
    ("counts", "level"), [(1000, LEVELS.blames.in_step), (0, LEVELS.blames.in_step_tables)]
)
def test_lines_go_in_step_as_far_as_a_level_by_blocks_or_of_a_table_alone_by_bytes(
    counts: int, level: float
) -> None:
    """Fewer blocks than snapshots came: the line is one table's, and grows in jumps."""
    for beside, found in ((-0.002, 1), (0.002, 2)):
        part = level + beside
        mine = late_by(0, counts) if counts else [1] * 9
        its = late_by(part, counts) if counts else [1] * 9
        sizes = late_by(0, 10**6), late_by(part if not counts else 0, 10**6)
        book = Book(history((NEAR[0], sizes[0], mine), (NEAR[1], sizes[1], its)))
        leaks = [growth(book, place, verdict=LEAK) for place in NEAR]
        assert len(merged(book, leaks)) == found, part


@pytest.mark.parametrize(("blocks", "found"), [(9, 2), (8, 1)])
def test_blocks_count_from_one_a_snapshot_on(blocks: int, found: int) -> None:
    """Nine snapshots: nine blocks go apart; eight say nothing, and bytes go in step."""
    mine, its = [0] * 8 + [blocks], [blocks // 2 * (index > 0) for index in range(8)] + [blocks]
    sizes = late_by(0, 10**6)
    book = Book(history((NEAR[0], sizes, mine), (NEAR[1], sizes, its)))
    assert len(merged(book, [growth(book, place, verdict=LEAK) for place in NEAR])) == found


# -- one of several -------------------------------------------------------------------


def several(*rates: float, places: tuple[str, ...] = ()) -> tuple[Book, list[Growth]]:
    """Lines of the application, called from nowhere, that leak by so many bytes per task."""
    places = places or tuple(f"/srv/shop/{name}.py:1" for name in "abcd"[: len(rates)])
    book = Book(history(*((place, rising(1000), rising(1)) for place in places)))
    return book, [
        growth(book, place, verdict=LEAK, rate=rate) for place, rate in zip(places, rates)
    ]


def test_the_line_with_half_of_the_growth_answers() -> None:
    calls = ("/srv/shop/a.py:1 < /srv/shop/b.py:1", "/srv/shop/b.py:1", "/srv/shop/c.py:1 < /srv/shop/b.py:1")  # fmt: skip
    leads = LEVELS.blames.leads * 100
    book, found = several(leads, 30.0, 70.0 - leads, places=calls)
    assert responsible(book, found) == Frame("/srv/shop/a.py", 1)
    book, found = several(leads - 1, 30.0, 71.0 - leads, places=calls)
    assert responsible(book, found) == Frame("/srv/shop/b.py", 1)  # calls all others


def test_of_several_lines_that_call_all_the_innermost_answers() -> None:
    c, b, a = (f"/srv/shop/{name}.py:1" for name in "cba")
    book, found = several(40.0, 35.0, 25.0, places=(f"{a} < {b} < {c}", f"{b} < {c}", f"{c} < {b} < {c}"))  # fmt: skip
    assert responsible(book, found) == Frame("/srv/shop/b.py", 1)


def test_without_a_line_that_calls_all_the_largest_answers() -> None:
    book, found = several(40.0, 35.0, 25.0)
    assert responsible(book, found) == Frame("/srv/shop/a.py", 1)


def test_a_line_of_the_application_answers_before_a_librarys_and_a_file_before_none() -> None:
    book, found = several(90.0, 10.0, places=(LIBRARY, "/srv/shop/a.py:1"))
    assert responsible(book, found) == Frame("/srv/shop/a.py", 1)
    book, found = several(90.0, 10.0, places=("<template>:3", LIBRARY))
    found = [replace(each, blame=replace(each.blame, ours=False)) for each in found]
    assert responsible(book, found).line == 7


def test_parts_add_up_where_the_whole_is_no_leak_and_the_surest_counts_where_it_is() -> None:
    """Two lines that take turns in step with nothing: each is sure, their sum is flat."""
    up, down = rising(1000), rising(1000)[::-1]
    places = "/srv/shop/a.py:1", "/srv/shop/b.py:1"
    book = Book(history((places[0], up, rising(1)), (places[1], down, rising(1))))
    one, two = (
        growth(book, places[0], verdict=LEAK, rate=30.0, low=27.0, high=33.0, blocks_rate=2.0, p=0.001),
        growth(book, places[1], verdict=LEAK, rate=10.0, low=6.0, high=14.0, blocks_rate=1.0, p=0.002),
    )  # fmt: skip
    whole = parts._combined(book, [two, one])
    assert whole.blame.frame == Frame("/srv/shop/a.py", 1)
    assert whole.parts == (Frame("/srv/shop/b.py", 1),)
    assert whole.shape.rate == 40.0
    # Widths of 6 and 8: half of the root of 36 + 64 on either side.
    assert (whole.shape.low, whole.shape.high) == (35.0, 45.0)
    assert whole.shape.blocks_rate == 3.0
    book = Book(history((places[0], up, rising(1)), (places[1], up, rising(1))))
    sure = [growth(book, place, verdict=LEAK, p=p) for place, p in zip(places, (0.5, 1e-9))]
    both = parts._combined(book, sure)
    assert both.shape.verdict == LEAK
    assert both.shape.p == 1e-9
    assert both.shape.rate == pytest.approx(20.0)  # 1,000 bytes in 100 tasks, twice


# -- what holds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "items", "holds"),
    [
        ([Block(0, 400, 1)], 100, True),  # a list of a hundred takes 8 bytes each: half will do
        ([Block(0, 399, 1)], 100, False),
        ([Block(0, 400, 2)], 100, True),  # the old table, for a moment
        ([Block(0, 400, 3)], 100, False),  # things of that size
        ([Block(0, 128, 1)], 1, True),
        ([Block(0, 127, 1)], 1, False),
        ([Block(0, 528, 10)], 1280, True),  # a deque's blocks, of 64 each
        ([Block(0, 528, 9)], 1280, False),
        ([Block(0, 519, 10)], 1280, False),
        ([Block(0, 537, 10)], 1280, False),
        ([], 1, False),
    ],
)
def test_a_table_is_a_block_that_has_room_for_the_items(
    blocks: list[Block], items: float, holds: bool
) -> None:
    where = stack(TASKS)
    made = replace(history((TASKS, SIZES, COUNTS)), last_blocks={where: tuple(blocks)})
    assert parts._table(Book(made), [where], items) is holds
    before = replace(made, first_blocks={where: tuple(blocks)})
    assert not parts._table(Book(before), [where], items), "it was there from the first"


# -- what a library allocated ---------------------------------------------------------


def kept(*lines: tuple[str, list[int]], nframe: int = 25) -> tuple[Book, list[Growth]]:
    """Leaks with those blocks, of 1,000 bytes each."""
    book = Book(
        history(*((place, [1000 * n for n in numbers], numbers) for place, numbers in lines),
                nframe=nframe)
    )  # fmt: skip
    return book, [growth(book, place, verdict=LEAK) for place, _ in lines]


@pytest.mark.parametrize(
    ("nframe", "level"), [(25, LEVELS.blames.in_step), (1, LEVELS.blames.in_step_cut)]
)
def test_a_librarys_growth_in_step_is_the_applications_the_more_so_where_it_is_cut(
    nframe: int, level: float
) -> None:
    for beside, alone in ((-0.002, 1), (0.002, 2)):
        book, (ours, its) = kept(
            (TASKS, late_by(0, 1000)), (LIBRARY, late_by(level + beside, 1000)), nframe=nframe
        )
        assert len(adopted(book, [ours], [its])) == alone
        if alone == 1:
            assert adopted(book, [ours], [its])[0].blame.frame == ours.blame.frame


def test_of_two_lines_in_step_the_more_alike_takes_it() -> None:
    """Both are near; the increments of one vary as those of the library's line do."""
    uneven = [1000 * index + 30 * (index % 2) for index in range(9)]
    book, (one, two, its) = kept((TASKS, late_by(0.02, 1000)), (PRICES, uneven), (LIBRARY, uneven))
    found = {each.blame.frame: each for each in adopted(book, [one, two], [its])}
    assert stack(LIBRARY) in found[two.blame.frame].blame.stacks
    assert found[one.blame.frame] == one


def test_what_is_cut_goes_with_the_only_leak_of_the_same_task() -> None:
    apart = late_by(0.5, 1000)
    book, (ours, its) = kept((TASKS, late_by(0, 1000)), (LIBRARY, apart), nframe=1)

    def on(each: Growth, axis: str | None) -> Growth:
        return replace(each, shape=replace(each.shape, axis=axis))

    assert len(adopted(book, [on(ours, "take")], [on(its, "take")])) == 1
    assert len(adopted(book, [on(ours, "take")], [on(its, "send")])) == 2
    assert len(adopted(book, [on(ours, None)], [on(its, None)])) == 2
    twice = [on(ours, "take"), on(ours, "take")]
    assert len(adopted(book, twice, [on(its, "take")])) == 3
    whole, (ours, its) = kept((TASKS, late_by(0, 1000)), (LIBRARY, apart))
    assert len(adopted(whole, [on(ours, "take")], [on(its, "take")])) == 2


def test_strangers_of_one_package_in_step_are_one_finding() -> None:
    steady = late_by(0, 1000)
    vendor = "/srv/venv/lib/python3.11/site-packages/urllib3/pool.py:3"
    book, (one, two, third) = kept((LIBRARY, steady), (OTHER_LIBRARY, steady), (vendor, steady))
    found = adopted(book, [], [one, two, third])
    assert sorted(len(each.blame.stacks) for each in found) == [1, 2]
    book, pair = kept((LIBRARY, steady), (OTHER_LIBRARY, late_by(0.5, 1000)))
    assert len(adopted(book, [], pair)) == 2


@pytest.mark.parametrize(
    ("short", "room", "found"), [(0, 800, True), (1, 800, False), (0, 799, False)]
)
def test_a_line_whose_table_grew_keeps_what_strangers_leak(
    short: int, room: int, found: bool
) -> None:
    """One item a task in 800 tasks: it has room for a quarter of them, and grew enough to be looked at."""
    steady, floor = late_by(0, 1000), LEVELS.worth.floor
    made = history(
        (LIBRARY, [1000 * n for n in steady], steady),
        (TASKS, [0] * 8 + [floor - short], [0] * 8 + [1]),
        (PRICES, late_by(0.5, 1000), late_by(0.5, 1000)),
    )
    book = Book(replace(made, last_blocks={stack(TASKS): (Block(0, room, 1),)}))
    stranger, ours = (growth(book, place, verdict=LEAK) for place in (LIBRARY, PRICES))
    assert adopted(book, [ours], [stranger]) == [ours, stranger]  # the application's own leak
    (leak,) = adopted(book, [], [stranger])
    assert (leak.blame.frame == stack(TASKS)[-1]) is found
    assert leak.blame.ours is found


def test_the_frameworks_own_goes_with_nobody_however_well_it_goes_in_step() -> None:
    celery = "/srv/venv/lib/python3.11/site-packages/celery/worker/state.py:9"
    little = [16 * index for index in range(9)]
    book = Book(history((TASKS, little, little), (celery, little, little), nframe=25))
    ours, its = (growth(book, place, verdict=LEAK) for place in (TASKS, celery))
    assert adopted(book, [ours], [its]) == [ours, its]


#: Few lines, functions and callers, so that many parts have some in common; courses that are alike, nearly, or not.
PART = st.tuples(
    st.sampled_from(["tasks.py", "pricing.py"]),
    st.integers(10, 30),
    st.lists(st.sampled_from(["tasks.py:5", "tasks.py:7", "pricing.py:14"]), max_size=2),
    st.sampled_from([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 8, 8], [1, 1, 1, 4, 4, 6, 6, 8], [8, 7, 6, 5, 4, 3, 2, 1]]),
    st.sampled_from([1, 40]),
    st.sampled_from([0, 1, 2]),
)  # fmt: skip


@pytest.mark.once
@given(st.lists(PART, min_size=2, max_size=7))
@settings(max_examples=300)
def test_to_ask_of_all_at_once_changes_nothing(drawn: list[tuple[Any, ...]]) -> None:
    places: dict[str, tuple[list[int], list[int]]] = {}
    marks: dict[str, int] = {}
    for file, line, callers, course, blocks, mark in drawn:
        place = " < ".join(f"/srv/shop/{each}" for each in (f"{file}:{line}", *callers))
        places[place] = ([1000 * each for each in course], [blocks * each for each in course])
        marks[place] = mark
    past = history(*((place, *each) for place, each in places.items()))
    facts = {
        stack(place): replace(UNTOLD, retention=(way(f"KEPT{mark}", mark, 600),))
        for place, mark in marks.items()
        if mark
    }
    newest = replace(
        snap(*(f"{place} 8000B x80" for place in places)), facts=MappingProxyType(facts)
    )
    book = Book(replace(past, newest=newest))
    growths = [growth(book, place) for place in places]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts._Company, "admits", lambda self, index: False)
        one_by_one = merged(book, growths)
    assert merged(book, growths) == one_by_one
