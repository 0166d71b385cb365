"""Everything that a snapshot knows of one place: which stacks lead to it, and what they hold.

A place is a line, a file, a function, or a row of ``leakhunt top``. A stack belongs to it where its
innermost frame there is, so that recursion counts once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Optional

from leakhunt import units
from leakhunt.errors import LocationError
from leakhunt.model.meta import OFF
from leakhunt.model.paths import Prefixes, prefixes, shorten, visible
from leakhunt.model.query import Query
from leakhunt.model.snapshot import NOTHING, Block, Frame, Snapshot, Stack, Tally
from leakhunt.sites import rows as grouping
from leakhunt.sites.order import heaviest
from leakhunt.sites.tree import Node, Path, merged
from leakhunt.snapshots.births import Born, born
from leakhunt.snapshots.filters import selector
from leakhunt.snapshots.objects import Kinds, kinds

#: What a comprehension is called that stands in a function: since 3.12 its lines are the function's own
#: (PEP 709), but for those of a generator expression.
_WITHIN = re.compile(r"(?:(?:\.<locals>)?\.<(?:listcomp|setcomp|dictcomp|genexpr)>)+$")

#: For a stack: the depth of the place in it; None: it does not lead there.
Find = Callable[[Stack], Optional[int]]


@dataclass(frozen=True)
class Lead:
    """A stack that leads to the place."""

    rank: int
    stack: Stack
    depth: int
    """Index of the place in the stack."""
    tally: Tally


@dataclass(frozen=True)
class Shown:
    """A place in a snapshot, taken apart."""

    location: str
    """As the user said it."""
    places: tuple[tuple[Frame, Tally], ...]
    """The frames that the location means, the heaviest first."""
    leads: tuple[Lead, ...]
    """The heaviest stacks, as many as the query's limit."""
    remainder: Tally
    remainder_stacks: int
    matched: Tally
    stacks: int
    here: Tally
    """Of ``matched``, what the place itself allocates: it is the innermost frame."""
    hidden: Tally
    """What leads here too, and was dropped by filters or is hidden by default."""
    hidden_stacks: int
    totals: Tally
    callers: tuple[Node, ...]
    """From the place outwards: who brings us here."""
    below: tuple[Node, ...]
    """From the place inwards: what it calls, down to the lines that allocate."""
    blocks: tuple[Block, ...]
    """Sizes and domains of the blocks, summed over the stacks, sorted."""
    kinds: Kinds | None
    """What the objects are, where the snapshot knows."""
    born: Born | None = None
    """When they were asked for, likewise."""
    rank: int | None = None
    """The row of top that was asked for, where it was one."""
    elsewhere: Tally = NOTHING
    """What passes through the place of that row too, and is ranked deeper."""

    @property
    def dropped(self) -> Tally:
        """Everything in the file that is not of this place, or not shown."""
        return self.totals.minus(self.matched)


def show(snapshot: Snapshot, location: str, query: Query) -> Shown:
    """Take a place apart. Raises LocationError where nothing is at ``location``."""
    roots = prefixes(snapshot.meta.facts)
    rank = int(location) if location.isdecimal() and location.isascii() else None
    find, keep, elsewhere = _meant(snapshot, location, rank, query, roots)
    hidden, hidden_stacks = [0, 0], 0
    led: list[tuple[Stack, int, Tally]] = []
    for stack, tally in snapshot.tallies.items():
        depth = find(stack)
        if depth is None:
            continue
        if keep(stack) is None:
            hidden[0] += tally.size
            hidden[1] += tally.count
            hidden_stacks += 1
            continue
        led.append((stack, depth, tally))
    if not led:
        raise _nothing(snapshot, location, query, roots, hidden_stacks)
    position = 0 if query.sort == "size" else 1
    order = heaviest([tally[position] for _, _, tally in led], query.limit, lambda at: led[at][0])
    leads = tuple(Lead(rank, *led[at]) for rank, at in enumerate(order, 1))
    matched = _sum(tally for _, _, tally in led)
    shown = _sum(lead.tally for lead in leads)
    places = _places(led)
    root = places[0][0] if len(places) == 1 else None
    skip = 0 if root is None else 1
    return Shown(
        location=location,
        places=places,
        leads=leads,
        remainder=matched.minus(shown),
        remainder_stacks=len(led) - len(leads),
        matched=matched,
        stacks=len(led),
        here=_sum(tally for stack, depth, tally in led if depth == len(stack) - 1),
        hidden=Tally(*hidden),
        hidden_stacks=hidden_stacks,
        totals=snapshot.totals,
        callers=merged(root, _outwards(led, skip), query.limit),
        below=merged(root, _inwards(led, skip), query.limit),
        blocks=_blocks(snapshot, (stack for stack, _, _ in led)),
        kinds=kinds(snapshot, (stack for stack, _, _ in led)),
        born=born(snapshot, (stack for stack, _, _ in led)),
        rank=rank,
        elsewhere=elsewhere,
    )


def _outwards(led: Iterable[tuple[Stack, int, Tally]], skip: int) -> Iterable[Path]:
    for stack, depth, tally in led:
        yield stack[depth::-1][skip:], tally


def _inwards(led: Iterable[tuple[Stack, int, Tally]], skip: int) -> Iterable[Path]:
    for stack, depth, tally in led:
        yield stack[depth + skip :], tally


def _sum(tallies: Iterable[Tally]) -> Tally:
    size = count = 0
    for tally in tallies:
        size += tally.size
        count += tally.count
    return Tally(size, count)


def _places(led: Iterable[tuple[Stack, int, Tally]]) -> tuple[tuple[Frame, Tally], ...]:
    sums: dict[Frame, Tally] = {}
    for stack, depth, tally in led:
        frame = stack[depth]
        sums[frame] = sums.get(frame, NOTHING).plus(tally)
    return tuple(sorted(sums.items(), key=lambda item: (-item[1].size, -item[1].count, item[0])))


def _blocks(snapshot: Snapshot, stacks: Iterable[Stack]) -> tuple[Block, ...]:
    numbers: Counter[tuple[int, int]] = Counter()
    for stack in stacks:
        for domain, size, count in snapshot.told(stack).blocks:
            numbers[domain, size] += count
    return tuple(Block(*key, count) for key, count in sorted(numbers.items()))


# -- what a location means ------------------------------------------------------------


def _meant(
    snapshot: Snapshot, location: str, rank: int | None, query: Query, roots: Prefixes
) -> tuple[Find, Find, Tally]:
    """How to find the place in a stack, which stacks are kept, and what is ranked deeper."""
    keep = selector(query, roots)
    if rank is not None:
        frame, elsewhere = _of_row(snapshot, rank, query, keep)
        return (lambda stack: _ranked_at(stack, frame, keep)), keep, elsewhere
    frames = _frames_meant(snapshot, location)
    wanted = frames.__contains__

    def find(stack: Stack) -> int | None:
        for depth in range(len(stack) - 1, -1, -1):
            if wanted(stack[depth]):
                return depth
        return None

    return find, keep, NOTHING


def _ranked_at(stack: Stack, frame: Frame, select: Find) -> int | None:
    depth = select(stack)
    return depth if depth is not None and stack and stack[depth] == frame else None


def _of_row(snapshot: Snapshot, rank: int, query: Query, select: Find) -> tuple[Frame, Tally]:
    """The frame that a row of top stands for, and what passes through it and is ranked deeper.

    Raises LocationError.
    """
    ranked = grouping.group(snapshot, _ranking(query, rank))
    if snapshot.meta.engine == OFF:
        raise _untraced(snapshot)
    if not 0 < rank <= len(ranked.rows):
        rows = units.count(len(ranked.rows) + ranked.remainder_sites)
        raise LocationError(
            f"{visible(snapshot.path)}: there is no row {rank}: `leakhunt top` has {rows} with these "
            "options (the place itself can be named too: tasks.py:8)"
        )
    row = ranked.rows[rank - 1]
    if row.depth < 0:
        raise LocationError(f"{visible(snapshot.path)}: row {rank} has no stack to show")
    frame = row.change.stack[row.depth]
    elsewhere = _sum(
        tally
        for stack, tally in snapshot.tallies.items()
        if frame in stack and _ranked_at(stack, frame, select) is None and select(stack) is not None
    )
    return frame, elsewhere


def _ranking(query: Query, rank: int) -> Query:
    return Query(
        "lineno", query.filters, query.excludes, query.innermost, query.show_all, query.blame,
        max(rank, 1), query.sort,
    )  # fmt: skip


def _frames_meant(snapshot: Snapshot, location: str) -> frozenset[Frame]:
    """Every frame that a file, a line of one or a function means; may be none."""
    frames = _all_frames(snapshot)
    files = {frame.file for frame in frames}
    name, line = _split(location)
    inside = set(filter(_file_test(name), files))
    if inside:
        return frozenset(
            frame for frame in frames if frame.file in inside and line in (None, frame.line)
        )
    if line is not None:
        return frozenset()
    file, _, function = location.rpartition(":")
    inside = set(filter(_file_test(file), files)) if file else files
    return frozenset(
        frame
        for frame in frames
        if _is_function(function, _function(snapshot, frame)) and frame.file in inside
    )


def _all_frames(snapshot: Snapshot) -> set[Frame]:
    return set().union(*snapshot.tallies)


def _function(snapshot: Snapshot, frame: Frame) -> str | None:
    spot = snapshot.spots.get(frame)
    return spot.function if spot is not None else None


def _split(location: str) -> tuple[str, int | None]:
    """``tasks.py:8`` as the file and the line; the line is None where there is none."""
    match = re.fullmatch(r"(.+):([0-9]{1,10})", location, re.DOTALL)
    return (match[1], int(match[2])) if match else (location, None)


def _file_test(name: str) -> Callable[[str], bool]:
    """Whether a file ends in ``name``, in whole components; as recorded, or as it is printed."""
    plain = name.removeprefix("./")
    ending = f"/{plain}"

    def test(file: str) -> bool:
        spoken = visible(file)
        return file in (name, plain) or file.endswith(ending) or f"/{spoken}".endswith(ending)

    return test


def _is_function(wanted: str, function: str | None) -> bool:
    """``run`` means ``run`` and ``Worker.run``, with the comprehensions that stand in them."""
    if not wanted or function is None:
        return False
    return any(f".{each}".endswith(f".{wanted}") for each in (function, _WITHIN.sub("", function)))


# -- nothing there --------------------------------------------------------------------


def _untraced(snapshot: Snapshot) -> LocationError:
    return LocationError(
        f"{visible(snapshot.path)}: the engine was off, and nothing was traced; "
        f"`leakhunt arm {snapshot.meta.pid or 'PID'} --engine sampled` switches it on"
    )


def _nothing(
    snapshot: Snapshot, location: str, query: Query, roots: Prefixes, hidden: int
) -> LocationError:
    """What to say where no stack leads to the location: the nearest ones that there are."""
    if snapshot.meta.engine == OFF:
        return _untraced(snapshot)
    said = f"{visible(snapshot.path)}: "
    if hidden:
        what = "1 stack leads" if hidden == 1 else f"{units.count(hidden)} stacks lead"
        why = "dropped by -f or -x, or hidden" if query.filters or query.excludes else "hidden"
        more = "" if query.show_all else " (tracing and import machinery; --all shows it)"
        return LocationError(
            f"{said}{what} to {visible(location)}, but what they hold is {why}{more}"
        )
    said += f"nothing here was allocated through {visible(location)}"
    near = _nearest(snapshot, location, roots)
    if near:
        return LocationError(f"{said}; nearest: {', '.join(near)}")
    return LocationError(f"{said}; `leakhunt top` lists the places that there are")


def _nearest(snapshot: Snapshot, location: str, roots: Prefixes) -> list[str]:
    name, line = _split(location)
    frames = _all_frames(snapshot)
    inside = _file_test(name)
    if line is not None:
        files = set(filter(inside, {frame.file for frame in frames}))
        lines = {frame for frame in frames if frame.file in files}
        if lines:
            ordered = sorted(lines, key=lambda frame: (abs(frame.line - line), frame))[:5]
            return [f"{shorten(frame.file, roots)}:{frame.line}" for frame in ordered]
    weights = _weights(snapshot)
    names: dict[str, str] = {}
    for frame in sorted(frames, key=lambda frame: (-weights[frame.file], frame)):
        short = shorten(frame.file, roots)
        for said in (short, short.rpartition("/")[2]):
            names.setdefault(said.casefold(), short)
        function = _function(snapshot, frame)
        if function:
            for said in (function, function.rpartition(".")[2]):
                names.setdefault(said.casefold(), function)
        if len(names) > 4000:
            break
    asked = name.casefold().removeprefix("./")
    close = get_close_matches(asked, names, n=5, cutoff=0.6)
    if not close and "/" in asked:
        close = get_close_matches(asked.rpartition("/")[2], names, n=5, cutoff=0.6)
    return [visible(spelling) for spelling in dict.fromkeys(names[match] for match in close)]


def _weights(snapshot: Snapshot) -> Mapping[str, int]:
    weights: Counter[str] = Counter()
    for stack, tally in snapshot.tallies.items():
        for file in {frame.file for frame in stack}:
            weights[file] += tally.size
    return weights
