"""Each stack of a file gets all that the file tells of it, in one value."""

from __future__ import annotations

from leakhunt.model.snapshot import Facts, Frame, Stack, Tally
from leakhunt.snapfile.read import Raw
from leakhunt.snapshots import stacks
from tests.snapshots.test_calendar import CALENDAR, RAW, STACK, TALLIES
from tests.snapshots.test_facts import ELSEWHERE, held


def test_each_stack_has_what_the_file_tells_of_it() -> None:
    other: Stack = (Frame("/srv/shop/other.py", 1),)
    raw = Raw(
        path="a.bin",
        facts={
            "estimates": [(RAW, 4, 30.0)], "types": [(RAW, [("dict", 600)])], "recycled": [(RAW, 7)],
            "holders": [held()], "calendar": CALENDAR, "births": [(ELSEWHERE, [(0, 1, 1, 1, 5, 5, 1)])],
        },
        nframe=5,
        tallies={**TALLIES, other: Tally(5, 1)},  # type: ignore[arg-type]
        blocks={},
    )  # fmt: skip
    found = stacks.by_stack(raw)
    assert found[STACK] == Facts(30.0, 4, {"dict": 600}, 7, found[STACK].holders)
    assert len(found[STACK].holders) == 1
    assert found[other].stderr is None
    assert [birth.size for birth in found[other].births] == [5.0]
