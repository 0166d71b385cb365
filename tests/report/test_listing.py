"""What a renderer of a folder's series gets, and which of them grows fastest."""

from __future__ import annotations

from leakhunt.report.listing import Waiting, listing
from tests.support.growing import hourly

MIB = 1 << 20


def test_the_one_that_grows_fastest_is_told_where_there_is_a_choice() -> None:
    slow, fast = hourly(10 * MIB, 11 * MIB), hourly(10 * MIB, 20 * MIB)
    assert listing("/snaps", (slow, fast), (), ()).fastest is fast
    assert listing("/snaps", (fast,), (), ()).fastest is None
    assert listing("/snaps", (), (), ()).fastest is None


def test_nothing_that_shrinks_is_fastest() -> None:
    shrinks = hourly(20 * MIB, 10 * MIB)
    assert listing("/snaps", (shrinks, shrinks), (), ()).fastest is None


def test_one_that_runs_comes_before_one_that_has_ended() -> None:
    ended, runs = hourly(10 * MIB, 90 * MIB, alive=False), hourly(10 * MIB, 12 * MIB, alive=True)
    assert listing("/snaps", (ended, runs), (), ()).fastest is runs


def test_waiting_processes_and_notes_are_passed_on() -> None:
    waiting = Waiting(7, "w@h", "child", None, "SIGUSR1", None)
    report = listing("/snaps", (), (waiting,), ("not read: x",))
    assert (report.folder, report.waiting, report.notes) == ("/snaps", (waiting,), ("not read: x",))


def test_the_engine_is_that_of_now_where_the_process_says_it_else_that_of_the_newest() -> None:
    line = hourly(10 * MIB, 11 * MIB, engine="sampled")
    meta = line.newest.meta
    assert listing("/snaps", (line,), (), ()).engine(line) == "sampled"
    switched = listing("/snaps", (line,), (), (), {(meta.pid, meta.started_at): "exact"})
    assert switched.engine(line) == "exact"
    another = listing("/snaps", (line,), (), (), {(meta.pid, 1.0): "exact"})
    assert another.engine(line) == "sampled"  # its pid was used before
