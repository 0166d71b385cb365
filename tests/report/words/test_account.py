"""The account in words: each part has a name, the sentence follows from the parts, the next step from the cause."""

from __future__ import annotations

from dataclasses import replace

from leakhunt.judge import account as causes
from leakhunt.judge.account import Cause
from leakhunt.judge.resources import Change
from leakhunt.model import account as parts
from leakhunt.model.account import Account, Arena, Part, Sharing
from leakhunt.model.resources import Open, Resource
from leakhunt.report.words import account as words

MIB = 1 << 20


def account(malloc: str | None = "glibc", unknown: tuple[str, ...] = (), **sizes: int) -> Account:
    """``account(python=3 * MIB, rest=MIB)``: underscores for hyphens."""
    made = tuple(Part(name.replace("_", "-"), size, "smaps") for name, size in sizes.items())
    return Account(sum(part.size for part in made), made, unknown, malloc)


def test_every_part_and_every_source_has_a_name() -> None:
    names = {
        value for name, value in vars(parts).items() if name.isupper() and isinstance(value, str)
    } - {parts.DOMAINS}
    assert all(words.label(name) for name in names)
    assert words.label("domain-389047") == "numpy's arrays"
    assert words.label("domain-7") == "tracemalloc's domain 7"
    assert words.source("smaps") == "/proc/PID/smaps"


def test_what_is_unknown_is_told_with_its_reason() -> None:
    assert words.unknown(account()) == ()
    (mute,) = words.unknown(account(unknown=(parts.NATIVE,)))
    assert mute.endswith("(the snapshot does not say)")
    (other,) = words.unknown(account("jemalloc", (parts.MALLOC_FREE,)))
    assert other == (
        "unknown, and in the rest: free in malloc, not returned (this process uses jemalloc's malloc, "
        "which does not tell)"
    )
    (nameless,) = words.unknown(account("other", (parts.MALLOC_FREE,)))
    assert "another malloc" in nameless


def test_a_rest_below_nothing_is_explained() -> None:
    below = account(python=3 * MIB, rest=-MIB)
    assert len(words.negative(below, grown=False)) == 1
    (shrank,) = words.negative(below, grown=True)
    assert shrank.startswith("the rest shrank: ")
    for grown in (False, True):
        assert words.negative(account(rest=0), grown=grown) == ()


def test_one_snapshot_says_which_part_is_most_of_it() -> None:
    whole = account(python=9 * MIB, libraries=MIB)
    said, step = words.sentence(whole, Cause(causes.PYTHON, 9 * MIB, whole.rss), False)
    assert said == "RSS is 10.0 MiB; 90 % of it is live Python memory (9.0 MiB)."
    assert step == "`leakhunt account BEFORE AFTER` says what grows"
    apart = account(python=4 * MIB, libraries=3 * MIB, stacks=2 * MIB, rest=MIB)
    mixed, _ = words.sentence(apart, causes.cause(apart, False), False)
    assert mixed == (
        "RSS is 10.0 MiB; no kind of memory makes half of it. The largest: live Python memory 4.0 MiB; "
        "programs and libraries 3.0 MiB."
    )


def test_a_part_of_which_another_of_its_kind_gives_back_is_told_by_kind() -> None:
    """1.1 of 2 MiB are live blocks, and blocks from before tracking have gone: half by part, not by kind."""
    grown = account(python=11 * MIB, untracked=-2 * MIB, libraries=6 * MIB, stacks=5 * MIB)
    mixed, _ = words.sentence(grown, causes.cause(grown, True), True)
    assert mixed == (
        "RSS grew by 20.0 MiB, and no kind of memory makes half of it. The largest: live Python memory "
        "+9.0 MiB (+11.0 MiB less 2.0 MiB); programs and libraries +6.0 MiB."
    )


def test_what_is_booked_twice_is_told_where_a_row_says_more_than_its_kind() -> None:
    """Of malloc, which makes more than half by its row, a rest below nothing takes some: one snapshot too."""
    found = account(native=11 * MIB, python=6 * MIB, libraries=6 * MIB, stacks=MIB, rest=-4 * MIB)
    text, _ = words.sentence(found, causes.cause(found, False), False)
    assert text == (
        "RSS is 20.0 MiB; no kind of memory makes half of it. The largest: outside Python: native code "
        "7.0 MiB (11.0 MiB less 4.0 MiB); live Python memory 6.0 MiB."
    )


def test_more_than_all_of_a_growth_is_all_of_it() -> None:
    grown = account(python=12 * MIB, rest=-2 * MIB)
    said, step = words.sentence(grown, Cause(causes.PYTHON, 12 * MIB, grown.rss), True)
    assert said == "RSS grew by 10.0 MiB; all of it is live Python memory (+12.0 MiB)."
    assert step is not None
    assert "leakhunt why" in step


def test_fragmentation_is_told_beside_what_python_did() -> None:
    flat = account(python=0, malloc_free=8 * MIB, pymalloc_free=2 * MIB)
    said, _ = words.sentence(flat, Cause(causes.FRAGMENTED, 10 * MIB, flat.rss), True)
    assert said == (
        "RSS grew by 10.0 MiB; Python is flat (0 B), and malloc holds 8.0 MiB more that is free and pymalloc's "
        "arenas 2.0 MiB more: fragmentation."
    )
    shrank = account(python=-4 * MIB, pymalloc_free=9 * MIB)
    arenas, _ = words.sentence(shrank, Cause(causes.ARENAS, 9 * MIB, shrank.rss), True)
    assert "live Python memory shrank by 4.0 MiB" in arenas
    assert "(and malloc" not in arenas


def test_malloc_is_asked_for_fewer_arenas_only_where_it_has_more() -> None:
    for number, said in ((2, "malloc_trim(0) after"), (3, "MALLOC_ARENA_MAX=2 in")):
        grown = replace(account(malloc_free=9 * MIB), arenas=(Arena(9 * MIB, MIB),) * number)
        _, step = words.sentence(grown, Cause(causes.FRAGMENTED, 9 * MIB, grown.rss), True)
        assert step is not None
        assert step.startswith(said)


def test_native_memory_is_split_into_what_malloc_has_and_what_nobody_tells() -> None:
    grown = account(python=0, native=6 * MIB, rest=2 * MIB)
    said, step = words.sentence(grown, Cause(causes.NATIVE, 8 * MIB, grown.rss), True)
    assert said.endswith(
        "all of it is outside Python (+6.0 MiB from malloc, +2.0 MiB mapped or not told)."
    )
    assert step is not None
    assert "memray" in step


def test_copied_pages_say_how_much_may_still_follow() -> None:
    still = Account(0, (Part("rest", 0, "difference"),), sharing=Sharing(3 * MIB, MIB))
    said, _ = words.sentence(still, Cause(causes.COPIED, 5 * MIB, 0), True)
    assert said == (
        "RSS stands still (0 B), and 5.0 MiB that the process shared with its parent are its own now: "
        "copy-on-write after the fork; 3.0 MiB are still shared, and no more can follow."
    )
    alone = Account(4 * MIB, (Part("rest", 4 * MIB, "difference"),))
    more, _ = words.sentence(alone, Cause(causes.COPIED, 5 * MIB, alone.rss), True)
    assert more.startswith("RSS changed by +4.0 MiB")
    assert more.endswith("after the fork.")


def test_what_is_opened_is_told_only_where_memory_stands_still() -> None:
    sockets = Change(Resource("socket", "tcp", 5432), 4, Open(104))
    assert sockets.grown == 100
    still = account(rest=1000)
    said, step = words.sentence(still, Cause(causes.NOTHING, 0, still.rss), True, [sockets])
    assert said == (
        "RSS has hardly changed (+1000 B). But sockets to :5432 (PostgreSQL) 4 → 104, and their buffers are the "
        "kernel's, not in RSS."
    )
    assert step is None
    grown = account(python=5 * MIB)
    busy, _ = words.sentence(grown, Cause(causes.PYTHON, 5 * MIB, grown.rss), True, [sockets])
    assert "But" not in busy


def test_what_shrank_is_said_without_a_sign() -> None:
    less = account(python=-3 * MIB)
    assert words.sentence(less, Cause(causes.SHRUNK, 0, less.rss), True) == (
        "RSS shrank by 3.0 MiB.",
        None,
    )
