"""Merges paths of frames into a tree, and cuts it down to its heaviest branches.

The law that every tree obeys: a node = what ends there + its shown children + its remainder.
Trees are flat here (nodes in the order they are drawn, each with its level), because stacks may
be thousands of frames deep and neither Python nor JSON likes to nest as deeply.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Optional

from leakhunt.model.snapshot import NOTHING, Frame, Tally

#: Frames from the root outwards, and what the stack holds.
Path = tuple[Sequence[Frame], Tally]


@dataclass(frozen=True)
class Node:
    """A frame of a tree, with everything that passes through it."""

    level: int
    """0 for the root; a node's children follow it, one level higher."""
    frame: Frame | None
    """None for a root that stands for several frames."""
    tally: Tally
    stacks: int
    ends: Tally
    """What ends here, of ``tally``."""
    remainder: Tally
    """What passes on to children that are not shown."""
    remainder_children: int


class _Growing:
    """A node while paths are added; there may be 10^5, so no dataclass."""

    __slots__ = ("children", "count", "ends_count", "ends_size", "frame", "size", "stacks")

    def __init__(self, frame: Optional[Frame]) -> None:  # noqa: UP045 - evaluated nowhere, but slots are
        self.frame = frame
        self.size = self.count = self.stacks = self.ends_size = self.ends_count = 0
        self.children: dict[Frame, _Growing] = {}


def merged(root: Frame | None, paths: Iterable[Path], branches: int = 0) -> tuple[Node, ...]:
    """The tree of the paths below ``root``, in the order it is drawn: heaviest child first.

    ``branches``: how many are shown, the heaviest ones, each along its heaviest path to the end;
    0: all.
    """
    top = _grown(root, paths)
    shown = _heaviest(top, branches)
    nodes: list[Node] = []
    todo = [(top, 0)]
    while todo:
        node, level = todo.pop()
        children = _ordered(node)
        kept = children if shown is None else [child for child in children if id(child) in shown]
        rest = NOTHING
        if len(kept) < len(children):
            size = node.size - node.ends_size - sum(child.size for child in kept)
            count = node.count - node.ends_count - sum(child.count for child in kept)
            rest = Tally(size, count)
        nodes.append(
            Node(
                level,
                node.frame,
                Tally(node.size, node.count),
                node.stacks,
                Tally(node.ends_size, node.ends_count),
                rest,
                len(children) - len(kept),
            )
        )
        todo += [(child, level + 1) for child in reversed(kept)]
    return tuple(nodes)


def _grown(root: Frame | None, paths: Iterable[Path]) -> _Growing:
    top = _Growing(root)
    for frames, (size, count) in paths:
        node = top
        node.size += size
        node.count += count
        node.stacks += 1
        for frame in frames:
            child = node.children.get(frame)
            if child is None:
                child = node.children[frame] = _Growing(frame)
            node = child
            node.size += size
            node.count += count
            node.stacks += 1
        node.ends_size += size
        node.ends_count += count
    return top


def _ordered(node: _Growing) -> list[_Growing]:
    if len(node.children) < 2:
        return list(node.children.values())
    return sorted(node.children.values(), key=_weight)


def _weight(node: _Growing) -> tuple[int, int, Frame]:
    assert node.frame is not None
    return (-node.size, -node.count, node.frame)


def _heaviest(top: _Growing, branches: int) -> set[int] | None:
    """The nodes to show by identity; None: all."""
    if not branches:
        return None
    shown: set[int] = set()
    waiting: list[tuple[tuple[int, int, int], _Growing]] = [((0, 0, 0), top)]
    number = 0
    for _ in range(branches):
        if not waiting:
            break
        node: _Growing | None = heappop(waiting)[1]
        while node is not None:
            shown.add(id(node))
            children = _ordered(node)
            for other in children[1:]:
                number += 1  # siblings are in order already: no two keys are equal
                heappush(waiting, ((-other.size, -other.count, number), other))
            node = children[0] if children else None
    return shown
