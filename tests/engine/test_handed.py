"""Births by the container that keeps them: parts that are never more than the whole."""

from __future__ import annotations

import math
import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.engine import births, handed
from leakhunt.engine.births import Clock, Periods
from leakhunt.engine.handed import handed as parts_of
from leakhunt.engine.holders import Sample
from leakhunt.engine.retention import BESIDE, ITS_OWN
from leakhunt.snapfile.records import Births, Handed
from leakhunt.snapfile.write import RawFrames
from tests.support.sampled_programs import run

STACKS: list[RawFrames] = [(("<unknown>", 0),), (("a.py", 10),), (("a.py", 40),), (("a.py", 10),)]
DONE = 100
Tie = tuple[int, int, int, int, int]


def sample(
    stack: int, size: int = 500, born: int = 5, recycled: bool = True, task: int = 1, life: int = 0
) -> Sample:
    return Sample(0, size, 1 - math.exp(-size / 900), stack, recycled, 900.0, task, born, 0, life)


def tie(holder: int, state: int = 0, shape: int = 1) -> Tie:
    return (shape, holder, 0, state, 64)


def told_of(samples: list[Sample]) -> tuple[list[Births], Periods]:
    """The births of all of them, made to add up to three per cent more, and half as many blocks."""
    sizes: dict[RawFrames, float] = {}
    for each in samples:
        frames = STACKS[each.stack]
        sizes[frames] = sizes.get(frames, 0.0) + each.size / each.chance
    totals = {
        key: (max(1, int(size * 1.03)), max(1, int(size / 700))) for key, size in sizes.items()
    }
    periods = Periods(Clock(DONE, 9, 0, 0, 0))
    return births.by_stack(samples, periods, totals, STACKS), periods


def found(pairs: list[tuple[Sample, Tie]]) -> list[Handed]:
    samples = [each for each, _ in pairs]
    told, periods = told_of(samples)
    return parts_of(samples, [each for _, each in pairs], periods, STACKS, told)


def test_what_one_container_keeps_of_a_stack_is_told_with_its_births() -> None:
    (one,) = found(
        [(sample(1, born=5), tie(7)), (sample(3, born=5), tie(7)), (sample(1, born=90), tie(7))]
    )
    assert (one.frames, one.grower, one.holder) == (STACKS[1], None, 7)
    first, second = one.births
    assert (first.task, first.runs, first.samples) == (1, 1, 2)
    assert first.size == first.recycled > second.size > 0
    assert first.root == first.size  # one unit has brought all of it


def test_nothing_is_told_of_what_is_not_recycled_or_not_tied() -> None:
    assert found([(sample(1, recycled=False), tie(7)), (sample(1), tie(0)), (sample(1), tie(7, shape=0))]) == []  # fmt: skip


def test_who_asked_for_the_newest_part_of_a_containers_table_makes_it_grow() -> None:
    own = BESIDE | ITS_OWN
    pairs = [
        (sample(1), tie(7)),
        (sample(2, born=40, recycled=False), tie(7, own)),
        (sample(3, born=30, recycled=False), tie(7, own)),
        (sample(1, born=90, recycled=False), tie(7, BESIDE)),  # of an object in it
        (sample(1, born=90, recycled=False), tie(7, ITS_OWN)),  # where it was made
        (sample(0, born=90, recycled=False), tie(7, own)),  # nobody knows who
        (sample(1, born=90, recycled=False), tie(8, own)),
        (sample(1, born=99, recycled=False, life=3), tie(7, own)),  # before the fork
    ]
    assert found(pairs)[0].grower == STACKS[2]


def test_the_largest_pairs_are_told() -> None:
    pairs = [
        (sample(1, size=400 + 20 * holder), tie(holder)) for holder in range(1, handed.PAIRS + 50)
    ]
    told = found(pairs)
    assert len(told) == handed.PAIRS
    assert {one.holder for one in told} == set(range(50, handed.PAIRS + 50))
    every = [
        (sample(1, born=born), tie(holder)) for holder in range(1, 120) for born in range(DONE)
    ]
    assert sum(len(one.births) for one in found(every)) <= handed.MOST


SAMPLES = st.tuples(
    st.integers(0, 3), st.integers(1, 5000), st.integers(0, DONE), st.booleans(), st.integers(0, 2),
    st.integers(0, 1), st.integers(0, 4),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=80))
def test_parts_are_never_more_than_the_whole(
    drawn: list[tuple[int, int, int, bool, int, int, int]],
) -> None:
    """In each period and of each task: bytes, recycled bytes, blocks, samples, runs and roots."""
    pairs = [
        (sample(stack, size, born, recycled, task, life), tie(holder))
        for stack, size, born, recycled, task, life, holder in drawn
    ]
    told, _ = told_of([each for each, _ in pairs])
    whole = {(one.frames, b.period, b.task): b for one in told for b in one.births}
    sums: dict[tuple[RawFrames, int, int], list[int]] = {}
    for one in found(pairs):
        for part in one.births:
            key = (one.frames, part.period, part.task)
            of = whole[key]
            assert 1 <= part.runs <= min(part.samples, of.runs)
            assert 0 <= part.root <= min(part.size, of.root)
            assert part.recycled == part.size > 0
            each = (part.size, part.blocks, part.samples)
            sums[key] = [a + b for a, b in zip(sums.get(key, [0, 0, 0]), each)]
    for key, (size, blocks, samples) in sums.items():
        assert size <= whole[key].recycled <= whole[key].size
        assert blocks <= whole[key].blocks
        assert samples <= whole[key].samples


def test_a_leak_of_dicts_from_a_freelist_is_told_by_the_list_that_keeps_them() -> None:
    """Two functions: one makes many dicts and drops them, the other keeps a few of them."""
    said = run(
        textwrap.dedent("""
        from leakhunt.engine.retention import Walked
        from leakhunt.hook.capture.walk import _walk

        KEPT = []

        def churn(n):
            gone = [{"k": i} for i in range(60)]

        def keep(n):
            for i in range(8): KEPT.append({"k": n})

        _sampler.live(0.0, 0)
        engine = begin(512)
        for n in range(1500):
            _sampler.begin_task(1, None)
            churn(n); keep(n)
            _sampler.end_task(0, n + 1, None)
        raw = engine.read()
        walked = Walked(_walk.walk(engine.blocks(raw), 60.0, 1 << 30, "/nowhere", 0))
        told = engine.harvest(raw, Life(("a",)), walked)
        fine()
        holders = walked.answer["holders"]
        length = lambda one: holders[one.holder - 1][2]
        where = lambda frames: told.functions.get(frames[0], "").split(".")[0]
        pairs = [one for one in told.handed if length(one) == len(KEPT)]
        whole = {one.frames: one.births for one in told.births}
        of = {one.frames: sum(b.recycled for b in whole[one.frames]) for one in pairs}
        say(pairs=[(where(one.frames), where(one.grower or (("", 0),)), sum(b.size for b in one.births),
                    of[one.frames], [b.period for b in one.births]) for one in pairs],
            periods=len(told.calendar.edges) - 1)
        """)
    )
    churned = [pair for pair in said["pairs"] if pair[0] == "churn"]
    assert sum(size for _, _, size, _, _ in churned) > 100_000
    for _, grower, size, recycled, periods in churned:
        assert grower == "keep"  # where the list's table was made larger
        assert size <= recycled
        assert max(periods) < said["periods"]
