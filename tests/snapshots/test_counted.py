"""Figures put right by what was counted: one scale for a stack, and nothing where nobody counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.model.retention import Container, Retention, Step
from leakhunt.model.snapshot import Birth, Counted, Facts, Handed, Snapshot
from leakhunt.snapshots.counted import as_counted, left, put_right, scale
from tests.support.builders import snap, stack

ONE, TWO = stack("/srv/shop/tasks.py:40"), stack("/srv/shop/tasks.py:50")
PATH = (Step("module", "shop", "module"), Step("attribute", "KEPT", "list", 60))
WAY = Retention(PATH, 90, 900, "list", 60, None, 7, 700, PATH, (60, 600))
BORN = Birth(3, "shop.order", 9, 9, 900.0, 9000.0, 90.0, 450.0)


def told(counted: Counted | None) -> Snapshot:
    made = snap("/srv/shop/tasks.py:40 1000 100", "/srv/shop/tasks.py:50 500 5")
    part = Handed(Container(PATH, "list", 60, None, 7, 700, 56), None, (BORN._replace(size=450.0),))
    facts = Facts(
        stderr=300.0,
        samples=9,
        recycled=450,
        births=(BORN, BORN._replace(period=4, size=100.0)),
        retention=(WAY,),
        handed=(part,),
        counted=counted,
    )
    return replace(made, facts={ONE: facts, TWO: Facts(stderr=40.0, samples=2)})


def test_a_stack_is_scaled_and_what_a_container_keeps_as_that_was_counted() -> None:
    right = put_right(told(Counted(700, 25.0)))
    assert right.tallies[ONE] == (700, 70)
    facts = right.facts[ONE]
    first, second = facts.births
    assert (first.size, first.squares, first.blocks, first.recycled) == pytest.approx(
        (630, 4410, 63, 315)
    )
    assert (first.period, first.task, first.runs, first.samples) == (3, "shop.order", 9, 9)
    assert sum(birth.size for birth in (first, second)) == pytest.approx(700)
    assert facts.handed[0].size == pytest.approx(300)  # as the container that keeps it
    assert facts.recycled == 315
    (way,) = facts.retention
    assert (way.objects, way.size, way.mark) == (60, 600, 7)


def test_what_nobody_counted_stays() -> None:
    as_told = told(None)
    assert put_right(as_told) is as_told
    right = put_right(told(Counted(700, 25.0)))
    assert right.tallies[TWO] == (500, 5)
    assert right.facts[TWO] == as_told.facts[TWO]
    assert as_counted(WAY._replace(counted=None)) == WAY._replace(counted=None)


def test_a_stack_that_the_tallies_do_not_have_is_left_alone() -> None:
    made = told(Counted(700, 25.0))
    without = replace(made, tallies={TWO: made.tallies[TWO]})
    assert put_right(without).facts[ONE] == made.facts[ONE]
    assert ONE not in put_right(without).tallies


def test_how_much_less_a_sample_stands_for_afterwards() -> None:
    right = put_right(told(Counted(700, 25.0)))
    assert scale(right, [ONE]) == pytest.approx(0.7)
    assert scale(right, [TWO]) == 1.0
    assert scale(right, [ONE, TWO]) == pytest.approx(1200 / 1500)
    assert scale(told(Counted(700, 25.0)), [ONE]) == 1.0  # nobody has put it right
    assert (scale(None, [ONE]), scale(right, [])) == (1.0, 1.0)


def test_the_part_of_the_variance_that_is_left() -> None:
    made = told(Counted(700, 9000.0))
    assert left(made, [ONE]) == pytest.approx(0.1)
    assert left(made, [ONE, TWO]) == pytest.approx((9000 + 1600) / (90000 + 1600))
    assert left(made, [TWO]) == 1.0
    assert left(None, [ONE]) == 1.0
    assert left(told(Counted(700, 1e9)), [ONE]) == 1.0  # no more than there was
