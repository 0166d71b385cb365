"""Which line of several answers for a growth: the helper or its caller, and which lines are one leak.

An owner (:mod:`leakhunt.judge.whose`) that several places call may only be a helper on everybody's
path. Then the growth itself tells: if it comes through one caller while others, present in the same
snapshots, do not grow, that caller's line is the place that makes the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.whose import Blame, Paths, outer
from leakhunt.model.retention import Path, variable
from leakhunt.model.snapshot import Frame, Stack


def helper_or_caller(
    blame: Blame,
    siblings: Sequence[Stack],
    paths: Paths,
    growth: Callable[[Sequence[Stack]], float],
    grows: Callable[[Sequence[Stack]], bool],
    present: Callable[[Sequence[Stack]], bool],
) -> Blame:
    """The caller that makes the difference, where the owner is a helper on everybody's path.

    ``siblings``: other stacks of the same owner, which do not grow. ``growth`` gives the bytes by
    which stacks grew, ``grows`` whether they leak, ``present`` whether they hold memory for most of the
    time.
    """
    others = list(siblings)
    while blame.ours:
        by_caller: dict[Frame | None, list[Stack]] = {}
        idle: dict[Frame | None, list[Stack]] = {}
        for stacks, callers in ((blame.stacks, by_caller), (others, idle)):
            for stack in stacks:
                caller = _caller(paths.app(stack), blame.frame)
                callers.setdefault(caller, []).append(stack)
        total = growth(blame.stacks)
        if total <= 0:
            return blame
        chosen = max(by_caller, key=lambda caller: growth(by_caller[caller]))
        for caller, stacks in by_caller.items():
            if caller != chosen:
                idle.setdefault(caller, []).extend(stacks)
        rest = [stacks for caller, stacks in idle.items() if caller != chosen and present(stacks)]
        if (
            chosen is None
            or not rest
            or any(map(grows, rest))
            or growth(by_caller[chosen]) < LEVELS.blames.caller * total
        ):
            return blame
        blame = Blame(chosen, True, tuple(by_caller[chosen]))
        others = idle.get(chosen, [])
    return blame


def _caller(path: Sequence[Frame], frame: Frame) -> Frame | None:
    """Who calls the frame on its way in; the way's end where it does not come through that: what is made beside."""
    at = next((at for at in range(len(path) - 1, -1, -1) if path[at] == frame), len(path))
    return path[at - 1] if at > 0 else None


def names_its_holder(book: Book, blame: Blame) -> bool:
    """Whether the line itself names the variable of a module that keeps more of what it has made than any other:
    then it is the line that keeps, through whichever caller most of it comes (``EVENTS.append({...})``).

    An attribute says nothing: ``self.items`` is another's with each object.
    """
    snapshot = book.history.newest
    if snapshot is None:
        return False
    sizes: Counter[Path] = Counter()
    for stack in blame.stacks:
        for way in snapshot.told(stack).retention:
            sizes[variable(way.path)] += way.size
    del sizes[()]
    if not sizes:
        return False
    _, named = max(sizes, key=sizes.__getitem__)
    return named.name is not None and book.paths.names(blame.frame, named.name)


class Company(Protocol):
    """Growths of which each goes in step with each other one: asked of all at once, whatever their number."""

    def admits(self, index: int) -> bool:
        """Whether one goes in step with all; False also where that cannot be told of all at once."""

    def add(self, index: int) -> None:
        """One more, whether it goes in step or not."""


class _Route(NamedTuple):
    """How a blame's stacks come to their line; of one that is no line of the application nothing is told."""

    through: frozenset[Frame]
    """Lines of the application that most of its stacks are called from."""
    callers: frozenset[Frame]
    """Those that all are called from, above its own line."""


class _Group:
    """Blames that are parts of one object graph."""

    def __init__(self, index: int, route: _Route, company: Company | None) -> None:
        self.members = [index]
        self.callers = route.callers
        self._company = company
        if company is not None:
            company.add(index)

    def is_plainly(self, index: int, route: _Route) -> bool:
        """Whether one more has a caller in common with all, and goes in step with all."""
        return (
            self._company is not None
            and not self.callers.isdisjoint(route.callers)
            and self._company.admits(index)
        )

    def add(self, index: int, route: _Route) -> None:
        self.members.append(index)
        self.callers &= route.callers
        if self._company is not None:
            self._company.add(index)


def together(
    blames: Sequence[Blame],
    paths: Paths,
    alike: Callable[[int, int], bool],
    holds: Callable[[int], bool],
    company: Callable[[], Company | None] = lambda: None,
) -> list[list[int]]:
    """Which blames are parts of one leaked object graph: indexes, grouped.

    Parts are: lines that are called from another part's line; lines of one function, or called from
    one line of the application, that grow in step (``alike``), as long as they feed one container.
    Two lines that each hold a growing container (``holds``) are two leaks. ``company`` makes what answers as ``alike``
    does of a whole group, without which thousands of parts take as long as their pairs.
    """
    routes = [_route(blame, paths) for blame in blames]
    homes: list[_Group] = []
    for index, route in enumerate(routes):
        home = next(
            (home for home in homes
             if home.is_plainly(index, route)
             or all(_one(blames, routes, paths, alike, index, other) for other in home.members)),
            None,
        )  # fmt: skip
        if home is None:
            homes.append(_Group(index, route, company()))
        else:
            home.add(index, route)
    groups = [home.members for home in homes]
    parts = [part for group in groups for part in _by_holder(group, blames, holds)]
    return _held(parts, alike, holds)


def _held(
    groups: list[list[int]], alike: Callable[[int, int], bool], holds: Callable[[int], bool]
) -> list[list[int]]:
    """Groups without a container, put with the only group in step that has one.

    Every object that stays is held by something that grows with it.
    """
    holders = [group for group in groups if any(map(holds, group))]
    joined = [list(group) for group in holders]
    for group in groups:
        if group in holders:
            continue
        fitting = [
            index for index, holder in enumerate(holders) if alike(group[0], _first(holder, holds))
        ]
        if len(fitting) == 1:
            joined[fitting[0]] += group
        else:
            joined.append(group)
    return joined


def _first(group: list[int], holds: Callable[[int], bool]) -> int:
    return next(filter(holds, group))


def _one(
    blames: Sequence[Blame],
    routes: Sequence[_Route],
    paths: Paths,
    alike: Callable[[int, int], bool],
    a: int,
    b: int,
) -> bool:
    first, second = blames[a], blames[b]
    if not (first.ours and second.ours):
        return False
    if second.frame in routes[a].through or first.frame in routes[b].through:
        return True
    if not alike(a, b):
        return False
    if first.frame.file == second.frame.file:
        names = outer(paths.function(first.frame)), outer(paths.function(second.frame))
        if None not in names:
            if names[0] == names[1]:
                return True
        elif abs(first.frame.line - second.frame.line) <= LEVELS.blames.near:
            return True
    return not routes[a].callers.isdisjoint(routes[b].callers)


def _route(blame: Blame, paths: Paths) -> _Route:
    if not blame.ours:
        return _Route(frozenset(), frozenset())
    calling: Counter[Frame] = Counter()
    callers: frozenset[Frame] | None = None
    for stack in blame.stacks:
        path = paths.app(stack)
        calling.update(set(path[:-1]))
        above = frozenset(path[: path.index(blame.frame)] if blame.frame in path else ())
        callers = above if callers is None else callers & above
    most = LEVELS.blames.caller * len(blame.stacks)
    through = frozenset(frame for frame, times in calling.items() if times >= most)
    return _Route(through, callers or frozenset())


def _by_holder(
    group: list[int], blames: Sequence[Blame], holds: Callable[[int], bool]
) -> list[list[int]]:
    """One group per line that holds; other lines go with the next such line below them."""
    holders = sorted(filter(holds, group), key=lambda index: blames[index].frame)
    if len(holders) < 2 or len({blames[index].frame.file for index in group}) > 1:
        return [group]
    parts: dict[int, list[int]] = {index: [] for index in holders}
    for index in group:
        frame = blames[index].frame
        below = [holder for holder in holders if blames[holder].frame >= frame]
        parts[(below or holders[-1:])[0]].append(index)
    return [part for part in parts.values() if part]  # several may stand on one line
