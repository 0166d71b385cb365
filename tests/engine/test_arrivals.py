"""When the entries of a container came: what samples, their places and their births say together."""

from __future__ import annotations

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.engine.arrivals import CONTAINERS, POINTS, arrivals
from leakhunt.engine.births import Clock, Periods
from leakhunt.engine.holders import Sample
from leakhunt.snapfile.records import Arrivals
from tests.support.sampled_programs import run

DONE = 500
ARMED = 10
Way = tuple[int, int]


def sample(born: int, recycled: bool = False, life: int = 0) -> Sample:
    return Sample(0, 500, 0.5, 1, recycled, 900.0, 1, born, 0, life)


def told(rows: list[tuple[Sample, Way, int]], counts: dict[Way, tuple[int, int]]) -> list[Arrivals]:
    """Of samples, each with its way and its place."""
    periods = Periods(Clock(DONE, 9, 0, ARMED, 0))
    ties = [(*way, 0, 0, 64) for _, way, _ in rows]
    return arrivals([each for each, _, _ in rows], ties, [at for *_, at in rows], counts, periods)


def test_the_entries_of_a_way_are_told_by_place() -> None:
    rows = [(sample(300), (3, 1), 90), (sample(20), (3, 1), 5), (sample(100), (3, 1), 40)]
    other = [(sample(30), (4, 1), 7), (sample(40), (4, 1), 8)]
    found = told(rows + other, {(3, 1): (100, 8000), (4, 1): (99, 70)})
    assert found == [
        Arrivals(3, 1, 100, 8000, ((20, 5), (100, 40), (300, 90))),
        Arrivals(4, 1, 99, 70, ((30, 7), (40, 8))),
    ]


def test_of_an_entry_with_several_samples_the_oldest_tells() -> None:
    """A table within it may have been made anew since."""
    rows = [(sample(born), (3, 1), place) for born, place in ((50, 9), (30, 9), (70, 9), (40, 12))]
    (one,) = told(rows, {(3, 1): (20, 99)})
    assert one.points == ((30, 9), (40, 12))


def test_what_tells_nothing_is_left_out() -> None:
    way = (3, 1)
    rows = [
        (sample(50), way, 0),  # no place is known
        (sample(70), way, 6),
    ]
    assert told(rows, {way: (20, 99)}) == []
    assert told([*rows, (sample(80), way, 8)], {}) == []  # nobody counted
    (one,) = told([*rows, (sample(80), way, 8)], {way: (20, 99)})
    assert one.points == ((70, 6), (80, 8))


def test_entries_whose_blocks_a_freelist_may_have_handed_on_are_told_apart() -> None:
    """They are older than their objects: of several the newest is the nearest."""
    way = (3, 1)
    rows = [
        (sample(born, recycled=True), way, place) for born, place in ((50, 9), (90, 9), (70, 12))
    ]
    (one,) = told([*rows, (sample(40), way, 7)], {way: (20, 99)})
    assert (one.points, one.handed) == (((40, 7),), ((90, 9), (70, 12)))
    assert told(rows[:2], {way: (20, 99)}) == []


def test_what_was_born_before_the_fork_or_tracking_came_by_the_first_edge() -> None:
    rows = [
        (sample(400, life=7), (3, 1), 2),
        (sample(3), (3, 1), 4),
        (sample(DONE + 9), (3, 1), 6),
    ]
    (one,) = told(rows, {(3, 1): (20, 99)})
    assert one.points == ((ARMED, 2), (ARMED, 4), (DONE, 6))


def test_the_containers_of_which_most_is_known_are_told() -> None:
    rows = [(sample(at), (1, holder), at) for holder in range(1, 260) for at in range(20, 22)]
    rows += [(sample(at), (1, 259), at) for at in range(22, 30)]
    found = told(rows, {(1, holder): (20, holder) for holder in range(1, 260)})
    assert len(found) == CONTAINERS
    assert (found[0].holder, found[1].holder, found[-1].holder) == (259, 258, 260 - CONTAINERS)


@given(st.sets(st.integers(1, 5000), min_size=2, max_size=400))
def test_of_many_entries_some_are_told_with_the_first_and_the_last(places: set[int]) -> None:
    rows = [(sample(min(DONE, at // 9)), (3, 1), at) for at in places]
    (one,) = told(rows, {(3, 1): (5000, 99)})
    told_places = [place for _, place in one.points]
    assert told_places == sorted(set(told_places))
    assert set(told_places) <= places
    assert (told_places[0], told_places[-1]) == (min(places), max(places))
    assert len(told_places) == min(len(places), POINTS)


def test_a_walk_and_samples_tell_how_many_entries_there_were_by_when() -> None:
    """One entry per unit in a list and a dict, two in three units in a deque that loses its first ones. Some 90 samples
    are expected of each; a fixed seed.
    """
    said = run(
        textwrap.dedent("""
        import collections
        from leakhunt.engine.retention import Walked
        from leakhunt.hook.capture.walk import _walk

        LIST, DICT, DEQUE = [], {}, collections.deque()
        _sampler.live(0.0, 0)
        engine = begin(interval=8192)
        for n in range(3000):
            _sampler.begin_task(1, None)
            LIST.append(bytes(230))
            DICT[f"key {n}"] = bytes(230)
            if n % 3:
                DEQUE.append(bytes(330))
            if len(DEQUE) > 1500:
                DEQUE.popleft()
            _sampler.end_task(0, n + 1, None)
        raw = engine.read()
        walked = Walked(_walk.walk(engine.blocks(raw), 60.0, 1 << 30, "/nowhere", 0))
        told = engine.harvest(raw, Life(("a",)), walked)
        fine()
        holders = walked.answer["holders"]
        say(ways=[(holders[one.holder - 1][2], one.objects, one.size, one.points) for one in told.arrivals])
        """)
    )
    of_list = [
        points for length, _, size, points in said["ways"] if length == 3000 and size == 3000 * 263
    ]
    assert len(of_list) == 2
    for points in of_list:
        assert len(points) > 30
        assert all(place == unit + 1 for unit, place in points)
    ((objects, points),) = [
        (objects, points) for length, objects, _, points in said["ways"] if length == 1500
    ]
    assert objects == 1500
    gone = 2000 - 1500  # the n-th task that has put one in is the entry n - 500
    assert all(place == unit - unit // 3 - gone for unit, place in points)
    assert len(points) > 30
