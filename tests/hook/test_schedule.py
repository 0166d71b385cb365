"""When a capture is due."""

from __future__ import annotations

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
