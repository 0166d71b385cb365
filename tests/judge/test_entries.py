"""Where samples are too few, the entries of the container that keeps them decide: they are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.entries import with_piles
from leakhunt.judge.growths import growths
from leakhunt.judge.history import History
from leakhunt.judge.informed import informed
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import judge
from leakhunt.model.retention import Container, Retention, Step
from leakhunt.model.snapshot import Birth, Facts, Handed, Stack, Tally
from tests.support.builders import history, snap, stack
from tests.support.growing import sampled
from tests.support.lives import aged, held

#: What entries may weigh more or less than their mean, as a part of it.
UNEVEN = LEVELS.lives.uneven
LINE = "/srv/shop/tasks.py:40"
OTHER = "/srv/shop/chores.py:57"
DONE = [300, 727, 1099, 1375, 1784, 2120, 2400]
#: A set of one text per run of every second task; and samples, of which there are ten.
GROWING = (154, 386, 585, 724, 915, 1092, 1237)
FEW = [1, 4, 8, 10, 10, 11, 10]


def kept(length: int | None, mark: int = 1, **changed: Any) -> Retention:
    way = held("set", length or 0, None, size=60_000)
    return way._replace(**{"mark": mark, "length": length, "retained": 200_000, **changed})


def made(
    lengths: Mapping[int, Sequence[int | None]],
    ways: Mapping[str, Sequence[Retention]],
    samples: Mapping[str, Sequence[int]] | None = None,
    handed: Mapping[str, Sequence[Handed]] | None = None,
) -> History:
    """A sampled series of which hardly anything was sampled, and the walk's answer to the newest snapshot."""
    chosen = samples or dict.fromkeys(ways, FEW)
    found = sampled(chosen, interval=6000, tasks=DONE)
    facts = {
        stack(where): Facts(
            retention=tuple(ways.get(where, ())), handed=tuple((handed or {}).get(where, ()))
        )
        for where in chosen
    }
    newest = replace(
        snap(*(f"{where} 60000B x10" for where in chosen)), facts=MappingProxyType(facts)
    )
    return replace(found, newest=newest, lengths=lengths)


def leaks(of: History) -> list[Growth]:
    return [each for each in with_piles(of, growths(of)) if each.shape.verdict == LEAK]


def test_a_set_that_grows_with_every_look_is_a_leak_though_samples_do_not_tell() -> None:
    of = made({1: GROWING}, {LINE: [kept(1237)]})
    assert not [each for each in growths(of) if each.shape.verdict == LEAK]
    (leak,) = leaks(of)
    assert leak.blame.frame == stack(LINE)[-1]
    assert leak.blame.stacks == (stack(LINE),)
    assert leak.why == because(codes.FILLED, first=154, last=1237)
    truth = 200_000 / 1237 * (1237 - 154) / 2100
    assert leak.shape.rate == pytest.approx(truth, rel=0.02)
    assert leak.shape.low <= truth <= leak.shape.high <= (1.02 + UNEVEN) * truth
    assert leak.shape.blocks_rate == pytest.approx((1237 - 154) / 2100, rel=0.02)
    assert leak.sizes[-1] == pytest.approx(200_000)
    assert leak.sizes[0] == pytest.approx(200_000 * 154 / 1237)


def test_what_is_said_to_keep_it_is_what_the_verdict_rests_on() -> None:
    """Not the part of it that samples have hit: bytes and entries are those of the sentence."""
    (finding,) = [
        each
        for each in judge([made({1: GROWING}, {LINE: [kept(1237)]})]).findings
        if each.verdict == LEAK
    ]
    assert finding.holder is not None
    assert (finding.holder.container_type, finding.holder.length) == ("set", 1237)
    assert (finding.holder.objects, finding.holder.size) == (0, 200_000)
    assert finding.holder_grew == 1237 - 154
    assert finding.sizes[-1] - finding.sizes[0] == pytest.approx(2100 * finding.rate, rel=0.03)


#: Samples enough to call it a leak, and by chance twice as many as there should be.
MANY = [2, 7, 12, 17, 22, 27, 32]


def test_a_leak_that_fills_one_container_has_the_pace_of_its_entries() -> None:
    """Thirty samples may be twenty or forty; entries are counted."""
    of = made({1: GROWING}, {LINE: [kept(1237, retained=120_000, size=180_000)]}, {LINE: MANY})
    (told,) = [each for each in growths(of) if each.shape.verdict == LEAK]
    (leak,) = leaks(of)
    truth = 120_000 / 1237 * (1237 - 154) / 2100
    assert told.shape.low > truth
    assert leak.shape.rate == pytest.approx(truth, rel=0.02)
    assert leak.shape.low <= truth <= leak.shape.high < told.shape.high
    assert leak.sizes[-1] == pytest.approx(120_000)
    assert leak.sizes[0] == pytest.approx(120_000 * 154 / 1237)
    assert leak.counts[-1] / leak.sizes[-1] == pytest.approx(told.counts[-1] / told.sizes[-1])
    assert leak.shape.blocks_rate == pytest.approx(
        leak.shape.rate * told.counts[-1] / told.sizes[-1]
    )
    assert (leak.blame, leak.why, leak.shape.p) == (told.blame, told.why, told.shape.p)


@pytest.mark.parametrize(
    ("retained", "ways"),
    [
        (10_000, {LINE: 180_000}),
        (120_000, {LINE: 180_000, OTHER: 60_000}),
    ],
)
def test_what_does_not_fill_it_or_would_not_be_freed_with_it_has_a_pace_of_its_own(
    retained: int, ways: dict[str, int]
) -> None:
    """No chance makes that much of so little: it hangs from somewhere else as well. Or a good part is another line's."""
    of = made(
        {1: GROWING},
        {where: [kept(1237, retained=retained, size=size)] for where, size in ways.items()},
        {where: MANY if where == LINE else FEW for where in ways},
    )
    told = next(each for each in growths(of) if each.blame.frame == stack(LINE)[-1])
    leak = next(each for each in leaks(of) if each.blame.frame == stack(LINE)[-1])
    assert leak == told


def test_it_is_the_series_verdict_that_says_so() -> None:
    history_of, judged = informed(made({1: GROWING}, {LINE: [kept(1237)]}))
    assert [each.shape.verdict for each in judged if each.blame.frame == stack(LINE)[-1]] == [LEAK]
    assert history_of.lengths == {1: GROWING}


@pytest.mark.parametrize(
    "lengths",
    [
        (299, 727, 1000, 1000, 1000, 1000, 1000),  # a table that is full
        (110, 333, 420, 420, 420, 420, 420),
        (154, 586, 85, 624, 115, 592, 137),  # emptied again and again
        (1237,) * 7,
        (1200, 1210, 1205, 1212, 1206, 1214, 1237),  # nearly
        (0, 0, 0, 0, 0, 0, 1237),  # at once
        (None, None, None, None, None, 1092, 1237),  # nobody knows
        (154, 386, None, None, None, None, None),
        (600, 860, 960, 1000, 1020, 1030, 1035),  # ever more slowly
        (1, 2, 2, 3, 3, 4, 4),  # a handful
    ],
)
def test_what_does_not_go_on_is_none(lengths: tuple[int | None, ...]) -> None:
    last = lengths[-1] or 1237
    assert leaks(made({1: lengths}, {LINE: [kept(last)]})) == []


@pytest.mark.parametrize(
    "way",
    [
        kept(1237, bound=5000),
        kept(1237, retained=None),
        kept(1237, retained=600),  # bytes that are worth nobody's time
        kept(1237, container_path=()),
        kept(1237, mark=0),
        kept(None),
    ],
)
def test_what_a_bound_ends_and_what_is_not_known_is_none(way: Retention) -> None:
    assert leaks(made({1: GROWING, 0: GROWING}, {LINE: [way]})) == []


def test_what_hangs_below_a_bound_is_none() -> None:
    """A set in each entry of a deque that takes eight: it goes when its entry does."""
    window = Step("attribute", "WINDOW", "collections.deque", 8, 8)
    steps = (Step("module", "shop.tasks", "module"), window, Step("item", None, "set", 1237))
    assert leaks(made({1: GROWING}, {LINE: [kept(1237, path=steps, container_path=steps)]})) == []
    endless = (steps[0], window._replace(bound=None), steps[2])
    assert leaks(made({1: GROWING}, {LINE: [kept(1237, path=endless, container_path=endless)]}))


def test_celerys_own_tables_are_no_leak() -> None:
    steps = (
        Step("module", "celery.worker.state", "module"),
        Step("attribute", "active_requests", "celery.utils.collections.LimitedSet"),
        Step("attribute", "_data", "dict", 1237),
    )
    way = kept(1237, path=steps, container_path=steps, container_type="dict")
    assert leaks(made({1: GROWING}, {LINE: [way]})) == []


def test_exact_sizes_need_no_entries() -> None:
    of = history((LINE, [6000 * each for each in FEW], FEW), tasks=DONE)
    newest = replace(
        snap(f"{LINE} 60000B x10"),
        facts=MappingProxyType({stack(LINE): Facts(retention=(kept(1237),))}),
    )
    of = replace(of, newest=newest, lengths={1: GROWING})
    judged = growths(of)
    assert with_piles(of, judged) == judged


def test_two_snapshots_are_no_series() -> None:
    of = sampled({LINE: [4, 10]}, interval=6000, tasks=[300, 2400])
    assert with_piles(of, []) == []


def test_snapshots_that_nobody_walked_are_passed_over() -> None:
    light = tuple(None if at in (1, 3) else each for at, each in enumerate(GROWING))
    (leak,) = leaks(made({1: light}, {LINE: [kept(1237)]}))
    assert leak.why == because(codes.FILLED, first=154, last=1237)
    assert len(leak.sizes) == 7
    assert list(leak.sizes) == sorted(leak.sizes)


def test_snapshots_at_every_thousandth_task_tell_by_the_runs_of_the_task_that_leaks() -> None:
    """Five hundred entries each time may have come at once, by all tasks; but each run of one task brought one."""
    done, lengths = [1000, 2000, 3000, 4000], (500, 1000, 1500, 2000)
    plain = made({1: lengths}, {LINE: [kept(2000)]}, {LINE: FEW[:4]})

    def of(*names: str) -> History:
        runs = [{name: {"runs": tasks // 2} for name in names} for tasks in done]
        metas = tuple(
            replace(meta, tasks_done=tasks, facts={**meta.facts, "tasks": told})
            for meta, tasks, told in zip(plain.metas, done, runs)
        )
        times = tuple(float(tasks - 1000) for tasks in done)
        return replace(plain, metas=metas, times=times)

    assert leaks(of()) == []
    (leak,) = leaks(of("shop.take", "shop.list"))
    assert leak.shape.rate == pytest.approx(200_000 / 4000)


LISTS: Mapping[int, tuple[int | None, ...]] = {
    1: (35, 64, 109, 140, 176, 236, 279),
    2: (82, 160, 258, 339, 417, 541, 636),
    3: (None, 289, 449, 570, 752, 962, 1165),
    4: (43, 81, 123, 160, None, None, 320),
}


def test_lists_that_hang_alike_are_one_pile_and_what_is_little_known_grows_as_they_do() -> None:
    each = [
        kept(lengths[-1], mark, retained=110 * (lengths[-1] or 0), size=1000)
        for mark, lengths in LISTS.items()
    ]
    (leak,) = leaks(made(LISTS, {LINE: each}))
    entries = sum(lengths[-1] or 0 for lengths in LISTS.values())
    assert leak.sizes[-1] == pytest.approx(110 * entries)
    assert leak.shape.rate == pytest.approx(110 * entries / 2400, rel=0.1)


def test_what_is_known_already_is_told_once() -> None:
    """The leak that samples tell has most of what the container keeps."""
    of = made({1: GROWING}, {LINE: [kept(1237)]}, {LINE: [10, 40, 70, 90, 120, 140, 160]})
    judged = growths(of)
    assert [each.shape.verdict for each in judged] == [LEAK]
    assert with_piles(of, judged) == judged


def test_two_lines_that_feed_one_container_are_one_leak_and_a_trace_of_a_third_is_none() -> None:
    third = "/srv/shop/tasks.py:70"
    ways = {
        LINE: [kept(1237, size=60_000)],
        OTHER: [kept(1237, size=40_000)],
        third: [kept(1237, size=900)],
    }
    (leak,) = leaks(made({1: GROWING}, ways))
    assert (leak.blame.frame, leak.parts) == (stack(LINE)[-1], (stack(OTHER)[-1],))
    assert stack(third) not in leak.blame.stacks
    whole = 200_000 * 100_000 / 100_900
    assert leak.sizes[-1] == pytest.approx(whole)
    assert 2 * UNEVEN <= (leak.shape.high - leak.shape.low) / leak.shape.rate < 2 * UNEVEN + 0.05


def test_a_small_part_makes_the_rate_less_sure() -> None:
    """A library's lines have most of it: of the application's part only samples tell."""
    library = "/srv/venv/lib/python3.11/site-packages/lib/core.py:9"
    (alone,) = leaks(made({1: GROWING}, {LINE: [kept(1237)]}))
    ways = {LINE: [kept(1237, size=30_000)], library: [kept(1237, size=30_000)]}
    (shared,) = leaks(made({1: GROWING}, ways))
    assert shared.blame.frame == stack(LINE)[-1]
    assert shared.shape.rate == pytest.approx(alone.shape.rate / 2)
    assert (shared.shape.high - shared.shape.low) / shared.shape.rate > 5 * (
        alone.shape.high - alone.shape.low
    ) / alone.shape.rate


def test_blocks_that_a_freelist_handed_on_are_of_the_line_that_makes_the_container_grow() -> None:
    """As an earlier snapshot tells: the list's own table is no sample in the newest."""
    way = kept(1237, size=60_000)
    holder = Container(way.container_path, "set", 1237, None, 1, 200_000, 8_000)
    part = Handed(holder, None, (Birth(1, None, 8, 8, 50_000.0, 3e8, 900.0),))
    births = (Birth(1, None, 10, 10, 60_000.0, 4e8, 1000.0),)
    of = made({1: GROWING}, {OTHER: [way]}, {OTHER: FEW, LINE: [0, 1, 0, 0, 0, 0, 0]})
    assert of.newest is not None
    facts = {
        **of.newest.facts,
        stack(OTHER): Facts(retention=(way,), handed=(part,), births=births),
    }
    newest = replace(of.newest, facts=MappingProxyType(facts))
    of = replace(of, newest=newest)
    assert [each.blame.frame for each in leaks(of)] == [stack(OTHER)[-1]]
    grower: dict[Any, Stack] = {
        tuple((step.kind, step.name, step.type) for step in way.container_path): stack(LINE)
    }
    assert [each.blame.frame for each in leaks(replace(of, growers=grower))] == [stack(LINE)[-1]]


def test_no_leak_is_told_of_what_others_are_believed_to_have() -> None:
    """The growths that are no leaks stay, but for those of the stacks that leak."""
    of = made({1: GROWING}, {LINE: [kept(1237)]}, {LINE: FEW, OTHER: [1, 30, 2, 40, 3, 20, 5]})
    judged = with_piles(of, growths(of))
    assert [each.shape.verdict for each in judged if each.blame.frame == stack(OTHER)[-1]] != [LEAK]
    assert len({each.blame.frame for each in judged}) == len(judged)


# -- two snapshots ------------------------------------------------------------------------


def of_two(
    lengths: Sequence[int | None],
    periods: Sequence[int] = (2, 7, 12, 17),
    first: int = 1000,
    **changed: Any,
) -> History:
    """Two snapshots after ``first`` and 2,000 tasks; in the newer one a sample of 6,000 bytes for each of some
    periods of a hundred tasks.
    """
    born = tuple(Birth(period, "shop.take", 1, 1, 6000.0, 3.6e7, 40.0) for period in periods)
    newest = aged((LINE, [1.0] * 20), interval=6000.0)
    way = kept(lengths[-1], **changed)
    told = Facts(stderr=14_000.0, samples=len(born), births=born, retention=(way,))
    size = 6000 * len(born)
    newest = replace(
        newest,
        facts=MappingProxyType({stack(LINE): told}),
        tallies=MappingProxyType({stack(LINE): Tally(size, 40 * len(born))}),
    )
    of = sampled({LINE: [3, len(born)]}, interval=6000, tasks=[first, 2000])
    return replace(of, newest=newest, lengths={1: tuple(lengths)})


def verdicts(of: History) -> list[tuple[str, str | None]]:
    _, judged = informed(of)
    return [(each.shape.verdict, each.why and each.why.code) for each in judged]


def test_two_counts_tell_of_a_container_in_no_order() -> None:
    of = of_two([500, 1000])
    life, judged = informed(of)
    (leak,) = judged
    assert (leak.shape.verdict, leak.why) == (LEAK, because(codes.FILLED, first=500, last=1000))
    assert leak.shape.rate == pytest.approx(200_000 / 2000)
    assert leak.shape.low < leak.shape.rate < leak.shape.high
    assert 2 * UNEVEN <= (leak.shape.high - leak.shape.low) / leak.shape.rate < 2 * UNEVEN + 0.05
    assert len(leak.sizes) == len(life.times)
    assert leak.sizes[-1] == pytest.approx(200_000)
    assert verdicts(replace(of, lengths={})) != [(LEAK, codes.FILLED)]


@pytest.mark.parametrize(
    "lengths",
    [
        (1000, 1000),  # full
        (900, 1000),
        (700, 1000),  # slower, and the first count may be of what was there from the start
        (1200, 1000),  # emptied meanwhile
        (100, 1000),  # young: a queue, or a leak that began
        (2, 4),  # a handful
        (None, 1000),
    ],
)
def test_two_counts_that_may_be_something_else_leave_it_open(
    lengths: tuple[int | None, ...],
) -> None:
    assert (LEAK, codes.FILLED) not in verdicts(of_two(lengths))


@pytest.mark.parametrize("periods", [(19,) * 6, (0, 0, 0, 1, 1, 1), (17, 18, 18, 19, 19, 19)])
def test_two_counts_do_not_speak_against_the_ages_of_samples(periods: tuple[int, ...]) -> None:
    """What is there now is young, or all old: as many came as went, or they came at the start."""
    assert (LEAK, codes.FILLED) not in verdicts(of_two([500, 1000], periods))


def test_a_first_look_before_tracking_began_is_none() -> None:
    assert (LEAK, codes.FILLED) not in verdicts(of_two([500, 1000], first=0))


def test_nobody_is_accused_of_what_freelists_deal_out_and_of_whose_it_is_nothing_is_known() -> None:
    """Floats in a list whose table is no sample: whoever asked for their blocks need not keep them."""
    way = kept(1237)
    floats = way._replace(path=(*way.container_path, Step("item", None, "float")))
    assert leaks(made({1: GROWING}, {OTHER: [floats]})) == []
    texts = way._replace(path=(*way.container_path, Step("item", None, "str")))
    assert len(leaks(made({1: GROWING}, {OTHER: [texts]}))) == 1
    place = tuple((step.kind, step.name, step.type) for step in way.container_path)
    of = replace(made({1: GROWING}, {OTHER: [floats]}), growers={place: stack(OTHER)})
    assert [each.blame.frame for each in leaks(of)] == [stack(OTHER)[-1]]
