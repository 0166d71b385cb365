"""What `trend` and `verdict` judge, and the exit status for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leakhunt.cli import judging, reading
from tests.support.console import grown, inside, store

COMMANDS = ("trend", "verdict")


def pids(*arguments: str) -> set[int]:
    return {each["pid"] for each in json.loads(inside(*arguments, "--json")[1])["processes"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_without_arguments_the_process_that_grew_most_is_judged(
    command: str, tmp_path: Path
) -> None:
    for pid, mib in ((1, 1), (2, 9), (3, 4)):
        for number in (1, 2, 3, 4):
            store(tmp_path / f"w-{pid}-x" / f"{number:06d}.bin", 1000 * number, pid=pid, sequence=number,
                  tasks_done=100 * number, rss=(100 + mib * number) << 20)  # fmt: skip
    assert pids(command, "--dir", str(tmp_path)) == {2}
    assert pids(command, "3", "--dir", str(tmp_path)) == {3}
    assert pids(command, str(tmp_path)) == {1, 2, 3}


def two_leaks(folder: Path) -> None:
    """Of 10 KiB a task in a child, and of 1 KiB in the main process."""
    for pid, each in ((1, 10), (2, 1)):
        role = "child" if pid == 1 else "main"
        grown(folder / f"w-{pid}-x", 8, each, pid=pid, role=role)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("limit", "status"), [("3KiB", 3), ("20KiB", 0), ("0", 3)])
def test_the_largest_leak_decides_the_exit_status(
    command: str, limit: str, status: int, tmp_path: Path
) -> None:
    two_leaks(tmp_path)
    assert len(json.loads(inside(command, str(tmp_path), "--json")[1])["findings"]) == 2
    done, _, said = inside(command, str(tmp_path), "--fail-above", limit)
    assert done == status
    assert ("leakhunt: a leak of" in said) is bool(status)


def test_what_is_excluded_fails_nothing(tmp_path: Path) -> None:
    grown(tmp_path, 8)
    asked = ("trend", str(tmp_path), "--fail-above", "1KiB")
    assert inside(*asked)[0] == 3
    assert inside(*asked, "-x", "cache.py")[0] == 3
    assert inside(*asked, "-x", "shop.tasks")[0] == 0
    assert inside(*asked, "-f", "cache.py")[0] == 0


def test_a_failure_names_the_unit_that_was_counted(tmp_path: Path) -> None:
    grown(tmp_path, 8, unit="request")
    status, out, said = inside("trend", str(tmp_path), "--fail-above", "1KiB")
    assert status == 3
    assert out.startswith("Leak: +10.0 KiB per request")
    assert "a leak of 10.0 KiB per request, more than 1.0 KiB" in said


def test_processes_with_few_snapshots_are_left_out_beside_others_and_told(tmp_path: Path) -> None:
    grown(tmp_path / "w-1-x", 5, pid=1)
    grown(tmp_path / "w-2-x", 2, pid=2)
    document = json.loads(inside("trend", str(tmp_path), "--json")[1])
    assert [each["pid"] for each in document["processes"]] == [1]
    assert "1 process with fewer than three snapshots left out" in document["notes"]
    alone = json.loads(inside("trend", str(tmp_path / "w-2-x"), "--json")[1])
    assert [each["pid"] for each in alone["processes"]] == [2]
    assert alone["verdict"] == "inconclusive"


def test_one_whose_snapshots_know_births_is_judged_beside_others_however_few_it_has(
    tmp_path: Path,
) -> None:
    grown(tmp_path / "w-1-x", 5, pid=1)
    grown(tmp_path / "w-2-x", 2, pid=2, engine="sampled")
    assert pids("trend", str(tmp_path)) == {1, 2}


def test_processes_have_ended_where_every_one_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (1, 2):
        grown(tmp_path / f"w-{pid}-x", 5, pid=pid)
    for gone, ended in (({1}, False), ({1, 2}, True)):
        monkeypatch.setattr(reading, "runs", lambda meta, gone=gone: meta.pid not in gone)
        assert judging.gathered([str(tmp_path)], judging.Asked(), quiet=True).ended is ended


def test_a_file_that_cannot_be_read_is_a_warning_or_an_error(tmp_path: Path) -> None:
    grown(tmp_path, 5)
    (tmp_path / "000009.bin").write_bytes(b"nonsense")
    status, _, said = inside("trend", str(tmp_path))
    assert status == 0
    assert "not read" in said
    assert inside("trend", str(tmp_path), "--strict")[0] == 2
