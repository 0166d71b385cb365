"""Which snapshots are meant where nobody names any, and what is said of the choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.report.words import choices
from leakhunt.snapshots import chosen, load
from tests.support.folders import MIB, put


def test_the_newest_and_the_most_grown(home: Path) -> None:
    choice = chosen.newest(home)
    assert [path.parent.name for path in choice.paths] == ["c-30"]
    assert "7 snapshots" in choices.chosen(choice)
    choice = chosen.most_grown(home)
    assert [(p.parent.name, p.name[:6]) for p in choice.paths] == [
        ("b-20", "000001"),
        ("b-20", "000003"),
    ]
    assert "grew most: +6.0 MiB RSS" in choices.chosen(choice)
    assert choice.problems == ()


def test_a_process_that_does_tasks_is_chosen_before_one_that_does_none(tmp_path: Path) -> None:
    """The main process of a pool grows by Celery's own report of each thread, on the same signal."""
    for number in (1, 2, 3):
        put(tmp_path / "main", number, pid=1, rss=9 * number * MIB, tasks_done=0)
        put(tmp_path / "child", number, pid=2, rss=number * MIB, tasks_done=100 * number)
    for choice in (chosen.most_grown(tmp_path), chosen.most_telling(load.series(tmp_path))):
        assert {path.parent.name for path in choice.paths} == {"child"}


def test_growth_without_rss_is_traced_growth(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path / "a", number, pid=1, rss=None, traced=number * MIB)
        put(tmp_path / "b", number, pid=2, rss=None, traced=MIB)
    choice = chosen.most_grown(tmp_path)
    assert "+1.0 MiB traced" in choices.chosen(choice)


def test_files_that_could_not_be_read_are_told_with_the_choice(home: Path) -> None:
    (home / "b-20" / "000002-x-signal.bin").write_bytes(b"\x80\x04 no snapshot")
    choice = chosen.most_grown(home)
    assert len(choice.problems) == 1
    assert "1 not read" in choices.chosen(choice)


@pytest.mark.parametrize("choose", [chosen.newest, chosen.most_grown])
def test_nothing_to_choose_from(choose: Any, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="there are no snapshots here"):
        choose(tmp_path)
    put(tmp_path / "a", 1)
    if choose is chosen.most_grown:
        with pytest.raises(SnapshotError, match="a diff needs two"):
            choose(tmp_path)


def test_the_process_to_judge_has_snapshots_enough_runs_and_grew_most(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        put(tmp_path / "least", number, pid=1, rss=100 * MIB + number * MIB)
        put(tmp_path / "most", number, pid=2, rss=100 * MIB + 5 * number * MIB)
        put(tmp_path / "ended", number, pid=3, rss=100 * MIB + 9 * number * MIB)
    for number in (1, 2):
        put(tmp_path / "short", number, pid=4, rss=100 * MIB + 50 * number * MIB)

    def meant(*names: str) -> str:
        lines = load.series(tmp_path, runs=lambda meta: meta.pid != 3)
        choice = chosen.most_telling([line for line in lines if line.folder.name in names])
        assert choice.line is not None
        return choice.line.folder.name

    assert meant("least", "most", "ended", "short") == "most"
    assert meant("least", "short") == "least"
    put(tmp_path / "least", 4, pid=1, rss=104 * MIB)
    assert meant("least", "most") == "most"  # whoever has more snapshots does not grow more
    assert meant("short") == "short"
    assert meant("ended") == "ended"
