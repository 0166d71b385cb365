"""``leakhunt ls``: the series of a folder."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.console import grown, inside


def test_every_process_is_a_series_and_the_fastest_is_told(tmp_path: Path) -> None:
    for pid, each in ((1, 5), (2, 50)):
        grown(tmp_path / f"celery@web1-{pid}-x", 3, each, pid=pid, rss=None)
    document = json.loads(inside("ls", "--dir", str(tmp_path), "--json")[1])
    assert [len(each["snapshots"]) for each in document["series"]] == [3, 3]
    assert {each["snapshots"][0]["pid"] for each in document["series"]} == {1, 2}


def test_a_folder_without_any_says_so_and_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    status, out, _ = inside("ls", "--dir", str(tmp_path))
    assert status == 0
    assert "no snapshots yet" in out
    assert inside("ls", "--dir", str(tmp_path / "none"))[0] == 2


def test_what_would_be_pruned_is_shown_and_nothing_is_removed(tmp_path: Path) -> None:
    grown(tmp_path / "celery@web1-1-x", 3)
    before = sorted(tmp_path.rglob("*.bin"))
    inside("ls", "--dir", str(tmp_path), "--prune", "--keep", "1")
    assert sorted(tmp_path.rglob("*.bin")) == before
