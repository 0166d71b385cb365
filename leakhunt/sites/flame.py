"""Many stacks as one tree that can be drawn: what is alive, and what grew and shrank, frame by frame.

The tree is cut to its heaviest nodes. What is cut off stays where it was, as a node without a
frame: at every node what ends there and its children add up to it, per process and in all.
Growth and shrinkage never cancel out: both are kept, in absolute bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add, sub
from types import MappingProxyType
from typing import NamedTuple

from leakhunt.model.snapshot import Frame, Stack


class Weight(NamedTuple):
    """Bytes, and blocks."""

    now: int
    """Alive in the newest snapshot."""
    grown: int
    """More than before, added up over the stacks that grew."""
    shrunk: int
    """Less than before, over those that shrank; positive."""
    blocks: int = 0
    """Alive in the newest snapshot."""
    more_blocks: int = 0
    """Blocks now less blocks before, net."""

    def plus(self, other: Weight) -> Weight:
        return Weight(*map(add, self, other))

    def minus(self, other: Weight) -> Weight:
        return Weight(*map(sub, self, other))

    def width(self, compared: bool) -> int:
        """How wide it is drawn: what changed, up or down, or what is alive."""
        return self.grown + self.shrunk if compared else self.now

    @property
    def change(self) -> int:
        """Net."""
        return self.grown - self.shrunk


NO_WEIGHT = Weight(0, 0, 0)


def weigh(before: int | None, now: int, blocks_before: int = 0, blocks: int = 0) -> Weight:
    """Of one stack; ``before``: None where nothing was measured then."""
    if before is None:
        return Weight(now, 0, 0, blocks)
    more = blocks - blocks_before
    if now >= before:
        return Weight(now, now - before, 0, blocks, more)
    return Weight(now, 0, before - now, blocks, more)


class Node(NamedTuple):
    """One frame on one way; a node stands behind its parent."""

    parent: int
    """Index; -1 for the root."""
    frame: Frame | None
    """None for the root, and for what was cut off."""
    stacks: int
    """Of a node that stands for what was cut off: how many stacks; else 0."""
    ends: tuple[Weight, ...]
    """What ends here, for each process."""


@dataclass(frozen=True)
class Flame:
    """The tree of several processes."""

    nodes: tuple[Node, ...]
    totals: tuple[Weight, ...]
    """For each process: the sum over the nodes."""

    @property
    def cut(self) -> int:
        """Stacks that are not drawn one by one."""
        return sum(node.stacks for node in self.nodes)


class _Growing:
    """A node while stacks are added; there may be 10^6, so no dataclass."""

    __slots__ = ("children", "ends", "gross", "now")

    def __init__(self) -> None:
        self.children: dict[Frame, _Growing] = {}
        self.ends: Mapping[int, Weight] = _NOTHING
        """What ends here, for each process."""
        self.now = self.gross = 0

    def end(self, process: int, weight: Weight) -> None:
        ends = dict(self.ends)
        ends[process] = ends[process].plus(weight) if process in ends else weight
        self.ends = ends


#: Nothing ends at most nodes.
_NOTHING: Mapping[int, Weight] = MappingProxyType({})


def flame(processes: Sequence[Iterable[tuple[Stack, Weight]]], most: int) -> Flame:
    """The tree of all processes' stacks, of at most ``most`` frames: the heaviest, by what is alive or by
    what changed, whichever is the larger part of the whole.
    """
    root, stacks = _Growing(), 0
    for number, process in enumerate(processes):
        for stack, weight in process:
            if weight == NO_WEIGHT:
                continue
            stacks += 1
            now, gross = weight.now, weight.grown + weight.shrunk
            node = root
            node.now += now
            node.gross += gross
            for frame in stack:
                child = node.children.get(frame)
                if child is None:
                    child = node.children[frame] = _Growing()
                node = child
                node.now += now
                node.gross += gross
            node.end(number, weight)
    least = _least(root, most)
    nodes = list(_drawn(root, least, len(processes)))
    totals = tuple(_sum(node.ends[number] for node in nodes) for number in range(len(processes)))
    return Flame(tuple(nodes), totals)


def _sum(weights: Iterable[Weight]) -> Weight:
    told = [weight for weight in weights if weight is not NO_WEIGHT]
    return Weight(*map(sum, zip(*told))) if told else NO_WEIGHT


def _part(node: _Growing, root: _Growing) -> float:
    """The larger part of the two wholes; never more than the parent's."""
    alive = node.now / root.now if root.now else 0.0
    return max(alive, node.gross / root.gross if root.gross else 0.0)


def _least(root: _Growing, most: int) -> float:
    """The part from which on nodes are drawn, so that they are not too many."""
    every: list[_Growing] = []
    todo = list(root.children.values())
    while todo:
        every += todo
        todo = [child for node in todo for child in node.children.values()]
    if len(every) <= most:
        return -1.0  # below every part, also of what has blocks and no bytes
    parts = sorted((_part(node, root) for node in every), reverse=True)
    return parts[most]  # the first that has no place: those like it have none either


def _drawn(root: _Growing, least: float, processes: int) -> Iterable[Node]:
    """Nodes in the order that puts a parent before its children, the heaviest child first."""
    number = 0
    todo: list[tuple[int, Frame | None, _Growing]] = [(-1, None, root)]
    while todo:
        parent, frame, node = todo.pop()
        mine = number
        number += 1
        yield Node(parent, frame, 0, _ends(node, processes))
        kept = [
            (mine, frame, child)
            for frame, child in node.children.items()
            if _part(child, root) > least
        ]
        kept.sort(key=lambda each: (each[2].now, each[2].gross, each[1]))
        if len(kept) < len(node.children):
            shown = {id(child) for _, _, child in kept}
            cut = [child for child in node.children.values() if id(child) not in shown]
            number += 1
            yield _rest(mine, cut, processes)
        todo += kept


def _ends(node: _Growing, processes: int) -> tuple[Weight, ...]:
    if not node.ends:
        return (NO_WEIGHT,) * processes
    return tuple(node.ends.get(number, NO_WEIGHT) for number in range(processes))


def _rest(parent: int, cut: list[_Growing], processes: int) -> Node:
    """All that ends in or below these nodes."""
    sums = [NO_WEIGHT] * processes
    stacks = 0
    todo = list(cut)
    while todo:
        node = todo.pop()
        todo += node.children.values()
        stacks += len(node.ends)
        for number, weight in node.ends.items():
            sums[number] = sums[number].plus(weight)
    return Node(parent, None, stacks, tuple(sums))
