"""Where memory is, as values: blocks by allocator, parts that are added up by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.account import ALIGNED, HUGE, SMALL, Account, Part, live
from leakhunt.model.snapshot import Block

BLOCKS = st.builds(
    Block,
    st.sampled_from([0, 0, 389047]),
    st.one_of(st.integers(1, 600), st.integers(HUGE - 2, HUGE + 2), st.integers(1, 10**6)),
    st.integers(1, 1000),
)


@given(st.lists(BLOCKS))
def test_every_block_is_counted_once_and_by_whom_it_was_served(blocks: list[Block]) -> None:
    made = live(blocks)
    assert made.size == sum(block.size * block.count for block in blocks)
    ours = [block for block in blocks if block.domain == 0 and block.size <= SMALL]
    assert made.small == sum(block.size * block.count for block in ours)
    assert (
        made.small <= made.rounded < made.small + ALIGNED * sum(block.count for block in ours) + 1
    )
    assert made.rounded % ALIGNED == 0
    assert made.huge == sum(b.size * b.count for b in blocks if b.size >= HUGE)


def test_pymalloc_serves_512_bytes_and_no_more() -> None:
    """``SMALL_REQUEST_THRESHOLD``; the largest are rounded to themselves."""
    for size, small, rounded in ((512, 1024, 1024), (513, 0, 0), (500, 1000, 1024)):
        made = live([Block(0, size, 2)])
        assert (made.small, made.rounded) == (small, rounded)


def test_python_has_a_domain_even_where_nothing_lives() -> None:
    assert live([]).domains == {0: 0}


def test_parts_are_added_up_by_name() -> None:
    made = Account(
        6,
        (
            Part("python", 4, "traces"),
            Part("domain-7", 3, "traces"),
            Part("rest", -1, "difference"),
        ),
    )
    assert made.of("python", "rest", "nothing of that name") == 3
    assert made.domains == ("domain-7",)
    assert sum(part.size for part in made.parts) == made.rss
