"""What keeps the objects of some stacks, over the snapshots of a process."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.meta import Meta
from leakhunt.model.retention import LATE, Heap, Rest, Retention, Step, Undone
from leakhunt.model.snapshot import Facts, Frame, Snapshot, Stack, Tally
from leakhunt.report.words import kept
from leakhunt.retention import ways
from leakhunt.snapshots.facts import meta

HERE: Stack = (Frame("/srv/shop/tasks.py", 8),)
THERE: Stack = (Frame("/srv/shop/tasks.py", 9),)
MODULE = Step("module", "shop.tasks", "module")
NATIVE = Step("native", "held from C code", "object")
NONE = Rest(0, 0, 0)
HEAP = Heap(True, None, 10, 5, 0.1, 100, (), NONE, None, NONE, (), (), 4, 3)


def held(objects: int, size: int, length: int, mark: int = 7, root: Step = MODULE) -> Retention:
    path = (root, Step("attribute", "KEPT", "list", length), Step("item", None, "dict"))
    return Retention(path, objects, size, "list", length, None, mark, 4096)


def snapshot(**retention: Retention) -> Snapshot:
    stacks = {"here": HERE, "there": THERE}
    return Snapshot(
        "x.bin",
        Meta(),
        25,
        {HERE: Tally(1000, 10), THERE: Tally(500, 5)},
        facts=MappingProxyType(
            {stacks[name]: Facts(retention=(one,)) for name, one in retention.items()}
        ),
        heap=HEAP,
    )


def test_ways_of_several_stacks_add_up() -> None:
    found = ways.why(snapshot(here=held(10, 900, 15), there=held(5, 500, 15)), [HERE, THERE, HERE])
    (way,) = found.ways
    assert (way.held.objects, way.held.size) == (15, 1400)
    assert (found.objects, found.size, found.tied) == (15, 1500, 1400)


def test_estimates_never_tie_more_than_there_is() -> None:
    """What is kept is there: the ways below add up to what is said to be known."""
    found = ways.why(snapshot(here=held(12, 1300, 15)), [HERE])
    assert (found.tied, found.size) == (1300, 1300)
    assert sum(way.held.size for way in found.ways) == found.tied


def test_growth_is_since_the_first_snapshot_that_tells_of_the_container() -> None:
    earlier = [snapshot(), snapshot(here=held(1, 10, 1000)), snapshot(there=held(5, 50, 5000))]
    found = ways.why(snapshot(here=held(9, 90, 11000)), [HERE], earlier)
    assert found.ways[0].grew == (1000, 11000)
    assert "list: 1,000 to 11,000 items" in kept.amount(found.ways[0])


def test_another_container_of_that_name_has_not_grown() -> None:
    earlier = [snapshot(here=held(1, 10, 1000, mark=8))]
    assert ways.why(snapshot(here=held(9, 90, 11000)), [HERE], earlier).ways[0].grew is None


def test_named_ways_come_first() -> None:
    taken = snapshot(here=held(9, 900, 20, root=NATIVE), there=held(1, 10, 1))
    assert [way.held.path[0] for way in ways.why(taken, [HERE, THERE]).ways] == [MODULE, NATIVE]


def test_a_way_in_words() -> None:
    bounded = Step("attribute", "recent", "collections.deque", 50, 100)
    assert (
        kept.way((MODULE, bounded, Step("item", None, "str")))
        == "module shop.tasks > recent: collections.deque[50] of at most 100 > item: str"
    )


def test_without_a_walk_nothing_is_claimed() -> None:
    found = ways.why(replace(snapshot(), heap=None), [HERE])
    assert kept.summary(found) == kept.NOBODY_WALKED
    assert kept.summary(ways.why(snapshot(), [HERE])) == kept.NOTHING_TIED


def test_a_part_of_a_walk_is_said_to_be_one() -> None:
    part = replace(HEAP, whole=False, why=Undone(LATE))
    found = ways.why(replace(snapshot(here=held(1, 10, 5)), heap=part), [HERE])
    assert kept.summary(found).endswith("the walk is a part: its time was over")


def test_the_shortest_way_with_a_name_comes_first_where_it_holds_a_good_part() -> None:
    long = held(9, 900, 20)
    short = Retention((MODULE, Step("attribute", "LAST", "dict")), 3, 200, None, None, None, 0)
    little = Retention((Step("module", "shop.b", "module"),), 1, 10, None, None, None, 0)
    taken = replace(
        snapshot(), facts=MappingProxyType({HERE: Facts(retention=(long, short, little))})
    )
    found = ways.why(taken, [HERE])
    assert [way.held for way in found.ways] == [short, long, little]


def way(
    name: str, size: int, mark: int = 0, bound: int | None = None, *more: Step, root: Step = MODULE
) -> Retention:
    path = (root, Step("attribute", name, "dict"), *more)
    return Retention(path, 1, size, "dict", 10, bound, mark, None, path[:2])


def first(told: list[Retention], *earlier: list[Retention]) -> str | None:
    """The name on the way that is told first."""
    taken = [
        replace(snapshot(), facts=MappingProxyType({HERE: Facts(retention=tuple(each))}))
        for each in (*earlier, told)
    ]
    found = ways.why(taken[-1], [HERE], taken[:-1])
    assert sorted(each.held for each in found.ways) == sorted(told)
    return found.ways[0].held.path[1].name


IMPORTED, KEPT = way("IMPORTED", 900, 1), way("KEPT", 30, 2)


def test_what_gained_comes_before_what_a_first_call_has_made() -> None:
    assert first([IMPORTED, KEPT]) == "IMPORTED"
    assert first([IMPORTED, KEPT], [IMPORTED, way("KEPT", 10, 2)]) == "KEPT"
    assert first([IMPORTED, KEPT], [IMPORTED]) == "KEPT"


def test_the_gain_is_since_half_of_the_time() -> None:
    early, late = [way("KEPT", 10, 2)], [IMPORTED, way("KEPT", 20, 2)]
    assert first([IMPORTED, KEPT], early, late, [IMPORTED, KEPT]) == "KEPT"


def test_where_nothing_gained_or_nobody_knew_of_it_sizes_decide() -> None:
    assert first([IMPORTED, KEPT], [IMPORTED, KEPT]) == "IMPORTED"
    assert first([IMPORTED, KEPT], []) == "IMPORTED"


def test_a_part_of_a_walk_does_not_tell_what_was_not_there() -> None:
    part = replace(snapshot(here=KEPT), heap=replace(HEAP, whole=False))
    taken = replace(snapshot(), facts=MappingProxyType({HERE: Facts(retention=(KEPT, IMPORTED))}))
    small = KEPT._replace(size=10)
    before = replace(snapshot(), facts=MappingProxyType({HERE: Facts(retention=(small, IMPORTED))}))
    for earlier, name in (([part], "IMPORTED"), ([before, part, part], "KEPT")):
        assert ways.why(taken, [HERE], earlier).ways[0].held.path[1].name == name


def test_a_container_gains_by_all_ways_that_lead_through_it() -> None:
    """None of them is a tenth of it."""
    many = [
        way("MANY", 20 + number, 3, None, Step("item", f"a{number}", "str")) for number in range(30)
    ]
    assert first([way("OTHER", 100, 4, None, *many[0].path), *many]) == "MANY"


def test_what_a_bound_ends_comes_after_what_has_none() -> None:
    longer = way("KEPT", 200, 2, None, Step("item", None, "str"))
    assert first([way("recent", 800, 1, 100), longer]) == "KEPT"
    assert first([way("recent", 800, 1, 100), way("LITTLE", 8, 2)]) == "recent"
    desk = (MODULE, Step("attribute", "DESK", "collections.deque", 24, 24))
    lists = Retention((*desk, Step("item", None, "list")), 9, 800, None, None, None, 0)
    assert first([lists, longer]) == "KEPT"


def test_of_many_containers_with_a_bound_there_may_be_ever_more() -> None:
    each = way("HISTORIES", 800, 1, None, Step("item", None, "collections.deque", None, 8))
    assert first([each, way("KEPT", 200, 2, None, Step("item", None, "str"))]) == "HISTORIES"


def test_a_name_on_the_way_is_better_than_none_where_only_c_code_holds() -> None:
    bare = Retention((NATIVE,), 5, 500, None, None, None, 0)
    told = replace(
        snapshot(),
        facts=MappingProxyType({HERE: Facts(retention=(bare, way("path", 200, root=NATIVE)))}),
    )
    assert [len(each.held.path) for each in ways.why(told, [HERE]).ways] == [2, 1]


steps = st.builds(
    Step, st.sampled_from(["module", "attribute", "item"]), st.sampled_from("abc"), st.just("list")
)
retentions = st.builds(
    Retention,
    st.lists(steps, min_size=1, max_size=5).map(tuple),
    st.integers(0, 100), st.integers(0, 10**6), st.none(), st.none(), st.none(), st.integers(0, 3),
)  # fmt: skip


@given(st.lists(retentions, max_size=12))
def test_the_branches_of_a_tree_add_up(told: list[Retention]) -> None:
    branches = ways.tree([ways.Way(held, None) for held in told])
    assert sum(branch.size for branch in branches) == sum(held.size for held in told)
    assert sum(branch.objects for branch in branches) == sum(held.objects for held in told)

    def check(branch: ways.Branch) -> None:
        assert sum(below.size for below in branch.below) <= branch.size
        for below in branch.below:
            check(below)

    for branch in branches:
        check(branch)


def waits(number: int, **collector: object) -> str:
    raw = [((("/srv/shop/tasks.py", 8),), number)]
    facts = {"garbage": {"objects": number, "stacks": raw}, "gc": collector}
    answer = ways.why(replace(snapshot(), meta=meta(facts)), [HERE])
    return kept.summary(answer)


def test_what_only_waits_for_the_collector_is_told_apart() -> None:
    """By number, and with what keeps the collector from it."""
    assert "3 objects only wait for the garbage collector: the next full" in waits(3, enabled=True)
    assert "1 object only waits" in waits(1, enabled=True)
    assert "nobody collects them" in waits(3, enabled=False, frozen=9)
    assert "the 9 objects that gc.freeze() has put aside" in waits(3, enabled=True, frozen=9)
    assert "garbage" not in waits(0, enabled=True)
    assert "10 objects" in waits(999, enabled=True)  # never more than there are
    assert "3 objects" in waits(3, enabled="perhaps", frozen="many")


def test_there_is_nothing_to_wait_for_elsewhere() -> None:
    raw = [((("/srv/shop/tasks.py", 9),), 5)]
    told = replace(snapshot(), meta=meta({"garbage": {"objects": 5, "stacks": raw}}))
    assert ways.why(told, [HERE]).waiting == 0
    assert ways.why(told, [THERE]).waiting == 5


def test_only_the_step_that_is_the_container_tells_of_it() -> None:
    """Neither the module above it nor an item in it grew, nor a step of a way without a container."""
    kept_in = held(10, 900, 15)
    way = ways.Way(kept_in._replace(container_path=kept_in.path[:2]), None)
    (module,) = ways.tree([way])
    (table,) = module.below
    (item,) = table.below
    assert [branch.holding for branch in (module, table, item)] == [(), (way,), ()]
    (plain,) = ways.tree([ways.Way(way.held._replace(mark=0), None)])
    assert plain.below[0].holding == ()
