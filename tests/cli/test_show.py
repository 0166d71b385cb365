"""``leakhunt show``: a place by line, file, function or row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.console import inside, store


@pytest.mark.parametrize("place", ["tasks.py:40", "shop/tasks.py", "process"])
def test_a_place_may_be_named_in_many_ways(tmp_path: Path, place: str) -> None:
    path = str(store(tmp_path / "1.bin", 10))
    status, out, err = inside("show", path, place, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["matched"]["size"] == 10 * 1024


def test_a_number_is_a_row_of_top(tmp_path: Path) -> None:
    path = str(store(tmp_path / "1.bin", 10))
    row = json.loads(inside("top", path, "--json")[1])["rows"][1]
    shown = json.loads(inside("show", path, "2", "--json")[1])
    assert shown["matched"]["size"] == row["size"]


def test_a_place_that_nothing_leads_to_names_what_is_near(tmp_path: Path) -> None:
    status, out, err = inside("show", str(store(tmp_path / "1.bin", 10)), "taks.py:40")
    assert (status, out) == (2, "")
    assert "tasks.py" in err
