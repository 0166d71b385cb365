"""What stands above and below a table: parts that add up, one is singular."""

from __future__ import annotations

import pytest

from leakhunt import units
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Tally
from leakhunt.report.tables import diff
from leakhunt.report.words import lines
from leakhunt.sites.rows import Amount, Comparison
from tests.support.builders import snap


def comparison(dropped: int, hidden: int, sites: int, hidden_sites: int) -> Comparison:
    amounts = (Amount(after=Tally(size, 1)) for size in (dropped, hidden))
    left_out, machinery = amounts
    return Comparison((), Amount(), left_out, sites, Amount(), 3, machinery, hidden_sites)


def size(amount: Amount) -> str:
    return units.size(amount.after.size)


def test_rows_are_called_what_they_stand_for() -> None:
    for group, one, several in (
        ("lineno", "1 line", "2 lines"), ("filename", "1 file", "2 files"),
        ("traceback", "1 stack", "2 stacks"), ("package", "1 package", "2 packages"),
    ):  # fmt: skip
        query = Query(group_by=group)
        assert (lines.sites(1, query), lines.sites(2, query)) == (one, several)
    assert lines.more(comparison(0, 0, 0, 0), Query()) == "3 lines more"


def test_what_filters_drop_and_what_is_hidden_are_told_apart() -> None:
    """Hidden is a part of dropped: 700 bytes at 5 lines, of these 200 at 2."""
    told = lines.left_out(comparison(700, 200, 5, 2), Query(), size)
    assert told == (f"{lines.FILTERED}: 500 B at 3 lines", f"{lines.HIDDEN}: 200 B at 2 lines")
    assert lines.left_out(comparison(200, 200, 1, 1), Query(), size) == (f"{lines.HIDDEN}: 200 B at 1 line",)  # fmt: skip
    assert lines.left_out(comparison(500, 0, 3, 0), Query(), size) == (f"{lines.FILTERED}: 500 B at 3 lines",)  # fmt: skip
    assert lines.left_out(comparison(0, 0, 0, 0), Query(), size) == ()


def test_what_is_put_together_says_so_where_it_shrank() -> None:
    """Below rows that grew, a minus is overlooked."""
    before = snap("a.py:1 1KiB x1", "b.py:1 9KiB x1", "c.py:1 5KiB x1")
    after = snap("a.py:1 99KiB x1", "b.py:1 2KiB x1", "c.py:1 4KiB x1")
    query = Query(limit=1, excludes=("c",))
    fell = diff(before, after, query).comparison
    assert lines.more(fell, query) == "1 line more, shrunk together"
    (dropped,) = lines.left_out(fell, query, lambda amount: str(amount.diff.size))
    assert dropped == "dropped by filters: -1024 at 1 line, shrunk together"
    before, after = snap("a.py:1 1KiB x1", "b.py:1 1KiB x1"), snap("a.py:1 9KiB x1", "b.py:1 3KiB x1")  # fmt: skip
    rose = diff(before, after, query).comparison
    assert lines.more(rose, query) == "1 line more"


def test_growth_is_signed_and_one_block_is_one() -> None:
    assert lines.alive(Tally(1024, 1)) == "1.0 KiB in 1 block"
    assert lines.grown(Tally(1024, 1)) == "+1.0 KiB in +1 block"
    assert lines.grown(Tally(-2048, -1)) == "-2.0 KiB in -1 block"
    assert lines.grown(Tally(0, -3)) == "0 B in -3 blocks"


@pytest.mark.parametrize(
    ("rss", "traced", "tracer", "part", "said"),
    [
        (100, 60, None, 0.6, "RSS +100 B: Python objects +60 B (60 %)"),
        (100, 60, 10, 0.6,
         "RSS +100 B: Python objects +60 B (60 %), the tracer's own tables +10 B, the rest +30 B "
         "(allocator, native code, reuse of free memory)"),
        (100, 130, 10, 1.3,
         "RSS +100 B: Python objects +130 B, the tracer's own tables +10 B, the rest -40 B "
         "(less than before: what was free is in use again, or went back to the system)"),
        (-100, 60, None, None, "RSS -100 B: Python objects +60 B"),
        (None, 60, 10, None, None), (100, None, 10, None, None),
    ],
)  # fmt: skip
def test_the_growth_of_the_resident_set_is_told_in_parts_that_add_up(
    rss: int | None, traced: int | None, tracer: int | None, part: float | None, said: str | None
) -> None:
    assert lines.explained(rss, traced, tracer, part) == said


def test_what_lies_between_is_told_as_far_as_it_is_known() -> None:
    assert lines.between(200.0, 1000, "task") == "between 3 min 20 s, 1,000 tasks"
    assert lines.between(None, 1, "task") == "between 1 task"
    assert lines.between(12.0, None, "task") == "between 12 s"
    assert lines.between(0.0, 0, "job") == "between 0.0 s, 0 jobs"
    assert lines.between(None, None, "task") == ""
