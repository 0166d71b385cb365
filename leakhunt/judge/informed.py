"""What grows in a process, by its snapshots and by the births in the newest one.

A series sees what goes and comes, a snapshot's births see the whole life. With fewer than three
snapshots only the births speak, and so they do where only they can be counted in tasks. With more, each corrects the other:

* a line that the series calls a leak is none where the ages of its survivors speak surely for a cache
  that fills or a container that turns over;
* where both tell of a leak of the same bytes, the births name the line and the series says how fast;
* a line that the births call a leak is one, though its series is not sure, where its growth
  between the snapshots is what was born meanwhile: nothing of it has gone;
* and where neither has samples enough, the entries of the container that keeps it decide, which are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from statistics import median

from leakhunt.judge import codes
from leakhunt.judge.births.life import held, lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.codes import because
from leakhunt.judge.entries import with_piles, with_piles_of_two
from leakhunt.judge.excuses.bounded import container
from leakhunt.judge.filling import without_what_fills
from leakhunt.judge.growths import growths, order
from leakhunt.judge.history import SECOND, TASK, History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.reasons import first_unit, onset, reason
from leakhunt.judge.series.shape import LEAK, TURNOVER, WARM_UP, Shape
from leakhunt.model.snapshot import Stack
from leakhunt.snapshots.counted import left


def informed(history: History) -> tuple[History, list[Growth]]:
    """(the history that was judged, what grew in it: leaks first)."""
    if history.lived:
        return history, _of_life(history)
    life = lived(history.newest, history.entries) if history.newest is not None else None
    if life is not None and life.unit == TASK != history.unit:
        return life, _of_life(life)  # a snapshot that adds no task takes the tasks from a series
    if len(history.metas) < LEVELS.lives.snapshots:
        if life is None:
            return history, []
        return life, sorted(with_piles_of_two(history, life, _of_life(life)), key=order)
    judged = with_piles(history, _of_series(history, life))
    return history, sorted(without_what_fills(history, judged), key=order)


def _of_series(history: History, life: History | None) -> list[Growth]:
    judged = growths(history)
    if life is None:
        return judged
    book = Survivors(life)
    judged = [_checked(history, growth, book) if _leaks(growth) else growth for growth in judged]
    leaks = [each for each in judged if _leaks(each)]
    born = [
        _as_series(history, life, growth)
        for growth in growths(life)
        if _leaks(growth) and _stays(history, life, growth)
    ]
    if not born:
        return judged
    leaks = _together(history, leaks, born, book)
    taken = set(chain.from_iterable(growth.blame.stacks for growth in leaks))
    rest = [
        each for each in judged if not _leaks(each) and not taken.intersection(each.blame.stacks)
    ]
    return [*leaks, *rest]


def _together(
    history: History, seen: Sequence[Growth], born: Sequence[Growth], life: Survivors
) -> list[Growth]:
    """The leaks that the series shows and those that the births tell, each once.

    Where they tell of the same bytes, most of them, or of some and of one container, the births say which lines it is: they know what each line
    still has of every moment, and so which caller of a helper piles up and what only goes in step. The
    series says how fast, where it shows a leak at those very lines. Where the births tell of a small part of it
    only, and do not clear the rest, it is whole in the series. What freelists have handed on to the container of a
    leak that the births tell is of that leak, whoever asked for the blocks.
    """
    told: list[Growth] = []
    parts: set[int] = set()
    book = Book(history)
    homes = [container(life, other) for other in born]
    for one in seen:
        home = container(book, one)
        mine, whole = set(one.blame.stacks), history.risen(one.blame.stacks)
        shared = [history.risen(mine.intersection(other.blame.stacks)) for other in born]
        same = [
            at
            for at, other in enumerate(born)
            if shared[at] >= LEVELS.worth.mostly * min(whole, history.risen(other.blame.stacks))
            or (shared[at] > 0 and home is not None and home == homes[at])
        ]
        rest = mine.difference(*(born[at].blame.stacks for at in same))
        cleared = bool(same) and not life.grows(
            [each for each in rest if each in life.history.tracks]
        )
        cleared = cleared or (_is_handed_on(history, one) and home is not None and home in homes)
        if not cleared and sum(shared[at] for at in same) < LEVELS.worth.mostly * whole:
            told.append(one)
            parts.update(same)
    return [*told, *(_paced(book, each) for at, each in enumerate(born) if at not in parts)]


def _is_handed_on(history: History, growth: Growth) -> bool:
    """Whether most of it may have come through a freelist."""
    recycled = sum(history.recycled.get(stack, 0) for stack in growth.blame.stacks)
    return bool(recycled > LEVELS.lives.doubtful * growth.sizes[-1] > 0)


def _paced(book: Book, born: Growth) -> Growth:
    """A leak that births tell of, at the pace of the series where that shows it too, at the same lines, and no
    slower: what births have booked to a line, and others have asked for, the series has with these. Of both
    paces the surer one is told: that of births whose objects were counted is nearly exact.
    """
    if not born.blame.stacks:
        return born
    births, shape = born.shape, book.judge(born.blame.stacks)
    if shape.verdict != LEAK or shape.low <= 0 or shape.high < births.low:
        return born
    is_counted = left(book.history.newest, born.blame.stacks) < 1
    if is_counted and births.high >= shape.low and births.width < shape.width:
        return born
    return replace(
        born,
        shape=replace(shape, belief=births.belief, beliefs=births.beliefs, events=births.events),
        why=None,
    )


def _of_life(life: History) -> list[Growth]:
    """What grew by its births, shown with what was there at each moment."""
    shown = [replace(each, series=held(life, each.blame.stacks)) for each in growths(life)]
    return sorted(shown, key=order)


def _leaks(growth: Growth) -> bool:
    return growth.shape.verdict == LEAK


def _checked(history: History, growth: Growth, book: Survivors) -> Growth:
    """The growth, no leak where the ages of nearly all of it say so surely.

    Young survivors may be a leak's that began late; where most of what was there at earlier snapshots has
    died since, they are those of a container that turns over.
    """
    stacks = [stack for stack in growth.blame.stacks if stack in book.history.tracks]
    seen = sum(book.history.tracks[stack].sizes[-1] for stack in stacks)
    if not stacks or seen < LEVELS.lives.stays * growth.sizes[-1]:
        return growth
    age, life = book.judge(stacks), book.history
    surely = (age.belief or 0.0) >= LEVELS.lives.refuted
    if age.verdict == TURNOVER:
        surely = surely or _died(history, growth, life) >= LEVELS.lives.died
    if age.verdict not in (WARM_UP, TURNOVER) or not surely:
        same = age.verdict == LEAK and history.unit == life.unit
        return _confirmed(growth, age) if same else growth
    code = codes.BIRTHS_DIE_OUT if age.verdict == WARM_UP else codes.YOUNG
    return growth.called(age.verdict, because(code, belief=age.belief))


def _confirmed(growth: Growth, age: Shape) -> Growth:
    """The leak of a series whose births say the same: believed as they are, whatever part of it was sure by itself.

    Its pace is theirs where that of a few snapshots may as well be none: two steps between three have one degree
    of freedom.
    """
    shape = replace(growth.shape, belief=age.belief, beliefs=age.beliefs, events=age.events)
    if shape.low <= 0:
        shape = replace(shape, rate=age.rate, low=age.low, high=age.high)
    return replace(growth, shape=shape)


def _died(history: History, growth: Growth, life: History) -> float:
    """Which part of what was alive at an earlier snapshot has died since: the median of them."""
    if history.unit != life.unit:
        return 0.0
    parts = []
    for index in range(len(history.times) - 1):
        unit = _unit(history, index)
        column = max((i for i in range(len(life.times)) if _unit(life, i) <= unit), default=None)
        alive = growth.sizes[index]
        if column is not None and alive > 0:
            left = sum(
                life.tracks[stack].sizes[min(column + 1, len(life.times) - 1)]
                for stack in growth.blame.stacks
                if stack in life.tracks
            )
            parts.append(max(0.0, 1 - left / alive))
    return median(parts) if parts else 0.0


def _stays(history: History, life: History, growth: Growth) -> bool:
    """Whether the growth between snapshots is what was born meanwhile, as far as errors allow.

    What the births have booked to the line, and others have asked for, the series may have left with these.
    """
    stacks = [stack for stack in growth.blame.stacks if stack in history.tracks]
    alive = sum(history.tracks[stack].sizes[-1] for stack in stacks)
    moved = sum(life.moved[stack].sizes[-1] for stack in growth.blame.stacks if stack in life.moved)
    own = max(0.0, 1 - moved / growth.sizes[-1]) if growth.sizes[-1] > 0 else 1.0
    if alive < LEVELS.lives.stays * own * growth.sizes[-1]:
        return False  # it was asked for there, and is another line's that keeps it
    since = _unit(life, growth.shape.since)
    at = next((i for i in range(len(history.times)) if _unit(history, i) >= since), None)
    if at is None or at >= len(history.times) - 1 or history.unit != life.unit:
        return True  # no snapshot has been taken since: the series says nothing of it
    series = history.series(stacks).since(at)
    expected = own * growth.shape.rate * (series.t[-1] - series.t[0])
    return bool(
        series.rise + LEVELS.lives.beyond * series.errors.change**0.5
        >= LEVELS.lives.stays * expected
    )


def _unit(history: History, index: int) -> float:
    """The unit of a column, counted from the start of the process."""
    meta = history.metas[0]
    if history.unit == SECOND and not history.lived:
        if meta.taken_at is not None and meta.started_at is not None:
            return meta.taken_at - meta.started_at + history.times[index]
        return history.times[index]
    return first_unit(history) + history.times[index]


def _as_series(history: History, life: History, growth: Growth) -> Growth:
    """The growth of a life, with its sizes at the snapshots of the series, from the last one before it began."""
    stacks: tuple[Stack, ...] = tuple(s for s in growth.blame.stacks if s in history.tracks)
    since, why = 0, because(codes.BORN_EVENLY, belief=growth.shape.belief)
    if history.unit == life.unit:
        begun, why = onset(life, growth.shape), reason(life, growth, None)
        units = [_unit(history, index) for index in range(len(history.times))]
        since = max((index for index, unit in enumerate(units) if unit <= begun), default=0)
    return replace(
        growth, blame=replace(growth.blame, stacks=stacks), series=history.series(stacks),
        shape=replace(growth.shape, since=since, onset=None), why=why,
    )  # fmt: skip
