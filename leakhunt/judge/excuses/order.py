"""What grows and is no leak all the same: the excuses, in the order in which they are tried.

The collector's doing first, then what a container's bound ends or many holders share, then the sampler's, then CPython's free lists. Each excuse is a module of its
own that knows no other; what the framework keeps is asked where blame is laid
(:mod:`leakhunt.judge.excuses.framework`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.excuses import bounded, free_list, garbage
from leakhunt.judge.excuses.free_list import FREE_LIST
from leakhunt.judge.excuses.overrated import handed_out, overrated
from leakhunt.judge.excuses.scattered import is_scattered
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.series.shape import NOISE, SAWTOOTH, WARM_UP

WAITING, OVERRATED, SCATTERED = "waiting", "overrated", "scattered"
BOUNDED, BELOW = "bounded", "below"
#: Those that end what may go on, too.
ENDS = (WAITING, BOUNDED, OVERRATED)


def fates(book: Book, growths: list[Growth]) -> list[str | None]:
    """For each leak-like growth: why it is none, or None where it is a leak.

    The first excuse of the list that holds counts; what goes in step with garbage waits as well.
    """
    firm = [growth for growth in growths if free_list.small_blocks(book, growth) is None]
    excuses = _excuses(book)
    fated = [_first(excuses, growth) or free_list.kept(book, growth, firm) for growth in growths]
    return _with_idle(growths, fated)


def ends(book: Book, growths: list[Growth]) -> list[str | None]:
    """For each growth that may go on, as far as its sizes tell: why it ends all the same, or None where that is open.

    By facts of what it is made of and who holds it, which need no more snapshots. That blocks of one size grow alone
    is none: what holds them may not have been seen to grow yet.
    """
    excuses = {fate: holds for fate, holds in _excuses(book).items() if fate in ENDS}
    return _with_idle(growths, [_first(excuses, growth) for growth in growths])


def _excuses(book: Book) -> dict[str, Callable[[Growth], bool]]:
    """Of one growth by itself, in the order in which they are tried."""
    waiting = garbage.waiting(book.history)
    return {
        WAITING: lambda growth: garbage.only_waits(book, growth, waiting),
        BOUNDED: lambda growth: bounded.bound(book, growth) is not None,
        BELOW: lambda growth: _may_end_below(book, growth),
        SCATTERED: lambda growth: is_scattered(book, growth),
        OVERRATED: lambda growth: overrated(book, growth),
    }


def _first(excuses: dict[str, Callable[[Growth], bool]], growth: Growth) -> str | None:
    return next((fate for fate, holds in excuses.items() if holds(growth)), None)


def _with_idle(growths: list[Growth], fated: list[str | None]) -> list[str | None]:
    idle = [growth for growth, each in zip(growths, fated) if each == WAITING]
    return [
        WAITING if each is None and garbage.waits_with(growth, idle) else each
        for growth, each in zip(growths, fated)
    ]


def excused(book: Book, growth: Growth, fate: str) -> Growth:
    """The growth, no longer called a leak, with the reason."""
    if fate == WAITING:
        return calmed(growth).called(SAWTOOTH, because(codes.UNCOLLECTED))
    if fate == OVERRATED:
        return calmed(growth).called(
            NOISE, because(codes.OVERRATED, handed_out=handed_out(book.history) or 0)
        )
    if fate == SCATTERED:
        return calmed(growth).called(NOISE, because(codes.SCATTERED))
    if fate == BOUNDED:
        return calmed(growth).called(WARM_UP, bounded.bound(book, growth))
    if fate == BELOW:
        return _kept_below(book, growth)
    return growth.called(
        WARM_UP,
        because(codes.FREE_LIST, size=free_list.small_blocks(book, growth), most=FREE_LIST),
    )


def _may_end_below(book: Book, growth: Growth) -> bool:
    kept = bounded.below(book, growth)
    return kept is not None and not kept.grows


def _kept_below(book: Book, growth: Growth) -> Growth:
    """A cache that fills, where there are no more containers than before; where nobody knows, an open question."""
    kept = bounded.below(book, growth)
    assert kept is not None
    reason = because(codes.EACH_BOUNDED, bound=kept.bound, stands=int(kept.grows is False))
    if kept.grows is False:
        return calmed(growth).called(WARM_UP, reason)
    return replace(growth, shape=replace(growth.shape, open=True)).called(NOISE, reason)


def calmed(growth: Growth) -> Growth:
    """The growth, for which no more snapshots are wanted."""
    return replace(growth, shape=replace(growth.shape, open=False))
