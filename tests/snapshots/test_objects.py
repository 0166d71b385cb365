"""Types of objects and what freelists hand on, from the file to the reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leakhunt.model.query import GROUPS, SPLIT, Query
from leakhunt.model.snapshot import Snapshot, Stack
from leakhunt.report import tables as report
from leakhunt.report.listing import listing
from leakhunt.report.place import place
from leakhunt.sites import place as show
from leakhunt.snapfile.write import write
from leakhunt.snapshots import facts, load, objects
from leakhunt.snapshots.objects import Holder, Kinds, types_left
from leakhunt.snapshots.series import Entry, Series
from tests.support.builders import FACTS, snap, stack
from tests.support.pages import document, page, shown_as

INNER = (("/srv/shop/tasks.py", 40), ("/srv/shop/app.py", 1))
OTHER = (("/srv/shop/tasks.py", 41), ("/srv/shop/app.py", 1))


def written(folder: Path, **facts: Any) -> Snapshot:
    path = folder / "a.bin"
    write(
        path, [((0, 100, INNER, 2), 30), ((0, 500, OTHER, 2), 2)], 5,
        {**FACTS, "engine": "sampled", "estimates": [(INNER, 3, 900.0), (OTHER, 2, 500.0)], **facts},
    )  # fmt: skip
    return load.load(path, detail=True)


def recycled(snapshot: Snapshot) -> dict[Stack, int]:
    return {stack: told.recycled for stack, told in snapshot.facts.items() if told.recycled}


def test_types_and_recycled_bytes_come_with_the_stacks(tmp_path: Path) -> None:
    types = [
        (INNER, (("dict", 2000), ("str", 500))),
        (INNER, (("dict", 100),)),
        ("odd", 1),
        (OTHER, "no"),
    ]
    found = written(tmp_path, types=types, recycled=[(INNER, 2400), (OTHER, -1), (1, 2), None])  # fmt: skip
    place = stack("/srv/shop/tasks.py:40 < /srv/shop/app.py:1")
    assert found.told(place).types == {"dict": 2100, "str": 500}
    assert recycled(found) == {place: 2400}


def test_where_the_file_does_not_say_what_is_recycled_the_types_do(tmp_path: Path) -> None:
    types = [(INNER, (("dict", 2000), ("float", 10), ("str", 500))), (OTHER, (("str", 900),))]
    found = written(tmp_path, types=types)
    assert list(recycled(found).values()) == [2010]
    assert recycled(written(tmp_path)) == {}


@pytest.mark.parametrize("said", [None, 3, "x", [3], [()], [(INNER,)], [(3, 4)], [(INNER, {})]])
def test_malformed_facts_are_not_said(tmp_path: Path, said: Any) -> None:
    found = written(tmp_path, types=said, recycled=said)
    assert not any(told.types or told.recycled for told in found.facts.values())


@pytest.mark.parametrize("group_by", [group for group in GROUPS if group not in SPLIT])
def test_a_row_sums_over_its_stacks(tmp_path: Path, group_by: str) -> None:
    types = [(INNER, (("dict", 2000), ("str", 500))), (OTHER, (("str", 900),))]
    found = written(tmp_path, types=types)
    made = report.top(found, Query(group_by=group_by, show_all=True))
    rows = [report.kinds_of(made, row) for row in made.comparison.rows]
    assert all(rows)
    assert sum(size for row in rows if row for _, size in row.types) == 3400
    assert sum(row.recycled for row in rows if row) == 2000
    assert sum(row.size for row in rows if row) == 4000
    if group_by in ("lineno", "traceback"):
        assert [row.is_recycled for row in rows if row] == [True, False]


@pytest.mark.parametrize(
    ("sizes", "is_told"), [((301,), True), ((300,), False), ((200, 199), False)]
)
def test_a_holder_is_told_that_keeps_most_of_what_was_handed_on(
    sizes: tuple[int, ...], is_told: bool
) -> None:
    """Of 1,000 bytes 600 were: what the rest is kept by nobody asks."""
    holders = tuple(Holder("list", None, size) for size in sizes)
    assert Kinds((), 600, 1000, holders).holder == (holders[0] if is_told else None)


def test_reports_say_what_may_be_recycled_and_of_which_types(tmp_path: Path) -> None:
    found = written(tmp_path, types=[(INNER, (("dict", 2000), ("str", 500)))])
    text = " ".join(page(report.top(found, Query()), 100).split())
    assert text.count("may be recycled from a freelist") == 1
    assert text.count("the line that filled the freelist is charged") == 1
    assert "objects:" not in text
    by_stack = page(report.top(found, Query(group_by="traceback")), 100)
    assert "objects: dict 67 %, str 17 %" in by_stack
    rows = document(report.top(found, Query()))["rows"]
    assert rows[0]["types"] == [{"type": "dict", "size": 2000}, {"type": "str", "size": 500}]
    assert (rows[0]["recycled"], rows[1]["recycled"]) == (2000, 0)
    grown = report.diff(snap("a.py:1 1KiB x1"), found, Query())
    assert "may be recycled" in page(grown, 100)
    assert document(grown)["rows"][0]["recycled"] == 2000
    shown = show.show(found, "tasks.py:40", Query())
    assert "objects: dict 67 %, str 17 %" in shown_as(shown, found, 100)
    assert "may be recycled" in shown_as(shown, found, 100)
    assert document(place(shown, found, None))["types"][0]["type"] == "dict"


def test_exact_snapshots_say_nothing_of_types() -> None:
    exact = snap("a.py:1 1KiB x1")
    made = report.top(exact, Query())
    assert made.kinds == {}
    assert "types" not in document(made)["rows"][0]
    assert objects.kinds(exact, exact.tallies) is None
    shown = show.show(exact, "a.py:1", Query())
    assert "types" not in document(place(shown, exact, None))


def test_what_an_engine_costs_is_read_with_care() -> None:
    known = facts.meta({"overhead": 0.0084, "budget": 0.01, "interval": 262144})
    assert facts.cost(known) == (0.0084, 0.01, 262144, None)
    odd = facts.meta({"overhead": "x", "budget": None, "interval": -1})
    assert facts.cost(odd) == (None,) * 4


def test_a_listing_tells_the_engine_and_its_cost() -> None:
    meta = snap(
        "a.py:1 1KiB x1", engine="sampled", overhead=0.0084, budget=0.01, interval=1 << 18
    ).meta
    exact = snap("a.py:1 1KiB x1", pid=7).meta
    lines = tuple(
        Series(Path("celery@web1-4242"), (Entry(Path("1.bin"), each),)) for each in (meta, exact)
    )
    made = listing("here", lines, (), ())
    text = page(made, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "sampled: 0.8 % CPU so far (budget 1.0 %), every 256.0 KiB" in " ".join(text.split())
    assert "\n  exact" in "\n".join(f"  {line.strip()}" for line in text.splitlines())
    first, second = (each["snapshots"][0] for each in document(made)["series"])
    assert (first["engine"], first["overhead"], first["interval"]) == ("sampled", 0.0084, 1 << 18)
    assert (second["engine"], second["overhead"], second["budget"]) == ("exact", None, None)


@pytest.mark.parametrize(
    ("size", "left"),
    [
        (0, {"tuple": 500, "dict": 300, "str": 900}),
        (400, {"tuple": 100, "dict": 300, "str": 900}),
        (600, {"dict": 200, "str": 900}),
        (9000, {"str": 900}),
    ],
)
def test_what_is_booked_elsewhere_takes_its_types_along(size: int, left: dict[str, int]) -> None:
    """The largest first, and only what freelists hand on."""
    assert types_left({"tuple": 500, "dict": 300, "str": 900}, size) == left
