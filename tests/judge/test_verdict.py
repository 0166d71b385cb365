"""From growths to a verdict: shares and intervals by themselves."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from leakhunt.judge import codes, growths
from leakhunt.judge.codes import because
from leakhunt.judge.history import SECOND
from leakhunt.judge.series.shape import LEAK, NOISE, Shape
from leakhunt.judge.verdict import _delta, _order, _settled, _undecided, judge
from leakhunt.snapshots.facts import meta
from tests.support.builders import history
from tests.support.growing import finding

N = 10
TOTALS = [50_000 * (index + 1) for index in range(N)]
NUMBERS = [100 * (index + 1) for index in range(N)]


def leak(uneven: bool = False, **facts: object):  # type: ignore[no-untyped-def]
    bump = [0, 900, -700, 400, -900, 800, -300, 600, -500, 0] if uneven else [0] * N
    sizes = [size + 10 * more for size, more in zip(TOTALS, bump)]
    counts = [number + more // 100 for number, more in zip(NUMBERS, bump)]
    return history(("/srv/shop/tasks.py:40", sizes, counts), **facts)  # type: ignore[arg-type]


def test_a_share_is_of_the_growth_of_the_resident_set() -> None:
    """It grows by four times as much as the leak."""
    (finding,) = judge(
        [leak(rss=[(100 << 20) + 4_000_000 * i + 4 * TOTALS[i] for i in range(N)])]
    ).findings
    assert finding.rate == pytest.approx(500)
    assert finding.share == pytest.approx(500 / 42_000, rel=1e-6)


def test_the_interval_of_several_processes_is_that_of_their_mean() -> None:
    one = judge([leak(True, pid=1)]).findings[0]
    four = judge([leak(True, pid=pid) for pid in (1, 2, 3, 4)]).findings[0]
    assert four.rate == pytest.approx(one.rate)
    assert four.rate - four.low == pytest.approx((one.rate - one.low) / 2)
    assert four.high - four.rate == pytest.approx((one.high - one.rate) / 2)


def test_among_many_lines_at_most_a_twentieth_of_the_leaks_may_be_chance() -> None:
    """One in twenty at p = 0.004 is beyond 0.05 of one in 20, and within ten times that."""

    def shape(p: float) -> Shape:
        return Shape(LEAK, 1.0, 0.5, 1.5, p, 0, 1.0)

    none = [Shape(NOISE, 0.0, 0.0, 0.0, 1.0, 0, 0.0)] * 19
    assert growths.sure([shape(0.004), *none], 0.0075) == [False] * 20
    assert growths.sure([shape(0.002), *none], 0.0075) == [True] + [False] * 19


def test_what_may_as_well_not_grow_is_no_leak_for_sure() -> None:
    """However small the chance: an interval that holds 0 and a verdict of a leak would contradict each other."""
    rising = Shape(LEAK, 1.0, 0.5, 1.5, 0.0, 0, 1.0)
    assert growths.sure([rising, replace(rising, low=0.0), replace(rising, low=-29.0)], 0.0075) == [
        True,
        False,
        False,
    ]


def test_leaks_that_outrun_the_process_share_what_they_make() -> None:
    """Other memory shrinks meanwhile: together they are all of the growth, not more."""
    n = 10
    counts = [100 * (i + 1) for i in range(n)]
    frames = {"/srv/shop/tasks.py": {40: ("take", None), 90: ("send", None)}}
    made = history(
        ("/srv/shop/tasks.py:40", [900 * count for count in counts], counts),
        ("/srv/shop/tasks.py:90", [300 * count + 977 * (i % 3) for i, count in enumerate(counts)], counts),
        frames=frames, rss=[(100 << 20) + 60_000 * i for i in range(n)],
    )  # fmt: skip
    leaks = [finding for finding in judge([made]).findings if finding.verdict == LEAK]
    assert len(leaks) == 2
    assert sum(finding.share or 0 for finding in leaks) == pytest.approx(1)
    assert leaks[0].share == pytest.approx(0.75, rel=0.05)


def test_another_kind_of_process_has_no_part_of_this_ones_growth() -> None:
    n = 10
    counts = [100 * (i + 1) for i in range(n)]
    line = ("/srv/shop/tasks.py:40", [900 * count for count in counts], counts)
    both = judge([history(line, pid=1), history(line, pid=9, role="main")])
    assert sum(finding.share or 0 for finding in both.findings) <= 1


def test_the_figures_are_of_the_process_that_grows_most_where_none_leaks() -> None:
    flat = history(("/srv/shop/a.py:1", [50_000] * N, [1] * N), pid=1)
    jump = history(("/srv/shop/a.py:1", [0] * 5 + [9_000_000] * 5, [0] * 5 + [1] * 5), pid=2)
    for order in ([flat, jump], [jump, flat]):
        found = judge(order)
        assert found.verdict == "no-leak"
        assert found.main.last.pid == 2


def test_what_leaks_in_another_process_explains_nothing_of_this_ones_growth() -> None:
    """The child's leak is an eighth of what it grows by; what the main process leaks is no part of that."""
    counts = [100 * (i + 1) for i in range(N)]
    child = history(
        ("/srv/shop/tasks.py:40", [500 * count for count in counts], counts),
        pid=1, rss=[(100 << 20) + 400_000 * i for i in range(N)],
    )  # fmt: skip
    main = history(
        ("/srv/shop/a.py:1", [490 * count for count in counts], counts),
        ("/srv/shop/b.py:1", [480 * count + 9000 * (i % 2) for i, count in enumerate(counts)], counts),
        pid=2, role="main",
    )  # fmt: skip
    assert judge([child]).verdict == "unexplained"
    both = judge([child, main])
    assert sum(finding.rate for finding in both.findings) > 0.3 * 4000
    assert both.verdict == "unexplained"


@pytest.mark.parametrize(("part", "verdict"), [(0.25, "leak"), (0.15, "unexplained")])
def test_leaks_that_explain_a_fifth_of_the_growth_are_the_answer(part: float, verdict: str) -> None:
    sizes = [10 * size for size in TOTALS]
    rss = [(100 << 20) + round(500_000 / part) * i for i in range(N)]
    found = judge([history(("/srv/shop/tasks.py:40", sizes, NUMBERS), rss=rss)])
    assert found.outside is not None
    assert found.outside.grows
    assert found.verdict == verdict


def test_the_stack_that_grew_most_stands_first() -> None:
    paths = [f"/srv/shop/tasks.py:40 < /srv/shop/{name}.py:1" for name in "abc"]
    made = history(
        *(
            (path, [each * n for n in NUMBERS], NUMBERS)
            for path, each in zip(paths, (200, 700, 100))
        )
    )
    (finding,) = judge([made]).findings
    assert [found[0].file for found in finding.stacks] == [f"/srv/shop/{n}.py" for n in "bac"]
    assert list(finding.weights) == [900.0 * each for each in (700, 200, 100)]


def test_a_tasks_part_is_of_all_runs() -> None:
    """Ninety of a hundred runs are another's, and the line follows the ten."""
    done = [0, 10, 30, 35, 55, 60, 75, 80, 100, 110]
    ledger = [{"take": {"runs": n}, "send": {"runs": 3 * n}} for n in done]
    frames = {"/srv/shop/tasks.py": {40: ("take", None)}}
    made = history(
        ("/srv/shop/tasks.py:40", TOTALS, NUMBERS), frames=frames,
        ledger=[{f"shop.tasks.{name}": each[name] for name in each} for each in ledger],
    )  # fmt: skip
    (finding,) = judge([made]).findings
    assert finding.task == "shop.tasks.take"
    assert finding.task_runs == pytest.approx(0.25)


def test_leaks_come_first_by_task_then_by_time_and_then_what_has_grown_most() -> None:
    """A leak by its rate, what is none by its growth, whatever its rate is."""
    hourly = finding(history=replace(finding().history, unit=SECOND), rate=900.0)
    slow, fast = finding(rate=10.0, sizes=(0.0, 9000.0)), finding(rate=20.0, sizes=(0.0, 100.0))
    little = finding(verdict=NOISE, rate=99.0, sizes=(5000.0, 6000.0))
    much = finding(verdict=NOISE, rate=1.0, sizes=(100.0, 2000.0))
    right = [fast, slow, hourly, much, little]
    for given in itertools.permutations(right):
        assert sorted(given, key=_order) == right


def test_what_explains_growth_is_excused_and_no_open_question() -> None:
    """Several containers with a bound each excuse what they keep, while their number may still grow."""
    excused = finding(verdict=NOISE, reason=because(codes.EACH_BOUNDED, bound=8, stands=1))
    main = excused.history
    each = excused.rise / main.times[-1]
    assert _settled([excused, excused], main) == pytest.approx(2 * each)
    still = replace(excused, is_open=True)
    shrunk = replace(excused, sizes=excused.sizes[::-1])
    others = replace(excused, history=leak())
    by_its_sizes = replace(excused, reason=because(codes.NO_DIRECTION))
    assert _settled([still, shrunk, others, by_its_sizes], main) == 0


@pytest.mark.parametrize(("is_open", "undecided"), [(True, True), (False, False)])
def test_a_rise_is_left_open_where_it_may_go_on(is_open: bool, undecided: bool) -> None:
    few = history(("/srv/shop/tasks.py:40", [0, 10**6, 2 * 10**6], [0, 1, 2]))
    rose = finding(verdict=NOISE, is_open=is_open, sizes=(0.0, 2e6))
    assert _undecided([rose], [(few, [])]) is undecided


def test_runs_are_those_between_the_two_snapshots() -> None:
    first, last = (
        meta({"tasks": {name: {"runs": runs} for name, runs in told.items()}})
        for told in ({"shop.take": 100}, {"shop.take": 130, "shop.send": 5})
    )
    assert _delta(first, last) == {"shop.take": 30, "shop.send": 5}
