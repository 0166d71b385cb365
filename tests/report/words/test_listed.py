"""What is said of a process in a list."""

from __future__ import annotations

from typing import Any

from leakhunt.report.listing import Waiting
from leakhunt.report.words import listed
from leakhunt.snapshots.facts import meta
from tests.support.builders import FACTS
from tests.support.growing import NOON, hourly

MIB = 1 << 20


def test_a_process_is_told_with_its_end_where_that_is_known() -> None:
    assert listed.process(hourly(1)) == "celery@web1 child (prefork)"
    assert listed.process(hourly(1, alive=False)) == "celery@web1 child (prefork), ended"
    assert listed.process(hourly(1, alive=True, node=None, role=None, pool=None)) == "4242"


def test_growth_is_told_of_two_snapshots_and_the_pace_of_the_fastest() -> None:
    two = hourly(10 * MIB, 20 * MIB)
    assert listed.grown(two, False) == "+10.0 MiB RSS"
    assert listed.grown(two, True) == "+10.0 MiB RSS, grows fastest (+10.0 MiB per hour)"
    assert listed.grown(hourly(10 * MIB), True) == ""


def test_when_is_a_span_and_says_a_day_once() -> None:
    assert listed.when(hourly(1)) == "2027-01-15 12:00:00Z"
    assert listed.when(hourly(1, 2)) == "2027-01-15 12:00:00Z to 13:00:00Z"
    assert listed.when(hourly(*range(13))) == "2027-01-15 12:00:00Z to 2027-01-16 00:00:00Z"


def test_the_engine_is_told_with_its_cost() -> None:
    def engine(**facts: Any) -> str:
        return listed.engine(meta({**FACTS, **facts}))

    assert engine(engine="exact") == "exact"
    assert engine(engine=None) == ""
    assert engine(engine="sampled", overhead=0.008, budget=0.01, interval=256 << 10) == (
        "sampled: 0.8 % CPU so far (budget 1.0 %), every 256.0 KiB"
    )
    assert engine(engine="sampled", overhead=0.008) == "sampled: 0.8 % CPU so far"
    assert engine(engine="sampled", overhead=0.008, overhead_cpu=200.4) == (
        "sampled: 0.8 % of 3 min 20 s CPU"
    )


def test_more_than_the_budget_is_told_with_its_span_and_its_reason() -> None:
    """A young process spends its credit: 0.2 s, which is much of little."""

    def engine(**facts: Any) -> str:
        return listed.engine(meta({**FACTS, "engine": "sampled", "budget": 0.01, **facts}))

    assert engine(overhead=0.052, overhead_cpu=4.0) == (
        "sampled: 0.2 s, 5.2 % of 4.0 s CPU (budget 1.0 %, more while young or idle)"
    )
    assert engine(overhead=0.0104, overhead_cpu=200) == (
        "sampled: 1.0 % of 3 min 20 s CPU (budget 1.0 %)"
    )
    assert engine(overhead=0.052) == (
        "sampled: 5.2 % CPU so far (budget 1.0 %, more while young or idle)"
    )


def test_what_was_before_tracing_is_said_where_it_began_late() -> None:
    late = meta({**FACTS, "armed_at": NOON, "start": "signal"})
    assert listed.since(late) == "traced since 12:00:00Z, not what was before"
    assert listed.since(meta({**FACTS, "armed_at": NOON, "start": "boot"})) == ""


def test_a_process_without_a_snapshot_says_what_to_type() -> None:
    waits = Waiting(7, "celery@web1", "child", None, "SIGUSR1", None)
    assert listed.waiting(waits) == (
        "hooked, no snapshot yet: child 7 of celery@web1 (not traced before the first trigger; leakhunt dump 7)"
    )


def test_an_engine_that_has_no_snapshot_yet_is_told_before_that_of_the_newest() -> None:
    sampled = meta({**FACTS, "engine": "sampled", "overhead": 0.01})
    assert listed.engine(sampled, "sampled") == listed.engine(sampled)
    assert listed.engine(sampled, "exact") == (
        "exact now, and no snapshot of it yet: the newest is of sampled"
    )
