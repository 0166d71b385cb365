"""Bytes from freelists, booked to the line that keeps them: from the file to the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.cli.judging import gather
from leakhunt.judge import growths
from leakhunt.judge import kept as holders
from leakhunt.judge.history import History
from leakhunt.judge.kept import Accounts, Kept
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.whose import Paths
from leakhunt.model.paths import prefixes
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Block, Frame, Held, Spot, Stack, Tally
from leakhunt.report import tables as report
from leakhunt.report import trend as outlook
from leakhunt.report.place import place
from leakhunt.sites import place as show
from leakhunt.snapfile.write import RawFrames, write
from leakhunt.snapshots import facts, load
from leakhunt.snapshots.series import lines_of
from tests.support import builders
from tests.support.builders import FACTS, stack
from tests.support.pages import document, page, shown_as

SHOP = "/srv/shop/tasks.py"
LOOP = ("/srv/venv/lib/python3.11/site-packages/celery/app/trace.py", 477)
CHURN: RawFrames = ((SHOP, 10), (SHOP, 3), LOOP)
KEEP: RawFrames = ((SHOP, 40), LOOP)
OTHER: RawFrames = ((SHOP, 50), LOOP)
SPOTS = {
    SHOP: {
        3: ("task", "churn(rows)"), 10: ("churn", "made = [{'k': row} for row in rows]"),
        40: ("keep", "KEPT.append(order)"), 41: ("keep", "order = {'k': 1}"),
        50: ("other", "KEPT.extend(orders)"), 60: ("make", "return {'k': 1}"),
        70: ("run", "keep(make())"), 80: ("run", "return function(number)"),
        90: ("Order.__init__", "self.pair = (1, 2)"), 91: ("run", "keep(Order(1))"),
    }
}  # fmt: skip


def of(frames: RawFrames) -> Stack:
    return tuple(Frame(*frame) for frame in reversed(frames))


def entry(
    frames: RawFrames = CHURN, grower: RawFrames | None = KEEP, size: int = 100, number: int = 10,
    kind: str = "list", mark: int = 7, samples: int = 5,
) -> tuple[Any, ...]:  # fmt: skip
    return (frames, grower, kind, mark, samples, 300.0, ((size, number),))


# -- what a file says -----------------------------------------------------------------------------

TALLIES = {of(CHURN): Tally(2000, 20), of(KEEP): Tally(500, 1)}


def test_holders_are_read() -> None:
    found = facts.holders([entry(), entry(number=5, grower=None, mark=8)], TALLIES)
    assert found == {
        of(CHURN): (
            Held(of(KEEP), "list", 7, 5, 90000.0, ((100, 10),)),
            Held(None, "list", 8, 5, 90000.0, ((100, 5),)),
        )
    }


def test_never_more_is_held_than_there_is() -> None:
    found = facts.holders([entry(number=15), entry(number=15), entry(size=1, number=6)], TALLIES)
    assert [held.tally for held in found[of(CHURN)]] == [(1500, 15)]


@pytest.mark.parametrize(
    "said",
    [
        None, 3, "x", [3], [()], [entry()[:6]], [entry(frames=OTHER)],
        [entry(kind=3)],  # type: ignore[arg-type]
        [entry(mark=-1)], [entry(samples=-1)], [entry(mark="x")],  # type: ignore[arg-type]
        [(*entry()[:6], ())], [(*entry()[:6], ((100, 0),))], [(*entry()[:6], ((-5, 1),))],
        [(*entry()[:6], ((1.5, 1),))], [(*entry()[:6], ((1, 1), 3))], [(*entry()[:6], None)],
        [(*entry()[:5], float("nan"), ((100, 10),))], [(*entry()[:6], ((1 << 70, 1),))],
        [(*entry()[:6], ((True, 1),))],
    ],
)  # fmt: skip
def test_what_is_malformed_is_not_said(said: Any) -> None:
    assert facts.holders(said, TALLIES) == {}


def test_a_longer_record_of_a_later_version_is_read() -> None:
    assert facts.holders([(*entry(), "more", 3)], TALLIES) == facts.holders([entry()], TALLIES)


@pytest.mark.parametrize("grower", [3, (), ((1, 2),), ((SHOP,),), [[SHOP, 40]], OTHER, {}])
def test_a_grower_that_is_none_of_the_stacks_is_not_known(grower: Any) -> None:
    ((held,),) = facts.holders([entry(grower=grower)], TALLIES).values()
    assert held.grower is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([CHURN, KEEP, OTHER]),
    lambda inner: st.lists(inner, max_size=8) | st.lists(inner, max_size=8).map(tuple)
    | st.tuples(st.just(CHURN), *[inner] * 6)
    | st.tuples(st.just(CHURN), inner, st.text(), st.integers(0, 9), st.integers(0, 9),
                st.floats(0, 9), st.lists(st.tuples(st.integers(-1, 99), st.integers(-1, 9)), max_size=3)),
    max_leaves=30,
)  # fmt: skip


@pytest.mark.once
@settings(max_examples=300)
@given(ANYTHING)
def test_any_fact_ends_in_checked_values(said: Any) -> None:
    for where, several in facts.holders(said, TALLIES).items():
        whole = [held.tally for held in several]
        assert sum(size for size, _ in whole) <= TALLIES[where].size
        assert sum(number for _, number in whole) <= TALLIES[where].count
        for held in several:
            assert held.grower is None or held.grower in TALLIES
            assert held.samples >= 0
            assert held.variance >= 0
            assert all(type(part) is int and part > 0 for block in held.blocks for part in block)


# -- which line is the better one ------------------------------------------------------------------


def paths(*stacks: Stack, spots: Any = SPOTS) -> Paths:
    return Paths(prefixes(FACTS), facts.spots(spots), stacks)


@pytest.mark.parametrize(
    ("filler", "grower", "expected"),
    [
        ("tasks.py:10 < tasks.py:3", "tasks.py:40", False),  # another function's churn
        ("tasks.py:41", "tasks.py:40", True),  # made in the function that keeps
        ("tasks.py:60 < tasks.py:40", "tasks.py:40", True),  # made below the line that keeps
        ("tasks.py:60 < tasks.py:41", "tasks.py:40", False),  # called there, by another line
        ("tasks.py:3", "tasks.py:40 < tasks.py:3", True),  # it calls what keeps
        ("tasks.py:60 < tasks.py:70", "tasks.py:40 < tasks.py:70", True),  # keep(make())
        ("tasks.py:90 < tasks.py:91", "tasks.py:40 < tasks.py:91", True),  # keep(Order())
        ("tasks.py:60 < tasks.py:80", "tasks.py:40 < tasks.py:80", False),  # one dispatcher
        ("LIB:5 < tasks.py:10", "LIB:6 < tasks.py:40", False),
        ("LIB:5", "tasks.py:40", False),  # a library's churn
        ("tasks.py:10", "LIB:6", True),  # a library keeps: the application may have asked for it
        ("tasks.py:10", "OTHER:6", False),  # Celery's own tables
        ("LIB:5", "OTHER:6", False),
        ("LIB:5", "LIB:7", True),
    ],
)
def test_the_line_that_allocates_stays_responsible_where_it_says_more(
    filler: str, grower: str, expected: bool
) -> None:
    def full(text: str) -> Stack:
        text = text.replace("tasks.py", SHOP)
        return stack(
            text.replace("LIB", "/usr/lib/python3.11/json/decoder.py").replace("OTHER", LOOP[0])
        )

    mine, its = full(filler), full(grower)
    assert holders.stays(paths(mine, its), mine, its) is expected


def test_without_names_near_lines_of_a_file_are_one_function() -> None:
    near, far = stack(f"{SHOP}:45"), stack(f"{SHOP}:200")
    keep = stack(f"{SHOP}:40")
    known = paths(near, far, keep, spots={})
    assert holders.stays(known, near, keep)
    assert not holders.stays(known, far, keep)


# -- columns --------------------------------------------------------------------------------------------


def columns(length: int) -> Accounts:
    """Twenty blocks of 100 bytes on the line that churns, a list's body on the line that keeps."""
    churn, keep = of(CHURN), of(KEEP)
    blocks = {churn: (Block(0, 100, 20),), keep: (Block(0, 500, 1),)}
    return Accounts(
        {churn: [2000] * length, keep: [500] * length},
        {churn: [20] * length, keep: [1] * length},
        {churn: [400000.0] * length, keep: [0.0] * length},
        {churn: [9] * length, keep: [1] * length},
        dict(blocks),
        dict(blocks),
        {churn: 2000},
        {churn: {"tuple": 1500, "str": 300}},
    )


def held(number: int, grower: RawFrames | None = KEEP, mark: int = 7) -> Held:
    where = None if grower is None else of(grower)
    return Held(where, "list", mark, 5, 90000.0, ((100, number),))


def sums(made: Accounts) -> list[list[float]]:
    parts: list[Any] = [made.sizes, made.counts, made.variances, made.samples]
    assert all(min(column) >= 0 for part in parts for column in part.values())
    return [[round(sum(values), 3) for values in zip(*part.values())] for part in parts]


def booked(*told: Held | None) -> tuple[Accounts, Mapping[Stack, Any]]:
    made = columns(len(told))
    before = sums(made)
    kept = holders.book(
        made,
        [{of(CHURN): (each,)} if each else {} for each in told],
        paths(of(CHURN), of(KEEP), of(OTHER)),
    )
    assert sums(made) == before  # nothing comes or goes
    for blocks, index in ((made.first_blocks, 0), (made.last_blocks, -1)):
        for where, several in blocks.items():
            assert sum(b.size * b.count for b in several) == made.sizes[where][index]
            assert sum(b.count for b in several) == made.counts[where][index]
    return made, kept


def test_what_is_held_moves_to_the_line_that_keeps_it() -> None:
    made, kept = booked(held(5), held(10), held(15))
    assert made.sizes[of(KEEP)] == [1000, 1500, 2000]
    assert made.counts[of(CHURN)] == [15, 10, 5]
    assert made.variances[of(KEEP)] == [90000.0] * 3
    assert made.samples[of(CHURN)] == [4] * 3
    assert made.recycled[of(CHURN)] == 500
    assert made.types == {of(CHURN): {"str": 300}}  # tuples are what freelists hand on
    assert kept == {of(KEEP): (("list", 1500),)}


def test_no_block_is_made_up_where_fewer_are_of_that_size() -> None:
    """A holder's blocks and those of the line are two estimates."""
    churn, keep = of(CHURN), of(KEEP)
    blocks = {churn: (Block(0, 90, 17), Block(0, 100, 3)), keep: (Block(0, 500, 1),)}
    holders._shift_blocks(blocks, churn, keep, held(5))
    assert blocks == {churn: (Block(0, 90, 17),), keep: (Block(0, 100, 3), Block(0, 500, 1))}


def test_a_holder_is_known_again_where_its_table_was_no_sample() -> None:
    made, _ = booked(held(5, None), held(10), held(15, None), held(15, None, mark=8))
    assert made.sizes[of(KEEP)] == [1000, 1500, 2000, 500]


def test_lines_that_make_it_grow_in_turn_share_it_alike_in_all_snapshots() -> None:
    made, _ = booked(held(8), held(8), held(8, OTHER), held(8))
    assert made.sizes[of(KEEP)] == [1100] * 4
    assert made.sizes[of(OTHER)] == [200] * 4


def test_what_cannot_be_is_left_where_it_is() -> None:
    made, kept = booked(held(21), held(21), None)
    assert made.sizes[of(CHURN)] == [2000] * 3
    assert kept == {}


@settings(max_examples=100)
@given(
    st.lists(
        st.none()
        | st.builds(
            held, st.integers(1, 25), st.sampled_from([None, KEEP, OTHER, CHURN]), st.integers(1, 2)
        ),
        min_size=1,
        max_size=9,
    )
)
def test_sums_stay_whatever_is_told(told: list[Held | None]) -> None:
    booked(*told)


# -- from files to reports -------------------------------------------------------------------------------


def series(folder: Path, held_by: RawFrames | None = KEEP) -> History:
    """Eight snapshots: tuples that one line made first, and another keeps in a list."""
    for index in range(8):
        number = 400 * (index + 1)
        body = 3600 * (index + 1)
        error = sqrt(56 * 56 * 12 * number / 4)
        kept = [(CHURN, held_by, "list", 7, number // 4, error, ((56, number),))]
        write(
            folder / f"{index}.bin",
            [((0, 56, CHURN, 3), number + 40), ((0, body, KEEP, 2), 1)],
            25,
            {
                **FACTS, "engine": "sampled", "tasks_done": 1000 * (index + 1), "sequence": index,
                "taken_at": FACTS["started_at"] + 60.0 * index, "frames": SPOTS,
                "estimates": [(CHURN, number // 4, error), (KEEP, 1, 10.0)],
                "types": [(CHURN, (("tuple", 56 * number),))],
                "recycled": [(CHURN, 56 * number)], "holders": kept,
            },
        )  # fmt: skip
    problems: list[str] = []
    found = gather(lines_of(sorted(folder.glob("*.bin")), problems)[0], problems)
    assert found is not None
    assert problems == []
    return found


def test_the_line_that_keeps_is_accused_and_not_the_one_that_churns(tmp_path: Path) -> None:
    made = outlook.trend([series(tmp_path)])
    (leak,) = made.leaks
    assert leak.site == (SHOP, 40)
    assert leak.rate == pytest.approx(0.4 * 56 + 3.6, rel=0.01)
    text = " ".join(page(made, 200).split())
    assert "86 % made by others and kept by the list that grows at tasks.py:40" in text
    assert "may be recycled" not in text
    (row,) = [each for each in document(made)["findings"] if each["rank"] == 1]
    assert row["holders"] == [
        {"type": "list", "site": {"file": SHOP, "line": 40}, "size": 3200 * 56}
    ]


def test_without_a_holder_it_is_as_it_was(tmp_path: Path) -> None:
    made = outlook.trend([series(tmp_path, None)])
    assert SHOP in made.leaks[0].site.file
    assert (SHOP, 10) in [leak.site for leak in made.leaks]


def test_what_is_in_the_frameworks_own_tables_is_no_part_of_a_leak_in_step() -> None:
    """Celery's set of task ids fills for a thousand tasks, as steadily as anything leaks."""
    celery, leaks = f"{LOOP[0]}:60 < {LOOP[0]}:50", f"{SHOP}:40 < {LOOP[0]}:477"
    rows = [
        (
            where,
            [size * (index + 1) for index in range(10)],
            [9 * (index + 1) for index in range(10)],
        )
        for where, size in ((celery, 10_000), (leaks, 100_000))
    ]
    made = replace(
        builders.history(*rows, frames=SPOTS),
        variances={stack(where): [size * 40.0 for size in sizes] for where, sizes, _ in rows},
        samples={stack(where): [size // 40 for size in sizes] for where, sizes, _ in rows},
        last_blocks={stack(leaks): (Block(0, 8000, 1),)},  # the list's body
    )
    for kept, rate in (({}, 1100), ({stack(celery): (Kept("dict", 90_000),)}, 1000)):
        found = growths.growths(replace(made, kept=kept))
        (leak,) = [growth for growth in found if growth.shape.verdict == LEAK]
        assert leak.blame.frame == (SHOP, 40)
        assert leak.shape.rate == pytest.approx(rate, rel=0.01)


def test_sums_of_a_series_are_those_of_its_files(tmp_path: Path) -> None:
    found = series(tmp_path)
    files = [load.load(path) for path in sorted(tmp_path.glob("*.bin"))]
    for index, snapshot in enumerate(files):
        assert sum(track.sizes[index] for track in found.tracks.values()) == snapshot.totals.size
        assert sum(track.counts[index] for track in found.tracks.values()) == snapshot.totals.count
    assert found.tracks[of(CHURN)].sizes == [56 * 40] * 8


def test_reports_of_one_snapshot_name_the_holder_and_leave_the_bytes(tmp_path: Path) -> None:
    series(tmp_path)
    snapshot = load.load(tmp_path / "7.bin", detail=True)
    made = report.top(snapshot, Query())
    text = " ".join(page(made, 120).split())
    assert "may be recycled from a freelist, kept by the list that grows at tasks.py:40" in text
    rows = document(made)["rows"]
    assert rows[0]["site"]["line"] == 10
    assert rows[0]["size"] == 3240 * 56
    kept = [{"type": "list", "site": {"file": SHOP, "line": 40}, "size": 3200 * 56}]
    assert rows[0]["holders"] == kept
    assert rows[1]["holders"] == []
    shown = show.show(snapshot, "tasks.py:10", Query())
    text = shown_as(shown, snapshot, 120)
    assert "kept: 99 % by the list that grows at tasks.py:40" in text
    assert document(place(shown, snapshot, None))["holders"] == kept


def test_a_strange_type_is_drawn_with_care(tmp_path: Path) -> None:
    write(
        tmp_path / "a.bin", [((0, 100, CHURN, 3), 20)], 5,
        {**FACTS, "recycled": [(CHURN, 2000)], "holders": [entry(kind="\x1b[31m[bold]x" + "y" * 999, grower=None)]},
    )  # fmt: skip
    snapshot = load.load(tmp_path / "a.bin")
    shown = show.show(snapshot, "tasks.py:10", Query())
    text = shown_as(shown, snapshot, 120)
    assert "\x1b" not in text
    assert "[bold]x" in text
    assert "that was not seen growing" in text
    assert text.count("y") < 250


def test_spots_are_those_of_the_builder() -> None:
    assert MappingProxyType(facts.spots(SPOTS))[Frame(SHOP, 40)] == Spot(
        "keep", "KEPT.append(order)"
    )


# -- snapshots in which nobody looked ---------------------------------------------------------------


def of_ten(number: int, mark: int = 7) -> Held:
    return Held(of(KEEP), "list", mark, number, 100.0 * number, ((100, number),))


def test_where_nobody_looked_the_snapshots_around_tell_what_is_held() -> None:
    """A tenth of the stack at first and a half at the end: in between, by time, what lies between."""
    sizes = {of(CHURN): [10_000, 10_000, 20_000, 20_000]}
    told: holders.Told = ({of(CHURN): (of_ten(10),)}, {}, {}, {of(CHURN): (of_ten(100),)})
    found = holders.filled(told, [True, False, False, True], (0.0, 1.0, 3.0, 4.0), sizes)
    assert [found[0], found[3]] == [told[0], told[3]]
    parts = [
        sum(held.tally.size for held in each[of(CHURN)]) / size
        for each, size in zip(found, sizes[of(CHURN)])
    ]
    assert parts == pytest.approx([0.1, 0.2, 0.4, 0.5], abs=0.011)  # two whole blocks of a hundred


def test_before_the_first_look_and_after_the_last_the_nearest_one_tells() -> None:
    sizes = {of(CHURN): [5000, 10_000, 0, 40_000]}
    told: holders.Told = ({}, {of(CHURN): (of_ten(10),)}, {}, {})
    found = holders.filled(told, [False, True, False, False], (0.0, 1.0, 2.0, 3.0), sizes)
    sums = [sum(held.tally.size for some in each.values() for held in some) for each in found]
    assert sums == [500, 1000, 0, 4000]


def test_where_all_or_none_have_looked_nothing_is_filled_in() -> None:
    told: holders.Told = ({of(CHURN): (of_ten(10),)}, {})
    sizes = {of(CHURN): [10_000, 10_000]}
    assert holders.filled(told, [True, True], (0.0, 1.0), sizes) == told
    assert holders.filled(told, [False, False], (0.0, 1.0), sizes) == told


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.booleans(), st.integers(0, 50)), min_size=2, max_size=8)
)  # fmt: skip
def test_never_more_is_filled_in_than_there_is(
    rows: list[tuple[int, bool, int]],
) -> None:
    sizes = {of(CHURN): [size + 100 * number for size, _, number in rows]}
    told: holders.Told = [
        {of(CHURN): (of_ten(number),)} if has and number else {} for _, has, number in rows
    ]
    times = [float(index) for index in range(len(rows))]
    found = holders.filled(told, [has for _, has, _ in rows], times, sizes)
    for each, size in zip(found, sizes[of(CHURN)]):
        assert sum(held.tally.size for held in each.get(of(CHURN), ())) <= size


def test_variance_is_shared_out_as_the_bytes_are() -> None:
    one, other = stack("/srv/shop/a.py:1"), stack("/srv/shop/b.py:1")
    whole = Held(one, "dict", 1, 8, 400.0, ((100, 8),))
    parts = list(holders._parts(whole, [(one, 0.25), (other, 0.75)]))
    assert [(where, part.variance, part.tally.size) for where, part in parts] == [
        (one, 100.0, 200), (other, 300.0, 600),
    ]  # fmt: skip


def test_between_two_looks_of_one_moment_half_of_each_tells() -> None:
    """Captures may follow each other without a unit of work in between."""
    sizes = {of(CHURN): [10_000, 10_000, 10_000]}
    told: holders.Told = ({of(CHURN): (of_ten(20),)}, {}, {of(CHURN): (of_ten(60),)})
    found = holders.filled(told, [True, False, True], (5.0, 5.0, 5.0), sizes)
    assert sum(held.tally.size for held in found[1][of(CHURN)]) == 4000
