"""What was seen of processes while watching: it does not grow with time."""

from __future__ import annotations

from dataclasses import replace

from leakhunt.live.sightings import BEFORE, LEFT, MOST, MOST_NODES, Sightings
from leakhunt.model.process import Celery, Identity, Process
from tests.support.fleet import process


def test_a_day_of_processes_that_come_and_go_takes_no_more_memory() -> None:
    sightings: Sightings[int] = Sightings()
    stays, looks = process(1), 8640
    for n in range(looks):
        comes = replace(process(2), identity=Identity(2, n // 100))
        sightings.observe([(stays, n), (comes, n)])
        assert sum(map(len, sightings.samples.values())) <= 2 * MOST
    kept = sightings.samples[stays.identity]
    assert (kept[0], kept[-1]) == (0, looks - 1)
    assert kept == sorted(kept)
    assert sightings.ended == (looks - 1) // 100


def test_those_that_have_ended_and_were_followed_are_counted_by_node_and_role() -> None:
    sightings: Sightings[int] = Sightings()

    def at(pid: int, start: int) -> tuple[Process, int]:
        return replace(process(pid), identity=Identity(pid, start)), 0

    sightings.observe([at(1, 1), at(2, 1)])
    sightings.observe([at(1, 1), at(2, 2)])  # a pid that is used again
    assert sightings.replaced == {("w@h", "child"): 1}
    sightings.observe([at(1, 1)])  # one has ended …
    assert sightings.replaced == {("w@h", "child"): 1}
    sightings.observe([at(1, 1), at(3, 3), at(4, 4)])  # … is followed, and another one has come
    assert sightings.replaced == {("w@h", "child"): 2}
    assert sightings.ended == 2


def test_what_was_seen_of_those_before_it_goes_with_the_one_that_follows() -> None:
    sightings: Sightings[int] = Sightings()

    def at(pid: int, start: int, sample: int, role: str = "child") -> tuple[Process, int]:
        return replace(process(pid, role), identity=Identity(pid, start)), sample

    sightings.observe([at(1, 1, 10, "main"), at(2, 1, 20)])
    sightings.observe([at(1, 1, 10, "main"), at(2, 1, 21)])
    sightings.observe([at(1, 1, 10, "main"), at(3, 2, 30)])
    assert sightings.before == {Identity(3, 2): (20, 21, None)}
    sightings.observe([at(1, 1, 10, "main")])
    assert sightings.before == {}
    sightings.observe([at(1, 1, 10, "main"), at(4, 3, 40), at(5, 3, 50)])
    assert sightings.before == {Identity(4, 3): (20, 21, None, 30, None)}


def test_neither_does_what_stays_of_those_that_have_ended() -> None:
    sightings: Sightings[int] = Sightings()
    for n in range(500):
        many = [replace(process(k), identity=Identity(k, n)) for k in range(2, 2 + LEFT)]
        sightings.observe([(each, n) for each in (many if n % 3 else [])])
    assert len(sightings.before) == LEFT
    assert max(map(len, sightings.before.values())) == BEFORE
    assert all(len(left) <= LEFT for left in sightings._left.values())


def test_one_that_does_not_answer_is_there_without_a_sample() -> None:
    sightings: Sightings[int] = Sightings()
    sightings.observe([(process(1), 7)])
    sightings.observe([(process(1), None)])
    assert sightings.samples[process(1).identity] == [7]
    assert sightings.ended == 0


def test_nodes_that_have_gone_are_forgotten() -> None:
    sightings: Sightings[int] = Sightings()
    for n in range(3 * MOST_NODES):
        celery = Celery("worker", f"w{n}@h")
        for start in (1, 2):
            sightings.observe(
                [(replace(process(7, celery=celery), identity=Identity(7, 10 * n + start)), 0)]
            )
    assert len(sightings.replaced) <= MOST_NODES + 1
    assert len(sightings._vacant) <= MOST_NODES + 1
    assert len(sightings._left) <= MOST_NODES + 1
