"""What is said of workers that are asked through their broker: one is singular, none is told why."""

from __future__ import annotations

from leakhunt.report.words import fleet as words

MIB = 1 << 20


def test_nobody_who_answers_is_told_with_what_may_be_wrong() -> None:
    said = words.nobody("proj")
    assert "`celery -A proj worker -I leakhunt.worker`" in said
    assert "--wait" in said


def test_one_worker_is_singular_and_two_are_plural() -> None:
    assert words.host("web1", ["a@web1"]) == "web1: 1 worker"
    assert words.host("web1", ["a@web1", "b@web1"]) == "web1: 2 workers"
    assert words.total(1, 1, 60 * MIB, 80 * MIB) == "1 worker on 1 host: PSS 60.0 MiB, RSS 80.0 MiB"
    assert words.total(2, 3, MIB, MIB).startswith("3 workers on 2 hosts: ")


def test_what_is_in_no_sum_is_said_so() -> None:
    assert words.unread(1).startswith("USS and PSS of 1 process were not read")
    assert words.left_out(2) == "2 processes more did not fit a reply, and are in no sum"


def test_a_snapshot_that_is_too_large_stays_where_it_is() -> None:
    assert words.kept_there("child 7", "web1:/snaps/1.bin", 90 * MIB, 64 * MIB) == (
        "child 7: its snapshot has 90.0 MiB, more than --at-most 64.0 MiB; it stays at web1:/snaps/1.bin"
    )


def test_who_refuses_is_silent_or_late_is_named() -> None:
    assert words.refused("w@h", "no hook") == "w@h: no hook"
    assert words.silent("w@h") == "w@h has not answered"
    assert words.missing("w@h", 1).startswith("w@h has not answered the last 1 look: ")
    assert words.missing("w@h", 2).startswith("w@h has not answered the last 2 looks: ")
