"""Why these snapshots: what was chosen of what, and whether that process still runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leakhunt.report.words import choices
from leakhunt.snapshots.chosen import GREW_MOST, NAMED, NEWEST, Chosen
from leakhunt.snapshots.series import Series
from tests.support.growing import hourly

MIB = 1 << 20


def chosen(rule: str, of: int, paths: int, series: Series | None = None, **more: Any) -> str:
    every = tuple(Path(f"{n}.bin") for n in range(paths))
    return choices.chosen(Chosen(every, rule, Path("/snaps"), of, series, **more))


def test_why_these_is_said_of_the_newest_of_one_and_of_the_one_that_grew_most() -> None:
    assert chosen(NEWEST, 1, 1) == "the newest of 1 snapshot in /snaps"
    assert chosen(NAMED, 3, 2, hourly(1, 2, 3)) == "first and newest of 3 in 4242"
    assert chosen(NAMED, 3, 1, hourly(1, 2, 3)) == "the newest of 3 in 4242"
    assert chosen(NAMED, 3, 3, hourly(1, 2, 3)) == "3 snapshots in 4242"
    most = hourly(0, 10 * MIB, alive=True)
    assert chosen(GREW_MOST, 2, 2, most, processes=3) == (
        "first and newest of 2 in 4242 (of 3 processes with tasks that run it grew most: +10.0 MiB RSS)"
    )
    assert chosen(GREW_MOST, 2, 2, most, processes=1) == "first and newest of 2 in 4242"
    flat = hourly(MIB, MIB, tasks_done=0)
    assert chosen(GREW_MOST, 2, 2, flat, processes=2).endswith("(of 2 processes, and its RSS has not grown)")  # fmt: skip
    once = chosen(GREW_MOST, 1, 1, hourly(MIB, tasks_done=40), processes=4)
    assert once.endswith(
        "(of 4 processes with tasks; one snapshot does not say whether it grew most)"
    )
    unread = chosen(NAMED, 3, 2, hourly(1, 2, alive=False), problems=("b.bin: cut short", "c.bin"))
    assert unread == (
        "first and newest of 3 in 4242; this process has ended, after 2027-01-15 13:00:00Z; "
        "2 not read: b.bin: cut short"
    )
