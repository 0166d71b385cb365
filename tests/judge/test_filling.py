"""What one container keeps is no leak where its bytes and its entries, as each walk counts them, only fill."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from leakhunt.judge import codes
from leakhunt.judge.filling import without_what_fills
from leakhunt.judge.history import History, Track
from leakhunt.judge.informed import informed
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.series.shape import LEAK, NOISE, TURNOVER, WARM_UP
from leakhunt.judge.whose import Blame
from leakhunt.report.words import growths as words
from tests.support.builders import history, stack
from tests.support.lives import PERIOD, aged, held

LINE = "/srv/shop/tasks.py:40"
PERIODS = 20
DONE = (250, 800, 1400, 2000)
#: Bytes of an entry.
ENTRY = 500
Counts = Sequence["int | None"]


def looked(
    entries: Counts, freed: Counts | None = None, tied: float = 1.0, done: Sequence[int] = DONE
) -> History:
    """A line whose ages are as even as a leak's, and what the walks have counted of the container that keeps it.

    ``tied``: the part of its bytes whose births are known.
    """
    weights = (
        [None if each is None else ENTRY * each for each in entries] if freed is None else freed
    )
    last = next(each for each in reversed(weights) if each is not None)
    sizes = [last * at // len(done) for at in range(1, len(done) + 1)]
    way = held("dict", entries[-1] or 0, None, size=round(tied * last))._replace(retained=last)
    life = aged((LINE, [sizes[-1] // PERIODS] * PERIODS), retention={LINE: way})
    frames = stack(LINE)
    plain = history(
        (LINE, sizes, [size // 50 for size in sizes]),
        tasks=list(done),
        engine="sampled",
        interval=1000,
    )
    return replace(
        plain,
        variances={frames: [1000.0 * size for size in sizes]},
        samples={frames: [size // 1000 for size in sizes]},
        lengths={way.mark: list(entries)},
        freed={way.mark: list(weights)},
        newest=life,
    )


def told(of: History) -> Growth:
    """The one line, accused by its ages, and what the container makes of it."""
    growth = Book(of).of(Blame(stack(LINE)[-1], True, (stack(LINE),)))
    accused = replace(growth, shape=replace(growth.shape, verdict=LEAK, open=True))
    (answer,) = without_what_fills(of, [accused])
    return answer


def test_keys_that_come_back_fill_a_dict_and_leak_nothing() -> None:
    """Of 72 label sets 30 are met at first, then ever fewer are new."""
    growth = told(looked([30, 56, 63, 66]))
    assert (growth.shape.verdict, growth.shape.open) == (WARM_UP, False)
    assert growth.why is not None
    assert growth.why.code == codes.FILLS
    figures = dict(growth.why.figures)
    paces = {"early": 56 * ENTRY / 800, "late": 10 * ENTRY / 1200}
    assert figures == pytest.approx(paces, abs=0.01)
    said = words.because(growth.why, "task")
    assert said == "what keeps it fills: +35 B per task in the first half, +4 B in the second"


def test_what_may_be_a_leak_as_far_as_samples_tell_is_settled_too() -> None:
    of = looked([30, 56, 63, 66])
    growth = Book(of).of(Blame(stack(LINE)[-1], True, (stack(LINE),)))
    unsure = replace(growth, shape=replace(growth.shape, verdict=NOISE, open=True))
    (answer,) = without_what_fills(of, [unsure])
    assert (answer.shape.verdict, answer.shape.open) == (WARM_UP, False)


def test_what_goes_on_stays_a_leak() -> None:
    assert told(looked([125, 400, 700, 1000])).shape.verdict == LEAK


def test_a_leak_that_began_late_stays_one() -> None:
    assert told(looked([0, 0, 250, 600])).shape.verdict == LEAK
    assert told(looked([60, 61, 250, 600])).shape.verdict == LEAK


def test_entries_that_grow_where_they_are_are_no_filling() -> None:
    """Sixty customers are all there early; the history of each goes on."""
    assert told(looked([60, 60, 60, 60], [60_000, 190_000, 340_000, 480_000])).shape.verdict == LEAK


def test_a_table_that_jumps_is_none_either() -> None:
    """Bytes seem to slow down, where a table was made twice as large early: its entries tell."""
    jumps = [200_000, 210_000, 220_000, 230_000]
    assert told(looked([60, 60, 60, 60], jumps)).shape.verdict == WARM_UP
    assert told(looked([125, 400, 700, 1000], jumps)).shape.verdict == LEAK


def test_what_gains_more_in_the_second_half_does_not_fill() -> None:
    """To the model much that is young beside a table that filled; the sentence would be false, and the leak may be true."""
    late = [47_325, 76_549, 100_966, 206_544]
    assert told(looked([18, 50, 56, 61], late)).shape.verdict == LEAK


def test_a_window_that_holds_no_more_than_before_leaks_nothing() -> None:
    growth = told(looked([329, 544, 2212, 501]))
    assert growth.shape.verdict == TURNOVER
    assert growth.why is not None
    assert growth.why.code == codes.HOLDS_NO_MORE
    assert words.because(growth.why, "task") == (
        "what keeps it holds 244.6 KiB, and held no less at half of the earlier snapshots"
    )


def test_what_is_full_for_long_has_filled() -> None:
    assert told(looked([116, 128, 128, 128])).shape.verdict == WARM_UP


def test_what_was_there_before_tracking_is_no_filling() -> None:
    """A table of ten thousand entries from an import, to which a leak adds: nobody knows when those came."""
    assert told(looked([10_000, 10_100, 10_200, 10_300], tied=0.6)).shape.verdict == LEAK


def test_what_was_there_before_tracking_may_fill_as_well() -> None:
    """Between the looks it does: five of them are needed then."""
    done = (250, 800, 1400, 2000, 2600)
    assert told(looked([100, 500, 560, 565, 566], tied=0.5, done=done)).shape.verdict == WARM_UP


@pytest.mark.parametrize(
    ("entries", "done"),
    [
        ([None, None, 63, 66], DONE),  # too few looks tell
        ([None, None, None, 66], DONE),
    ],
)
def test_too_few_looks_say_nothing(entries: Counts, done: Sequence[int]) -> None:
    assert told(looked(entries, done=done)).shape.verdict == LEAK


def test_what_no_container_keeps_alone_is_left_as_it_was() -> None:
    of = looked([30, 56, 63, 66])
    assert of.newest is not None
    facts = {
        where: replace(each, retention=(*each.retention, each.retention[0]._replace(mark=2)))
        for where, each in of.newest.facts.items()
    }
    assert told(replace(of, newest=replace(of.newest, facts=facts))).shape.verdict == LEAK


def test_what_keeps_a_small_part_says_nothing_of_the_rest() -> None:
    of = looked([30, 56, 63, 66], tied=0.9)
    assert told(of).shape.verdict == WARM_UP
    frames = stack(LINE)
    more = Track([10 * size for size in of.tracks[frames].sizes], of.tracks[frames].counts)
    assert told(replace(of, tracks={frames: more})).shape.verdict == LEAK


def test_the_verdict_heeds_it() -> None:
    """The births are as even as can be, and the series rises: what keeps it decides."""
    for entries, verdict in (([30, 56, 63, 66], WARM_UP), ([125, 400, 700, 1000], LEAK)):
        _, (growth, *_) = informed(looked(entries))
        assert growth.shape.verdict == verdict


def test_no_leak_is_cleared_whatever_its_looks_are_and_each_cache_is() -> None:
    """Random leaks of one entry in three runs, looked at at random, and caches of random size: no false answer in 300."""
    cleared = 0
    for seed in range(300):
        dice = random.Random(seed)
        done = sorted(dice.sample(range(100, 2001), 4))
        done[-1] = 2000
        came = [at for at in range(2001) if dice.random() < 0.3]
        entries = [sum(at <= look for at in came) for look in done]
        cleared += told(looked(entries, done=done)).shape.verdict != LEAK
    assert cleared <= 15  # one in twenty, by the level

    found = 0
    for seed in range(100):
        dice = random.Random(seed)
        keys, seen, entries = dice.randrange(60, 400), set[int](), []
        for at in range(1, 2001):
            seen.add(int(keys * dice.random()))
            if at in DONE:
                entries.append(len(seen))
        found += told(looked(entries)).shape.verdict == WARM_UP
    assert found >= 95


def test_an_empty_container_divides_by_nothing() -> None:
    assert told(looked([0, 0, 0, 1], [0, 0, 0, 1])).shape.verdict in (LEAK, WARM_UP, TURNOVER)
    assert not math.isnan(told(looked([1, 1, 1, 1], [5, 5, 5, 5])).shape.rate)


def test_growths_that_are_no_leaks_are_left_alone() -> None:
    of = looked([30, 56, 63, 66])
    growth = Book(of).of(Blame(stack(LINE)[-1], True, (stack(LINE),)))
    calm = replace(growth, shape=replace(growth.shape, verdict=TURNOVER))
    assert without_what_fills(of, [calm]) == [calm]
    assert isinstance(of.tracks[stack(LINE)], Track)
    assert DONE[-1] == PERIOD * PERIODS
