"""What an export says of what it could not take along."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from leakhunt.model.snapshot import Facts
from leakhunt.render.export.formats import BY_NAME
from leakhunt.report.words import exported as words
from tests.support.builders import snap

LINE = "/srv/shop/a.py:3"


def seen(*snapshots: object) -> words.Seen:
    made = words.Seen()
    for snapshot in snapshots:
        made.add(snapshot)  # type: ignore[arg-type]
    return made


def test_what_a_plain_dump_holds_is_its_stacks_and_counts() -> None:
    made = seen(snap(f"{LINE} 4KiB x10", pid=None))
    assert made.held == {words.STACKS, words.COUNTS}
    assert (made.number, made.size) == (1, 4096)


def test_facts_and_source_lines_are_seen_where_they_are() -> None:
    plain = snap(f"{LINE} 4KiB x10", frames={"/srv/shop/a.py": {3: ("take", "KEPT.append(x)")}})
    told = Facts(stderr=3.0, samples=4, types={"dict": 10})
    rich = replace(plain, facts=MappingProxyType(dict.fromkeys(plain.tallies, told)))
    assert seen(rich).held == {
        words.STACKS, words.COUNTS, words.ERRORS, words.TYPES, words.CODE, words.PROCESS,
    }  # fmt: skip


def test_what_the_format_has_no_place_for_is_told_and_estimates_are_warned_of() -> None:
    made = seen(snap(f"{LINE} 4KiB x10", pid=None))
    made.held.add(words.ERRORS)
    lost = list(words.left_behind("collapsed", {words.STACKS}, made))
    assert lost == [
        "collapsed does not carry numbers of blocks and the standard errors of sampled sizes",
        "these sizes are estimates from samples, and the file does not say so",
    ]
    assert list(words.left_behind("json", made.held, made)) == []


def test_escapes_are_told_where_a_format_cannot_keep_a_name() -> None:
    odd = seen(snap("/srv/shop/\x1b.py:3 1KiB x1", pid=None))
    assert odd.escaped
    assert list(words.left_behind("csv", odd.held, odd)) == [
        "control characters and bytes that are no text are written as escapes"
    ]
    assert list(words.left_behind("json", odd.held, odd)) == []


def test_every_thing_that_a_format_carries_has_words() -> None:
    assert {part for form in BY_NAME.values() for part in form.carries} <= set(words.SAID)


def test_what_was_written_is_one_or_several() -> None:
    one, two = snap(f"{LINE} 1KiB x1"), snap(f"{LINE} 2KiB x1")
    assert words.wrote(seen(one), False) == "1 snapshot, 1.0 KiB"
    assert words.wrote(seen(one, two), False) == "2 snapshots, 3.0 KiB in all"
    assert words.wrote(seen(one, two), True) == "the difference of two snapshots"


def test_a_list_reads_as_one_says_it() -> None:
    assert [words.listed(list("abc"[:number])) for number in (1, 2, 3)] == [
        "a",
        "a and b",
        "a, b and c",
    ]
