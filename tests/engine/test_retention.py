"""Blocks and what holds them, summed by the stack that asked for them."""

from __future__ import annotations

import random
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.engine.retention import (
    BESIDE,
    COUNT,
    ENOUGH,
    EXPECTED,
    FARTHEST,
    HOLDERS,
    STACKS,
    TIE,
    WAYS,
    Walked,
)
from leakhunt.snapfile.records import RawFrames

HERE, THERE = (("/srv/a.py", 1),), (("/srv/b.py", 2),)


def ties(*rows: tuple[int, int, int]) -> bytes:
    """(Shape, holder, state) of each block."""
    return b"".join(TIE.pack(shape, holder, 0, state, 64) for shape, holder, state in rows)


def test_samples_stand_for_as_many_as_their_chance_says() -> None:
    walked = Walked({"ties": ties((1, 5, 0), (1, 5, 0), (2, 6, 0))})
    (here, there) = walked.by_sample([(HERE, 100, 0.5), (HERE, 100, 0.25), (THERE, 10, 1.0)])
    assert (here.frames, here.ways) == (HERE, ((1, 6, 600, 5),))
    assert (there.frames, there.ways) == (THERE, ((2, 1, 10, 6),))
    assert (walked.wanted, walked.tied) == (3, 3)


def test_what_no_root_leads_to_waits_whatever_the_block_is_of_its_object() -> None:
    walked = Walked(
        {"ties": ties((0, 0, 1), (0, 0, 1 | BESIDE), (1, 5, 0), (1, 5, BESIDE | 8), (0, 0, 2))}
    )
    assert list(walked.waiting()) == [True, True, False, False, False]
    assert list(Walked({}).waiting()) == []


def test_a_block_without_a_way_is_wanted_and_not_tied() -> None:
    walked = Walked({"ties": ties((0, 0, 0), (1, 0, 0))})
    (told,) = walked.by_sample([(HERE, 100, 1.0), (HERE, 50, 1.0)])
    assert told.ways == ((1, 1, 50, 0),)
    assert (walked.wanted, walked.tied) == (2, 1)


def test_what_the_child_itself_holds_is_held_by_nothing_in_the_worker() -> None:
    """A block that the program has freed, and that a free list has dealt out to the capture: it stays what samples say
    it is, however many objects of the capture's there are.
    """
    shapes = [
        (0, "", "", None), (0, "module", "leakhunt.engine.tables", None), (1, "item", None, "tuple"),
        (0, "module", "shop.tasks", None), (3, "attribute", "BOOKS", "leakhunt.model.Own"),
        (4, "item", None, "tuple"), (3, "attribute", "leakhunt", "list"),
    ]  # fmt: skip
    told = {
        "shapes": shapes,
        "ties": ties((2, 7, 0), (5, 8, 0), (6, 9, 0)),
        "counts": counts((2, 7, 9000, 504_000), (5, 8, 9000, 504_000), (6, 9, 2, 112)),
    }
    walked = Walked(told)
    (record,) = walked.by_sample([(HERE, 56, 0.5)] * 3)
    assert [way[0] for way in record.ways] == [6]
    assert [walked.is_own(shape) for shape in range(7)] == [
        False,
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    (counted,) = walked.counted
    assert counted.size == 2 * 112 + 112
    assert walked.tied == 1


def test_a_table_beside_its_object_has_bytes_and_is_no_object() -> None:
    walked = Walked({"ties": ties((1, 5, 0), (1, 5, BESIDE))})
    (told,) = walked.by_sample([(HERE, 56, 1.0), (HERE, 1000, 1.0)])
    assert told.ways == ((1, 1, 1056, 5),)


def test_many_holders_of_one_way_are_none_in_particular() -> None:
    few = Walked({"ties": ties(*((1, n, 0) for n in range(1, HOLDERS + 1)))})
    (apart,) = few.by_sample([(HERE, 10, 1.0)] * HOLDERS)
    assert sorted(way[3] for way in apart.ways) == list(range(1, HOLDERS + 1))
    many = Walked({"ties": ties(*((1, n, 0) for n in range(1, HOLDERS + 2)))})
    (joined,) = many.by_sample([(HERE, 10, 1.0)] * (HOLDERS + 1))
    assert joined.ways == ((1, HOLDERS + 1, 10 * (HOLDERS + 1), 0),)


def test_the_largest_stacks_and_ways_are_told() -> None:
    most = 2 * WAYS
    wide = Walked({"ties": ties(*((n, n, 0) for n in range(1, most + 3)))})
    (told,) = wide.by_sample([(HERE, size, 1.0) for size in range(1, most + 3)])
    assert [way[2] for way in told.ways] == list(range(most + 2, 2, -1))
    assert all(shape == holder for shape, _, _, holder in told.ways)
    number = STACKS + 5
    long = Walked({"ties": ties(*((1, 0, 0) for _ in range(number)))})
    stacks = long.by_sample([((("/srv/a.py", n),), n + 1, 1.0) for n in range(number)])
    assert len(stacks) == STACKS
    assert stacks[0].ways[0][2] == number


def test_of_the_smaller_ways_those_that_several_hold_are_one() -> None:
    """Ten lists in a window, of which the walk tells four apart of each way: nothing of them is left out."""
    rows = [(way, holder, 0) for way in range(1, 5) for holder in range(1, HOLDERS + 1)]
    walked = Walked({"ties": ties(*rows)})
    (told,) = walked.by_sample([(HERE, 100 - at, 1.0) for at in range(len(rows))])
    assert sum(way[2] for way in told.ways) == sum(100 - at for at in range(len(rows)))
    assert [way[3] for way in told.ways[:WAYS]] == [1, 2, 3, 4, 1, 2]
    assert sorted((way[0], way[3]) for way in told.ways[WAYS:]) == [(2, 0), (3, 0), (4, 0)]


def test_of_tracemallocs_blocks_the_small_ones_stand_for_more() -> None:
    tie = TIE.pack(1, 5, 0, 0, 100) + TIE.pack(1, 5, 0, 0, 4000)
    walked = Walked({"traced": ([HERE, THERE], tie, 1000)})
    small, large = sorted(walked.by_traceback(), key=lambda each: each.frames)
    assert small.ways == ((1, 10, 1000, 5),)
    assert large.ways == ((1, 1, 4000, 5),)
    assert Walked({}).by_traceback() == []


# -- counted -------------------------------------------------------------------------------


def counts(*rows: tuple[int, int, int, int]) -> bytes:
    return b"".join(COUNT.pack(*row) for row in rows)


def test_a_list_of_which_samples_say_too_much_has_what_was_counted() -> None:
    walked = Walked({"ties": ties(*[(1, 5, 0)] * 20), "counts": counts((1, 5, 1500, 150_000))})
    (told,) = walked.by_sample([(HERE, 100, 0.01)] * 20)
    assert told.ways == ((1, 2000, 200_000, 5, 1500, 150_000),)
    (counted,) = walked.counted
    assert (counted.frames, counted.size) == (HERE, 150_000)
    assert counted.stderr < 0.05 * 150_000  # samples alone: 22 %


def test_of_two_stacks_each_is_put_right_by_its_part_of_the_error() -> None:
    of_both = ties(*[(1, 5, 0)] * 40)
    walked = Walked({"ties": of_both, "counts": counts((1, 5, 3000, 300_000))})
    told = walked.by_sample([(HERE, 100, 0.01)] * 30 + [(THERE, 100, 0.01)] * 10)
    assert [way.ways[0][5] for way in told] == [225_000, 75_000]
    here, there = walked.counted
    assert 0.05 < here.stderr / here.size < there.stderr / there.size < 0.4


def test_what_is_too_far_away_is_another_thing() -> None:
    """A dict of a million entries from before anything was sampled, into which a line puts a few more."""
    walked = Walked({"ties": ties(*[(1, 5, 0)] * 20), "counts": counts((1, 5, 9000, 900_000))})
    (told,) = walked.by_sample([(HERE, 100, 0.01)] * 20)
    assert told.ways[0][4:] == (2000, 200_000)
    assert walked.counted[0].stderr == pytest.approx(100 / 0.01 * sqrt(20 * 0.99))


@pytest.mark.parametrize(
    ("count", "coarsest", "believed"),
    [
        (
            9000,
            100_000.0,
            True,
        ),  # seven samples are expected of what is missing, with an error of nearly three
        (13_000, 100_000.0, False),
        (13_000, 200_000.0, True),
        (100, 100_000.0, False),  # too much is no matter of the interval
    ],
)
def test_what_was_drawn_from_coarsely_may_be_missing(
    count: int, coarsest: float, believed: bool
) -> None:
    walked = Walked({"ties": ties(*[(1, 5, 0)] * 20), "counts": counts((1, 5, count, 100 * count))})
    walked.by_sample([(HERE, 100, 0.01)] * 20, coarsest)
    assert walked.counted[0].size == (100 * count if believed else 200_000)


def test_many_ways_of_which_few_have_a_sample_are_as_many_as_samples_say() -> None:
    """Ten thousand objects, each held in its own way, of which 200 are seen: those stand for the others."""
    of_each = ties(*((number, number, 0) for number in range(1, 201)))
    alone = counts(*((number, number, 1, 100) for number in range(1, 201)))
    walked = Walked({"ties": of_each, "counts": alone})
    walked.by_sample([(HERE, 100, 0.02)] * 200)
    assert walked.counted[0].size == 200 * 100 / 0.02


@pytest.mark.parametrize(("count", "believed"), [(301, True), (299, False)])
def test_a_way_is_believed_of_which_three_samples_are_expected(count: int, believed: bool) -> None:
    walked = Walked({"ties": ties(*[(1, 5, 0)] * 4), "counts": counts((1, 5, count, 100 * count))})
    walked.by_sample([(HERE, 100, 0.01)] * 4)
    assert walked.counted[0].size == (100 * count if believed else 40_000)


@pytest.mark.parametrize(("number", "believed"), [(ENOUGH, True), (ENOUGH - 1, False)])
def test_one_sample_of_a_coarse_interval_is_no_reason_not_to_believe(
    number: int, believed: bool
) -> None:
    walked = Walked({"ties": ties(*[(1, 5, 0)] * number), "counts": counts((1, 5, 500, 50_000))})
    walked.by_sample([(HERE, 100, 0.01)] * (number - 1) + [(HERE, 100, 0.0001)])
    assert (walked.counted[0].size == 50_000) is believed


@pytest.mark.parametrize("objects", [1, 10, 20, 40, 100])
def test_however_small_the_ways_are_they_are_not_too_few_together(objects: int) -> None:
    """2,000 ways, of which each has so many objects, drawn one in twenty: a fixed seed."""
    draw = random.Random(objects)
    samples: list[tuple[int, int, int]] = []
    for way in range(1, 2001):
        samples += [(way, way, 0)] * sum(draw.random() < 0.05 for _ in range(objects))
    of_all = counts(*((way, way, objects, 100 * objects) for way in {row[0] for row in samples}))
    walked = Walked({"ties": ties(*samples), "counts": of_all})
    walked.by_sample([(HERE, 100, 0.05)] * len(samples))
    assert 0.85 < walked.counted[0].size / (2000 * objects * 100) < 1.25


def test_without_a_count_nothing_is_said_to_be_counted() -> None:
    for answer in ({}, {"counts": None}, {"counts": b""}):
        walked = Walked({"ties": ties((1, 5, 0)), **answer})
        walked.by_sample([(HERE, 100, 0.5)])
        assert walked.counted == []


def test_what_hangs_from_nothing_known_counts_as_it_was_estimated() -> None:
    walked = Walked({"ties": ties((1, 5, 0), (0, 0, 0)), "counts": counts((1, 5, 1, 100))})
    walked.by_sample([(HERE, 100, 1.0), (HERE, 500, 0.5)])
    (counted,) = walked.counted
    assert counted.size == 1100
    assert counted.stderr == pytest.approx(500 / 0.5 * sqrt(0.5))


SAMPLES = st.lists(
    st.tuples(st.sampled_from([HERE, THERE]), st.integers(16, 2000), st.floats(0.001, 1.0)),
    min_size=1,
    max_size=40,
)


@given(SAMPLES, st.integers(1, 4_000_000))
def test_parts_never_add_up_to_more_than_was_counted(
    samples: list[tuple[RawFrames, int, float]], count: int
) -> None:
    """Where the count is believed; and no error grows by it."""
    walked = Walked({"ties": ties(*[(1, 5, 0)] * len(samples)), "counts": counts((1, 5, 1, count))})
    told = walked.by_sample(samples)
    estimate = sum(size / chance for _, size, chance in samples)
    variance = sum(size**2 * (1 - chance) / chance**2 for _, size, chance in samples)
    enough = len(samples) >= ENOUGH or len(samples) * count >= EXPECTED * estimate
    if enough and variance > 0 and abs(estimate - count) <= FARTHEST * sqrt(variance):
        parts = sum(way[5] for record in told for way in record.ways)
        assert (
            parts <= 2 * count
        )  # each is one at most, where one is much larger than its variance tells
        is_one = len({frames for frames, _, _ in samples}) == 1
        assert not is_one or abs(parts - count) <= 1
    for counted in walked.counted:
        own = [one for one in samples if one[0] == counted.frames]
        alone = sum(size**2 * (1 - chance) / chance**2 for _, size, chance in own)
        assert counted.size >= 0
        assert counted.stderr <= sqrt(alone) * (1 + 1e-9)


def test_put_right_it_is_without_bias_and_much_surer() -> None:
    """Two lines fill one list, 3 to 1. 400 draws with a fixed seed: the mean to within 4 standard errors."""
    draw = random.Random(20)
    chance = 1 - exp(-100 / 4096)
    plain, right, said = [], [], []
    for _ in range(400):
        lines = [HERE] * 1500 + [THERE] * 500
        samples = [(line, 100, chance) for line in lines if draw.random() < chance]
        answer = {
            "ties": ties(*[(1, 5, 0)] * len(samples)),
            "counts": counts((1, 5, 2000, 200_000)),
        }
        walked = Walked(answer)
        (way,) = next(one for one in walked.by_sample(samples) if one.frames == HERE).ways
        (counted,) = [one for one in walked.counted if one.frames == HERE]
        plain.append(way[2])
        right.append(counted.size)
        said.append(counted.stderr)

    def spread(values: list[int]) -> float:
        return sqrt(sum((value - 150_000) ** 2 for value in values) / len(values))

    assert abs(sum(right) / 400 - 150_000) < 4 * spread(right) / 20
    assert spread(right) < 0.6 * spread(plain)
    assert 0.8 < spread(right) / (sum(said) / 400) < 1.2
