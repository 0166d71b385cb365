"""The short way through columns gives what the long one through stacks gives, to the row."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.model.paths import Prefixes
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Frame, Snapshot, Tallies, Tally
from leakhunt.sites import fast, rows
from tests.sites.test_rows import QUERIES, STACKS, check
from tests.support.builders import snap

LINES = st.lists(st.tuples(STACKS, st.integers(0, 5000), st.integers(1, 9)), max_size=25)


def stored(lines: list[Any]) -> Snapshot:
    """A snapshot in columns, with every frame once and stacks as often as they come."""
    number_of: dict[Frame, int] = {}
    steps: list[int] = []
    for frames, _, _ in lines:
        steps += [number_of.setdefault(Frame(*frame), len(number_of)) for frame in frames]
    tallies = Tallies(
        list(number_of), steps, [len(frames) for frames, _, _ in lines],
        [size for _, size, _ in lines], [count for _, _, count in lines],
    )  # fmt: skip
    return replace(snap(), tallies=tallies)


def spread(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, tallies=MappingProxyType(dict(snapshot.tallies)))


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, QUERIES)
def test_both_ways_agree(before: list[Any], after: list[Any], query: Query) -> None:
    old, new = stored(before), stored(after)
    found = rows.diff(old, new, query)
    check(found)
    assert found == rows.diff(spread(old), spread(new), query)
    assert rows.group(new, query) == rows.group(spread(new), query)
    assert new.totals == spread(new).totals


def test_the_short_way_is_taken_where_only_the_innermost_frame_counts() -> None:
    snapshot = stored([(((("/a.py"), 1), ("/b.py", 2)), 10, 1)])

    def is_short(query: Query) -> bool:
        key_of, _ = rows._keying(query.group_by, Prefixes())
        return fast.booked(snapshot, snapshot, query, Prefixes(), key_of) is not None

    assert is_short(Query())
    assert is_short(Query(group_by="traceback"))
    assert is_short(Query(group_by="package", excludes=("a",), show_all=True))
    assert is_short(Query(filters=("a",), innermost=True))
    assert not is_short(Query(filters=("a",)))
    assert not is_short(Query(blame="app"))


def test_a_stack_without_frames_takes_the_long_way() -> None:
    snapshot = stored([((), 10, 1), ((("/a.py", 1),), 5, 1)])
    (first, second) = rows.group(snapshot, Query()).rows
    assert first.change.site.file == "<unknown>"
    assert second.change.after == Tally(5, 1)


def test_tallies_are_a_mapping() -> None:
    line = (Frame("/a.py", 1),)
    tallies = stored([(line, 10, 1), (line, 5, 2)]).tallies
    assert tallies == {line: Tally(15, 3)}
    assert list(tallies) == [line]
    assert (len(tallies), tallies[line], tallies.get(())) == (1, Tally(15, 3), None)
    assert list(tallies.items()) == [(line, Tally(15, 3))]
    assert tallies == stored([(line, 15, 3)]).tallies
