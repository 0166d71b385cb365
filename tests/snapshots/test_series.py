"""Files by process, in order; which process grows fastest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from leakhunt.snapshots.series import Entry, Series, by_process, fastest, running, working, written
from tests.support.growing import entry

MIB = 1 << 20


def names(line: tuple[Entry, ...]) -> list[str]:
    return [each.path.name for each in line]


def series(*facts: dict[str, Any], alive: bool | None = None) -> Series:
    every = tuple(entry(f"{index}.bin", **each) for index, each in enumerate(facts))
    return Series(Path("4242"), every, alive)


# -- one process after the other ------------------------------------------------------


@pytest.mark.parametrize("fact", ["host", "pid", "started_at"])
def test_a_process_is_its_host_its_pid_and_its_start(fact: str) -> None:
    other = {"host": "web2", "pid": 7, "started_at": 5.0}[fact]
    facts: dict[str, Any] = {fact: other}
    one, two, three = entry("1"), entry("2", **facts), entry("3", sequence=9)
    assert by_process([one, two, three]) == [(one, three), (two,)]


def test_sequence_is_the_order_whatever_the_clocks_say() -> None:
    """The wall clock was set back; files were copied."""
    line = [
        entry(f"{n}.bin", sequence=n, taken_at=100.0 - n, monotonic=100.0 - n) for n in (2, 1, 10)
    ]
    assert names(by_process(line)[0]) == ["1.bin", "2.bin", "10.bin"]


@pytest.mark.parametrize("sequences", [(1, 1, 2), (1, None, 2)])
def test_without_a_sequence_of_its_own_each_goes_by_the_monotonic_clock(
    sequences: tuple[int | None, ...],
) -> None:
    line = [
        entry(name, sequence=number, monotonic=moment, taken_at=wall)
        for name, number, moment, wall in zip("cab", sequences, (30.0, 10.0, 20.0), (1.0, 2.0, 3.0))
    ]
    assert names(by_process(line)[0]) == ["a", "b", "c"]
    blind = [
        entry(name, sequence=number, taken_at=wall)
        for name, number, wall in zip("cab", sequences, (30.0, 10.0, 20.0))
    ]
    assert names(by_process(blind)[0]) == ["a", "b", "c"]


def test_without_a_clock_each_goes_by_the_number_in_its_name() -> None:
    """As numbers: 9 is before 10."""
    line = [entry(f"dump-{n}.bin", sequence=None, taken_at=None) for n in (10, 9, 100)]
    assert names(by_process(line)[0]) == ["dump-9.bin", "dump-10.bin", "dump-100.bin"]


def test_else_by_the_age_of_the_files(tmp_path: Path) -> None:
    for name, age in (("b.bin", 100), ("a.bin", 300), ("c.bin", 200)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (age, age))
    line = [entry(name, str(tmp_path), sequence=None, taken_at=None) for name in ("a.bin", "b.bin", "c.bin")]  # fmt: skip
    assert names(by_process(line)[0]) == ["b.bin", "c.bin", "a.bin"]
    assert written(line[0]) == 300
    assert written(entry("none", str(tmp_path), taken_at=None)) == 0.0
    assert written(entry("a.bin", str(tmp_path), taken_at=7.0)) == 7.0


# -- how much it grew -----------------------------------------------------------------


def test_growth_is_of_the_resident_set_from_first_to_newest() -> None:
    line = series({"rss": 10 * MIB}, {"rss": 90 * MIB}, {"rss": 30 * MIB})
    assert line.grown == (20 * MIB, "RSS")
    assert line.growth == 20 * MIB


def test_else_of_traced_memory_since_tracing_was_armed_last() -> None:
    armed = [{"rss": None, "armed_at": at, "traced": size} for at, size in ((1.0, 90), (2.0, 10), (2.0, 25))]  # fmt: skip
    line = series(*armed)
    assert [each.path.name for each in line.stretch] == ["1.bin", "2.bin"]
    assert line.grown == (15, "traced")
    assert series(*armed[:2]).grown == (None, "")  # one alone has not grown
    assert series({"rss": None, "traced": None}).grown == (None, "")
    told = [{"rss": None, "traced": size, "live": size - own} for size, own in ((90, 5), (99, 8))]
    assert series(*told).grown == (6, "traced")
    other = series({**armed[1], "engine": "sampled"}, armed[2])
    assert other.grown == (None, "")


def test_the_pace_is_by_the_time_between_them() -> None:
    line = series({"rss": 0, "monotonic": 100.0}, {"rss": 50, "monotonic": 110.0})
    assert line.per_second == 5.0
    assert series({"rss": 0, "monotonic": 100.0}).per_second is None
    assert series({"rss": 0, "taken_at": None}, {"rss": 9, "taken_at": None}).per_second is None


def growing(by: int, alive: bool | None = None, **facts: Any) -> Series:
    return series(
        {"rss": 0, "monotonic": 0.0, **facts}, {"rss": by, "monotonic": 10.0, **facts}, alive=alive
    )


def test_the_fastest_is_one_that_runs_where_any_does() -> None:
    slow, fast, gone = growing(10), growing(20), growing(90, alive=False)
    assert fastest([slow, fast]) is fast
    assert fastest([growing(10, alive=True), fast]) is not fast
    assert fastest([slow, gone]) is gone  # nobody is known to run
    assert fastest([fast]) is None
    assert fastest([growing(-5), growing(0)]) is None


def test_those_that_run_and_those_that_work_else_all() -> None:
    dead, unknown, alive = growing(1, alive=False), growing(1), growing(1, alive=True)
    assert running([dead, unknown, alive]) == [alive]
    assert running([dead, unknown]) == [dead, unknown]
    idle, busy = growing(1, tasks_done=0), growing(1, tasks_done=3)
    assert working([idle, busy]) == [busy]
    assert working([idle]) == [idle]
