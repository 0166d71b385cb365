"""The values of the analysis: tallies add up however they are stored."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.snapshot import NOTHING, Frame, Held, Tallies, Tally
from tests.support.builders import snap

A, B = Frame("/srv/a.py", 1), Frame("/srv/b.py", 2)


def columns(*lines: tuple[tuple[int, ...], int, int]) -> Tallies:
    """Lines of (indexes into A and B, bytes, blocks)."""
    return Tallies(
        [A, B], [at for steps, _, _ in lines for at in steps], [len(steps) for steps, _, _ in lines],
        [size for _, size, _ in lines], [count for _, _, count in lines],
    )  # fmt: skip


def test_columns_are_a_mapping_of_stacks() -> None:
    made = columns(((0,), 10, 1), ((0, 1), 20, 2))
    assert dict(made) == {(A,): Tally(10, 1), (A, B): Tally(20, 2)}
    assert made[A, B] == Tally(20, 2)
    assert (len(made), (B,) in made) == (2, False)
    assert made == {(A,): Tally(10, 1), (A, B): Tally(20, 2)}


def test_a_stack_that_stands_twice_adds_up() -> None:
    made = columns(((0,), 10, 1), ((0,), 5, 2), ((1,), 1, 1))
    assert dict(made) == {(A,): Tally(15, 3), (B,): Tally(1, 1)}


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 1), max_size=3).map(tuple),
            st.integers(0, 10**9),
            st.integers(0, 10**6),
        )
    )
)
def test_totals_are_the_sum_of_what_the_mapping_holds(
    lines: list[tuple[tuple[int, ...], int, int]],
) -> None:
    made = columns(*lines)
    held = Tally(sum(t.size for t in made.values()), sum(t.count for t in made.values()))
    assert made.totals == held


def test_a_tally_less_another_may_be_below_nothing() -> None:
    assert Tally(1, 2).minus(Tally(3, 1)) == Tally(-2, 1)
    assert Tally(1, 2).plus(NOTHING) == Tally(1, 2)


def test_what_a_holder_keeps_is_its_blocks() -> None:
    assert Held(None, "list", 1, 5, 4.0, ((100, 3), (8, 10))).tally == Tally(380, 13)


def test_a_snapshots_totals_are_those_of_all_its_stacks() -> None:
    made = snap("/srv/a.py:1 1KiB x4", "/srv/b.py:2 3KiB x1")
    assert made.totals == Tally(4096, 5)
    assert replace(made, tallies=columns(((0,), 7, 1))).totals == Tally(7, 1)
    assert made.told((A,)).stderr is None
