"""What a stage's looks say, on histories made by hand."""

from __future__ import annotations

import random
from dataclasses import replace

from leakhunt.gate import baseline, confidence, decision
from leakhunt.gate.decision import LOOKS, Limits, decide
from leakhunt.judge.history import History
from leakhunt.judge.kept import Kept
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.retention import Heap, Rest, Retention, Step
from leakhunt.model.snapshot import Facts
from tests.support.builders import history, snap, stack
from tests.support.growing import finding, sampled
from tests.support.lives import held

TASKS = [1000 + 50 * n for n in range(LOOKS)]
SHOP = "/srv/shop/tasks.py"


def made(*lines: tuple[str, list[int]], **facts: object) -> History:
    return history(
        *((where, sizes, [size // 100 for size in sizes]) for where, sizes in lines),
        tasks=TASKS,
        **facts,  # type: ignore[arg-type]
    )


def grows(rate: float, start: int = 5000) -> list[int]:
    return [start + round(rate * (done - TASKS[0])) for done in TASKS]


def test_a_line_that_grows_with_every_look_leaks() -> None:
    ruling = decide(made((f"{SHOP}:40", grows(200))), 1, Limits(), True)
    assert ruling.verdict == LEAK
    assert [finding.site.line for finding in ruling.sure] == [40]
    assert abs(ruling.kept.rate - 200) < 2
    assert ruling.since == 1000
    assert ruling.runs == TASKS[-1] - TASKS[0]


def test_of_several_leaks_the_fastest_is_named_first() -> None:
    several = made(
        (f"{SHOP}:40", grows(90)), (f"{SHOP}:77", grows(200)), (f"{SHOP}:99", grows(140))
    )
    assert [each.site.line for each in decide(several, 1, Limits(), True).sure] == [77, 99, 40]


def test_a_line_that_stands_still_keeps_nothing() -> None:
    ruling = decide(made((f"{SHOP}:40", [5000] * LOOKS)), 1, Limits(), True)
    assert ruling.verdict == NO_LEAK
    assert ruling.still
    assert decide(made((f"{SHOP}:40", [5000] * LOOKS)), 1, Limits(), False).verdict is None


def test_growth_below_the_limit_is_none_and_above_it_is_one() -> None:
    slow = made((f"{SHOP}:40", grows(100)))
    assert decide(slow, 1, Limits(bytes_per_run=150), True).verdict == NO_LEAK
    assert decide(slow, 1, Limits(bytes_per_run=50), True).verdict == LEAK


def test_a_cache_that_levels_off_is_not_sure_until_it_has() -> None:
    fills = [round(50_000 * (1 - 0.5**n)) for n in range(LOOKS)]
    assert decide(made((f"{SHOP}:40", fills)), 1, Limits(), True).verdict is None


def test_noise_is_not_sure_either() -> None:
    dice = random.Random(2)
    noisy = [50_000 + dice.randrange(20_000) for _ in TASKS]
    ruling = decide(made((f"{SHOP}:40", noisy)), 1, Limits(), True)
    assert ruling.verdict is None
    assert ruling.kept.high > 12


def turns_over(*ways: Retention, size: int = 50_000) -> History:
    """Noise whose newest look says who holds it, one block in 1,000 bytes."""
    dice = random.Random(2)
    noisy = [size - 10_000 + dice.randrange(20_000) for _ in TASKS[:-1]] + [size]
    newest = replace(
        snap(f"{SHOP}:40 {size}B x50"), facts={stack(f"{SHOP}:40"): Facts(retention=ways)},
        heap=Heap(True, None, 0, 0, 0.0, 0, (), Rest(0, 0, 0), None, Rest(0, 0, 0), (), (), size // 1000, size // 1000),
    )  # fmt: skip
    return replace(made((f"{SHOP}:40", noisy)), newest=newest)


def test_what_turns_over_in_a_container_with_a_bound_hides_nothing() -> None:
    """A window of the newest reports says nothing of what a run keeps; who holds them is known of a sample."""
    ruling = decide(turns_over(held("collections.deque", 24, 24, size=50_000)), 1, Limits(), True)
    assert ruling.verdict == NO_LEAK
    assert not ruling.still
    assert (
        3 * 1000 / 950 < ruling.kept.high <= 12
    )  # three blocks of 1,000 bytes may have been missed


DESK = Step("attribute", "DESK", "collections.deque", 24, 24)


def nested(desk: Step, size: int = 50_000) -> Retention:
    """Dicts in lists, which are entries of one container and longer than it."""
    way = (
        Step("module", "shop", "module"),
        desk,
        Step("item", None, "list"),
        Step("item", None, "dict"),
    )
    return Retention(way, 50, size, "list", 60, None, 9, size, way[:3])


def test_what_turns_over_deeper_in_a_full_container_hides_nothing_either() -> None:
    assert decide(turns_over(nested(DESK)), 1, Limits(), True).verdict == NO_LEAK
    for desk in (DESK._replace(length=20), DESK._replace(bound=None), DESK._replace(length=None)):
        assert decide(turns_over(nested(desk)), 1, Limits(), True).kept.high > 30


def test_entries_of_a_full_container_may_grow_where_they_are() -> None:
    """Nothing is given back: the entries of a cache that is full of lists, of which now and then one grows."""
    known = turns_over(nested(DESK))
    grown = made((f"{SHOP}:40", [50_000 - 2000 * (5 - at // 4) for at in range(LOOKS)]))
    ruling = decide(replace(known, tracks=grown.tracks, sizes=grown.sizes), 1, Limits(), True)
    assert ruling.verdict is None
    assert ruling.kept.high > 12


def test_what_lies_elsewhere_counts_though_most_of_its_line_lies_below_a_bound() -> None:
    window = held("collections.deque", 24, 24, size=40_000)
    for elsewhere, high in ((4000, 7.5), (10_000, 30)):
        ways = window._replace(size=50_000 - elsewhere), held("list", 10, None, size=elsewhere)
        assert decide(turns_over(*ways), 1, Limits(), True).kept.high > high
    unknown = decide(turns_over(window._replace(size=20_000)), 1, Limits(), True)
    assert unknown.kept.high > 30
    assert decide(turns_over(held("dict", 24, None, size=50_000)), 1, Limits(), True).kept.high > 30


def test_what_others_made_lies_where_the_line_that_keeps_it_has_its_own() -> None:
    """Entries of a table of ids, booked to the line that adds them, which asked for the table alone."""
    booked = {stack(f"{SHOP}:40"): (Kept("dict", 30_000),)}
    for way, verdict in (
        (held("collections.deque", 24, 24, size=20_000), NO_LEAK),
        (held("dict", 24, None, size=20_000), None),
    ):
        ruling = decide(replace(turns_over(way), kept=booked), 1, Limits(), True)
        assert ruling.verdict == verdict


def test_a_line_has_kept_no_more_than_it_holds_in_the_end() -> None:
    """A list that is emptied now and then, and has been just before the last look."""
    teeth = [5000 * (number % 7) + 300 for number in range(1, LOOKS)]
    ruling = decide(
        made((f"{SHOP}:40", [*teeth, 300]), (f"{SHOP}:41", [7000] * LOOKS)), 1, Limits(), True
    )
    assert ruling.verdict == NO_LEAK
    assert ruling.kept == confidence.Interval(0.0, 0.0, 300 / 950)
    full = decide(made((f"{SHOP}:40", [*teeth, 30_300])), 1, Limits(), True)
    assert full.kept.high > 12


def test_an_estimate_is_no_bound() -> None:
    teeth = [3 * (number % 7) for number in range(1, LOOKS)]
    guessed = sampled({f"{SHOP}:40": [*teeth, 0]}, interval=4096, tasks=TASKS)
    assert decide(guessed, 1, Limits(), True).kept.high > 12


def test_what_has_fallen_on_the_way_does_not_last() -> None:
    """It holds less than its rate makes of all runs since the first."""
    for start, lasting in ((200 * TASKS[0], True), (50, False)):
        ruling = decide(made((f"{SHOP}:40", grows(200, start))), 1, Limits(), True)
        assert (ruling.verdict, ruling.lasting) == (LEAK, lasting)


def test_twelve_looks_are_too_few_to_accuse_anybody() -> None:
    cut = made((f"{SHOP}:40", grows(200)))
    short = replace(
        cut, metas=cut.metas[:12], times=cut.times[:12], sizes=cut.sizes[:12],
        tracks={k: type(t)(t.sizes[:12], t.counts[:12]) for k, t in cut.tracks.items()},
    )  # fmt: skip
    assert decide(short, 1, Limits(), True).verdict is None


def test_what_the_baseline_knows_is_allowed_and_no_more_than_that() -> None:
    old = made((f"{SHOP}:40", grows(200)))
    known = baseline.growths(decide(old, 1, Limits(), True).sure)
    assert decide(old, 1, Limits(baseline=known), True).verdict == NO_LEAK
    hardly = made((f"{SHOP}:40", grows(200 + decision.LIMIT / 2)))
    assert decide(hardly, 1, Limits(baseline=known), True).verdict == NO_LEAK
    worse = decide(made((f"{SHOP}:40", grows(400))), 1, Limits(baseline=known), True)
    assert worse.verdict == LEAK
    other = made((f"{SHOP}:40", grows(200)), (f"{SHOP}:77", grows(90)))
    ruling = decide(other, 1, Limits(baseline=known), True)
    assert [finding.site.line for finding in ruling.sure] == [77]
    assert [finding.site.line for finding in ruling.baselined] == [40]


def test_a_baseline_takes_what_looks_like_it_where_only_the_whole_is_sure() -> None:
    one = finding(rate=50.0, low=50.0, high=50.0)
    plain = decide(made((f"{SHOP}:40", grows(0.0))), 1, Limits(), True)
    unsure = replace(plain, verdict=None, suspects=(one,))
    assert unsure.accepted == ()
    assert replace(unsure, verdict=LEAK).accepted == (one,)
    other = finding(rate=70.0, low=70.0, high=70.0)
    assert replace(unsure, verdict=LEAK, sure=(other,)).accepted == (other,)


def test_a_resident_set_that_grows_alone_is_told_only_where_somebody_asks() -> None:
    rss = [(100 << 20) + 40_000 * n for n in range(LOOKS)]
    rss = [(100 << 20) + 400_000 * n for n in range(LOOKS)]
    outside = made((f"{SHOP}:40", [5000] * LOOKS), rss=rss)
    assert decide(outside, 1, Limits(), True).verdict == NO_LEAK
    ruling = decide(outside, 1, Limits(native=True), True)
    assert ruling.native_leaks
    assert ruling.verdict == LEAK


def test_a_resident_set_that_stands_still_passes() -> None:
    still = made((f"{SHOP}:40", [5000] * LOOKS), rss=[100 << 20] * LOOKS)
    assert decide(still, 1, Limits(native=True), True).verdict == NO_LEAK


def test_the_stated_rates_are_what_the_readme_says() -> None:
    assert (decision.FALSE_ALARM, decision.MISSED, decision.LIMIT) == (0.001, 0.05, 12.0)


def test_rates_of_several_leaks_add_up_with_independent_errors() -> None:
    told = decision._together(
        [finding(rate=10.0, low=7.0, high=13.0), finding(rate=5.0, low=1.0, high=9.0)]
    )
    assert told == confidence.Interval(15.0, 10.0, 20.0)
