"""Bytes that a freelist has handed on, booked to the line that keeps them.

The sampled engine books a block to the line that asked the allocator for it. Dicts, tuples, floats
and lists change hands unseen: the line that made one first may be another's than the one that keeps it
now. Snapshots tell, as far as was found, what holds such objects and where the holder grew
last. That line is responsible for what it keeps: bytes, blocks and their errors go from the one
stack to the other, in every snapshot of a series, before anything is judged.

Not where the line that is charged is as good or better: where it allocates in the very function that
makes the holder grow, or below the line that does, or from the same statement. Then what it made is
what is kept, most likely, and the allocating line says more.

A holder's table may be a sample in one snapshot of a series and not in the next, and may be made to
grow by several lines in turn. So what a holder keeps is shared out among them, by the number of
snapshots that tell of each, and in the same way at every snapshot: nothing moves about within a series
that stands still in the process.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple, TypeVar

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.whose import FRAMEWORK, Paths, outer
from leakhunt.model.snapshot import Block, Frame, Held, Stack
from leakhunt.snapshots.columns import Columns
from leakhunt.snapshots.objects import types_left

#: What the snapshots of a series tell of holders, oldest first.
Told = Sequence[Mapping[Stack, tuple[Held, ...]]]
Number = TypeVar("Number", int, float)


class Kept(NamedTuple):
    """Bytes that were booked to a stack because it makes their holder grow."""

    kind: str
    """The holder's type."""
    size: int


class Accounts(NamedTuple):
    """A series by stack: one value for each snapshot, which may be changed here."""

    sizes: dict[Stack, list[int]]
    counts: dict[Stack, list[int]]
    variances: dict[Stack, list[float]]
    samples: dict[Stack, list[int]]
    first_blocks: dict[Stack, tuple[Block, ...]]
    last_blocks: dict[Stack, tuple[Block, ...]]
    recycled: dict[Stack, int]
    """Of the newest snapshot, as the types."""
    types: dict[Stack, Mapping[str, int]]


def accounts(
    columns: Columns,
    first_blocks: dict[Stack, tuple[Block, ...]],
    last_blocks: dict[Stack, tuple[Block, ...]],
    recycled: dict[Stack, int],
    types: dict[Stack, Mapping[str, int]],
) -> Accounts:
    """Those of some snapshots, copied; the last four are changed as they are."""
    sizes, counts, samples = (
        {stack: list(column) for stack, column in each.items()}
        for each in (columns.sizes, columns.counts, columns.samples)
    )
    variances = {stack: list(column) for stack, column in columns.variances.items()}
    return Accounts(sizes, counts, variances, samples, first_blocks, last_blocks, recycled, types)


def filled(
    told: Told,
    looked: Sequence[bool],
    times: Sequence[float],
    sizes: Mapping[Stack, Sequence[int]],
) -> Told:
    """Holders also of the snapshots in which nobody ``looked``, as those before and after tell.

    What a holder keeps of a stack is a part of it, and that part is taken to change evenly in
    between: else a series of light and full snapshots would rise and fall with their kind.
    """
    whole = [index for index, has in enumerate(looked) if has]
    if not whole or len(whole) == len(looked):
        return told
    return [
        by_stack if looked[index] else _between(index, whole, told, times, sizes)
        for index, by_stack in enumerate(told)
    ]


def _between(
    index: int,
    whole: Sequence[int],
    told: Told,
    times: Sequence[float],
    sizes: Mapping[Stack, Sequence[int]],
) -> Mapping[Stack, tuple[Held, ...]]:
    at = bisect_left(whole, index)
    ends = whole[max(0, at - 1) : at + 1]
    weights = [1.0]
    if len(ends) == 2:
        first, last = (times[end] for end in ends)
        part = (times[index] - first) / (last - first) if last > first else 0.5
        weights = [1 - part, part]
    held: dict[Stack, list[Held]] = {}
    for end, weight in zip(ends, weights):
        for stack, several in told[end].items():
            column = sizes.get(stack)
            if column is not None and column[end] > 0:
                scale = weight * column[index] / column[end]
                held.setdefault(stack, []).extend(_scaled(each, scale) for each in several)
    return {stack: tuple(each for each in some if each.blocks) for stack, some in held.items()}


def _scaled(held: Held, scale: float) -> Held:
    blocks = tuple((size, int(number * scale)) for size, number in held.blocks)
    return held._replace(
        blocks=tuple(block for block in blocks if block[1]),
        samples=int(held.samples * scale),
        variance=held.variance * scale**2,
    )


def book(accounts: Accounts, told: Told, paths: Paths) -> dict[Stack, tuple[Kept, ...]]:
    """Book what is held to the stacks that make the holders grow; what they have of it at the end.

    Sums over all stacks stay, at each snapshot.
    """
    growers = _growers(told)
    bound_by: dict[tuple[Stack, Stack], bool] = {}
    kept: dict[Stack, Counter[str]] = {}
    for index, by_stack in enumerate(told):
        for filler, several in by_stack.items():
            for held in several:
                for grower, part in _parts(held, growers.get((held.mark, held.kind), ())):
                    if (filler, grower) not in bound_by:
                        bound_by[filler, grower] = stays(paths, filler, grower)
                    if not bound_by[filler, grower]:
                        if not _moved(accounts, index, filler, grower, part):
                            continue
                        if index == len(told) - 1:
                            kept.setdefault(grower, Counter())[held.kind] += part.tally.size
                            left = accounts.types.get(filler, {})
                            accounts.types[filler] = types_left(left, part.tally.size)
                    if index == len(told) - 1:  # it is known now who keeps it
                        before = accounts.recycled.get(filler, 0)
                        accounts.recycled[filler] = max(0, before - part.tally.size)
    return {
        stack: tuple(Kept(*each) for each in sizes.most_common()) for stack, sizes in kept.items()
    }


#: Stacks that make a holder grow, with their parts of it, which add up to 1.
Shares = Sequence[tuple[Stack, float]]


def _growers(told: Told) -> dict[tuple[int, str], Shares]:
    """Where each holder grows, by the number of snapshots that tell so."""
    votes: dict[tuple[int, str], Counter[Stack]] = {}
    for by_stack in told:
        seen = {
            ((held.mark, held.kind), held.grower)
            for several in by_stack.values()
            for held in several
            if held.grower is not None
        }
        for holder, grower in seen:
            votes.setdefault(holder, Counter())[grower] += 1
    return {
        holder: [(stack, number / sum(shares.values())) for stack, number in sorted(shares.items())]
        for holder, shares in votes.items()
    }


def _parts(held: Held, shares: Shares) -> Iterable[tuple[Stack, Held]]:
    """What is held, shared out in whole blocks."""
    before = 0.0
    for stack, share in shares:
        blocks = tuple(
            (size, int((before + share) * number + 0.5) - int(before * number + 0.5))
            for size, number in held.blocks
        )
        samples = int((before + share) * held.samples + 0.5) - int(before * held.samples + 0.5)
        before += share
        yield (
            stack,
            held._replace(
                blocks=tuple(block for block in blocks if block[1]),
                samples=samples,
                variance=held.variance * share,
            ),
        )


# -- which line is the better one ---------------------------------------------------------


def stays(paths: Paths, filler: Stack, grower: Stack) -> bool:
    """Whether the stack that is charged is no worse than the one that makes the holder grow."""
    mine, its = paths.app(filler), paths.app(grower)
    if (
        not its and mine
    ):  # a library may keep what the application has asked it to; Celery keeps its own
        return not grower or paths.package(grower[-1].file) not in FRAMEWORK
    if not its:
        return _same_function(paths, filler[-1:], grower[-1:])
    if not mine:
        return False
    if its[-1] in mine or _same_function(paths, mine[-1:], its):
        return True
    return _one_statement(paths, mine, its)


def _same_function(paths: Paths, one: Sequence[Frame], others: Iterable[Frame]) -> bool:
    """Whether a frame is in the function of any of the others."""
    for frame in one:
        name = outer(paths.function(frame))
        for other in others:
            if frame.file == other.file:
                its = outer(paths.function(other))
                if (
                    name == its
                    if name and its
                    else abs(frame.line - other.line) <= LEVELS.blames.near
                ):
                    return True
    return False


def _one_statement(paths: Paths, mine: Sequence[Frame], its: Sequence[Frame]) -> bool:
    """Whether both are called from one line, and that line names them both: ``keep(make())``."""
    depth = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, its)))
    if not 0 < depth < min(len(mine), len(its)):
        return False
    spot = paths.spots.get(mine[depth - 1])
    if spot is None or not spot.code:
        return True  # nobody knows
    return all(_is_called(spot.code, paths.function(path[depth])) for path in (mine, its))


def _is_called(code: str, function: str | None) -> bool:
    """Whether a source line names a function, or the class that it makes."""
    if function is None:
        return True
    words = outer(function) or ""
    return any(f"{word}(" in code for word in words.split(".")[-2:] if word)


# -- moving ---------------------------------------------------------------------------------


def _moved(accounts: Accounts, index: int, filler: Stack, grower: Stack, held: Held) -> bool:
    """Move it in one snapshot. False: there is not so much."""
    size, count = held.tally
    length = len(accounts.sizes[filler])
    if size > accounts.sizes[filler][index] or count > accounts.counts[filler][index]:
        return False
    for column, value in (
        (accounts.sizes, size),
        (accounts.counts, count),
        (accounts.samples, held.samples),
    ):
        _shift(column, length, index, filler, grower, value)
    _shift(accounts.variances, length, index, filler, grower, held.variance)
    ends = ((0, accounts.first_blocks), (length - 1, accounts.last_blocks))
    for end, blocks in ends:
        if index == end:
            _shift_blocks(blocks, filler, grower, held)
    return True


def _shift(
    columns: dict[Stack, list[Number]],
    length: int,
    index: int,
    filler: Stack,
    grower: Stack,
    value: Number,
) -> None:
    """From one column to another, at most what is there."""
    before = columns.get(filler)
    if before is None:
        return
    part = min(value, before[index])
    before[index] -= part
    columns.setdefault(grower, [type(value)(0)] * length)[index] += part


def _shift_blocks(
    blocks: dict[Stack, tuple[Block, ...]], filler: Stack, grower: Stack, held: Held
) -> None:
    numbers = Counter({(domain, size): number for domain, size, number in blocks.get(filler, ())})
    its = Counter({(domain, size): number for domain, size, number in blocks.get(grower, ())})
    for size, number in held.blocks:
        part = min(number, numbers[0, size])
        numbers[0, size] -= part
        its[0, size] += part
    for stack, counted in ((filler, numbers), (grower, its)):
        blocks[stack] = tuple(
            Block(*key, number) for key, number in sorted(counted.items()) if number
        )
