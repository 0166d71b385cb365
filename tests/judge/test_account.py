"""The account adds up, whatever a file says; and its sentence follows from its figures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge import account as accounts
from leakhunt.model import account as parts
from leakhunt.model.account import Live, live
from leakhunt.model.snapshot import Block
from leakhunt.report.account import Told, of_one, of_two
from leakhunt.snapshots.facts import meta
from tests.support.builders import FACTS

MIB = 1 << 20
SIZES = st.integers(0, 1 << 40)
FIGURES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "rss": SIZES,
        "traced": st.none() | SIZES,
        "tracer": st.none() | SIZES,
        "anonymous": st.none() | SIZES,
        "shared_dirty": st.none() | SIZES,
        "engine": st.sampled_from(["exact", "sampled"]),
        "maps": st.none()
        | st.text()
        | st.dictionaries(
            st.sampled_from(["heap", "arenas", "stacks", "files", "shared", "sysv", "anonymous"]),
            st.tuples(SIZES, SIZES) | st.integers() | st.just([]),
        ),
        "allocators": st.none()
        | st.dictionaries(
            st.sampled_from(
                [
                    "malloc_used",
                    "malloc_mapped",
                    "malloc_free",
                    "pymalloc_used",
                    "pymalloc_free",
                    "malloc",
                ]
            ),
            SIZES | st.sampled_from(["glibc", "musl"]),
        ),
    }
)
BLOCKS = st.lists(
    st.builds(
        Block, st.sampled_from([0, 0, 389047]), st.integers(1, 1 << 24), st.integers(1, 10**6)
    )
)


@given(FIGURES, BLOCKS)
def test_the_parts_add_up_to_the_resident_set(figures: dict[str, Any], blocks: list[Block]) -> None:
    found = accounts.account(meta(figures), live(blocks))
    assert found is not None
    assert sum(part.size for part in found.parts) == figures["rss"] == found.rss
    assert all(part.size >= 0 for part in found.parts if part.part != parts.REST)
    names = [part.part for part in found.parts]
    assert len(set(names)) == len(names)
    assert not set(names) & set(found.unknown)


@given(FIGURES, BLOCKS, FIGURES, BLOCKS)
def test_the_growth_of_the_parts_adds_up_to_that_of_the_resident_set(
    before: dict[str, Any], first: list[Block], after: dict[str, Any], last: list[Block]
) -> None:
    found = of_two(meta(before), live(first), meta(after), live(last))
    assert found is not None
    assert sum(part.size for part in found.account.parts) == after["rss"] - before["rss"]
    assert found.sentence.endswith((".", "RSS."))


@given(BLOCKS)
def test_blocks_are_sorted_by_who_has_them(blocks: list[Block]) -> None:
    found = live(blocks)
    assert found.size == sum(block.size * block.count for block in blocks)
    assert found.small is not None
    assert found.small <= found.rounded <= 16 * found.small
    assert found.small + found.huge <= found.size


def test_a_file_that_knows_no_resident_set_has_no_account() -> None:
    assert accounts.account(meta({}), live([])) is None
    assert of_one(meta({}), live([])) is None


#: A worker at rest.
START: dict[str, Any] = {
    **FACTS,
    "rss": 100 * MIB,
    "traced": 20 * MIB,
    "tracer": 2 * MIB,
    "anonymous": 70 * MIB,
    "shared_dirty": 30 * MIB,
    "maps": {
        "heap": (30 * MIB, 1), "arenas": (5 * MIB, 2), "stacks": (MIB, 4), "libraries": (20 * MIB, 90),
        "files": (2 * MIB, 3), "shared": (0, 0), "anonymous": (40 * MIB, 30),
    },
    "allocators": {
        "malloc": "glibc", "malloc_used": 30 * MIB, "malloc_mapped": 5 * MIB, "malloc_free": 4 * MIB,
        "pymalloc_used": 30 * MIB, "pymalloc_free": 2 * MIB,
    },
}  # fmt: skip
TRACED = [Block(0, 64, 20 * MIB // 64)]


def grown(rss: int = 40, blocks: int = 0, **changes: Any) -> Told:
    """The account of a growth of so many MiB, of which so many are traced blocks."""
    after = {
        **START,
        "rss": START["rss"] + rss * MIB,
        "traced": START["traced"] + blocks * MIB,
        "tracer": START["tracer"] + changes.pop("tracer", 0) * MIB,
        "shared_dirty": START["shared_dirty"] + changes.pop("shared_dirty", 0) * MIB,
        "maps": dict(START["maps"]),
        "allocators": dict(START["allocators"]),
        "resources": changes.pop("resources", None),
    }
    for name, change in changes.items():
        if name in after["maps"]:
            size, number = after["maps"][name]
            after["maps"][name] = (size + change * MIB, number)
        else:
            after["allocators"][name] += change * MIB
    last = [*TRACED, Block(0, 64, blocks * MIB // 64)] if blocks else TRACED
    told = of_two(meta({**START, "resources": []}), live(TRACED), meta(after), live(last))
    assert told is not None
    return told


CAUSES = [
    (
        grown(40, blocks=39, pymalloc_used=39),
        "RSS grew by 40.0 MiB; 98 % of it is live Python memory (+39.0 MiB).",
        "leakhunt diff",
    ),
    (
        grown(40, malloc_free=38, heap=40),
        "RSS grew by 40.0 MiB; Python is flat (0 B), and malloc holds 38.0 MiB more that is free: "
        "fragmentation.",
        "MALLOC_ARENA_MAX=2",
    ),
    (
        grown(40, pymalloc_free=38),
        "RSS grew by 40.0 MiB; Python is flat (0 B), and pymalloc's arenas hold 38.0 MiB more that is free: "
        "fragmentation.",
        "arenas",
    ),
    (
        grown(40, malloc_used=38, heap=38),
        "RSS grew by 40.0 MiB; Python is flat (0 B), and all of it is outside Python (+38.0 MiB from malloc, "
        "+2.0 MiB mapped or not told).",
        "memray run --native",
    ),
    (
        grown(40, stacks=39),
        "RSS grew by 40.0 MiB; 98 % of it is stacks of threads (+39.0 MiB).",
        "threads",
    ),
    (
        grown(40, files=39),
        "RSS grew by 40.0 MiB; 98 % of it is mapped files (+39.0 MiB): pages of files, which the kernel can "
        "take back.",
        "mmap.close()",
    ),
    (grown(40, shared=39), "98 % of it is shared memory", "/dev/shm"),
    (grown(40, tracer=39, malloc_used=39, heap=39), "98 % of it is leakhunt's own tables", "LEAKHUNT_NFRAME"),
    (
        grown(0, shared_dirty=-20),
        "RSS stands still (0 B), and 20.0 MiB that the process shared with its parent are its own now: "
        "copy-on-write after the fork; 10.0 MiB are still shared, and no more can follow.",
        "gc.freeze()",
    ),
    (grown(1), "RSS has hardly changed (+1.0 MiB).", None),
    (grown(-30), "RSS shrank by 30.0 MiB.", None),
    (
        grown(40, blocks=15, pymalloc_used=15, stacks=15),
        "RSS grew by 40.0 MiB, and no kind of memory makes half of it. The largest: live Python memory "
        "+15.0 MiB; stacks of threads +15.0 MiB.",
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("told", "said", "following"), CAUSES, ids=lambda each: str(each)[:40])
def test_the_sentence_follows_from_the_figures(
    told: Told, said: str, following: str | None
) -> None:
    assert said in told.sentence
    assert (told.next is None) == (following is None)
    assert following is None or following in str(told.next)


def test_what_leaks_beside_memory_is_said_where_memory_does_not_grow() -> None:
    told = grown(1, resources=[("socket", "tcp", 5432, "established", 1000)])
    assert told.sentence == (
        "RSS has hardly changed (+1.0 MiB). But sockets to :5432 (PostgreSQL) 0 → 1,000, and their buffers are the "
        "kernel's, not in RSS."
    )


def test_a_malloc_that_does_not_tell_is_named() -> None:
    known = {
        **START,
        "allocators": {"malloc": "jemalloc", "pymalloc_used": MIB, "pymalloc_free": 0},
    }
    told = of_one(meta(known), live(TRACED))
    assert told is not None
    (said,) = told.notes
    assert said.startswith("unknown, and in the rest: malloc: native code")
    assert "jemalloc's malloc, which does not tell" in said
    rest = told.account.of(parts.REST)
    assert rest == START["rss"] - sum(
        part.size for part in told.account.parts if part.part != parts.REST
    )


def test_without_the_sizes_of_blocks_what_is_not_traced_is_one_part() -> None:
    told = of_one(meta(START), Live({0: 20 * MIB}, None))
    assert told is not None
    assert told.account.of(parts.UNTRACED) == (30 + 5 + 30 - 20 - 2) * MIB
    assert told.account.of(parts.UNTRACKED, parts.NATIVE, parts.NATIVE_MAPPED) == 0


def test_domains_of_extensions_are_parts_of_their_own() -> None:
    told = of_one(meta(START), live([*TRACED, Block(389047, 8 * MIB, 1)]))
    assert told is not None
    assert told.account.of("domain-389047") == 8 * MIB


@pytest.mark.parametrize(("number", "said"), [(1, False), (2, False), (3, True), (40, True)])
def test_fewer_arenas_are_asked_for_where_there_are_many(number: int, said: bool) -> None:
    """What is free in malloc, and in how many arenas: MALLOC_ARENA_MAX ends only what it bounds."""
    free = 40 * MIB // number
    figures = {
        "malloc_used": 100 * MIB,
        "malloc_mapped": 0,
        "pymalloc_used": 0,
        "pymalloc_free": 0,
        "malloc": "glibc",
    }
    maps = {"heap": [150 * MIB, 1], "arenas": [0, 0], "stacks": [0, 0]}
    before = {**FACTS, "rss": 100 * MIB, "maps": maps, "allocators": {**figures, "malloc_free": 0}}
    arenas = [(100 * MIB, free)] * number
    after = {
        **FACTS,
        "rss": 140 * MIB,
        "maps": maps,
        "allocators": {**figures, "malloc_free": 40 * MIB, "malloc_arenas": arenas},
    }
    told = of_two(meta(before), Live({0: 0}, 0), meta(after), Live({0: 0}, 0))
    assert told is not None
    assert told.cause.kind == accounts.FRAGMENTED
    assert ("MALLOC_ARENA_MAX" in (told.next or "")) is said
    (note,) = [each for each in told.notes if "malloc_info" in each]
    assert note.startswith(f"malloc has {number} arena{'s' if number > 1 else ''}: ")


@given(
    st.none()
    | st.text()
    | st.lists(st.none() | st.integers() | st.tuples(st.integers() | st.text(), st.floats()))
)
def test_arenas_that_are_malformed_count_as_not_told(rows: Any) -> None:
    told = of_one(
        meta({**FACTS, "rss": MIB, "allocators": {"malloc_arenas": rows}}), Live({0: 0}, 0)
    )
    assert told is not None
    for arena in told.account.arenas:
        assert isinstance(arena.system, int)
        assert isinstance(arena.free, int)


def test_blocks_of_leakhunts_own_that_are_traced_and_not_told_are_the_engines() -> None:
    found = accounts.account(meta(START), live([Block(0, 64, 18 * MIB // 64)]))
    assert found is not None
    assert found.of(parts.ENGINE) == (2 + 20 - 18) * MIB
