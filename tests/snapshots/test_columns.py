"""Snapshots side by side: one place for each in every column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from leakhunt.model.retention import Container, Heap, Rest, Retention, Step, place
from leakhunt.model.snapshot import Birth, Facts, Frame, Handed, Held, Snapshot, Tallies
from leakhunt.snapshots import retention
from leakhunt.snapshots.columns import read
from tests.support.builders import snap, stack
from tests.support.growing import side_by_side

ONE, TWO = "/srv/shop/a.py:1", "/srv/shop/b.py:2"


def test_a_stack_has_nothing_where_a_snapshot_does_not_have_it() -> None:
    found = side_by_side(
        snap(f"{ONE} 10B x1"), snap(f"{TWO} 20B x2"), snap(), snap(f"{ONE} 30B x3", f"{TWO} 5B x1")
    )
    assert found.sizes == {stack(ONE): [10, 0, 0, 30], stack(TWO): [0, 20, 0, 5]}
    assert found.counts == {stack(ONE): [1, 0, 0, 3], stack(TWO): [0, 2, 0, 1]}
    assert (found.first.totals.size, found.newest.totals.size) == (10, 35)
    assert found.totals == (10, 20, 0, 35)
    for index, total in enumerate(found.totals):
        assert sum(column[index] for column in found.sizes.values()) == total


def test_a_stack_that_a_file_writes_twice_adds_up_wherever_it_comes() -> None:
    frame = Frame("/srv/shop/a.py", 1)
    twice = replace(snap(), tallies=Tallies([frame], [0, 0], [1, 1], [10, 5], [1, 2]))
    for before in ([], [snap(f"{ONE} 1B x1")], [snap(f"{TWO} 1B x1")]):
        found = side_by_side(*before, twice)
        assert (found.sizes[(frame,)][-1], found.counts[(frame,)][-1]) == (15, 3)
        assert {len(column) for column in found.sizes.values()} == {len(before) + 1}


def test_errors_are_squared_and_holders_kept_snapshot_by_snapshot() -> None:
    held = Held(None, "list", 7, 1, 4.0, ((64, 2),))
    told = Facts(stderr=3.0, samples=5, holders=(held,))
    first = snap(f"{ONE} 10B x1", f"{TWO} 10B x1")
    second = replace(first, facts=MappingProxyType({stack(ONE): told, stack(TWO): Facts()}))
    found = side_by_side(first, second, first)
    assert found.variances == {stack(ONE): [0, 9.0, 0]}
    assert found.samples == {stack(ONE): [0, 5, 0]}
    assert found.holders == ({}, {stack(ONE): (held,)}, {})
    assert (found.first, found.newest) == (first, first)
    exact = replace(first, facts=MappingProxyType({stack(ONE): Facts(stderr=0.0, samples=2)}))
    assert side_by_side(exact).variances == {stack(ONE): [0.0]}


def test_what_lies_in_a_free_list_is_in_the_total_alone() -> None:
    births = (
        Birth(0, None, 4, 4, 600.0, 90_000.0, 6.0),
        Birth(1, None, 4, 4, 400.0, 40_000.0, 4.0, free=250.0),
    )
    told = Facts(stderr=20.0, samples=8, births=births)
    first = replace(snap(f"{ONE} 1000B x10"), facts=MappingProxyType({stack(ONE): told}))
    found = side_by_side(first, snap(f"{ONE} 90B x10"))
    assert first.totals.size == found.totals[0]
    assert found.sizes == {stack(ONE): [round(0.75 * found.totals[0]), found.totals[1]]}
    assert found.counts[stack(ONE)][0] == round(0.75 * first.totals.count)
    assert (found.variances[stack(ONE)], found.samples[stack(ONE)]) == ([300.0, 0], [6, 0])
    held = Held(None, "list", 7, 8, 4.0, ((100, 8),))
    first = replace(first, facts=MappingProxyType({stack(ONE): replace(told, holders=(held,))}))
    found = side_by_side(first)
    assert (found.sizes, found.counts) == ({stack(ONE): [800]}, {stack(ONE): [8]})  # they have it
    every = replace(told, births=(births[0]._replace(free=600.0), births[1]._replace(free=400.0)))
    first = replace(first, facts=MappingProxyType({stack(ONE): every}))
    assert side_by_side(first).sizes == {stack(ONE): [0]}


def test_what_waits_is_told_of_each_snapshot_as_those_tell_whose_heap_was_walked() -> None:
    heap = retention.heap({"whole": True, "types": [["list", 3, 300]]})
    assert heap is not None
    assert heap.types

    def of(size: int, waiting: float, walked: bool) -> Snapshot:
        birth = Birth(0, None, 4, 4, float(size), 1.0, 6.0, waiting=waiting)
        told = MappingProxyType({stack(ONE): Facts(births=(birth,))})
        return replace(snap(f"{ONE} {size}B x10"), facts=told, heap=heap if walked else None)

    plain = snap(f"{TWO} 1B x1")
    looks = [of(100, 0, False), of(100, 20.0, True), of(200, 0, False), of(400, 200.0, True)]
    assert side_by_side(*looks, of(100, 0, False)).waiting == {
        stack(ONE): [20.0, 20.0, pytest.approx(70.0), 200.0, 50.0]
    }
    assert side_by_side(of(100, 20.0, False), plain).waiting == {}  # of a part of a heap
    gone = side_by_side(looks[1], replace(plain, heap=heap))
    assert gone.waiting == {stack(ONE): [20.0, 0.0]}
    assert side_by_side(of(100, 900.0, True)).waiting == {stack(ONE): [100.0]}


def test_a_containers_figures_are_told_at_each_snapshot_that_tells_of_them() -> None:
    def of(length: int | None, mark: int = 7, retained: int | None = None) -> object:
        heap = retention.heap({"whole": True})
        assert heap is not None
        one = Container((), "list", length, None, mark, retained, 8)
        return replace(snap(f"{ONE} 1B x1"), heap=replace(heap, containers=(one,)))

    found = side_by_side(snap(), of(5), of(9), of(None), of(3, mark=0))  # type: ignore[arg-type]
    assert found.lengths == {7: [None, 5, 9, None, None]}
    assert found.freed == {}
    assert side_by_side(of(5)).lengths == {7: [5]}  # type: ignore[arg-type]
    weighed = side_by_side(of(5), of(9, retained=800), snap(), of(None, retained=900))  # type: ignore[arg-type]
    assert weighed.lengths == {7: [5, 9, None, None]}
    assert weighed.freed == {7: [None, 800, None, 900]}


def test_nothing_that_can_be_read_is_no_columns(tmp_path: Path) -> None:
    assert read([], []) is None


def test_a_light_snapshot_at_the_end_takes_who_holds_what_from_the_one_before() -> None:
    """As far as there still is so much; a full one that was not walked says that nobody knows."""
    heap = Heap(True, None, 5, 5, 0.1, 9, (), Rest(0, 0, 0), None, Rest(0, 0, 0), (), (), 2, 2)
    way = Retention((Step("module", "shop", "module"),), 1, 10, None, None, None, 0)
    held = MappingProxyType({stack(place): Facts(retention=(way,)) for place in (ONE, TWO)})
    full = replace(snap(f"{ONE} 10B x1", f"{TWO} 10B x1"), heap=heap, facts=held)
    light = snap(f"{ONE} 10B x3", f"{TWO} 9B x1", light=True)
    newest = side_by_side(full, light).newest
    assert newest.heap == heap
    assert newest.told(stack(ONE)).retention == (way,)
    assert newest.told(stack(TWO)).retention == ()
    assert newest.tallies == light.tallies
    assert side_by_side(full, snap(f"{ONE} 10B x3")).newest.heap is None
    assert side_by_side(light).newest.heap is None


def test_who_makes_a_container_grow_is_told_by_most_snapshots_that_know_it() -> None:
    """By where it hangs: there may be another one next time. One vote a snapshot, however many blocks were handed on."""
    where = (Step("module", "shop", "module"), Step("attribute", "KEPT", "list", 5))

    def of(*growers: str | None, length: int = 5) -> Snapshot:
        way = (where[0], where[1]._replace(length=length))
        parts = tuple(
            Handed(
                Container(way, "list", length, None, length, None, 8),
                None if each is None else stack(each),
                (),
            )
            for each in growers
        )
        facts = MappingProxyType({stack(ONE): Facts(handed=parts)})
        return replace(snap(f"{ONE} 1B x1"), facts=facts)

    found = side_by_side(of(TWO), of(None, length=7), of(ONE, ONE, ONE), of(TWO, length=9))
    assert found.growers == {place(where): stack(TWO)}
    assert side_by_side(of(None)).growers == {}
