"""``leakhunt why``: of a place in a snapshot, or of a finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leakhunt.cli import asking, why
from tests.support.console import grown, inside, store


def test_a_snapshot_whose_heap_nobody_walked_says_so(tmp_path: Path) -> None:
    status, out, _ = inside("why", str(store(tmp_path / "1.bin", 10)), "tasks.py:40")
    assert status == 0
    assert "this snapshot does not tell what holds its objects" in " ".join(out.split())


def test_a_word_that_is_no_snapshot_is_a_place(tmp_path: Path) -> None:
    grown(tmp_path / "celery@web1-4242-x", 3)
    _, out, _ = inside("why", "tasks.py:40", "--dir", str(tmp_path), "--json")
    assert json.loads(out)["site"]["file"] == "/srv/shop/tasks.py"


def test_without_a_word_the_first_finding_is_meant(tmp_path: Path) -> None:
    grown(tmp_path / "celery@web1-4242-x", 8)
    _, out, _ = inside("why", "--dir", str(tmp_path))
    assert out.startswith("finding 1 of leakhunt trend, leak: ")
    status, _, err = inside("why", "9", "--dir", str(tmp_path))
    assert status == 2
    assert "there is no finding 9" in err


def test_of_what_is_named_the_first_finding_is_meant_and_else_the_first_row(tmp_path: Path) -> None:
    folder = tmp_path / "celery@web1-4242-x"
    grown(folder, 8)
    _, out, _ = inside("why", str(folder))
    assert out.startswith("finding 1 of leakhunt trend, leak: ")
    _, out, _ = inside("why", str(folder / "000008.bin"))  # one alone shows no growth
    assert out.startswith("row 1 of leakhunt top: ")
    _, out, _ = inside("why", str(folder), "1")
    assert out.startswith("row 1 of leakhunt top: ")


def test_of_a_worker_and_its_children_the_one_with_most_to_tell_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{number}.bin" for number in range(3)]
    for path, size in zip(files, (10, 900, 20)):
        path.write_bytes(b"x" * size)
    monkeypatch.setattr(asking, "taken", lambda *asked: files)
    assert why._taken("4242", None, 1.0) == files[1]
