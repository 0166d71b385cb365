"""Paths as a tree: by hand, cut to its heaviest branches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.snapshot import NOTHING, Frame, Tally
from leakhunt.sites.tree import merged
from tests.sites.test_place import tree_law

A, B, C, D = (Frame("/srv/shop/a.py", line) for line in (1, 2, 3, 4))
ROOT = Frame("/srv/shop/root.py", 1)
PATHS = [((A, B), Tally(50, 5)), ((A,), Tally(10, 1)), ((C,), Tally(55, 2)), ((A, D), Tally(20, 2)), ((), Tally(3, 1))]  # fmt: skip


def test_a_node_has_what_passes_and_what_ends_and_the_heaviest_child_comes_first() -> None:
    drawn = [(n.level, n.frame, n.tally, n.stacks, n.ends) for n in merged(ROOT, PATHS)]
    assert drawn == [
        (0, ROOT, Tally(138, 11), 5, Tally(3, 1)),
        (1, A, Tally(80, 8), 3, Tally(10, 1)),
        (2, B, Tally(50, 5), 1, Tally(50, 5)),
        (2, D, Tally(20, 2), 1, Tally(20, 2)),
        (1, C, Tally(55, 2), 1, Tally(55, 2)),
    ]


def test_the_heaviest_branches_are_shown_each_to_its_end() -> None:
    one = merged(ROOT, PATHS, 1)
    assert [node.frame for node in one] == [ROOT, A, B]
    assert (one[0].remainder, one[0].remainder_children) == (Tally(55, 2), 1)
    assert (one[1].remainder, one[1].remainder_children) == (Tally(20, 2), 1)
    assert [node.frame for node in merged(ROOT, PATHS, 2)] == [ROOT, A, B, C]
    assert [node.frame for node in merged(ROOT, PATHS, 9)] == [ROOT, A, B, D, C]
    assert all(node.remainder == NOTHING for node in merged(ROOT, PATHS))


def test_equals_are_told_apart_by_blocks_then_by_place() -> None:
    paths = [((B,), Tally(5, 1)), ((A,), Tally(5, 1)), ((C,), Tally(5, 2))]
    assert [node.frame for node in merged(None, paths)] == [None, C, A, B]


FRAMES = st.lists(st.sampled_from([A, B, C, D]), max_size=4)


@given(st.lists(st.tuples(FRAMES, st.builds(Tally, st.integers(0, 99), st.integers(1, 9))), max_size=12), st.integers(0, 6))  # fmt: skip
def test_every_node_is_the_sum_of_its_parts(
    paths: list[tuple[list[Frame], Tally]], branches: int
) -> None:
    tree = merged(ROOT, paths, branches)
    tree_law(tree)
    assert tree[0].tally.size == sum(tally.size for _, tally in paths)
    assert tree[0].stacks == len(paths)
