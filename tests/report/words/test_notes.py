"""What a reader must know besides, each where it holds and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.rss import UNKNOWN
from leakhunt.judge.verdict import NO_LEAK, UNEXPLAINED, Course, Verdict, judge
from leakhunt.model.query import Query
from leakhunt.report.labels import Labels
from leakhunt.report.words import notes as words
from leakhunt.sites.place import show
from leakhunt.snapshots.objects import Kinds
from tests.support.builders import history, snap
from tests.support.growing import finding, rising
from tests.support.lives import aged
from tests.support.lives import held as keeping

MIB = 1 << 20
LINE = "/srv/shop/tasks.py:40"


def test_files_that_were_not_read_are_named_and_then_counted() -> None:
    assert words.unread([]) == ()
    some = [f"{number}.bin: torn" for number in range(words.MOST_UNREAD + 2)]
    told = words.unread(some)
    assert told[0] == "not read: 0.bin: torn"
    assert told[-1] == "not read: 2 more files"
    assert words.unread(some[: words.MOST_UNREAD + 1])[-1] == "not read: 1 more file"


def test_an_ordinary_snapshot_needs_no_note() -> None:
    assert words.of_one(snap(f"{LINE} 1KiB x1"), Query()) == ()


def test_how_a_snapshot_came_about_is_noted_where_it_matters() -> None:
    armed = snap(f"{LINE} 1KiB x1", start="signal", armed_at=1_800_000_000.0, armed_rss=MIB)
    assert words.of_one(armed, Query()) == (
        "tracing began at 2027-01-15 08:00:00Z: what was allocated before (1.0 MiB RSS by then) is not seen",
    )
    assert "no traces" in words.of_one(snap(engine="off"), Query())[0]
    assert (
        "few blocks of fork hooks" in words.of_one(snap(f"{LINE} 1KiB x1", exact=False), Query())[0]
    )
    cut = snap(f"{LINE} 1KiB x1", nframe=1)
    assert words.of_one(cut, Query()) == ()
    assert "cut to its innermost frame" in words.of_one(cut, Query(group_by="traceback"))[0]


def test_two_snapshots_that_are_not_alike_are_noted() -> None:
    one = snap(f"{LINE} 1KiB x1")
    assert words.of_two(one, snap(f"{LINE} 1KiB x1", taken_at=1_800_000_700.0)) == ()
    told: dict[str, dict[str, Any]] = {
        "different processes 4242 and 7": {"pid": 7},
        "different hosts web1 and web2": {"host": "web2"},
        "pid 4242 was used twice": {"started_at": 1_700_000_000.0},
        "BEFORE was taken after AFTER": {"taken_at": 1_700_000_000.0},
        "different Pythons (3.11.7 and 3.12.1)": {"python": "3.12.1"},
        "different engines (exact and sampled)": {"engine": "sampled"},
    }
    for said, facts in told.items():
        assert any(said in note for note in words.of_two(one, snap(f"{LINE} 1KiB x1", **facts))), (
            said
        )
    deep = snap(f"{LINE} 1KiB x1", nframe=25)
    assert words.of_two(one, deep)[0].startswith("nframe differs (5 and 25)")


def test_a_place_in_several_files_says_so() -> None:
    two = snap("/srv/shop/a/tasks.py:1 1KiB x1", "/srv/shop/b/tasks.py:1 1KiB x1")
    (note,) = words.of_place(show(two, "tasks.py", Query()), Labels(two))
    assert note == "tasks.py is in 2 files, all are shown: a/tasks.py, b/tasks.py"
    one = snap("/srv/shop/a/tasks.py:1 1KiB x1")
    assert words.of_place(show(one, "tasks.py", Query()), Labels(one)) == ()


def test_what_of_a_series_was_left_out_is_said_once_each() -> None:
    idle = because(codes.IDLE, left=1, of=12)
    assert words.left_out([idle, idle]) == (
        "1 snapshot of 12 left out: no task was done until the next",
    )
    stretch, part = (
        because(codes.OTHER_STRETCH, left=2, of=9),
        because(codes.READ_IN_PART, left=1, of=9),
    )
    assert words.left_out([stretch, part]) == (
        "tracing was stopped and begun again: 2 of 9 snapshots are of another stretch and left out",
        "of 9 snapshots 1 is read without traces",
    )


def still(**facts: object) -> Verdict:
    """Nothing grows."""
    made = history((LINE, [1000] * 8, [1] * 8), rss=[100 * MIB] * 8, **facts)  # type: ignore[arg-type]
    found = judge([made])
    assert found.verdict == NO_LEAK
    return found


def test_memory_of_a_peak_that_stays_is_noted_by_its_size_and_its_part() -> None:
    base = still()
    assert not any("RSS stays" in note for note in words.of_verdict(base))
    for held, first, noted in (
        (20 * MIB, 90 * MIB, True),
        (20 * MIB, 110 * MIB, False),
        (15 * MIB, 50 * MIB, False),
    ):
        outside = replace(UNKNOWN, told=True, held=held)
        told = words.of_verdict(replace(base, outside=outside, rss=Course(first, first, None)))
        assert any("RSS stays" in note for note in told) is noted, held


@pytest.mark.parametrize(
    ("free", "said"),
    [(12, "memory of a peak that the allocator has not returned"),
     (8, "native memory that is in use, as a library's cache is"),
     (None, "memory of a peak that the allocator has not returned, or native memory that is in use")],
)  # fmt: skip
def test_what_stays_is_free_or_in_use(free: int | None, said: str) -> None:
    told = {} if free is None else {"allocators": {"malloc_free": free * MIB, "pymalloc_free": 0}}
    outside = replace(UNKNOWN, told=True, held=20 * MIB)
    first = Course(90 * MIB, 90 * MIB, None)
    seen = replace(still(**told), outside=outside, rss=first)
    above = "RSS stays 20.0 MiB above what Python objects explain"
    assert f"{above}: {said}" in words.of_verdict(seen)
    stands = replace(seen, outside=replace(outside, stands=True))
    assert f"{above}, and that has ceased to grow: {said}" in words.of_verdict(stands)
    goes_on = words.of_verdict(replace(seen, outside=replace(outside, stands=False)))
    assert "RSS has grown by 20.0 MiB beyond what Python objects explain" in goes_on


def test_native_memory_by_one_look_may_be_what_a_library_still_fills() -> None:
    seen = replace(still(), verdict=UNEXPLAINED, outside=replace(UNKNOWN, told=True, grows=True))
    assert words.of_verdict(seen) == ()
    once = replace(seen, main=replace(seen.main, lived=True))
    assert words.of_verdict(once)[0].startswith(
        "one snapshot does not tell native memory that leaks"
    )


def test_cut_stacks_are_noted_where_something_is_blamed() -> None:
    grown = judge([history((LINE, rising(100_000), rising(1)), nframe=2)])
    assert any("taken with nframe 2" in note for note in words.of_verdict(grown))
    deep = judge([history((LINE, rising(100_000), rising(1)), nframe=3)])
    assert not any("taken with nframe" in note for note in words.of_verdict(deep))
    assert not any("taken with nframe" in note for note in words.of_verdict(still(nframe=2)))


def test_recycled_objects_are_noted() -> None:
    kinds = Kinds((), 900, 1000)
    assert kinds.is_recycled
    told = words.of_verdict(replace(still(), findings=(finding(kinds=kinds),)))
    assert words.RECYCLED in told


@pytest.mark.parametrize("light", [True, False, None, "yes"])
def test_only_a_light_snapshot_is_said_to_be_one(light: object) -> None:
    """A file from before there were any says nothing, and one may say anything."""
    said = (
        "a light snapshot, taken without a fork: it does not tell what holds the objects; "
        "`leakhunt why 4242` takes one that does, while it runs"
    )
    assert (said in words.of_one(snap(f"{LINE} 1KiB x1", light=light), Query())) is (light is True)
    grown = judge([history((LINE, rising(100_000), rising(1)), light=light)])
    assert (said in words.of_verdict(grown)) is (light is True)


@pytest.mark.parametrize("is_held", [False, True])
def test_what_one_look_cannot_know_is_said_with_what_decides(is_held: bool) -> None:
    """A leak by births may be a cache that fills; with two snapshots more nothing is left to say."""
    line, born = "/srv/shop/tasks.py:40", [10_000.0] * 12
    ways = {line: keeping("list", 245, None)} if is_held else None
    looked = replace(
        history((line, [120_000], [2400]), facts=[{"engine": "sampled", "tasks_done": 1200}]),
        newest=aged((line, born), retention=ways),
    )
    verdict = judge([looked])
    assert [each.verdict for each in verdict.findings] == ["leak"]
    note = words.of_verdict(verdict)[0]
    assert note.startswith(
        "one snapshot does not tell a leak from a cache that takes longer than 1,200 tasks to fill: "
    )
    assert note.endswith(
        "whether the list that keeps it (245 entries) goes on growing decides, in two more"
        if is_held
        else "two more decide"
    )
    series = judge([history((LINE, rising(100_000), rising(1)))])
    assert not any("one snapshot" in each for each in words.of_verdict(series))
