"""Births of blocks that a freelist has handed on, booked to the line that makes their holder grow.

The sampled engine books a block to the line that asked the allocator for it. A dict, tuple, float or list
that dies leaves its block on a freelist, and whoever makes the next one takes it from there: so what a leak
keeps may be booked to a line that only works with many of them. It is born as evenly as the leak
itself, and would be accused in its stead. :mod:`leakhunt.judge.kept` books such bytes in a series; here it is done
for the births in one snapshot, where a walk has told which container keeps them.

The line that makes a container grow is, in this order:

* the one that asked for the newest part of the container's own table, where that is a sample;
* of the application's lines whose blocks hang from the container and came through no freelist, the one with most
  bytes: what is made for a container is made beside what is put into it;
* of the application's lines that name the module's variable from which it hangs, and put something there, the one
  that holds most, whatever it is: those of the module itself before others;
* of libraries' lines, the one with most bytes in the container.

Births go there, unless the line that is charged is as good (:func:`leakhunt.judge.kept.stays`) and makes something itself of what
the container keeps. What a container with a bound keeps
of another line's blocks piles up nowhere: it is taken out of what that line is judged by, and moved to nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from leakhunt.judge.containers import ends, is_limited
from leakhunt.judge.kept import Kept, stays
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.whose import Paths
from leakhunt.model.retention import Container, Path, Retention, variable
from leakhunt.model.snapshot import (
    NOTHING,
    UNTOLD,
    Birth,
    Facts,
    Frame,
    Handed,
    Snapshot,
    Stack,
    Tally,
)
from leakhunt.snapshots.objects import types_left

#: Births of a stack by this are of one period and task.
Age = tuple[int, "str | None"]


class Booked(NamedTuple):
    """A snapshot whose births, and what holds them, are booked to the lines that keep them."""

    facts: Mapping[Stack, Facts]
    tallies: Mapping[Stack, Tally]
    """Of all lines: what holds a line's objects is never more than the line has."""
    kept: Mapping[Stack, tuple[Kept, ...]]
    """What of its bytes a line keeps, and others have asked for."""
    moved: Mapping[Stack, tuple[Birth, ...]]
    """The births of these: their blocks' deaths are told of the lines that asked for them."""


def booked(snapshot: Snapshot, paths: Paths) -> Booked:
    """Sums over all stacks stay, but for what containers with a bound keep of others' blocks."""
    facts: dict[Stack, Facts] = dict(snapshot.facts)
    owners, firm = _owners(snapshot, paths)
    kept: dict[Stack, Counter[str]] = {}
    moved: dict[Stack, tuple[Birth, ...]] = {}
    less_or_more: dict[Stack, Tally] = {}
    for stack, told in snapshot.facts.items():
        for part in told.handed if stack in snapshot.tallies else ():
            owner = owners.get(part.holder.mark)
            is_its = owner is not None and (
                owner == stack
                or (_makes(stack, firm.get(part.holder.mark, {})) and stays(paths, stack, owner))
            )
            bounded = ends(part.holder.path, part.holder.bound)
            if owner is None and not bounded:
                continue
            size = part.size
            left = facts[stack]
            left = facts[stack] = replace(left, recycled=max(0, left.recycled - round(size)))
            if is_its:
                continue  # nothing but that it is known now who keeps it
            facts[stack] = replace(
                left,
                births=less(left.births, part.births),
                types=types_left(left.types, round(size)),
                retention=_without(left.retention, part.holder.mark, size),
            )
            if owner is None or bounded:
                continue
            its = facts.get(owner, UNTOLD)
            way = _way(told.retention, part)
            facts[owner] = replace(
                its, births=(*its.births, *part.births), retention=_with(its.retention, way)
            )
            kept.setdefault(owner, Counter())[part.holder.type] += round(size)
            moved[owner] = (*moved.get(owner, ()), *part.births)
            tally = Tally(round(size), round(sum(birth.blocks for birth in part.births)))
            for line, sign in ((stack, -1), (owner, 1)):
                before = less_or_more.get(line, NOTHING)
                less_or_more[line] = Tally(
                    before.size + sign * tally.size, before.count + sign * tally.count
                )
    by_kind = {
        stack: tuple(Kept(*each) for each in sizes.most_common()) for stack, sizes in kept.items()
    }
    return Booked(MappingProxyType(facts), _with_all(snapshot, less_or_more), by_kind, moved)


def _with_all(snapshot: Snapshot, less_or_more: Mapping[Stack, Tally]) -> Mapping[Stack, Tally]:
    """The snapshot's tallies; copied only where they change, for there may be a hundred thousand."""
    if not less_or_more:
        return snapshot.tallies
    tallies = dict(snapshot.tallies)
    for stack, by in less_or_more.items():
        before = tallies.get(stack, NOTHING)
        tallies[stack] = Tally(max(0, before.size + by.size), max(0, before.count + by.count))
    return MappingProxyType(tallies)


def less(births: Sequence[Birth], parts: Iterable[Birth]) -> tuple[Birth, ...]:
    """The births without those parts of them: no more is taken than there is.

    The squares of what is left are those of the whole without those of the parts: an upper bound, which
    is met where no unit has brought both.
    """
    taken: dict[Age, list[Birth]] = {}
    for part in parts:
        taken.setdefault((part.period, part.task), []).append(part)
    left = []
    for birth in births:
        rest = birth
        for part in taken.pop((birth.period, birth.task), ()):
            rest = _minus(rest, part)
        if rest.size > 0:
            left.append(rest)
    return tuple(left)


def _minus(birth: Birth, part: Birth) -> Birth:
    size = max(0.0, birth.size - part.size)
    samples = max(1, birth.samples - part.samples)
    runs = min(birth.runs, samples)
    return birth._replace(
        runs=runs,
        samples=samples,
        size=size,
        squares=max(size**2 / runs, birth.squares - part.squares),
        blocks=max(0.0, birth.blocks - part.blocks),
        recycled=min(size, max(0.0, birth.recycled - part.size)),
        waiting=min(size, birth.waiting),
        free=min(size, birth.free),
    )


# -- who makes a container grow -----------------------------------------------------------


def _makes(stack: Stack, sizes: Mapping[Stack, int]) -> bool:
    """Whether a stack makes something itself of what a container keeps; so it is taken to, where none does.

    A helper that two callers have in common makes rows for both: the container of the one is not filled by the other.
    """
    return sizes.get(stack, 0) > 0 or not any(size > 0 for size in sizes.values())


def _owners(
    snapshot: Snapshot, paths: Paths
) -> tuple[dict[int, Stack], Mapping[int, Mapping[Stack, int]]]:
    """For each container, by its mark, the stack that makes it grow; and what hangs from it of each stack
    that came through no freelist.
    """
    growers: dict[int, Stack] = {}
    firm: dict[int, Counter[Stack]] = {}
    ways_to: dict[int, Path] = {}
    for stack, told in snapshot.facts.items():
        if stack not in snapshot.tallies:
            continue
        for part in told.handed:
            ways_to[part.holder.mark] = part.holder.path
            firm.setdefault(part.holder.mark, Counter())[stack] -= round(part.size)
            if part.grower is not None and not paths.is_hidden(part.grower):
                growers[part.holder.mark] = part.grower
    for stack, told in snapshot.facts.items():
        if stack not in snapshot.tallies or paths.is_hidden(stack):
            continue
        for way in told.retention:
            if way.mark in firm:
                firm[way.mark][stack] += way.size
    for sizes in firm.values():
        for stack in [stack for stack, size in sizes.items() if size < LEVELS.lives.block]:
            sizes[stack] = min(0, sizes[stack])
    putting: Mapping[Frame, tuple[int, Stack]] | None = None
    for mark, sizes in firm.items():
        if mark in growers:
            continue
        is_celerys = is_limited(ways_to[mark])  # Celery fills its own; the application never does
        surely = {
            stack: size
            for stack, size in sizes.items()
            if size > 0 and not (is_celerys and paths.app(stack))
        }
        ours = {stack: size for stack, size in surely.items() if paths.app(stack)}
        naming = None
        if not ours and not is_celerys and variable(ways_to[mark]):
            putting = _putting(snapshot, paths) if putting is None else putting
            naming = _naming(putting, paths, ways_to[mark])
        if naming is not None:
            growers[mark] = naming
        elif surely:
            among = ours or surely
            growers[mark] = max(among, key=lambda stack: (among[stack], stack))
    return growers, firm


def _putting(snapshot: Snapshot, paths: Paths) -> dict[Frame, tuple[int, Stack]]:
    """The application's lines that put something somewhere: the stack of each that holds most, with its bytes."""
    most: dict[Frame, tuple[int, Stack]] = {}
    for stack, tally in snapshot.tallies.items():
        ours, frame = paths.owner(stack)
        if ours and paths.keeps(frame):
            most[frame] = max(most.get(frame, (0, stack)), (tally.size, stack))
    return most


def _naming(putting: Mapping[Frame, tuple[int, Stack]], paths: Paths, path: Path) -> Stack | None:
    """Of lines that put something somewhere and name the module's variable from which a container hangs, the stack
    that holds most; None: nobody names that.
    """
    module, name = (step.name for step in variable(path))
    if not module or not name:
        return None
    file = re.compile(rf"\b{re.escape(module.rpartition('.')[2])}(?:/__init__)?\.py$")
    naming = [
        (bool(file.search(frame.file)), *held)
        for frame, held in putting.items()
        if paths.names(frame, name)
    ]
    return max(naming)[2] if naming else None


# -- what holds it ------------------------------------------------------------------------


def _way(ways: Iterable[Retention], part: Handed) -> Retention:
    """How the container holds what is handed on."""
    holder = part.holder
    objects, size = round(sum(birth.blocks for birth in part.births)), round(part.size)
    like = next((way for way in ways if way.mark == holder.mark), None) or _plain(holder)
    return like._replace(objects=objects, size=size)


def _plain(holder: Container) -> Retention:
    return Retention(
        holder.path, 0, 0, holder.type, holder.length, holder.bound, holder.mark, holder.retained,
        holder.path,
    )  # fmt: skip


def _with(ways: Sequence[Retention], way: Retention) -> tuple[Retention, ...]:
    return tuple(sorted((*ways, way), key=lambda each: -each.size))


def _without(ways: Sequence[Retention], mark: int, size: float) -> tuple[Retention, ...]:
    """The ways, of which so many bytes that one container holds are taken, the largest first."""
    left = []
    for way in sorted(ways, key=lambda each: -each.size):
        part = min(size, way.size) if way.mark == mark else 0.0
        size -= part
        rest = way.size - round(part)
        if rest >= LEVELS.lives.block:
            objects = round(way.objects * rest / way.size)
            left.append(way._replace(objects=objects, size=rest) if part else way)
    return tuple(sorted(left, key=lambda each: -each.size))
