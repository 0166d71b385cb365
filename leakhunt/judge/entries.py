"""Containers whose entries were counted in several snapshots: they decide where samples are too few.

A line of a hundred bytes a task may have ten samples in a day, which tell a leak from a warm-up hardly at all. But
each walk counts the entries of the containers that keep what was sampled, exactly: of a set that had 154, 386, 585
and 724 entries after 300, 727, 1,099 and 1,375 tasks nobody need ask samples. So containers are judged as what is
counted always is (:mod:`leakhunt.judge.series.exact`), and what one that grows for good keeps is a leak of the line
that feeds it ("track containers, not objects": G. Xu and A. Rountev, ICSE 2008). What an entry weighs is what would
be freed without the container, divided by its entries.

A container is the same one in all snapshots (its mark); several that hang alike, as the lists of one dict, count
together, and those of which too few snapshots tell are taken to grow as the others do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

from leakhunt.judge import codes
from leakhunt.judge.births.ages import LEAK_BEFORE, ages, counted, first_edge
from leakhunt.judge.births.handed import booked
from leakhunt.judge.codes import because
from leakhunt.judge.containers import ends
from leakhunt.judge.excuses.bounded import is_below_a_bound
from leakhunt.judge.excuses.order import BELOW, BOUNDED, WAITING, fates
from leakhunt.judge.growths import sure
from leakhunt.judge.history import TASK, History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth, Owner
from leakhunt.judge.series import stats
from leakhunt.judge.series.exact import COUNTED, EXACT
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK, NOISE, TURNOVER, WARM_UP, Shape
from leakhunt.judge.whose import Blame
from leakhunt.model.retention import Place, Retention, place
from leakhunt.model.snapshot import Snapshot, Stack
from leakhunt.snapshots.counted import put_right
from leakhunt.snapshots.facts import RECYCLED


@dataclass(frozen=True)
class Pile:
    """Containers that hang alike, and what they keep."""

    shape: Shape
    """Of their entries, by the snapshots that tell of all of them."""
    first: int
    last: int
    """Entries of all together, in the first of these snapshots and in the newest one."""
    sizes: tuple[float, ...]
    """Bytes that would be freed without them: as the newest snapshot has it, and at each snapshot before by their
    entries."""
    shares: Mapping[Owner, float]
    """Bytes of each line in what is tied to them, blocks included that freelists have handed on to it."""
    stacks: Mapping[Owner, tuple[Stack, ...]]
    firm: frozenset[Owner]
    """Lines of which it is known that they feed it: what they have there no freelist has dealt out, or they make it grow."""
    way: Retention
    """To the longest of them."""

    def share(self, growth: Growth) -> float:
        """The part of what is tied that a growth has."""
        return self._of(growth) / sum(self.shares.values())

    def has(self, growth: Growth) -> bool:
        """Whether most of a growth is here: its ages are those of the entries."""
        return self._of(growth) >= LEVELS.lives.doubtful * growth.sizes[-1]

    def _of(self, growth: Growth) -> float:
        chosen = set(growth.blame.stacks)
        return sum(
            size for owner, size in self.shares.items() if chosen.intersection(self.stacks[owner])
        )


class Looks(NamedTuple):
    """When entries were counted."""

    t: tuple[float, ...]
    """Of each snapshot, by the clock of the history that is judged."""
    begun: float | None
    """When there were none yet, where that is asked for."""

    @property
    def fewest(self) -> int:
        return LEVELS.lives.snapshots if self.begun is None else 2


def with_piles(history: History, judged: Sequence[Growth]) -> list[Growth]:
    """The growths of a sampled series, with what containers tell that no leak among them explains."""
    if len(history.metas) < LEVELS.lives.snapshots or not _may_tell(history):
        return list(judged)
    book = Book(history)
    return _with(book, _piles(book, history, Looks(history.times, None)), judged)


def with_piles_of_two(history: History, life: History, judged: Sequence[Growth]) -> list[Growth]:
    """The same of two snapshots, of which the newer one's births have been judged, where these leave it open.

    Two counts and none at the start are births: so many came by the first snapshot and are there now, the others
    since, if none has gone meanwhile. So they are asked only where samples do not say that what was older has.
    """
    calendar = None if history.newest is None else history.newest.calendar
    if calendar is None or len(history.metas) != 2 or history.unit != life.unit:
        return list(judged)
    if not _may_tell(history):
        return list(judged)
    zero = calendar.edges[1]
    last = life.times[-1]
    looks = Looks((last - history.times[-1], last), float(calendar.edges[0] - zero))
    if looks.t[0] <= (looks.begun or 0.0):
        return list(judged)
    book = Book(life)
    piles = [
        pile
        for pile in _piles(book, history, looks)
        if not any(_speaks(each) and pile.has(each) for each in judged)
    ]
    return _with(book, piles, judged)


def _may_tell(history: History) -> bool:
    """Whether sizes are samples, and any container has more entries than before: mostly none has, and nothing is booked."""
    ends_of = [history.ends_of(mark) for mark in history.lengths] if history.is_sampled else []
    return any(each and each[1] - each[0] >= LEVELS.samples.fewest for each in ends_of)


def _speaks(growth: Growth) -> bool:
    """Whether the ages of samples, or what else is known, say that it is no leak."""
    shape = growth.shape
    if shape.verdict == LEAK:
        return False
    unlikely = shape.events > 0 and shape.beliefs[0] < LEAK_BEFORE
    return growth.why is not None or shape.verdict in (WARM_UP, TURNOVER) or unlikely


def _with(book: Book, every: Sequence[Pile], judged: Sequence[Growth]) -> list[Growth]:
    leaks = [growth for growth in judged if growth.shape.verdict == LEAK]
    grow = [pile for pile, is_sure in zip(every, sure([pile.shape for pile in every])) if is_sure]
    judged = [_weighed(growth, grow) for growth in judged]
    piles = [
        pile
        for pile in grow
        if not any(pile.share(leak) >= 1 - LEVELS.blames.caller for leak in leaks)
    ]
    made = [growth for growth in (_growth(book, pile) for pile in piles) if growth is not None]
    told = [
        growth
        for growth, fate in zip(made, fates(book, made))
        if fate not in (BELOW, BOUNDED, WAITING)
    ]
    taken = {stack for growth in told for stack in growth.blame.stacks}
    rest = [
        growth
        for growth in judged
        if growth.shape.verdict == LEAK or not taken.intersection(growth.blame.stacks)
    ]
    return [*told, *rest]


def _weighed(growth: Growth, piles: Sequence[Pile]) -> Growth:
    """A leak at the pace of the containers that keep it, where it fills one kind of them and that is known more surely.

    Both estimates must agree: what hangs from somewhere else as well is not freed with the container.
    """
    if growth.shape.verdict != LEAK or growth.sizes[-1] <= 0:
        return growth
    pile = next(
        (pile for pile in piles if pile.share(growth) >= LEVELS.worth.mostly and pile.has(growth)),
        None,
    )
    if pile is None:
        return growth
    shape = growth.shape
    rate, low, high = _pace(pile, pile.share(growth), shape.samples or 1)
    if rate <= 0 or (high - low) / rate >= shape.width:
        return growth
    ends_between = (
        (shape.rate - shape.low, high - rate)
        if rate < shape.rate
        else (shape.high - shape.rate, rate - low)
    )
    reach = hypot(*ends_between) / NormalDist().inv_cdf(LEVELS.chances.edge)
    if abs(rate - shape.rate) > LEVELS.samples.farthest * reach:
        return growth
    sizes = [pile.share(growth) * size for size in pile.sizes]
    weight = growth.counts[-1] / growth.sizes[-1]
    return replace(
        growth,
        shape=replace(shape, rate=rate, low=low, high=high, blocks_rate=weight * rate),
        series=Series(growth.series.t, sizes, [weight * size for size in sizes], EXACT),
    )


def _pace(pile: Pile, part: float, samples: int) -> tuple[float, float, float]:
    """Bytes per unit of a part of what a pile keeps, with its 95 % interval; so many samples tell which part it is."""
    each = part * pile.sizes[-1] / pile.last
    rate = pile.shape.rate * each
    unsure = sqrt((1 - part) / part / max(1, samples)) if part < 1 else 0.0
    reach = stats.student_quantile(LEVELS.chances.edge, max(1, samples)) * unsure * rate
    uneven = LEVELS.lives.uneven * rate
    return (
        rate,
        max(0.0, rate - hypot(rate - pile.shape.low * each, reach, uneven)),
        rate + hypot(pile.shape.high * each - rate, reach, uneven),
    )


def _piles(book: Book, history: History, looks: Looks) -> list[Pile]:
    newest = history.newest
    if newest is None:
        return []
    by_place: dict[Place, list[tuple[Stack, Retention]]] = {}
    right = _with_growers(put_right(newest), history.growers)
    for stack, told in booked(right, book.paths).facts.items():
        if stack not in book.history.tracks or book.paths.is_hidden(stack):
            continue
        for way in told.retention:
            if _may_grow(way):
                by_place.setdefault(place(way.container_path), []).append((stack, way))
    piles = (_pile(book, history, tied, looks) for tied in by_place.values())
    return [pile for pile in piles if pile is not None]


def _with_growers(newest: Snapshot, growers: Mapping[Place, Stack]) -> Snapshot:
    """The snapshot with who makes its containers grow, as earlier ones tell: a list's table is not always a sample."""
    facts = dict(newest.facts)
    for stack, told in newest.facts.items():
        if any(part.grower is None for part in told.handed):
            handed = tuple(
                part
                if part.grower is not None
                else part._replace(grower=growers.get(place(part.holder.path)))
                for part in told.handed
            )
            facts[stack] = replace(told, handed=handed)
    return replace(newest, facts=MappingProxyType(facts))


def _may_grow(way: Retention) -> bool:
    """Whether a container is told that no bound ends."""
    return bool(
        way.mark
        and way.container_path
        and way.length
        and way.retained
        and not ends(way.container_path, way.bound)
        and not is_below_a_bound(way)
    )


def _pile(
    book: Book, history: History, tied: Sequence[tuple[Stack, Retention]], looks: Looks
) -> Pile | None:
    """What containers that hang alike have become; None where too few snapshots tell of them, or they hardly grew."""
    each = {way.mark: way for _, way in tied}
    chosen, told_at = _chosen(history, each, looks.fewest)
    if len(told_at) < looks.fewest:
        return None
    entries = [float(sum(history.lengths[mark][at] or 0 for mark in chosen)) for at in told_at]
    risen = entries[-1] - entries[0]
    bytes_of = float(sum(way.retained or 0 for way in each.values())) / entries[-1]
    if risen < LEVELS.samples.fewest or risen * bytes_of < LEVELS.worth.floor:
        return None
    t, counts = [looks.t[at] for at in told_at], entries
    if looks.begun is None:
        shape = book.shape(Series(t, entries, entries, COUNTED), told_at)
    else:
        t, counts = [looks.begun, *t], [0.0, *entries]
        shape = _by_births(t, counts)
    shares: dict[Owner, float] = {}
    stacks: dict[Owner, dict[Stack, None]] = {}
    firm: set[Owner] = set()
    grower = history.growers.get(place(each[chosen[0]].container_path))
    for stack, way in tied:
        owner = book.paths.owner(stack)
        stacks.setdefault(owner, {})[stack] = None
        shares[owner] = shares.get(owner, 0.0) + way.size
        is_table = way.path == way.container_path
        if stack == grower or is_table or way.path[-1].type not in RECYCLED:
            firm.add(owner)
    if not any(shares.values()):
        return None
    sizes = [_between(t, counts, at) * bytes_of for at in book.t]
    return Pile(
        shape,
        round(entries[0]),
        round(entries[-1]),
        tuple(sizes),
        shares,
        {owner: tuple(several) for owner, several in stacks.items()},
        frozenset(firm),
        each[chosen[0]],
    )


def _by_births(t: Sequence[float], entries: Sequence[float]) -> Shape:
    """The shape of entries that came between so many counts, each of which is a birth."""
    came = [b - a for a, b in zip(entries, entries[1:])]
    judged = ages(counted(t, came, 1.0))
    start = min(first_edge(t, judged.since), len(t) - 2)
    lasted = t[-1] - t[start]
    number = judged.part * sum(came[start:])
    low, high = stats.poisson_sum(number, judged.events)
    leaks = (
        judged.kind == LEAK
        and judged.belief >= LEVELS.lives.refuted
        and judged.events >= LEVELS.lives.fewest
    )
    return Shape(
        LEAK if leaks else NOISE, number / lasted, low / lasted, high / lasted,
        0.0 if leaks else 1.0, 0, number / lasted,
    )  # fmt: skip


def _chosen(
    history: History, each: Mapping[int, Retention], fewest: int
) -> tuple[list[int], list[int]]:
    """(containers, the snapshots that tell of all of them, the newest among them).

    The longest first, and more of them as long as most of the snapshots tell of all.
    """
    number = len(history.metas)
    chosen: list[int] = []
    told_at = set(range(number))
    for mark in sorted(each, key=lambda mark: (-(each[mark].length or 0), mark)):
        told = {at for at, length in enumerate(history.lengths.get(mark, ())) if length is not None}
        both = told_at & told
        enough = max(fewest, LEVELS.worth.mostly * len(told_at if chosen else told))
        if number - 1 in both and len(both) >= enough:
            chosen.append(mark)
            told_at = both
    return chosen, sorted(told_at) if chosen else []


def _between(t: Sequence[float], values: Sequence[float], at: float) -> float:
    """The value at a moment, on the line between the two that are known; the nearest one beyond them."""
    if at <= t[0]:
        return values[0]
    for begin, end, first, last in zip(t, t[1:], values, values[1:]):
        if at <= end:
            return first + (last - first) * (at - begin) / (end - begin)
    return values[-1]


def _growth(book: Book, pile: Pile) -> Growth | None:
    """What a pile keeps, as a leak of the line with most of it; None where it is a trifle, or nobody knows whose."""
    whole = sum(pile.shares.values())
    heaviest = sorted(pile.shares, key=lambda owner: (not owner[0], -pile.shares[owner], owner))
    ours, frame = heaviest[0]
    if heaviest[0] not in pile.firm:
        return None
    others = [
        owner
        for owner in heaviest[1:]
        if owner[0]
        and owner in pile.firm
        and pile.shares[owner] >= (1 - LEVELS.blames.caller) * whole
    ]
    lines = [heaviest[0], *others]
    stacks = tuple(stack for owner in lines for stack in pile.stacks[owner])
    part = sum(pile.shares[owner] for owner in lines) / whole
    samples = sum(book.history.samples[s][-1] for s in stacks if s in book.history.samples)
    rate, low, high = _pace(pile, part, samples)
    if book.history.unit == TASK and rate < LEVELS.worth.rate:
        return None
    shape = replace(pile.shape, rate=rate, low=low, high=high, blocks_rate=pile.shape.rate, since=0)
    each = part * pile.sizes[-1] / pile.last
    sizes = [part * size for size in pile.sizes]
    counts = [size / each for size in sizes]
    return Growth(
        Blame(frame, ours, stacks),
        shape,
        Series(book.t, sizes, counts, EXACT),
        tuple(owner[1] for owner in others),
        because(codes.FILLED, first=pile.first, last=pile.last),
        (pile.way._replace(objects=0, size=round(sizes[-1])), pile.last - pile.first),
    )
