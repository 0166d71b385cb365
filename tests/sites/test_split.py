"""Types and tasks as rows: a stack's parts add up to it, and rows to what is alive."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.query import Query
from leakhunt.model.snapshot import UNTOLD, Snapshot, Tally
from leakhunt.render import csv as as_csv
from leakhunt.render.json import tables as as_json
from leakhunt.report import tables
from leakhunt.sites import rows
from leakhunt.sites.split import NO_TASK, UNKNOWN, parts
from tests.support.builders import snap, stack
from tests.support.laws import obeyed
from tests.support.lives import aged

A, B = "/srv/shop/a.py:1 < /srv/shop/app.py:9", "/srv/shop/b.py:2"


def typed(**types: dict[str, int]) -> Snapshot:
    """Two stacks of 1,000 B in 10 blocks, and 500 B in 5."""
    places = {"a": stack(A), "b": stack(B)}
    facts = {places[name]: replace(UNTOLD, types=found) for name, found in types.items()}
    return replace(snap(f"{A} 1000B x10", f"{B} 500B x5"), facts=MappingProxyType(facts))


def by_name(snapshot: Snapshot, group_by: str, **options: object) -> dict[str | None, Tally]:
    query = Query(group_by, show_all=True, **options)  # type: ignore[arg-type]
    found = rows.group(snapshot, query)
    return {row.change.site.name: row.change.after for row in found.rows}


def test_types_of_all_stacks_are_added_up() -> None:
    snapshot = typed(a={"dict": 600, "str": 400}, b={"str": 300})
    assert by_name(snapshot, "type") == {
        "str": Tally(700, 7), "dict": Tally(600, 6), UNKNOWN: Tally(200, 2),
    }  # fmt: skip


def test_a_file_that_knows_no_types_says_so() -> None:
    assert by_name(snap(f"{A} 1000B x10"), "type") == {UNKNOWN: Tally(1000, 10)}


def test_tasks_are_those_that_asked() -> None:
    snapshot = aged((A, [100] * 10), (B, [300] * 10), tasks={A: "shop.take", B: None})
    assert by_name(snapshot, "task") == {NO_TASK: Tally(3000, 60), "shop.take": Tally(1000, 20)}


def test_filters_look_at_the_stacks() -> None:
    snapshot = typed(a={"dict": 1000}, b={"str": 500})
    assert by_name(snapshot, "type", filters=("/srv/shop/a.py",)) == {"dict": Tally(1000, 10)}


def test_differences_are_by_name_too() -> None:
    before, after = typed(a={"dict": 1000}, b={"str": 500}), typed(a={"dict": 400, "str": 600})
    found = rows.diff(before, after, Query("type", show_all=True))
    grown = {row.change.site.name: row.change.diff.size for row in found.rows}
    assert grown == {"dict": -600, "str": 100, UNKNOWN: 500}


@pytest.mark.parametrize("group", ["type", "task"])
def test_every_format_names_them(group: str) -> None:
    snapshot = aged((A, [100] * 10), tasks={A: "shop.take"})
    report = tables.top(snapshot, Query(group, show_all=True))
    (row,) = json.loads(as_json.top(report))["rows"]
    name = {"type": UNKNOWN, "task": "shop.take"}[group]
    assert row["site"]["name"] == name
    assert row["site"][group] == (None if name == UNKNOWN else name)
    assert row["site"]["file"] is None
    (line, *_) = csv.DictReader(io.StringIO(as_csv.rows(report)))
    assert line[group] == name


@given(
    st.dictionaries(st.sampled_from(["dict", "str", "list", "x.Y"]), st.integers(0, 5000), max_size=4),
    st.integers(1, 5000), st.integers(1, 50),
)  # fmt: skip
def test_the_parts_of_a_stack_add_up(types: dict[str, int], size: int, count: int) -> None:
    plain = snap(f"{A} {size}B x{count}")
    place = stack(A)
    snapshot = replace(plain, facts=MappingProxyType({place: replace(UNTOLD, types=types)}))
    found = parts(snapshot, place, "type").values()
    assert sum(part.size for part in found) == size
    assert sum(part.count for part in found) == count
    assert all(part.size >= 0 and part.count >= 0 for part in found)
    obeyed(tables.top(snapshot, Query("type", limit=1)))


def test_what_is_not_there_has_no_parts() -> None:
    assert parts(None, stack(A), "type") == {}
    assert parts(snap(f"{A} 1B x1"), stack(B), "type") == {}


@pytest.mark.parametrize("group", ["type", "task"])
def test_what_is_hidden_is_counted_in_the_same_rows_with_filters_and_without(group: str) -> None:
    """Two files of the import machinery, one type and one task."""
    frozen = ("<frozen importlib._bootstrap>:1", "<frozen importlib._bootstrap_external>:2")
    snapshot = aged(
        (A, [100] * 10), *((place, [50] * 10) for place in frozen), tasks={A: "shop.take"}
    )
    plain = rows.group(snapshot, Query(group))
    kept = rows.group(snapshot, Query(group, filters=("/srv/shop",)))
    assert plain.hidden.after.size == kept.hidden.after.size == 1000
    assert plain.hidden_sites == kept.hidden_sites == 1


def test_the_errors_of_parts_add_up_to_those_of_stacks() -> None:
    snapshot = typed(a={"dict": 600, "str": 400}, b={"str": 500})
    sure = {place: replace(told, stderr=30.0) for place, told in snapshot.facts.items()}
    found = rows.group(replace(snapshot, facts=sure), Query("type", show_all=True))
    assert sum((row.stderr or 0) ** 2 for row in found.rows) == pytest.approx(2 * 30.0**2)
    assert rows.group(snapshot, Query("type", show_all=True)).rows[0].stderr is None
