"""What is said of a process in a list, and why its snapshots were chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leakhunt.report.listing import Waiting
from leakhunt.report.words import choices, listed, status
from leakhunt.snapshots.facts import meta
from leakhunt.snapshots.load import GREW_MOST, NAMED, NEWEST, Chosen
from leakhunt.snapshots.series import Series
from tests.support.builders import FACTS
from tests.support.growing import entry

MIB = 1 << 20
NOON = 1_800_014_400.0  # 2027-01-15 12:00:00Z


def line(*rss: int, alive: bool | None = None, **facts: Any) -> Series:
    """Snapshots an hour apart, from noon on."""
    every = tuple(
        entry(f"{n}.bin", rss=size, taken_at=NOON + 3600 * n, monotonic=3600.0 * n, **facts)
        for n, size in enumerate(rss)
    )
    return Series(Path("/snaps/4242"), every, alive)


def test_a_process_is_told_with_its_end_where_that_is_known() -> None:
    assert listed.process(line(1)) == "celery@web1 child (prefork)"
    assert listed.process(line(1, alive=False)) == "celery@web1 child (prefork), ended"
    assert listed.process(line(1, alive=True, node=None, role=None, pool=None)) == "4242"


def test_growth_is_told_of_two_snapshots_and_the_pace_of_the_fastest() -> None:
    two = line(10 * MIB, 20 * MIB)
    assert listed.grown(two, False) == "+10.0 MiB RSS"
    assert listed.grown(two, True) == "+10.0 MiB RSS, grows fastest (+10.0 MiB per hour)"
    assert listed.grown(line(10 * MIB), True) == ""


def test_when_is_a_span_and_says_a_day_once() -> None:
    assert listed.when(line(1)) == "2027-01-15 12:00:00Z"
    assert listed.when(line(1, 2)) == "2027-01-15 12:00:00Z to 13:00:00Z"
    assert listed.when(line(*range(13))) == "2027-01-15 12:00:00Z to 2027-01-16 00:00:00Z"


def test_the_engine_is_told_with_its_cost() -> None:
    def engine(**facts: Any) -> str:
        return listed.engine(meta({**FACTS, **facts}))

    assert engine(engine="exact") == "exact"
    assert engine(engine=None) == ""
    assert engine(engine="sampled", overhead=0.008, budget=0.01, interval=256 << 10) == (
        "sampled: 0.8 % CPU so far (budget 1.0 %), every 256.0 KiB"
    )
    assert engine(engine="sampled", overhead=0.008) == "sampled: 0.8 % CPU so far"


def test_what_was_before_tracing_is_said_where_it_began_late() -> None:
    late = meta({**FACTS, "armed_at": NOON, "start": "signal"})
    assert listed.since(late) == "traced since 12:00:00Z, not what was before"
    assert listed.since(meta({**FACTS, "armed_at": NOON, "start": "boot"})) == ""


def test_a_process_without_a_snapshot_says_what_to_type() -> None:
    waits = Waiting(7, "celery@web1", "child", None, "SIGUSR1", None)
    assert listed.waiting(waits) == (
        "hooked, no snapshot yet: child 7 of celery@web1 (not traced before the first trigger; leakhunt dump 7)"
    )


def chosen(rule: str, of: int, paths: int, series: Series | None = None, **more: Any) -> str:
    every = tuple(Path(f"{n}.bin") for n in range(paths))
    return choices.chosen(Chosen(every, rule, Path("/snaps"), of, series, **more))


def test_why_these_is_said_of_the_newest_of_one_and_of_the_one_that_grew_most() -> None:
    assert chosen(NEWEST, 1, 1) == "the newest of 1 snapshot in /snaps"
    assert chosen(NAMED, 3, 2, line(1, 2, 3)) == "first and newest of 3 in 4242"
    assert chosen(NAMED, 3, 1, line(1, 2, 3)) == "the newest of 3 in 4242"
    assert chosen(NAMED, 3, 3, line(1, 2, 3)) == "3 snapshots in 4242"
    most = line(0, 10 * MIB, alive=True)
    assert chosen(GREW_MOST, 2, 2, most, processes=3) == (
        "first and newest of 2 in 4242 (of 3 processes with tasks that run it grew most: +10.0 MiB RSS)"
    )
    assert chosen(GREW_MOST, 2, 2, most, processes=1) == "first and newest of 2 in 4242"
    flat = line(MIB, MIB, tasks_done=0)
    assert chosen(GREW_MOST, 2, 2, flat, processes=2).endswith("(of 2 processes, and its RSS has not grown)")  # fmt: skip
    unread = chosen(NAMED, 3, 2, line(1, 2, alive=False), problems=("b.bin: cut short", "c.bin"))
    assert unread == (
        "first and newest of 3 in 4242; this process has ended, after 2027-01-15 13:00:00Z; "
        "2 not read: b.bin: cut short"
    )


def test_where_one_stands_names_some_and_counts_the_rest() -> None:
    names = ["a", "b", "c", "d", "e"]
    assert status.hooked([]) == "no process of this host that you may signal"
    assert status.hooked(names[:1]) == "1 process: a"
    assert status.hooked(names[:3]) == "3 processes: a, b, c"
    assert status.hooked(names) == "5 processes: a, b, c and 2 more"
    assert status.snapshots([]) == "none yet"
    assert status.snapshots([line(1, 2), line(1, alive=False)]) == (
        "3 snapshots of 2 processes, the newest of 4242, 2027-01-15 12:00:00Z; this process has ended"
    )


def test_the_next_step_is_for_what_there_is() -> None:
    def first(hooked: list[str], *series: Series) -> str:
        return next(command for command, _ in status.steps(hooked, series, None))

    assert first([]) == "leakhunt demo"
    assert first([], line(1)) == "leakhunt top"
    assert first([], line(1, 2)) == "leakhunt diff"
    assert first([], line(1, 2, 3)) == "leakhunt ls"
    assert first(["a"], line(1, 2)) == "leakhunt dump --all"
    assert first(["a"], line(1, 2, 3)) == "leakhunt ls"
