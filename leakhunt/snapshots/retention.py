"""What a file tells of the heap, checked: it may say anything, and what is malformed counts as not said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from leakhunt.model.retention import (
    CRASHED,
    FULL,
    LATE,
    UNSAID,
    Arrivals,
    Container,
    Heap,
    Path,
    Rest,
    Retention,
    Step,
    TypeCount,
    Undone,
)
from leakhunt.model.snapshot import UNTOLD, Counted, Snapshot, Stack, Tally
from leakhunt.snapfile import records
from leakhunt.snapshots import facts

#: Letters of a name, and steps of a path.
LONGEST_NAME = 300
DEEPEST = 64
#: Containers of whose entries it is told when they came, and entries of one: more than any hook writes.
CONTAINERS = 1000
POINTS = 100


def heap(recorded: Any) -> Heap | None:
    """The heap; None where the file tells of none."""
    if not isinstance(recorded, dict):
        return None
    paths = _paths(recorded.get("paths"))
    garbage = recorded.get("garbage")
    return Heap(
        whole=recorded.get("whole") is True,
        why=_why(recorded),
        objects=_whole(recorded.get("objects")),
        tracked=_whole(recorded.get("tracked")),
        seconds=float(facts.number_of(recorded.get("seconds")) or 0.0),
        memory=_whole(recorded.get("memory")),
        types=_types(recorded.get("types")),
        types_rest=_rest(recorded.get("types_rest")),
        garbage=None if garbage is None else _types(garbage),
        garbage_rest=_rest(recorded.get("garbage_rest")),
        containers=_containers(recorded.get("containers"), paths),
        points=_containers(recorded.get("points"), paths),
        wanted=_whole(recorded.get("wanted")),
        tied=_whole(recorded.get("tied")),
        arrivals=tuple(_arrivals(recorded, paths)),
    )


def by_stack(
    attributes: Mapping[str, Any], tallies: Mapping[Stack, Tally]
) -> dict[Stack, tuple[Retention, ...]]:
    """What holds the objects of each stack."""
    recorded = attributes.get("heap")
    if not isinstance(recorded, dict):
        return {}
    paths = _paths(recorded.get("paths"))
    holders = _holders(recorded, paths)
    together: dict[Stack, list[Retention]] = {}
    for stack, said in facts.known_records(records.Retention, attributes.get("retention"), tallies):
        for way in _rows(said.ways, 4, 6):
            path, objects, size, holder, *rest = (_whole(each) for each in way)
            if not 0 < path < len(paths):
                continue
            counted = (rest[0], rest[1]) if len(rest) == 2 else None
            at = numbered(holders, holder)
            together.setdefault(stack, []).append(
                Retention(paths[path], objects, size, None, None, None, 0, counted=counted)
                if at is None
                else Retention(
                    paths[path],
                    objects,
                    size,
                    at.type,
                    at.length,
                    at.bound,
                    at.mark,
                    at.retained,
                    at.path,
                    counted,
                )
            )
    return {
        stack: tuple(sorted(several, key=lambda each: -each.size))
        for stack, several in together.items()
    }


def counted(recorded: Any, tallies: Mapping[Stack, Tally]) -> dict[Stack, Counted]:
    """What was counted of each stack; a stack that is told of twice counts as not counted."""
    sizes: dict[Stack, Counted] = {}
    twice: set[Stack] = set()
    for stack, said in facts.known_records(records.Counted, recorded, tallies):
        size, stderr = facts.number_of(said.size), facts.number_of(said.stderr)
        if stack in sizes:
            twice.add(stack)
        if size is not None and stderr is not None:
            sizes[stack] = Counted(int(size), float(stderr) ** 2)
    return {stack: one for stack, one in sizes.items() if stack not in twice}


def lengths(snapshot: Snapshot) -> dict[int, int]:
    """The entries of each container that a snapshot tells of, by its mark."""
    return {one.mark: one.length for one in _marked(snapshot) if one.length is not None}


def freed(snapshot: Snapshot) -> dict[int, int]:
    """What would be freed without each container that a snapshot tells that of, in bytes, by its mark."""
    return {one.mark: one.retained for one in _marked(snapshot) if one.retained is not None}


def _marked(snapshot: Snapshot) -> Iterator[Container | Retention]:
    """All that tells of a container that can be found again; of one several may, the same."""
    if snapshot.heap is not None:
        yield from (one for one in (*snapshot.heap.points, *snapshot.heap.containers) if one.mark)
    for told in snapshot.facts.values():
        yield from (way for way in told.retention if way.mark)


def carried(newest: Snapshot, walked: Snapshot) -> Snapshot:
    """A snapshot in which nobody looked for who holds what, with what an earlier one of its process says.

    Of a stack that has less by now than was held then, nothing is taken over; nor how many entries there were by when.
    """
    told_of = dict(newest.facts)
    for stack, told in walked.facts.items():
        tally = newest.tallies.get(stack)
        if tally is not None and told.retention and _held(told.retention) <= tally.size:
            told_of[stack] = replace(told_of.get(stack, UNTOLD), retention=told.retention)
    heap = None if walked.heap is None else replace(walked.heap, arrivals=())
    return replace(newest, heap=heap, facts=MappingProxyType(told_of))


def _held(ways: Iterable[Retention]) -> int:
    return sum(way.size for way in ways)


def _why(recorded: Mapping[str, Any]) -> Undone | None:
    if recorded.get("whole") is True:
        return None
    if isinstance(recorded.get("crashed"), str):
        return Undone(CRASHED, recorded["crashed"][:LONGEST_NAME])
    if recorded.get("late") is True:
        return Undone(LATE)
    return Undone(FULL if recorded.get("full") is True else UNSAID)


def _paths(recorded: Any) -> list[Path]:
    """By number; each begins with an earlier one, so that none can be endless."""
    paths: list[Path] = [()]
    for number, row in enumerate(_numbered(recorded, 7)):
        if number == 0:
            continue
        if row is None:
            paths.append(())
            continue
        parent, kind, name, type_name, length, bound, again = row
        before = paths[parent] if isinstance(parent, int) and 0 <= parent < number else ()
        step = Step(
            _text(kind) or "",
            _text(name),
            _text(type_name),
            _maybe(length),
            _maybe(bound),
            again is True,
        )
        paths.append((*before, step) if len(before) < DEEPEST else before)
    return paths


def holders(recorded: Any) -> list[Container | None]:
    """The containers that records name by their place, from 1; None for one that is malformed."""
    return _holders(recorded, _paths(recorded.get("paths"))) if isinstance(recorded, dict) else []


def numbered(holders: Sequence[Container | None], number: Any) -> Container | None:
    """That of a record's number, from 1; None where there is none, or the record does not say."""
    at = _whole(number)
    return holders[at - 1] if 0 < at <= len(holders) else None


def _holders(recorded: Mapping[str, Any], paths: list[Path]) -> list[Container | None]:
    return [
        None if row is None else _container(row, paths)
        for row in _numbered(recorded.get("holders"), 7)
    ]


def _containers(recorded: Any, paths: list[Path]) -> tuple[Container, ...]:
    return tuple(_container(row, paths) for row in _rows(recorded, 7))


def _container(row: tuple[Any, ...], paths: list[Path]) -> Container:
    path, type_name, length, bound, mark, retained, size = row
    number = _whole(path)
    return Container(
        paths[number] if number < len(paths) else (),
        _text(type_name) or "object",
        _maybe(length),
        _maybe(bound),
        _whole(mark),
        _maybe(retained),
        _whole(size),
    )


def _arrivals(recorded: Mapping[str, Any], paths: list[Path]) -> Iterator[Arrivals]:
    holders = _holders(recorded, paths)
    for said in islice(records.read(records.Arrivals, recorded.get("arrivals")), CONTAINERS):
        path, at = _whole(said.path), numbered(holders, said.holder)
        if at is None or not at.mark or not at.length or not 0 < path < len(paths):
            continue
        yield Arrivals(
            at.mark,
            at.length,
            paths[path],
            _whole(said.objects),
            _whole(said.size),
            _points(said.points, at.length),
            _points(said.handed, at.length),
        )


def _points(recorded: Any, length: int) -> tuple[tuple[float, int], ...]:
    rows = list(islice(_rows(recorded, 2), POINTS))
    units = facts.numbers_of(unit for unit, _ in rows)
    points = zip(units, (_whole(place) for _, place in rows))
    return tuple(
        (float(unit), place) for unit, place in points if unit is not None and 0 < place <= length
    )


def _types(recorded: Any) -> tuple[TypeCount, ...]:
    return tuple(
        TypeCount(_text(name) or "object", _whole(count), _whole(size))
        for name, count, size in _rows(recorded, 3)
    )


def _rest(recorded: Any) -> Rest:
    for row in _rows([recorded], 3):
        return Rest(*map(_whole, row))
    return Rest(0, 0, 0)


def _rows(recorded: Any, length: int, most: int = 0) -> Iterable[tuple[Any, ...]]:
    """Those that have so many values; what a later version has appended, from ``most`` on, is cut off."""
    return (row for row in _numbered(recorded, length, most) if row is not None)


def _numbered(recorded: Any, length: int, most: int = 0) -> Iterator[tuple[Any, ...] | None]:
    """The same where others name them by number: None stands in the place of one that has not."""
    for row in recorded if isinstance(recorded, (list, tuple)) else ():
        has = isinstance(row, (list, tuple)) and len(row) >= length
        yield tuple(row[: most or length]) if has else None


def _text(value: Any) -> str | None:
    return value[:LONGEST_NAME] if isinstance(value, str) else None


def _maybe(value: Any) -> int | None:
    if type(value) is int and 0 <= value < facts.LARGEST:
        return value  # nearly all of them, and there may be a hundred thousand
    number = facts.number_of(value)
    return None if number is None else int(number)


def _whole(value: Any) -> int:
    return _maybe(value) or 0
