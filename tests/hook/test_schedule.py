"""When a capture is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.hook import config
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
