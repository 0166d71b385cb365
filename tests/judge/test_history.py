"""Which snapshots of a process count, by which clock, and what they add up to."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.history import FULL, SECOND, SNAPSHOT, TASK, History, choose, ledger
from leakhunt.judge.history import history as of_columns
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.exact import EXACT
from leakhunt.model.snapshot import (
    Block,
    Calendar,
    Facts,
    Frame,
    Snapshot,
    Spot,
    Tallies,
    Tally,
)
from leakhunt.snapshots.facts import meta
from tests.support.builders import FACTS, history, snap, stack
from tests.support.growing import LINE, entry, estimated, rising, side_by_side

OTHER = "/srv/shop/cache.py:9"


def taken(*facts: dict[str, Any]) -> History:
    """A history of snapshots with one stack and those facts."""
    line = [
        entry(f"{index}.bin", **{"sequence": index, **each}) for index, each in enumerate(facts)
    ]
    columns = side_by_side(
        *(
            replace(snap(f"{LINE} {index + 1}KiB x{index + 1}"), meta=each.meta)
            for index, each in enumerate(line)
        )
    )
    return of_columns(choose(line), columns)


# -- which of the snapshots -----------------------------------------------------------


def done(*tasks: int | None) -> Any:
    """Listed files after so many tasks each."""
    return [entry(f"{index}.bin", tasks_done=number) for index, number in enumerate(tasks)]


def test_of_several_stretches_the_longest_counts_and_of_equal_ones_the_newest() -> None:
    first, second, third = (
        [entry(f"{name}{n}.bin", armed_at=at, tasks_done=10 * n) for n in range(number)]
        for name, at, number in (("a", 1.0, 2), ("b", 2.0, 3), ("c", 3.0, 3))
    )
    choice = choose([*first, *second])
    assert choice.stretch == choice.entries == tuple(second)
    assert choice.notes == (because(codes.OTHER_STRETCH, left=2, of=5),)
    assert choose([*second, *third]).stretch == tuple(third)
    assert choose([*third, *first]).stretch == tuple(third)


def test_another_engine_is_another_stretch_though_armed_at_the_same_time() -> None:
    line = [
        entry(f"{n}.bin", armed_at=1.0, engine=engine, tasks_done=n)
        for n, engine in enumerate(("exact", "exact", "sampled", "sampled", "sampled"))
    ]
    assert choose(line).stretch == tuple(line[2:])


def test_of_snapshots_without_a_task_between_them_the_last_counts() -> None:
    line = done(0, 10, 10, 10, 20, 30)
    choice = choose(line)
    assert choice.stretch == (line[0], line[3], line[4], line[5])
    assert choice.notes == (because(codes.IDLE, left=2, of=6),)


@pytest.mark.parametrize(("tasks", "left"), [((0, 0, 10, 20), 3), ((0, 0, 10, 10), 4)])
def test_idle_ones_count_where_fewer_than_three_would_be_left(
    tasks: tuple[int, ...], left: int
) -> None:
    choice = choose(done(*tasks))
    assert len(choice.stretch) == left
    assert bool(choice.notes) is (left < len(tasks))


def test_idle_ones_count_where_one_does_not_say_how_many_tasks_were_done() -> None:
    line = done(0, 10, 10, None, 20, 30)
    assert choose(line).stretch == tuple(line)
    assert choose(line).notes == ()


@pytest.mark.parametrize("more", [0, 1])
def test_of_very_many_so_many_are_read_with_their_traces(more: int) -> None:
    line = done(*range(FULL + more))
    choice = choose(line)
    assert choice.stretch == tuple(line)
    assert len(choice.entries) == FULL
    assert (choice.entries[0], choice.entries[-1]) == (line[0], line[-1])
    assert choice.notes == ((because(codes.READ_IN_PART, left=1, of=FULL + 1),) if more else ())


# -- the clock ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "unit", "times"),
    [
        ([{"tasks_done": n, "monotonic": 5.0 * n} for n in (7, 9, 12)], TASK, (0.0, 2.0, 5.0)),
        # The same number twice, or none: seconds since the first.
        ([{"tasks_done": n, "monotonic": 5.0 + i} for i, n in enumerate((7, 7, 12))], SECOND, (0.0, 1.0, 2.0)),
        ([{"tasks_done": None, "monotonic": 5.0 + 3 * i} for i in range(3)], SECOND, (0.0, 3.0, 6.0)),
        ([{"tasks_done": n, "monotonic": 5.0 + i} for i, n in enumerate((9, 7, 12))], SECOND, (0.0, 1.0, 2.0)),
        # Nor seconds: the snapshots themselves.
        ([{"tasks_done": None, "monotonic": m} for m in (5.0, 5.0, 6.0)], SNAPSHOT, (0.0, 1.0, 2.0)),
        ([{"tasks_done": None, "monotonic": None, "taken_at": None}] * 3, SNAPSHOT, (0.0, 1.0, 2.0)),
    ],
)  # fmt: skip
def test_tasks_are_the_clock_else_seconds_else_snapshots(
    facts: list[dict[str, Any]], unit: str, times: tuple[float, ...]
) -> None:
    made = taken(*facts)
    assert (made.unit, made.times) == (unit, times)


@pytest.mark.parametrize(
    ("tasks", "runs"),
    [
        ({"take": {"runs": 7}, "send": {"runs": 0}}, {"take": 7, "send": 0}),
        ({"take": {"runs": "7"}, "send": {}, "mail": 3, "load": {"runs": 1}}, {"load": 1}),
        ({}, {}),
        (None, None),
        ([("take", 7)], None),
    ],
)
def test_the_ledger_is_what_the_file_says_of_runs(tasks: object, runs: object) -> None:
    assert ledger(meta({**FACTS, "tasks": tasks})) == runs


# -- what it adds up to ---------------------------------------------------------------


def test_a_series_is_the_sum_of_its_stacks() -> None:
    made = history((LINE, [1, 2, 3], [4, 5, 6]), (OTHER, [10, 20, 30], [40, 50, 60]))
    both = made.series([stack(LINE), stack(OTHER)])
    assert (both.t, both.sizes, both.counts) == (made.times, (11, 22, 33), (44, 55, 66))
    assert both.errors is EXACT
    assert made.series([]).sizes == (0, 0, 0)


def test_variances_and_samples_add_up_and_a_stack_without_any_is_exact() -> None:
    made = history(
        (LINE, [9, 9], [1, 1]), (OTHER, [9, 9], [1, 1]), ("/srv/shop/c.py:1", [9, 9], [1, 1]),
        interval=7,
    )  # fmt: skip
    made = estimated(made, {LINE: [1, 2], OTHER: [3, 5]}, 7)
    errors = made.errors(made.tracks)
    assert isinstance(errors, Estimates)
    assert (errors.variances, errors.samples) == ([4 * 49, 7 * 49], [4, 7])
    assert errors.intervals == [7.0, 7.0]
    alone = made.errors([stack("/srv/shop/c.py:1")])
    assert isinstance(alone, Estimates)
    assert (alone.variances, alone.samples) == ([0, 0], [0, 0])


@pytest.mark.parametrize("missing", [None, 0, "7"])
def test_intervals_are_known_where_every_snapshot_says_one(missing: object) -> None:
    made = estimated(history((LINE, [9, 9], [1, 1]), interval=[7, missing]), {LINE: [1, 2]}, 7)
    errors = made.errors(made.tracks)
    assert isinstance(errors, Estimates)
    assert errors.intervals == ()


def test_columns_become_tracks_and_the_newest_snapshot_says_what_objects_are() -> None:
    frame = Frame("/srv/shop/tasks.py", 40)

    def told(size: int, function: str, recycled: int) -> Snapshot:
        facts = Facts(types={"dict": size}, recycled=recycled, blocks=(Block(0, size, 1),))
        return replace(
            snap(f"{LINE} {size}B x2", f"{OTHER} 5B x1", nframe=size),
            facts=MappingProxyType({stack(LINE): facts, stack(OTHER): Facts()}),
            spots=MappingProxyType({frame: Spot(function, None)}),
        )

    line = done(1, 2)
    first, last = told(10, "old", 3), told(20, "new", 4)
    made = of_columns(choose(line), side_by_side(first, last))
    assert made.tracks[stack(LINE)] == ([10, 20], [2, 2])
    assert made.tracks[stack(OTHER)] == ([5, 5], [1, 1])
    assert made.sizes == (15, 25)
    assert made.entries == tuple(line)
    assert (made.first, made.last, made.meta) == (first.meta, last.meta, last.meta)
    assert made.nframe == 20
    assert made.newest is last
    assert made.spots[frame].function == "new"
    assert made.types == {stack(LINE): {"dict": 20}}
    assert made.recycled == {stack(LINE): 4}
    assert made.first_blocks == {stack(LINE): (Block(0, 10, 1),)}
    assert made.last_blocks == {stack(LINE): (Block(0, 20, 1),)}
    assert not made.is_sampled
    assert made.kept == {}


def test_a_stack_that_comes_late_held_nothing_before() -> None:
    made = of_columns(
        choose(done(1, 2, 3)),
        side_by_side(snap(f"{LINE} 1B x1"), snap(f"{OTHER} 7B x2"), snap(f"{OTHER} 8B x3")),
    )
    assert made.tracks[stack(LINE)] == ([1, 0, 0], [1, 0, 0])
    assert made.tracks[stack(OTHER)] == ([0, 7, 8], [0, 2, 3])


def test_a_life_is_one_look_over_the_time_since_tracking_began() -> None:
    made = history((LINE, rising(10, 3), rising(1, 3)))
    assert made.looks == made.metas
    assert made.spent == made.times[-1] == 200
    calendar = Calendar("task", (50, 100, 200, 300), (None,) * 4, (1.0,) * 3, 50)
    life = replace(made, lived=True, newest=replace(snap("a.py:1 1B x1"), calendar=calendar))
    assert life.looks == (made.metas[-1],)
    assert life.spent == 250
    assert replace(life, newest=None).spent == 200
    assert replace(life, lived=False).spent == 200


def test_stacks_are_tallied_as_the_snapshots_have_them() -> None:
    """A file may write one stack twice: it adds up."""
    twice = Tallies([Frame("/srv/shop/tasks.py", 40)], [0, 0], [1, 1], [10, 5], [1, 2])
    made = of_columns(
        choose(done(1, 2)),
        side_by_side(
            replace(snap(), tallies=twice), replace(snap(), tallies={stack(LINE): Tally(20, 4)})
        ),
    )
    assert made.tracks[stack(LINE)] == ([15, 20], [3, 4])


def ledgers(*runs: object) -> list[dict[str, object]]:
    return [{"shop.take": {"runs": each}, "shop.send": {"runs": 1}} for each in runs]


def test_runs_of_a_task_are_those_between_the_first_and_the_newest_snapshot() -> None:
    made = history((LINE, rising(10, 3), rising(1, 3)), ledger=ledgers(10, 40, 70))
    assert made.runs("shop.take") == 60
    assert made.runs("shop.pack") == 0
    others = [{**each, "(other tasks)": {"runs": 3}} for each in ledgers(10, 40, 70)]
    assert history((LINE, rising(10, 3), rising(1, 3)), ledger=others).runs("shop.pack") is None
    assert history((LINE, rising(10, 3), rising(1, 3))).runs("shop.take") is None
    assert replace(made, unit="second").runs("shop.take") is None


def test_of_a_life_runs_are_their_part_of_all_since_tracking_began() -> None:
    made = history((LINE, rising(10, 3), rising(1, 3)), ledger=ledgers(10, 40, 75))
    calendar = Calendar("task", (50, 100, 200, 300), (None,) * 4, (1.0,) * 3, 50)
    newest = replace(snap("a.py:1 1B x1"), calendar=calendar)
    assert replace(made, lived=True, newest=newest).runs("shop.take") == 250 * 75 / 300
