"""CSV: a row a stack, as a spreadsheet reads it."""

from __future__ import annotations

import csv
import io

from leakhunt.render.export.records import Record
from tests.support.builders import snap
from tests.support.exporting import exported, odd


def rows(*snapshots: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported("csv", *snapshots).decode(), newline="")))  # type: ignore[arg-type]


def test_columns_are_the_records_fields_and_the_stack() -> None:
    (row,) = rows(snap("/srv/shop/b.py:1 < /srv/shop/tasks.py:40 3000B x3"))
    assert list(row) == [*Record._fields, "stack"]
    assert (row["size"], row["count"], row["stderr"]) == ("3000", "3", "")
    assert row["stack"] == "/srv/shop/tasks.py:40 > /srv/shop/b.py:1"


def test_several_snapshots_stand_below_each_other() -> None:
    told = rows(
        snap("/srv/a.py:1 1KiB x1", path="1.bin"), snap("/srv/a.py:1 2KiB x1", path="2.bin")
    )
    assert [row["snapshot"] for row in told] == ["1.bin", "2.bin"]


def test_no_cell_is_a_formula() -> None:
    assert not any(
        str(value).startswith(("=", "+", "@")) for row in rows(odd()) for value in row.values()
    )
