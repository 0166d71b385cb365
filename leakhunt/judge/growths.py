"""From the history of one process to what grows in it: judged, located, one finding per leak.

In this order, each step a function: book stacks to owners (:mod:`leakhunt.judge.blame.caller`); judge each
owner's series (:mod:`leakhunt.judge.series.shape`) and control the false discoveries among all that were looked
at; look into owners whose churn hides a leak; move the blame from helpers to the callers that make
the difference; put the parts of one leak together; hand memory that no line of the application
stands for to the line that holds it; and take out what CPython's free lists and the framework's
own bounded tables explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from leakhunt.judge import codes
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.blame import families
from leakhunt.judge.blame.caller import helper_or_caller, names_its_holder
from leakhunt.judge.blame.parts import adopted, merged
from leakhunt.judge.codes import because
from leakhunt.judge.excuses import free_list
from leakhunt.judge.excuses.framework import FRAMEWORK, is_frameworks_own
from leakhunt.judge.excuses.free_list import HANDED_ON
from leakhunt.judge.excuses.order import calmed, ends, excused, fates
from leakhunt.judge.history import TASK, History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth, Owner
from leakhunt.judge.series import stats
from leakhunt.judge.series.shape import LEAK, NOISE, WARM_UP, Shape
from leakhunt.judge.whose import Blame
from leakhunt.model.snapshot import Frame, Stack

Key = TypeVar("Key")


def growths(history: History) -> list[Growth]:
    """What grew in a process: leaks first, by bytes per unit, then the rest by growth."""
    if len(history.metas) < 3:
        return []
    book = Survivors(history) if history.lived else Book(history)
    leaks = _leaks(book)
    taken = set(chain.from_iterable(growth.blame.stacks for growth in leaks))
    return sorted([*leaks, *_others(book, taken)], key=order)


def order(growth: Growth) -> tuple[object, ...]:
    """Leaks first, by bytes per unit, then the rest by growth."""
    leak = growth.shape.verdict == LEAK
    amount = growth.shape.rate if leak else growth.grown
    return (not leak, -amount, growth.blame.frame)


def _leaks(book: Book) -> list[Growth]:
    every = [book.of(_responsible(book, blame)) for blame in _leaking(book)]
    judged = list(zip(every, fates(book, every)))
    firm = [growth for growth, fate in judged if fate is None]
    # What is known to be in the framework's own tables is nobody else's, however well it goes in step.
    own = [growth for growth in firm if _is_kept(book, growth) and is_frameworks_own(book, growth)]
    joined = merged(book, [growth for growth in firm if growth not in own])
    ours = [growth for growth in joined if growth.blame.ours]
    rest = [growth for growth in joined if not growth.blame.ours]
    handed = [growth for growth, fate in judged if fate == HANDED_ON]
    joined = adopted(book, ours, rest + handed)
    if book.history.is_sampled:
        joined = [families.with_lines(book, growth) for growth in joined]
    return [
        *(_material(book, growth) for growth in joined + own),
        *(excused(book, growth, fate) for growth, fate in judged if fate not in (None, HANDED_ON)),
    ]


def _responsible(book: Book, blame: Blame) -> Blame:
    """The blame, moved to the caller that makes the difference, where that leaks as surely; not from a line that
    keeps what leaks itself.

    Other callers that leak as well keep it at the helper; so do those of which that is not known, where they
    have so much that it would matter.
    """
    if names_its_holder(book, blame):
        return blame
    leaking = set(blame.stacks)
    siblings = [stack for stack in book.owners[blame.ours, blame.frame] if stack not in leaking]
    whole = book.history.risen(blame.stacks)

    def grows(stacks: Sequence[Stack]) -> bool:
        if not book.grows(stacks):
            return False
        part = book.history.risen(stacks)
        matters = part > (1 - LEVELS.blames.caller) * (whole + part)
        return matters or book.judge(tuple(stacks)).verdict == LEAK

    moved = helper_or_caller(blame, siblings, book.paths, book.late, grows, book.present)
    return moved if book.judge(moved.stacks).verdict == LEAK else blame


def _is_kept(book: Book, growth: Growth) -> bool:
    """Whether some of it was booked to the line that keeps it."""
    return any(stack in book.history.kept for stack in growth.blame.stacks)


def _material(book: Book, growth: Growth) -> Growth:
    """Not a leak where it is the framework's, or a few bytes per task that take weeks to matter."""
    if is_frameworks_own(book, growth):
        return growth.called(WARM_UP, FRAMEWORK)
    if book.history.unit != TASK or growth.shape.rate >= LEVELS.worth.rate:
        return growth
    return growth.called(NOISE, because(codes.TRIFLE, rate=growth.shape.rate))


def _leaking(book: Book) -> list[Blame]:
    """Owners that leak; and parts of owners that leak while the whole does not."""
    whole: list[Blame] = []
    parts: dict[Owner, list[Stack]] = {}
    # Two families of hypotheses, so that the library's many lines do not hide the program's few.
    for ours in (True, False):
        owners = {key: stacks for key, stacks in book.owners.items() if key[0] is ours}
        candidates = [
            (key, tuple(stacks))
            for key, stacks in owners.items()
            if book.grew(stacks) and book.tells(stacks)
        ]
        leaking = _surely(book, candidates, LEVELS.chances.leak)
        whole += [Blame(frame, ours, stacks) for (_, frame), stacks in leaking]
        done = {key for key, _ in leaking}
        rest = {
            key: stacks for key, stacks in owners.items() if key not in done and len(stacks) > 1
        }
        for split, chance in ((_by_path, LEVELS.chances.leak), (_by_stack, LEVELS.chances.part)):
            smaller = [
                (key, part)
                for key, stacks in rest.items()
                if key not in parts
                for part in split(book, stacks)
                if book.grew(part) and book.tells(part)
            ]
            for key, part in _surely(book, smaller, chance):
                parts.setdefault(key, []).extend(part)
    hidden = [
        Blame(key[1], key[0], tuple(leaking))
        for key, leaking in parts.items()
        if _goes_nowhere_else(book, key, leaking)
    ]
    return _wider(book, whole + hidden)


def _wider(book: Book, blames: list[Blame]) -> list[Blame]:
    """With what leaks as a whole only (:mod:`leakhunt.judge.blame.families`), where sizes are samples.

    A blame that a wider one holds is a part of it.
    """
    if not book.history.is_sampled:
        return blames
    for groups in families.families(book):
        candidates = [
            (place, tuple(stacks))
            for place, stacks in groups.items()
            if book.grew(stacks) and book.tells(stacks)
        ]
        for place, stacks in _surely(book, candidates, LEVELS.chances.leak):
            # What lies in a free list leaks with nothing: it may not carry those beside it over the threshold.
            held = tuple(stack for stack in stacks if not free_list.holds(book, stack))
            if 0 < len(held) < len(stacks) and not _surely(
                book, [(place, held)], LEVELS.chances.leak
            ):
                continue
            inside = set(stacks)
            parts = [blame for blame in blames if inside.issuperset(blame.stacks)]
            told = sum(book.rise(blame.stacks) for blame in parts)
            if told < LEVELS.worth.mostly * book.rise(stacks):
                blames = [blame for blame in blames if blame not in parts]
                blames.append(families.blamed(book, stacks))
    return blames


def _surely(
    book: Book, candidates: list[tuple[Key, tuple[Stack, ...]]], chance: float
) -> list[tuple[Key, tuple[Stack, ...]]]:
    certain = sure([book.judge(stacks) for _, stacks in candidates], chance)
    return [candidate for candidate, is_sure in zip(candidates, certain) if is_sure]


def _by_path(book: Book, stacks: Sequence[Stack]) -> list[tuple[Stack, ...]]:
    """An owner's stacks by the lines of the application that lead to it."""
    by_path: dict[tuple[Frame, ...], list[Stack]] = {}
    for stack in stacks:
        by_path.setdefault(book.paths.app(stack), []).append(stack)
    return list(map(tuple, by_path.values())) if len(by_path) > 1 else []


def _by_stack(book: Book, stacks: Sequence[Stack]) -> list[tuple[Stack, ...]]:
    return [(stack,) for stack in stacks]


def _goes_nowhere_else(book: Book, key: Owner, leaking: Sequence[Stack]) -> bool:
    """What only moves from one stack to another of the same line does not leak."""
    chosen = set(leaking)
    rest = [stack for stack in book.owners[key] if stack not in chosen]
    rate = stats.theil_sen(book.t, book.series(leaking).sizes)
    return stats.theil_sen(book.t, book.series(rest).sizes) > -LEVELS.blames.moves * rate


def sure(shapes: Sequence[Shape], chance: float = LEVELS.chances.leak) -> list[bool]:
    """Which are leaks for sure enough, given how many were looked at: none whose rate may as well be nothing."""
    p_values = [each.p if each.verdict == LEAK and each.low > 0 else 1.0 for each in shapes]
    kept = stats.false_discovery(p_values, LEVELS.chances.false_discoveries)
    return [keep and p <= chance for keep, p in zip(kept, p_values)]


def _others(book: Book, taken: set[Stack]) -> list[Growth]:
    """Growths that are no leaks, largest first: what merely grew, with its reason."""
    others = []
    for (is_ours, frame), stacks in book.owners.items():
        left = tuple(stack for stack in stacks if stack not in taken)
        if left and book.grew(left):
            growth = book.of(Blame(frame, is_ours, left))
            if growth.shape.verdict == LEAK:  # leak-like, and not sure
                growth = _unsure(book, growth)
            if growth.shape.open and is_frameworks_own(book, growth):
                growth = calmed(growth.called(WARM_UP, FRAMEWORK))
            others.append(growth)
    still = [growth for growth in others if growth.shape.open or book.waits(growth.blame.stacks)]
    ended = {id(growth): fate for growth, fate in zip(still, ends(book, still)) if fate}
    return [
        excused(book, growth, ended[id(growth)]) if id(growth) in ended else growth
        for growth in others
    ]


def _unsure(book: Book, growth: Growth) -> Growth:
    if is_frameworks_own(book, growth):
        return growth.called(WARM_UP, FRAMEWORK)
    early, late = stats.half_slopes(book.t, growth.sizes)
    if late < LEVELS.shapes.slowing * early and growth.series.errors.tells(growth.series):
        return growth.called(WARM_UP, None)
    judged = replace(growth.shape, verdict=NOISE, open=True)
    return replace(growth, shape=judged)
