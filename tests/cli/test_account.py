"""``leakhunt account``: of one snapshot, or of the growth between two."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.console import grown, inside, store


def test_one_file_is_one_snapshot(tmp_path: Path) -> None:
    status, out, _ = inside("account", str(store(tmp_path / "1.bin", 10)), "--json")
    document = json.loads(out)
    assert status == 0
    assert document["before"] is None
    assert sum(part["size"] for part in document["parts"]) == document["rss"]


def test_a_folder_is_its_first_and_its_newest(tmp_path: Path) -> None:
    grown(tmp_path, 5)
    document = json.loads(inside("account", str(tmp_path), "--json")[1])
    assert (document["before"]["tasks_done"], document["after"]["tasks_done"]) == (100, 500)
    assert document["tasks"] == 400


def test_a_file_without_the_rss_is_an_error(tmp_path: Path) -> None:
    status, out, err = inside("account", str(store(tmp_path / "1.bin", 10, rss=None)))
    assert (status, out) == (2, "")
    assert "does not say how large its process was" in err
