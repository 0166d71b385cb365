"""What holds objects: paths from a root, containers, and what would be freed without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Step(NamedTuple):
    """One reference on the way from a root, and what it leads to."""

    kind: str
    """``module class attribute item key closure default local frame cell cache thread context
    exception native callback``."""
    name: str | None
    """Of the module, class, attribute, variable or call; None for what has no name of code."""
    type: str | None
    """Of what it leads to."""
    length: int | None = None
    """Its entries, where it is one container; None too where many objects have this path."""
    bound: int | None = None
    """Entries that it can have at most: ``maxlen``, ``maxsize``; None: any number. Where many objects have
    this path (``length`` is None), what each of them can have, if that is the same for all: their number
    may have no end.
    """
    again: bool = False
    """The step may occur many times in a row, as along a linked list."""


#: From the root to the object; (): not known.
Path = tuple[Step, ...]


#: Kinds, names and types of the steps from a root.
Place = tuple[tuple[str, "str | None", "str | None"], ...]


class Container(NamedTuple):
    """One object that holds others."""

    path: Path
    """The shortest one with names."""
    type: str
    length: int | None
    """Entries; None for what is no list, dict, set, deque or cache."""
    bound: int | None
    """Entries that it can have at most; None: any number."""
    mark: int
    """Stands for it in all snapshots of the process."""
    retained: int | None
    """Bytes that would be freed without it, its own included; None: not known."""
    size: int
    """Its own bytes."""


class Retention(NamedTuple):
    """Objects of one stack that are held alike."""

    path: Path
    objects: int
    """Estimated with a sampled engine, or where not all blocks were looked at."""
    size: int
    """Bytes, likewise."""
    container_type: str | None
    """Of the container with most entries on the way; None: none in particular."""
    length: int | None
    """Its entries."""
    bound: int | None
    """Entries that it can have at most; None: any number."""
    mark: int
    """Stands for it in all snapshots of the process; 0: none in particular."""
    retained: int | None = None
    """Bytes that would be freed without the container; None: not known."""
    container_path: Path = ()
    """The way to the container."""
    counted: tuple[int, int] | None = None
    """Objects and bytes as put right by what was counted of all that is held alike; None: nobody counted."""

    def plus(self, other: Retention) -> Retention:
        """The objects of both, by the way of this one."""
        return self._replace(objects=self.objects + other.objects, size=self.size + other.size)


#: The mark of a container, 0: none in particular; and the way to it, or to the objects that it keeps.
Way = tuple[int, Path]


def by_container(ways: Iterable[Retention]) -> list[Retention]:
    """What each container keeps in all, the most bytes first; what none in particular keeps is one of them."""
    sums = _sums(ways, lambda way: (way.mark, way.container_path))
    return sorted(sums.values(), key=lambda way: -way.size)


def by_way(ways: Iterable[Retention]) -> dict[Way, Retention]:
    """What each container keeps, way by way."""
    return _sums(ways, lambda way: (way.mark, way.path))


def _sums(ways: Iterable[Retention], key_of: Callable[[Retention], Way]) -> dict[Way, Retention]:
    sums: dict[Way, Retention] = {}
    for way in ways:
        key = key_of(way)
        before = sums.get(key)
        sums[key] = way if before is None else before.plus(way)
    return sums


def place(path: Path) -> Place:
    """What several containers that hang alike have in common, whatever their length."""
    return tuple((step.kind, step.name, step.type) for step in path)


def variable(path: Path) -> Path:
    """The module and its variable from which something hangs; (): it hangs from no module."""
    return path[:2] if len(path) > 1 and path[0].kind == "module" else ()


class TypeCount(NamedTuple):
    """Objects of one type."""

    name: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody misses here
    size: int
    """Bytes of their own blocks."""


class Rest(NamedTuple):
    """The types that are not told one by one."""

    types: int
    count: int  # type: ignore[assignment]  # as above
    size: int


class Arrivals(NamedTuple):
    """When entries of a container came: as many of those that are there now had come by then."""

    mark: int
    """The container."""
    entries: int
    """How many it has."""
    path: Path
    """Of objects that the entries lead to."""
    objects: int
    """How many are held in that way,"""
    size: int
    """and their bytes: counted."""
    points: tuple[tuple[float, int], ...]
    """(Units of work done when an entry came, its place among the entries from 1), by place."""
    handed: tuple[tuple[float, int], ...] = ()
    """The same of entries whose blocks a freelist may have handed on: they came then, or later."""


#: Why a walk is a part: reading an object ended it, its time was over, its memory was full, nobody says.
CRASHED, LATE, FULL, UNSAID = "crashed", "late", "full", "unsaid"


class Undone(NamedTuple):
    """Why a walk did not come to its end."""

    code: str
    """CRASHED, LATE, FULL or UNSAID."""
    type: str | None = None
    """Of the object whose traversal crashed."""


@dataclass(frozen=True)
class Heap:
    """What a walk over all objects of a process has found."""

    whole: bool
    """Whether it came to its end; else all this is a part."""
    why: Undone | None
    """Why it is not whole."""
    objects: int
    tracked: int
    """Of these by the garbage collector."""
    seconds: float
    """CPU time of the walk, in the capture's child."""
    memory: int
    """Bytes it took."""
    types: tuple[TypeCount, ...]
    """The largest, by bytes."""
    types_rest: Rest
    garbage: tuple[TypeCount, ...] | None
    """Objects that only wait for the garbage collector, by type; None: not known."""
    garbage_rest: Rest
    containers: tuple[Container, ...]
    """Those above 1,000 entries, the most entries first."""
    points: tuple[Container, ...]
    """Where most memory piles up, the most first; each includes what it holds."""
    wanted: int
    """Blocks whose holders were looked for."""
    tied: int
    """Blocks whose holders were found."""
    arrivals: tuple[Arrivals, ...] = ()
    """Of containers whose entries were counted, with what is known of their order."""
