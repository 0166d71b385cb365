"""What keeps the objects of some stacks, over the snapshots of a process."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from leakhunt.model.retention import Heap, Rest, Retention, Step
from leakhunt.model.snapshot import Facts, Frame, Meta, Snapshot, Stack, Tally
from leakhunt.report.words import kept
from leakhunt.retention import ways

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
    assert ways.why(snapshot(here=held(12, 1300, 15)), [HERE]).tied == 1000


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
    part = replace(HEAP, whole=False, why="its time was over")
    found = ways.why(replace(snapshot(here=held(1, 10, 5)), heap=part), [HERE])
    assert kept.summary(found).endswith("the walk is a part: its time was over")
