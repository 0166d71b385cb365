"""From the history of one process to what grows in it: judged, located, one finding per leak.

In this order, each step a function: book stacks to owners (:mod:`leakhunt.locate`); judge each
owner's series (:mod:`leakhunt.shape`) and control the false discoveries among all that were looked
at; look into owners whose churn hides a leak; move the blame from helpers to the callers that make
the difference; put the parts of one leak together; hand memory that no line of the application
stands for to the line that holds it; and take out what CPython's free lists and the framework's
own bounded tables explain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import add
from statistics import median
from typing import Any

from leakhunt import shape, stats
from leakhunt.frames import prefixes
from leakhunt.history import TASK, History
from leakhunt.locate import Blame, Paths, helper_or_caller, together
from leakhunt.model import Frame, Stack
from leakhunt.shape import LEAK, NOISE, WARM_UP, Shape

#: Growth below this, from end to end, is not looked at: bytes.
FLOOR = 1024
#: Among the growths called leaks, at most this part may be chance.
FALSE_DISCOVERIES = 0.05
#: And none may be likelier than this to be chance, however few were looked at.
CHANCE = 0.01
#: A single stack within an owner that does not leak as a whole must be surer.
CHANCE_OF_PART = 0.001

#: Bytes per task below which a steady growth is no finding: 12 MB in a million tasks.
LEAST_RATE = 12.0
#: Tasks by whose runs growth is judged: the busiest ones.
TASKS = 8

#: Celery's own bounded tables: they fill until about task 1,700 and take about 280 KiB in all
#: (1,000 task ids among them: ``celery/worker/state.py``, ``celery/utils/collections.py``).
FRAMEWORK_TASKS = 3000
FRAMEWORK_BYTES = 320 << 10
FRAMEWORK_PER_TASK = 320.0

#: A free list keeps at most so many tuples of one size (``Objects/tupleobject.c``,
#: PyTuple_MAXFREELIST); its blocks stay booked to whoever made them first.
FREE_LIST = 2000
#: Sizes in bytes of the objects that CPython keeps in free lists: float to tuple of 20.
FREE_LIST_SIZES = range(24, 209)


#: A dict's first table of keys, by version (``PyDictKeysObject`` with 8 slots).
KEYS_SIZES = range(96, 201)

_FREE, _HANDED = "in a free list", "handed on"

#: (Whether it is the application's, the line.)
_Owner = tuple[bool, Frame]


@dataclass(frozen=True)
class Growth:
    """One judged growth of one process."""

    blame: Blame
    shape: Shape
    sizes: tuple[float, ...]
    counts: tuple[float, ...]
    parts: tuple[Frame, ...]
    """Other lines that grow with it, largest first."""
    why: str | None = None
    """What else the shape does not tell, in words."""

    @property
    def grown(self) -> float:
        return self.sizes[-1] - self.sizes[0]


def growths(history: History) -> list[Growth]:
    """What grew in a process: leaks first, by bytes per unit, then the rest by growth."""
    if len(history.metas) < 3:
        return []
    judged = _Judge(history)
    found = judged.leaks()
    taken = set(chain.from_iterable(growth.blame.stacks for growth in found))
    found += judged.others(taken)
    return sorted(found, key=_order)


def _order(growth: Growth) -> tuple[object, ...]:
    leak = growth.shape.verdict == LEAK
    amount = growth.shape.rate if leak else growth.grown
    return (not leak, -amount, growth.blame.frame)


class _Judge:
    """One pass over a history; every method reads it, none changes it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.t = history.times
        self.paths = Paths(prefixes(history.last.facts), history.spots, history.tracks)
        self.runs = _runs(history)
        self.owners: dict[_Owner, list[Stack]] = {}
        for stack in history.tracks:
            if not self.paths.is_hidden(stack):
                self.owners.setdefault(self.paths.owner(stack), []).append(stack)

    # -- series -----------------------------------------------------------------------

    def series(self, stacks: Iterable[Stack]) -> tuple[list[float], list[float]]:
        """Bytes and blocks of some stacks together."""
        length = len(self.t)
        sizes, counts = [0.0] * length, [0.0] * length
        for stack in stacks:
            track = self.history.tracks[stack]
            sizes = list(map(add, sizes, track.sizes))
            counts = list(map(add, counts, track.counts))
        return sizes, counts

    def growth(self, stacks: Iterable[Stack]) -> float:
        """Bytes by which stacks grew, from the first third to the last third."""
        return _grown(self.series(stacks)[0])

    def late(self, stacks: Iterable[Stack]) -> float:
        """Bytes per unit by which stacks still grow in the last two thirds."""
        start = len(self.t) // 3
        return stats.theil_sen(self.t[start:], self.series(stacks)[0][start:])

    def judge(self, stacks: Sequence[Stack]) -> Shape:
        """Against all units or the runs of one task, whichever the series follows most closely.

        A leak grows with the runs of the task that leaks, and a cache fills with them.
        """
        sizes, counts = self.series(stacks)
        axis = self._axis(sizes, counts)
        t = self.t if axis is None else self.runs[axis]
        found = shape.judge(t, sizes, counts, self.noise(stacks))
        if axis is None:
            return found
        start = found.since if found.verdict == LEAK else 0
        each = (t[-1] - t[start]) / (self.t[-1] - self.t[start])
        return replace(
            found, axis=axis, rate=found.rate * each, low=found.low * each,
            high=found.high * each, blocks_rate=found.blocks_rate * each,
        )  # fmt: skip

    def _axis(self, sizes: Sequence[float], counts: Sequence[float]) -> str | None:
        """The task by whose runs a smooth curve fits best; None: by all units together."""
        y = counts if counts[-1] - counts[0] >= len(counts) else sizes
        degree = 2 if len(y) >= 6 else 1
        misfits = {
            task: shape.misfit(
                [[(x / t[-1]) ** power for x in t] for power in range(1, degree + 1)], y
            )
            for task, t in ((None, self.t), *self.runs.items())
        }
        best = min(misfits, key=lambda task: misfits[task])
        return best if misfits[best] < 0.8 * misfits[None] else None

    def noise(self, stacks: Iterable[Stack]) -> float:
        errors = self.history.errors
        return sum(errors.get(stack, 0.0) ** 2 for stack in stacks) ** 0.5 if errors else 0.0

    def present(self, stacks: Sequence[Stack]) -> bool:
        sizes = self.series(stacks)[0]
        return sum(size > 0 for size in sizes) > len(sizes) / 2

    def grows(self, stacks: Sequence[Stack]) -> bool:
        found = self.judge(stacks)
        return found.verdict == LEAK and found.p <= CHANCE

    # -- leaks ------------------------------------------------------------------------

    def leaks(self) -> list[Growth]:
        blames, hidden_in = self._leaking()
        blames = [
            helper_or_caller(
                blame,
                [stack for stack in self.owners[blame.ours, blame.frame] if stack not in blame.stacks],
                self.paths, self.late, self.grows, self.present,
            )
            for blame in [*blames, *hidden_in]
        ]  # fmt: skip
        every = [self._growth(blame) for blame in blames]
        firm = [growth for growth in every if self._small_blocks(growth) is None]
        fates = [self._fate(growth, firm) for growth in every]
        free = [growth for growth, fate in zip(every, fates) if fate == _FREE]
        handed = [growth for growth, fate in zip(every, fates) if fate == _HANDED]
        merged = self._merged([growth for growth, fate in zip(every, fates) if fate is None])
        ours = [growth for growth in merged if growth.blame.ours]
        rest = [growth for growth in merged if not growth.blame.ours]
        found = [self._material(growth) for growth in self._adopted(ours, rest + handed)]
        return [*map(self._frameworks, found), *(self._in_free_list(growth) for growth in free)]

    def _material(self, growth: Growth) -> Growth:
        """A leak of a few bytes per task takes weeks to matter: said, and not called a leak."""
        if self.history.unit != TASK or growth.shape.rate >= LEAST_RATE:
            return growth
        return _as(growth, NOISE, "rises by a few bytes per task only")

    def _leaking(self) -> tuple[list[Blame], list[Blame]]:
        """Owners that leak; and parts of owners that leak while the whole does not."""
        whole: list[Blame] = []
        parts: dict[tuple[bool, Frame], list[Stack]] = {}
        # Two families of hypotheses, so that the library's many lines do not hide the program's few.
        for ours in (True, False):
            owners = {key: stacks for key, stacks in self.owners.items() if key[0] is ours}
            candidates = [
                (key, tuple(stacks)) for key, stacks in owners.items() if self._grew(stacks)
            ]
            leaking = self._surely(candidates, CHANCE)
            whole += [Blame(frame, ours, stacks) for (_, frame), stacks in leaking]
            done = {key for key, _ in leaking}
            rest = {
                key: stacks for key, stacks in owners.items() if key not in done and len(stacks) > 1
            }
            for split, chance in ((self._by_path, CHANCE), (self._by_stack, CHANCE_OF_PART)):
                smaller = [
                    (key, part)
                    for key, stacks in rest.items()
                    if key not in parts
                    for part in split(stacks)
                    if self._grew(part)
                ]
                for key, part in self._surely(smaller, chance):
                    parts.setdefault(key, []).extend(part)
        return whole, [
            Blame(key[1], key[0], tuple(leaking))
            for key, leaking in parts.items()
            if self._goes_nowhere_else(key, leaking)
        ]

    def _surely(
        self, candidates: list[tuple[_Owner, tuple[Stack, ...]]], chance: float
    ) -> list[tuple[_Owner, tuple[Stack, ...]]]:
        sure = _sure([self.judge(stacks) for _, stacks in candidates], chance)
        return [candidate for candidate, is_sure in zip(candidates, sure) if is_sure]

    def _by_path(self, stacks: Sequence[Stack]) -> list[tuple[Stack, ...]]:
        """An owner's stacks by the lines of the application that lead to it."""
        by_path: dict[tuple[Frame, ...], list[Stack]] = {}
        for stack in stacks:
            by_path.setdefault(self.paths.app(stack), []).append(stack)
        return list(map(tuple, by_path.values())) if len(by_path) > 1 else []

    def _by_stack(self, stacks: Sequence[Stack]) -> list[tuple[Stack, ...]]:
        return [(stack,) for stack in stacks]

    def _goes_nowhere_else(self, key: _Owner, leaking: Sequence[Stack]) -> bool:
        """What only moves from one stack to another of the same line does not leak."""
        chosen = set(leaking)
        rest = [stack for stack in self.owners[key] if stack not in chosen]
        rate = stats.theil_sen(self.t, self.series(leaking)[0])
        return stats.theil_sen(self.t, self.series(rest)[0]) > -0.5 * rate

    def _grew(self, stacks: Sequence[Stack]) -> bool:
        return self.growth(stacks) >= FLOOR or self._rise(stacks) >= FLOOR

    def _rise(self, stacks: Sequence[Stack]) -> float:
        sizes = self.series(stacks)[0]
        return sizes[-1] - sizes[0]

    def _merged(self, found: list[Growth]) -> list[Growth]:
        few = len(self.t)

        def alike(a: int, b: int) -> bool:
            counts = found[a].counts, found[b].counts
            if min(each[-1] - each[0] for each in counts) >= few:
                return in_step(*counts)
            return in_step(found[a].sizes, found[b].sizes, 0.2)  # a table alone grows in jumps

        blames = [growth.blame for growth in found]
        groups = together(blames, self.paths, alike, lambda index: self._holds(found[index]))
        return [self._combined([found[index] for index in group]) for group in groups]

    def _growth(self, blame: Blame) -> Growth:
        sizes, counts = self.series(blame.stacks)
        judged = self.judge(blame.stacks)
        return Growth(blame, judged, tuple(sizes), tuple(counts), ())

    def _combined(self, parts: list[Growth], site: Frame | None = None) -> Growth:
        """One growth of several, blamed on the line that allocates most of it."""
        parts = sorted(parts, key=lambda part: (-part.shape.rate, part.blame.frame))
        if len(parts) == 1:
            return parts[0]
        frame = site or self._responsible(parts)
        stacks = tuple(dict.fromkeys(chain.from_iterable(part.blame.stacks for part in parts)))
        growth = self._growth(Blame(frame, True, stacks))
        judged = growth.shape
        if judged.verdict != LEAK:  # a part's table hides it: the parts are sure
            total = sum(part.shape.rate for part in parts)
            reach = sum((part.shape.high - part.shape.low) ** 2 for part in parts) ** 0.5 / 2
            judged = replace(
                parts[0].shape, rate=total, low=total - reach, high=total + reach,
                blocks_rate=sum(part.shape.blocks_rate for part in parts),
            )  # fmt: skip
        else:
            judged = replace(judged, p=min(judged.p, *(part.shape.p for part in parts)))
        others = dict.fromkeys(part.blame.frame for part in parts if part.blame.frame != frame)
        return replace(growth, shape=judged, parts=tuple(others))

    def _responsible(self, parts: list[Growth]) -> Frame:
        """The line with most of the growth; where none has, the innermost line that calls all."""
        parts = [part for part in parts if part.blame.ours] or parts
        total = sum(part.shape.rate for part in parts)
        if parts[0].shape.rate >= 0.5 * total:
            return parts[0].blame.frame
        frames = [part.blame.frame for part in parts]
        stacks = [stack for part in parts for stack in part.blame.stacks]
        paths = [self.paths.app(stack) for stack in stacks]
        common = [frame for frame in max(paths, key=len) if all(frame in path for path in paths)]
        inner = [frame for frame in common if frame in frames]
        return inner[-1] if inner else parts[0].blame.frame

    def _holds(self, growth: Growth) -> bool:
        """Whether the line holds a table that grew with its items, and puts things into it."""
        if growth.blame.frame in self.paths.spots and not self.paths.keeps(growth.blame.frame):
            return False
        return self._table(growth.blame.stacks, max(8.0, min(growth.counts[-1] - growth.counts[0], self.t[-1])))  # fmt: skip

    def _table(self, stacks: Iterable[Stack], items: float) -> bool:
        """Whether one block is now there that can hold so many items, and was not at first.

        A list takes 8 bytes an item, a dict and a set more; a deque takes
        a block of 528 bytes for 64 of them (``Modules/_collectionsmodule.c``).
        """
        for stack in stacks:
            before = {(size, count) for _, size, count in self.history.first_blocks.get(stack, ())}
            for _, size, count in self.history.last_blocks.get(stack, ()):
                if (size, count) in before:
                    continue
                if count <= 2 and size >= max(128, 4 * items):
                    return True
                if 520 <= size <= 536 and count >= items / 128:
                    return True
        return False

    # -- memory without a line of the application ----------------------------------------

    def _adopted(self, ours: list[Growth], rest: list[Growth]) -> list[Growth]:
        """Leaks, with those that no line of the application stands for given to the one that fits.

        A stack that nframe cuts ends in a library; what it allocates grows in step with
        the line of the application that keeps it.
        """
        strangers = []
        given: dict[int, list[Growth]] = {}
        for growth in rest:
            # The framework's own tables fill in step with everything.
            fitting = [] if self._is_frameworks_own(growth) else self._fitting(growth, ours)
            if fitting:
                best = max(fitting, key=lambda index: likeness(ours[index].counts, growth.counts))
                given.setdefault(best, []).append(growth)
            else:
                strangers.append(growth)
        found = [
            self._combined([growth, *given[index]], growth.blame.frame)
            if index in given
            else growth
            for index, growth in enumerate(ours)
        ]
        own = [growth for growth in strangers if self._is_frameworks_own(growth)]
        free = [growth for growth in strangers if not self._is_frameworks_own(growth)]
        holder = self._holder(free) if free and not ours else None
        if holder is not None:
            blame = Blame(holder, True, tuple(self.owners[True, holder]))
            return [self._combined([*free, self._growth(blame)], holder), *found, *own]
        return [*found, *self._by_package(free), *own]

    def _fitting(self, growth: Growth, ours: list[Growth]) -> list[int]:
        """Which of the application's lines may keep what a library allocated."""
        apart = 0.1 if self._cut(growth) else 0.05
        near = [
            index
            for index, other in enumerate(ours)
            if in_step(other.counts, growth.counts, apart)
            or in_step(other.sizes, growth.sizes, apart)
        ]
        if not self._cut(growth):
            return near
        same = [index for index, other in enumerate(ours) if other.shape.axis == growth.shape.axis]
        return near or (same if len(same) == 1 and growth.shape.axis is not None else [])

    def _cut(self, growth: Growth) -> bool:
        return all(len(stack) >= self.history.nframe for stack in growth.blame.stacks)

    def _holder(self, free: list[Growth]) -> Frame | None:
        """The line of the application that most likely keeps what strangers leak.

        Its table grew meanwhile, or its blocks did, in step, if not surely enough alone.
        """
        largest = max(free, key=lambda growth: growth.shape.rate)
        items = largest.counts[-1] - largest.counts[0]
        tables = []
        for (is_ours, frame), stacks in self.owners.items():
            rise = self._rise(stacks)
            if not is_ours or rise < FLOOR:
                continue
            in_time = in_step(self.series(stacks)[1], largest.counts, 0.15)
            if in_time or self._table(stacks, min(items, self.t[-1]) / 4):
                tables.append((in_time, rise, frame))
        return max(tables)[2] if tables else None

    def _by_package(self, free: list[Growth]) -> list[Growth]:
        """One growth per package of the innermost frame, where they grow in step."""
        groups: list[list[Growth]] = []
        for growth in sorted(free, key=lambda growth: -growth.shape.rate):
            package = self.paths.package(growth.blame.frame.file)
            home = next(
                (
                    group
                    for group in groups
                    if self.paths.package(group[0].blame.frame.file) == package
                    and in_step(group[0].counts, growth.counts)
                ),
                None,
            )
            if home is None:
                groups.append([growth])
            else:
                home.append(growth)
        return [self._combined(group, group[0].blame.frame) for group in groups]

    # -- what is not a leak after all ----------------------------------------------------

    def _frameworks(self, growth: Growth) -> Growth:
        if growth.blame.ours or not self._is_frameworks_own(growth):
            return growth
        return _as(
            growth, WARM_UP,
            "the framework's own tables, which fill until about task 1,700 (about 280 KiB)",
        )  # fmt: skip

    def _is_frameworks_own(self, growth: Growth) -> bool:
        """Whether the framework's bounded tables may still be filling, and explain the growth."""
        done = self.history.last.tasks_done
        if growth.blame.ours or done is None or done > FRAMEWORK_TASKS:
            return False
        if growth.grown > FRAMEWORK_BYTES:
            return False
        known = any(map(self.paths.is_framework, growth.blame.stacks)) or self.history.nframe <= 2
        return known and (self.history.unit != TASK or growth.shape.rate <= FRAMEWORK_PER_TASK)

    def _small_blocks(self, growth: Growth) -> int | None:
        """The size of the small blocks that a growth is made of, where it is of one size."""
        grown = {
            size: count
            for size, count in self._grown_blocks(growth.blame.stacks).items()
            if count > 0
        }
        if not grown:
            return None
        size = max(grown, key=lambda size: size * grown[size])
        total = sum(size * count for size, count in grown.items())
        return size if size in FREE_LIST_SIZES and size * grown[size] >= 0.95 * total else None

    def _fate(self, growth: Growth, firm: list[Growth]) -> str | None:
        """Whether CPython's free lists explain a growth: by themselves, or as another line's.

        Every object that a program keeps is held by something that grows as well. Blocks of one
        small size that grow alone are in a free list. Where another line leaks in step, they were
        in one: a dict's table of keys is booked to whoever made it first (Objects/dictobject.c).
        """
        size = self._small_blocks(growth)
        if size is None:
            return None
        partners = [other for other in firm if in_step(other.counts, growth.counts)]
        if not partners:
            return _FREE if growth.counts[-1] - growth.counts[0] <= FREE_LIST else None
        function = self.paths.function(growth.blame.frame)
        apart = all(self.paths.function(other.blame.frame) != function for other in partners)
        return _HANDED if size in KEYS_SIZES and apart else None

    def _in_free_list(self, growth: Growth) -> Growth:
        size = self._small_blocks(growth)
        return _as(
            growth, WARM_UP,
            f"blocks of {size} bytes alone, and nothing that holds them: CPython's free lists "
            f"keep up to {FREE_LIST:,} of a size",
        )  # fmt: skip

    def _grown_blocks(self, stacks: Iterable[Stack]) -> dict[int, int]:
        """Blocks at the end minus blocks at the beginning, by size."""
        grown: dict[int, int] = {}
        for stack in stacks:
            for blocks, sign in (
                (self.history.last_blocks.get(stack, ()), 1),
                (self.history.first_blocks.get(stack, ()), -1),
            ):
                for _, size, count in blocks:
                    grown[size] = grown.get(size, 0) + sign * count
        return grown

    # -- the rest -----------------------------------------------------------------------

    def others(self, taken: set[Stack]) -> list[Growth]:
        """Growths that are no leaks, largest first: what merely grew, with its reason."""
        found = []
        for (is_ours, frame), stacks in self.owners.items():
            left = tuple(stack for stack in stacks if stack not in taken)
            if left and self._grew(left):
                growth = self._growth(Blame(frame, is_ours, left))
                if growth.shape.verdict == LEAK:  # leak-like, and not sure
                    growth = self._unsure(growth)
                found.append(growth)
        return found

    def _unsure(self, growth: Growth) -> Growth:
        if not growth.blame.ours and self._is_frameworks_own(growth):
            return _as(
                growth, WARM_UP, "the framework's own tables, which fill until about task 1,700"
            )
        half = len(self.t) // 2
        early = stats.theil_sen(self.t[: half + 1], growth.sizes[: half + 1])
        late = stats.theil_sen(self.t[half:], growth.sizes[half:])
        if late < shape.SLOWING * early:
            return _as(growth, WARM_UP, None)
        judged = replace(growth.shape, verdict=NOISE, open=True)
        return replace(growth, shape=judged)


def _runs(history: History) -> dict[str, tuple[float, ...]]:
    """How often each task had run at each snapshot, since the first; the busiest of several."""
    told = [known.facts.get("tasks") for known in history.metas]
    ledgers = [ledger for ledger in told if isinstance(ledger, dict)]
    if history.unit != TASK or len(ledgers) < len(told):
        return {}
    found = {}
    for name in ledgers[-1]:
        runs = [_runs_of(ledger.get(name)) for ledger in ledgers]
        if all(b > a for a, b in zip(runs, runs[1:])):
            found[str(name)] = tuple(float(value - runs[0]) for value in runs)
    busiest = sorted(found, key=lambda name: (-found[name][-1], name))[:TASKS]
    return {name: found[name] for name in busiest} if len(ledgers[-1]) > 1 else {}


def _runs_of(entry: Any) -> int:
    runs = entry.get("runs") if isinstance(entry, dict) else None
    return runs if isinstance(runs, int) else 0


def _as(growth: Growth, verdict: str, why: str | None) -> Growth:
    return replace(growth, shape=replace(growth.shape, verdict=verdict), why=why)


def _sure(shapes: Sequence[Shape], chance: float) -> list[bool]:
    """Which are leaks for sure enough, given how many were looked at."""
    p_values = [found.p if found.verdict == LEAK else 1.0 for found in shapes]
    kept = stats.false_discovery(p_values, FALSE_DISCOVERIES)
    return [keep and p <= chance for keep, p in zip(kept, p_values)]


def _grown(sizes: Sequence[float]) -> float:
    third = max(1, len(sizes) // 3)
    return median(sizes[-third:]) - median(sizes[:third])


def likeness(a: Sequence[float], b: Sequence[float]) -> float:
    """The correlation of two series' increments, -1 to 1; 1.0 where neither varies."""
    steps_a = [y - x for x, y in zip(a, a[1:])]
    steps_b = [y - x for x, y in zip(b, b[1:])]
    mean_a, mean_b = sum(steps_a) / len(steps_a), sum(steps_b) / len(steps_b)
    spread_a = sum((x - mean_a) ** 2 for x in steps_a)
    spread_b = sum((x - mean_b) ** 2 for x in steps_b)
    if spread_a == 0 or spread_b == 0:
        return 1.0 if spread_a == spread_b else 0.0
    product = sum((x - mean_a) * (y - mean_b) for x, y in zip(steps_a, steps_b))
    return float(product / (spread_a * spread_b) ** 0.5)


def in_step(a: Sequence[float], b: Sequence[float], apart: float = 0.05) -> bool:
    """Whether two series grow in step: one is a multiple of the other, but for a little.

    By the largest deviation of their paths from 0 to 1 (the distance of Kolmogorov and Smirnov
    between their increments), which must not exceed ``apart``.
    """
    rise_a, rise_b = a[-1] - a[0], b[-1] - b[0]
    if rise_a <= 0 or rise_b <= 0:
        return False
    return max(abs((x - a[0]) / rise_a - (y - b[0]) / rise_b) for x, y in zip(a, b)) <= apart
