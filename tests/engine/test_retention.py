"""Blocks and what holds them, summed by the stack that asked for them."""

from __future__ import annotations

from leakhunt.engine.retention import BESIDE, HOLDERS, STACKS, TIE, WAYS, Walked

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


def test_a_block_without_a_way_is_wanted_and_not_tied() -> None:
    walked = Walked({"ties": ties((0, 0, 0), (1, 0, 0))})
    (told,) = walked.by_sample([(HERE, 100, 1.0), (HERE, 50, 1.0)])
    assert told.ways == ((1, 1, 50, 0),)
    assert (walked.wanted, walked.tied) == (2, 1)


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
    wide = Walked({"ties": ties(*((n, 0, 0) for n in range(1, WAYS + 3)))})
    (told,) = wide.by_sample([(HERE, size, 1.0) for size in range(1, WAYS + 3)])
    assert [way[2] for way in told.ways] == list(range(WAYS + 2, 2, -1))
    number = STACKS + 5
    long = Walked({"ties": ties(*((1, 0, 0) for _ in range(number)))})
    stacks = long.by_sample([((("/srv/a.py", n),), n + 1, 1.0) for n in range(number)])
    assert len(stacks) == STACKS
    assert stacks[0].ways[0][2] == number


def test_of_tracemallocs_blocks_the_small_ones_stand_for_more() -> None:
    tie = TIE.pack(1, 5, 0, 0, 100) + TIE.pack(1, 5, 0, 0, 4000)
    walked = Walked({"traced": ([HERE, THERE], tie, 1000)})
    small, large = sorted(walked.by_traceback(), key=lambda each: each.frames)
    assert small.ways == ((1, 10, 1000, 5),)
    assert large.ways == ((1, 1, 4000, 5),)
    assert Walked({}).by_traceback() == []
