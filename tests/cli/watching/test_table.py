"""Looks as rows of a table: its header once, a row per process, and what is not known left empty."""

from __future__ import annotations

import csv
from pathlib import Path

from leakhunt.cli.watching.table import COLUMNS, table
from leakhunt.report.watch import Limits, WatchReport, line, watch
from tests.support.fleet import MIB, NOW, machine, process


def seen(*pids: int) -> WatchReport:
    lines = [line(process(pid, rss=pid, swap=None), (), Limits()) for pid in pids]
    return watch(machine(), NOW, lines, 0, False)


def test_a_table_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "memory.csv"
    for looks in ((seen(7, 8), seen(7)), (seen(9),)):
        with table(path) as write:
            for look in looks:
                write(look)
    rows = list(csv.reader(path.open()))
    assert [rows[0], [row[1] for row in rows]] == [list(COLUMNS), ["pid", "7", "8", "7", "9"]]
    first = dict(zip(COLUMNS, rows[1]))
    assert (first["timestamp"], first["rss"]) == ("2027-01-15T08:00:00Z", str(7 * MIB))
    assert (first["node"], first["role"]) == ("w@h", "child")
    assert (first["tasks"], first["swap"]) == ("", "")


def test_a_look_is_in_the_file_before_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "memory.csv"
    with table(path) as write:
        write(seen(7))
        assert len(path.read_text().splitlines()) == 2


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    with table(None) as write:
        write(seen(7))
    assert list(tmp_path.iterdir()) == []
