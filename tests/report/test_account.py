"""Where memory is, as a renderer gets it."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.model.account import Live
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.account import account, of_one, of_two
from tests.support.builders import snap

MIB = 1 << 20


def made(**facts: Any) -> Snapshot:
    return snap("/srv/shop/tasks.py:40 4MiB x10", **facts)


def test_the_parts_of_one_snapshot_are_its_resident_set() -> None:
    report = account(None, made(rss=100 * MIB), "the newest", ("note",))
    assert sum(part.size for part in report.told.account.parts) == 100 * MIB
    assert (report.told.grown, report.tasks, report.why) == (False, None, "the newest")
    assert report.notes[-1] == "note"


def test_the_parts_of_two_are_the_growth_between_them() -> None:
    before = made(rss=100 * MIB, tasks_done=100, taken_at=1.0)
    after = made(rss=130 * MIB, tasks_done=400)
    report = account(before, after)
    assert sum(part.size for part in report.told.account.parts) == 30 * MIB
    assert (report.told.grown, report.tasks) == (True, 300)
    assert report.told.sentence.startswith("RSS grew by 30.0 MiB")


def test_of_two_processes_no_tasks_are_told_and_the_difference_is_noted() -> None:
    report = account(made(pid=1, tasks_done=1, taken_at=1.0), made(pid=2, tasks_done=9))
    assert report.tasks is None
    assert "the difference is not growth" in report.notes[0]


def test_a_file_that_does_not_say_how_large_its_process_was_is_an_error() -> None:
    with pytest.raises(SnapshotError, match="does not say how large"):
        account(None, made(rss=None))
    mute = made(rss=None).meta
    assert of_one(mute, Live({0: 0}, 0)) is None
    assert of_two(mute, Live({0: 0}, 0), made().meta, Live({0: 0}, 0)) is None
