"""When a capture is due."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from leakhunt.hook import config
from leakhunt.hook import schedule as schedules
from leakhunt.hook.process import vitals
from leakhunt.hook.schedule import Schedule


@pytest.mark.parametrize("every", [1, 3, 8, 100])
def test_every_n_tasks_is_jittered_and_never_early_by_more_than_an_eighth(
    every: int, tmp_path: Path
) -> None:
    schedule = Schedule(config.settings({"dir": str(tmp_path), "every": every}, {}))
    for multiple in range(1, 50):
        due = schedule.due
        assert 0 <= multiple * every - due <= every // 8
        assert schedule.after_task(due - 1) is None
        assert schedule.after_task(due) == "tasks"


def test_rss_above_the_limit_is_told_again_once_it_has_fallen_by_a_tenth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mib = iter([99, 101, 120, 95, 101, 89, 101])
    monkeypatch.setattr(schedules, "RSS_INTERVAL", 0.0)
    monkeypatch.setattr(vitals, "rss", lambda: next(mib) << 20)
    schedule = Schedule(config.settings({"dir": str(tmp_path), "rss": "100MiB"}, {}))
    told = [schedule.after_task(done) for done in range(1, 8)]
    assert told == [None, "rss", None, None, None, None, "rss"]


def growing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mib: list[float | None], **said: object
) -> list[str | None]:
    """What the ends of tasks pull, with that resident set at each."""
    figures = iter(mib)

    def rss() -> int | None:
        figure = next(figures)
        return None if figure is None else round(figure * (1 << 20))

    monkeypatch.setattr(schedules, "RSS_INTERVAL", 0.0)
    monkeypatch.setattr(vitals, "rss", rss)
    schedule = Schedule(config.settings({"dir": str(tmp_path), **said}, {}))
    return [schedule.after_task(done) for done in range(1, len(mib) + 1)]


def test_a_step_is_from_the_last_one_and_the_first_reading_is_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = growing(monkeypatch, tmp_path, [100, 109, 110, 119, 90, 120], rss_step="10MiB")
    assert told == [None, None, "rss-step", None, None, "rss-step"]


def test_the_limit_is_rarer_than_a_step_and_that_than_a_number_of_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = growing(
        monkeypatch, tmp_path, [100, 120, 130, 130], rss="125MiB", rss_step="10MiB", every=1
    )
    assert told == ["tasks", "rss-step", "rss", "tasks"]


def test_at_the_limit_is_not_above_it_and_unknown_is_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = growing(monkeypatch, tmp_path, [100, None, 100.5, 90, 101, 89.5, 101], rss="100MiB")
    assert told == [None, None, "rss", None, None, None, "rss"]


def test_the_resident_set_is_read_no_more_often_than_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 101.0, 102.0, 103.0])
    reads: list[int] = []

    def rss() -> int:
        reads.append(1)
        return 50 << 20

    monkeypatch.setattr(schedules, "RSS_INTERVAL", 2.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(vitals, "rss", rss)
    schedule = Schedule(config.settings({"dir": str(tmp_path), "rss": "100MiB"}, {}))
    read = []
    for done in range(4):
        schedule.after_task(done)
        read.append(len(reads))
    assert read == [1, 1, 2, 2]


def test_without_a_number_of_tasks_none_is_due(tmp_path: Path) -> None:
    schedule = Schedule(config.settings({"dir": str(tmp_path)}, {}))
    assert schedule.due == 0
    assert schedule.after_task(10**9) is None
    late = Schedule(config.settings({"dir": str(tmp_path), "every": 100}, {}), done=1000)
    assert 1000 < 1100 - 12 <= late.due <= 1100


def test_a_number_of_tasks_that_was_passed_over_is_due_all_the_same(tmp_path: Path) -> None:
    """Several threads count: what one of them ends may be the task after the next."""
    schedule = Schedule(config.settings({"dir": str(tmp_path), "every": 100}, {}))
    due = schedule.due
    assert schedule.after_task(due + 3) == "tasks"
    assert schedule.due > due + 3
