"""One snapshot's growth by the ages of what is alive: sums, doubts, thresholds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge.births.ages import LEAK as AGED_LEAK
from leakhunt.judge.births.ages import TURNOVER as AGED_TURNOVER
from leakhunt.judge.births.ages import Ages, Births
from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors, _verdict
from leakhunt.judge.growths import growths
from leakhunt.judge.history import Moved
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import stats
from leakhunt.judge.series.shape import LEAK, NOISE, STEP, TURNOVER
from leakhunt.model.retention import Arrivals, Heap, Rest
from leakhunt.model.snapshot import Birth, Counted, Gone, Snapshot
from tests.support.builders import stack
from tests.support.lives import BLOCK, PERIOD, aged, births, held

ONE, TWO = "/srv/shop/tasks.py:40", "/srv/shop/tasks.py:50"
LIVES = LEVELS.lives
N = 12


def book(snapshot: Snapshot) -> Survivors:
    made = lived(snapshot)
    assert made is not None
    return Survivors(made)


def handed_on(snapshot: Snapshot, part: float) -> Snapshot:
    """That part of each birth of the first line may have come through a freelist."""
    told = snapshot.told(stack(ONE))
    births = tuple(birth._replace(recycled=part * birth.size) for birth in told.births)
    return replace(snapshot, facts={**snapshot.facts, stack(ONE): replace(told, births=births)})


def test_births_of_several_lines_add_up_period_by_period() -> None:
    """The first period is what was there to begin with: columns are the edges from the second on."""
    survivors = book(aged((ONE, [900, 100, 200, 300]), (TWO, [800, 50, 0, 150])))
    found = survivors.births([stack(ONE), stack(TWO)])
    assert found.edges == (0.0, 1.0 * PERIOD, 2.0 * PERIOD, 3.0 * PERIOD)
    assert found.sizes == (150, 200, 450)
    assert found.blocks == (150 / BLOCK, 200 / BLOCK, 450 / BLOCK)
    # Each task that keeps something keeps one block: the sum of squares is bytes times a block.
    assert found.squares == (150 * BLOCK, 200 * BLOCK, 450 * BLOCK)
    assert found.intervals == (1.0, 1.0, 1.0)
    assert survivors.births([stack(TWO)]).sizes == (50, 0, 150)


@pytest.mark.parametrize(
    ("each", "part", "left"),
    [
        (1000, 0.0, 1.0),
        (1000, LIVES.doubtful + 0.02, 0.98 - LIVES.doubtful),  # 48 events are enough
        (40, LIVES.doubtful, 1 - LIVES.doubtful),  # not most of them
        (40, LIVES.doubtful + 0.02, 1.0),  # most, and two events are left
    ],
)
def test_what_a_freelist_handed_on_is_left_out_where_it_is_not_most_or_enough_is_left(
    each: int, part: float, left: float
) -> None:
    """Events of a block of 50 bytes each, in five periods."""
    survivors = book(handed_on(aged((ONE, [each] * 6)), part))
    stacks = [stack(ONE)]
    births = survivors.births(stacks)
    sure = survivors.sure(stacks, births)
    for name in ("sizes", "squares", "blocks"):
        assert getattr(sure, name) == pytest.approx(
            [left * value for value in getattr(births, name)]
        )
    assert (sure.edges, sure.intervals) == (births.edges, births.intervals)


def test_doubts_of_one_line_are_parts_of_all_that_are_judged_together() -> None:
    survivors = book(handed_on(aged((ONE, [1000] * 6), (TWO, [3000] * 6)), 1.0))
    stacks = [stack(ONE), stack(TWO)]
    births = survivors.births(stacks)
    assert survivors.sure(stacks, births).sizes == pytest.approx([3000] * 5)
    assert survivors.sure([stack(TWO)], births) is births


def test_a_leak_has_the_rates_of_its_survivors_and_the_interval_of_their_number() -> None:
    survivors = book(aged((ONE, [10_000] * N)))
    judged = survivors.judge((stack(ONE),))
    assert (judged.verdict, judged.p, judged.since, judged.open) == (LEAK, 0.0, 0, False)
    assert judged.rate == pytest.approx(10_000 / PERIOD)
    assert judged.blocks_rate == pytest.approx(10_000 / BLOCK / PERIOD)
    # 200 tasks a period brought a block each: one in the square root of 2,200.
    half = 1.96 * judged.rate / 2200**0.5
    assert judged.high - judged.rate == pytest.approx(half, rel=0.05)
    assert judged.rate - judged.low == pytest.approx(half, rel=0.05)
    assert judged.samples == 10_000 // BLOCK * (N - 1)
    assert judged.belief is not None
    assert judged.belief >= LIVES.believed


def test_a_later_start_counts_from_there() -> None:
    survivors = book(aged((ONE, [0] * 6 + [10_000] * 12)))
    judged = survivors.judge((stack(ONE),))
    assert judged.verdict == LEAK
    assert judged.rate == pytest.approx(10_000 / PERIOD, rel=0.1)
    assert 4 <= judged.since <= 6
    assert judged.samples == 10_000 // BLOCK * 12


def test_what_was_born_before_the_start_is_no_part_of_the_rate() -> None:
    """A warm-up, and then a leak: only what is born in the leak counts."""
    warm = [int(400_000 * 0.3**i) for i in range(6)]
    survivors = book(aged((ONE, [a + 10_000 for a in [*warm, *[0] * 30]])))
    judged = survivors.judge((stack(ONE),))
    assert judged.verdict == LEAK
    assert judged.since > 0
    assert judged.rate == pytest.approx(10_000 / PERIOD, rel=0.2)


def test_no_leak_has_a_chance_of_one() -> None:
    judged = book(aged((ONE, [0] * 18 + [10_000] * 2))).judge((stack(ONE),))
    assert (judged.verdict, judged.p) == (TURNOVER, 1.0)


def test_each_period_has_its_own_interval() -> None:
    snapshot = aged((ONE, [1000] * 5))
    assert snapshot.calendar is not None
    calendar = replace(snapshot.calendar, intervals=(1.0, 2.0, 3.0, 4.0, 5.0))
    survivors = book(replace(snapshot, calendar=calendar))
    assert survivors.births([stack(ONE)]).intervals == (2.0, 3.0, 4.0, 5.0)


# -- what the ages say, either side of each level --------------------------------------


def verdict(
    kind: str = AGED_LEAK, belief: float = 1.0, events: float = 100.0,
    sizes: tuple[float, ...] = (10.0, 10.0),
) -> str:  # fmt: skip
    births = Births((0.0, 1.0, 2.0), sizes, sizes, sizes, (1.0, 1.0))
    return _verdict(births, Ages(kind, belief, {}, 0.0, events, 1.0))


def test_a_kind_is_said_where_it_is_believed() -> None:
    assert verdict(belief=LIVES.believed) == LEAK
    assert verdict(belief=LIVES.believed - 0.001) == NOISE
    assert verdict(AGED_TURNOVER, LIVES.believed) == TURNOVER
    assert verdict(belief=0.0, events=0.0) == NOISE


def test_no_kind_is_said_of_a_few_events_but_that_they_came_at_once() -> None:
    few = LIVES.fewest - 0.001
    assert verdict(events=LIVES.fewest) == LEAK
    assert verdict(events=few) == NOISE
    part = LIVES.at_once
    assert verdict(events=few, sizes=(part, 1 - part)) == STEP
    assert verdict(events=few, sizes=(part - 0.001, 1 - part + 0.001)) == NOISE
    assert verdict(events=LIVES.fewest, sizes=(1.0, 0.0)) == LEAK


def test_the_interval_is_that_of_a_count() -> None:
    """Garwood: of 10 events that were counted the mean is 4.795 to 18.39."""
    low, high = stats.poisson_sum(1000.0, 10.0)
    assert (low, high) == pytest.approx((479.5, 1839.0), rel=1e-3)
    assert stats.poisson_sum(7.0, 0.0) == (7.0, 7.0)


def counted(snapshot: Snapshot, of: float, variance: float) -> Snapshot:
    """The first line's objects were counted: so many times what samples say, which were sure to a fifth."""
    told, tally = snapshot.told(stack(ONE)), snapshot.tallies[stack(ONE)]
    right = Counted(round(of * tally.size), variance * (tally.size / 5) ** 2)
    told = replace(told, stderr=tally.size / 5, counted=right)
    return replace(snapshot, facts={**snapshot.facts, stack(ONE): told})


def test_what_was_counted_makes_the_rate_right_and_sure() -> None:
    each = 200 * BLOCK
    plain = aged((ONE, [each] * N), interval=1000.0, retention={ONE: held("list", 2000, None)})
    before = book(plain).judge([stack(ONE)])
    after = book(counted(plain, 0.8, 0.0)).judge([stack(ONE)])
    assert (before.verdict, after.verdict) == (LEAK, LEAK)
    assert after.rate == pytest.approx(0.8 * before.rate)
    assert after.events == pytest.approx(
        before.events, rel=0.02
    )  # as sure as before that it is one
    assert (after.high - after.low) / after.rate <= (before.high - before.low) / before.rate


def test_no_rate_is_surer_than_that_of_so_many_entries() -> None:
    """Tasks that keep eight blocks at once are an eighth as many events; counted, the entries are known."""
    each = 80 * BLOCK
    births_of = births([each] * N, at_once=8)
    snapshot = aged((ONE, [each] * N), retention={ONE: held("dict", 400, None)})
    told = replace(snapshot.told(stack(ONE)), births=births_of)
    snapshot = replace(snapshot, facts={stack(ONE): told})

    def width(of: Snapshot) -> float:
        shape = book(of).judge([stack(ONE)])
        return (shape.high - shape.low) / shape.rate

    least = sum(stats.poisson_sum(1.0, 400)[at] * sign for at, sign in ((1, 1), (0, -1)))
    assert width(counted(snapshot, 1.0, 0.0)) == pytest.approx(least, rel=0.05)
    half = width(counted(snapshot, 1.0, 0.5))
    assert least < half < width(snapshot)
    assert half == pytest.approx(width(snapshot) * 0.5**0.5, rel=0.1)
    assert width(counted(snapshot, 1.0, 1.0)) == width(snapshot)
    nowhere = replace(snapshot, facts={stack(ONE): replace(told, retention=())})
    assert width(counted(nowhere, 1.0, 0.0)) == width(snapshot)  # nobody knows of how many


def test_when_it_began_only_the_samples_know() -> None:
    """Half of it was born before the leak's onset: counting says nothing of how it is shared out."""
    sizes = [float(80 * BLOCK)] * N
    snapshot = counted(aged((ONE, sizes), retention={ONE: held("list", 400, None)}), 1.0, 0.0)
    born = book(snapshot)
    whole = born.births([stack(ONE)])
    early = whole._replace(sizes=(sum(whole.sizes), *whole.sizes[1:]))
    assert born._events([stack(ONE)], whole, 0, 10.0) == pytest.approx(400.0)
    part = sum(early.sizes[:1]) / sum(early.sizes)
    assert born._events([stack(ONE)], early, 1, 10.0) == pytest.approx(10.0 / part)
    assert born._events([stack(ONE)], early, 1, 500.0) == 500.0


def died(snapshot: Snapshot, sizes: list[float]) -> Snapshot:
    """So much of the first line was alive at the end of each period, and is not now."""
    told = replace(
        snapshot.told(stack(ONE)),
        gone=Gone(tuple(sizes), tuple(size * BLOCK for size in sizes)),
    )
    assert snapshot.calendar is not None
    return replace(
        snapshot,
        facts={**snapshot.facts, stack(ONE): told},
        calendar=replace(snapshot.calendar, deaths=True),
    )


def test_the_order_of_the_entries_has_a_say_in_what_the_deaths_mean() -> None:
    """Half of what was there has gone; the list has its entries one after the other, or in no order."""
    way = held("list", 240, None)
    made = died(
        aged((ONE, [1000] * N), retention={ONE: way}), [500.0 * (N - 1 - at) for at in range(N - 1)]
    )
    places = [7, 2, 11, 5, 1, 9, 4, 12, 3, 8, 6, 10]

    def leak(units: list[int]) -> float:
        points = tuple((100.0 * unit, 20 * place) for place, unit in enumerate(units, 1))
        told = Arrivals(
            way.mark, 240, way.path, 10, 10, points
        )  # of a few objects: they tell no births
        heap = Heap(
            True, None, 9, 9, 0.1, 9, (), Rest(0, 0, 0), None, Rest(0, 0, 0), (), (), 9, 9, (told,)
        )
        return book(replace(made, heap=heap)).judge([stack(ONE)]).beliefs[0]

    assert leak(places) < leak(sorted(places))


def test_a_line_whose_container_replaces_its_entries_is_no_leak() -> None:
    """For all that came since the middle as much has gone; of another line nothing has."""
    each = 1000
    snapshot = aged((ONE, [each] * N), (TWO, [each] * N))
    survivors = book(died(snapshot, [each * (N - 1 - at) for at in range(N - 1)]))
    judged = survivors.judge([stack(ONE)])
    assert (judged.verdict, judged.p) == (TURNOVER, 1.0)
    assert judged.turned is not None
    came, went = judged.turned
    assert came == pytest.approx(went)
    assert judged.beliefs[0] < 0.01
    other = survivors.judge([stack(TWO)])
    assert (other.verdict, other.turned) == (LEAK, None)


def test_where_deaths_are_not_known_ages_alone_decide() -> None:
    assert book(aged((ONE, [1000] * N))).gone([stack(ONE)]) is None
    assert book(died(aged((ONE, [1000] * N)), [5.0] * (N - 1))).gone([stack(ONE)]) == (
        (5.0,) * (N - 1), (5.0 * BLOCK,) * (N - 1),
    )  # fmt: skip


def test_a_helpers_callers_are_told_apart_by_what_each_gains() -> None:
    """Both asked for as much that lives; of the one nothing has died, of the other as much as came."""
    each = 1000
    snapshot = aged((ONE, [each] * N), (TWO, [each] * N))
    survivors = book(died(snapshot, [each * (N - 1 - at) for at in range(N - 1)]))
    assert survivors.late([stack(ONE)]) == pytest.approx(0.0)
    assert survivors.late([stack(TWO)]) == pytest.approx(each / PERIOD)
    assert survivors.late([stack(ONE), stack(TWO)]) == pytest.approx(each / PERIOD)
    ages_alone = book(snapshot)
    assert ages_alone.late([stack(ONE)]) == pytest.approx(each / PERIOD)


def test_a_block_that_grows_by_itself_is_a_leak_of_one_sample() -> None:
    """Of which the ages say nothing: it was born anew a moment ago."""
    at, size = N - 2, 1000.0 * (N - 1)

    def one_block(size: float, before: list[float]) -> Snapshot:
        snapshot = died(aged((ONE, [0.0] * at + [size, 0.0])), before)
        block = Birth(at, "shop.take", 1, 1, size, size**2, 1.0)
        told = replace(snapshot.told(stack(ONE)), births=(block,))
        return replace(snapshot, facts={**snapshot.facts, stack(ONE): told})

    steady = [1000.0 * (period + 1) * (period < at) for period in range(N - 1)]
    survivors = book(one_block(size, steady))
    judged = survivors.judge([stack(ONE)])
    assert (judged.verdict, judged.stairs, judged.p) == (LEAK, True, 0.0)
    assert judged.rate == pytest.approx(1000 / PERIOD, rel=0.15)
    assert judged.low < 1000 / PERIOD < judged.high
    assert survivors.tells([stack(ONE)])
    assert judged.since == 0  # it was there before the first period had ended
    faster = [10.0 * 1.8 ** min(period, at) * (period < at) for period in range(N - 1)]
    assert not book(one_block(faster[at - 1] * 1.8, faster)).judge([stack(ONE)]).stairs


def test_what_others_have_asked_for_is_no_part_of_what_their_deaths_are_told_of() -> None:
    survivors = book(aged((ONE, [1000] * 6), (TWO, [3000] * 6)))
    moved = {stack(ONE): Moved([400.0 * n for n in range(1, 7)], [90.0 * n for n in range(1, 7)])}
    survivors.history = replace(survivors.history, moved=moved)
    both = [stack(ONE), stack(TWO)]
    births = survivors.births(both)
    asked = survivors.asked(both, births)
    assert asked.sizes == pytest.approx([size - 400 for size in births.sizes])
    assert asked.squares == pytest.approx([square - 90 for square in births.squares])
    assert survivors.asked([stack(TWO)], births) is births


def test_a_cache_that_replaces_its_own_entries_is_no_leak_for_what_others_put_beside() -> None:
    """Of four parts that live one was asked for here, and for all of it as much has gone; of the others' nobody
    here can tell.
    """
    each = 1000
    made = lived(
        died(aged((ONE, [4 * each] * N)), [float(each * (N - 1 - at)) for at in range(N - 1)])
    )
    assert made is not None
    others = [3.0 * each * (at + 1) for at in range(N)]
    moved = {stack(ONE): Moved(others, [size * BLOCK for size in others])}
    assert Survivors(made).judge([stack(ONE)]).verdict == LEAK
    assert Survivors(replace(made, moved=moved)).judge([stack(ONE)]).verdict == TURNOVER


REMEMBER = "/srv/shop/events.py:15"
CHECKED, OPENED = (f"{REMEMBER} < /srv/shop/{each}" for each in ("events.py:90", "orders.py:30"))


@pytest.mark.parametrize(
    ("others", "line"),
    [
        (([0.0, 40_000.0] + [0.0] * 5) * 3, 15),  # as even as the rest, too few to call it a leak
        (([0.0, 20_000.0] + [0.0] * 5) * 3, 90),  # the same, and whatever it is it hardly matters
    ],
)
def test_a_caller_of_few_samples_does_not_clear_the_helper(others: list[float], line: int) -> None:
    """A helper leaks through both callers; where the other one surely does not, the first one's line differs."""
    life = lived(aged((CHECKED, [20_000] * 20), (OPENED, others[:20]), interval=25_000.0))
    assert life is not None
    leak = growths(life)[0]
    assert leak.shape.verdict == LEAK
    assert leak.blame.frame.line == line


def test_a_caller_whose_objects_are_young_clears_the_helper() -> None:
    young = [50.0] + [0.0] * 17 + [4_000.0, 8_000.0]
    life = lived(aged((CHECKED, [2_000] * 20), (OPENED, young)))
    assert life is not None
    assert growths(life)[0].blame.frame.line == 90
