"""Many stacks as one tree: nothing is lost by cutting it, and growth never cancels shrinkage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.snapshot import Frame, Stack
from leakhunt.sites.flame import NO_WEIGHT, Flame, Weight, flame, weigh

A, B, C = (Frame("/srv/x.py", line) for line in (1, 2, 3))
STACKS = st.lists(st.sampled_from([A, B, C]), max_size=4).map(tuple)
WEIGHTS = st.builds(weigh, st.one_of(st.none(), st.integers(0, 999)), *[st.integers(0, 999)] * 3)
PROCESSES = st.lists(st.lists(st.tuples(STACKS, WEIGHTS), max_size=12), min_size=1, max_size=3)


def total(stacks: list[tuple[Stack, Weight]]) -> Weight:
    weights = [weight for _, weight in stacks]
    return Weight(*(sum(each[at] for each in weights) for at in range(5)))


@given(PROCESSES, st.integers(1, 20))
def test_however_it_is_cut_every_process_keeps_its_sum(
    processes: list[list[tuple[Stack, Weight]]], most: int
) -> None:
    tree = flame(processes, most)
    assert tree.totals == tuple(map(total, processes))
    assert sum(node.frame is not None for node in tree.nodes) <= most
    distinct = [
        (n, stack)
        for n, each in enumerate(processes)
        for stack, weight in each
        if weight != NO_WEIGHT
    ]
    assert tree.cut <= len(set(distinct))


@given(PROCESSES)
def test_a_parent_stands_before_its_children(processes: list[list[tuple[Stack, Weight]]]) -> None:
    nodes = flame(processes, 1000).nodes
    assert nodes[0].parent == -1
    assert all(node.parent < number for number, node in enumerate(nodes))


def test_growth_and_shrinkage_are_both_kept() -> None:
    tree = flame([[((A, B), weigh(10, 30)), ((A, C), weigh(30, 5))]], 10)
    assert tree.totals == (Weight(35, 20, 25),)
    assert tree.totals[0].change == -5
    assert tree.totals[0].width(compared=True) == 45
    assert tree.totals[0].width(compared=False) == 35


def test_without_a_before_nothing_has_changed() -> None:
    assert weigh(None, 30) == Weight(30, 0, 0)
    assert weigh(0, 30) == Weight(30, 30, 0)
    assert weigh(None, 30, 0, 2) == Weight(30, 0, 0, 2, 0)
    assert weigh(40, 30, 5, 2) == Weight(30, 0, 10, 2, -3)
    assert Weight(3, 2, 1).plus(Weight(1, 1, 1)).minus(Weight(1, 1, 1)) == Weight(3, 2, 1)


def test_the_lightest_are_put_together_where_they_branch_off() -> None:
    tree = flame([[((A,), weigh(None, 100)), ((B,), weigh(None, 10)), ((C,), weigh(None, 5))]], 1)
    (rest,) = [node for node in tree.nodes if node.stacks]
    assert (rest.frame, rest.parent, rest.stacks, rest.ends) == (None, 0, 2, (Weight(15, 0, 0),))
    assert tree.cut == 2
    assert isinstance(tree, Flame)
