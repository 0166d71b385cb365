"""Several processes as witnesses: samples are doubted and added up, exact sizes are not."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.judge.codes import because
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.pool import Part, doubted, together
from leakhunt.judge.series.shape import LEAK, NOISE, WARM_UP
from tests.support.builders import history
from tests.support.growing import LINE, growth, rising, sampled

#: Live samples: as many in each interval; ever fewer, as in a cache that fills.
EVENLY = [10 * index for index in range(9)]
EVER_FEWER = [0, 40, 60, 70, 75, 78, 79, 80, 80]
#: One by one: alone too few to tell anything.
FEW = [0, 0, 1, 1, 2, 3, 3, 4, 5]


def part(samples: list[int], verdict: str = LEAK, **judged: Any) -> Part:
    made = sampled({LINE: samples})
    came = samples[-1] - samples[0]
    return made, growth(Book(made), LINE, **{"samples": came, "verdict": verdict, **judged})


def exact(verdict: str = LEAK, **judged: Any) -> Part:
    made = history((LINE, rising(1000, 9), rising(1, 9)))
    return made, growth(Book(made), LINE, verdict=verdict, **judged)


def verdicts(parts: list[Part]) -> list[str]:
    return [judged.shape.verdict for _, judged in parts]


# -- doubts ---------------------------------------------------------------------------


def test_one_process_of_so_many_may_look_so_by_chance() -> None:
    """Bonferroni: p times the processes must not be above the level of one."""
    level = LEVELS.chances.leak
    for p, processes, verdict in (
        (level / 4, 4, LEAK),
        (level / 4, 5, NOISE),
        (level * 2, 1, LEAK),  # one process is no choice of several
        (level / 2 * 1.001, 2, NOISE),
    ):
        found = doubted([part(EVENLY, p=p)], processes)
        assert verdicts(found) == [verdict], (p, processes)


def test_a_doubted_leak_is_left_open_and_is_otherwise_as_it_was() -> None:
    before = part(EVENLY, p=LEVELS.chances.leak, open=False)
    ((made, after),) = doubted([before], 2)
    assert made is before[0]
    assert after.shape.open
    assert after.shape.rate == before[1].shape.rate
    assert after.blame == before[1].blame


def test_exact_sizes_and_ages_and_what_is_no_leak_are_not_doubted() -> None:
    parts = [
        exact(p=LEVELS.chances.leak),
        part(EVENLY, p=1.0, belief=0.9),
        part(EVENLY, WARM_UP, p=1.0, open=False),
    ]
    found = doubted(parts, 50)
    assert verdicts(found) == [LEAK, LEAK, WARM_UP]
    assert not found[2][1].shape.open


def test_the_samples_of_all_must_show_that_it_goes_on() -> None:
    """Each is sure enough of itself; together they come as in a cache that fills."""
    assert verdicts(doubted([part(EVER_FEWER, p=0.0), part(EVER_FEWER, p=0.0)], 2)) == [NOISE] * 2
    assert verdicts(doubted([part(EVENLY, p=0.0), part(EVENLY, p=0.0)], 2)) == [LEAK] * 2
    # One witness is not doubted by itself.
    assert verdicts(doubted([part(EVER_FEWER, p=0.0)], 2)) == [LEAK]
    # Where a size is exact nothing is said by when samples came.
    assert verdicts(doubted([part(EVER_FEWER, p=0.0), exact(p=0.0)], 2)) == [LEAK] * 2


# -- together -------------------------------------------------------------------------


def witnesses(number: int, samples: list[int] = FEW, **judged: Any) -> list[Part]:
    return [part(samples, NOISE, **{"open": True, **judged}) for _ in range(number)]


def test_what_is_unsure_in_each_process_may_be_sure_in_all() -> None:
    assert not together(witnesses(1), 1)
    assert not together(witnesses(2), 2)
    assert together(witnesses(12), 12)


def test_processes_in_which_nothing_grows_count_against_it() -> None:
    assert not together(witnesses(4), 40)
    assert not together(witnesses(12), 200)


def test_what_is_not_open_is_no_witness() -> None:
    assert not together(witnesses(12, open=False), 12)


def test_what_is_explained_or_exact_is_not_added_up() -> None:
    some = witnesses(11)
    made, judged = part(FEW, NOISE, open=True)
    assert together([*some, (made, judged)], 12)
    assert not together([*some, (made, judged.called(NOISE, because("uncollected")))], 12)
    assert not together([*some, exact(NOISE, open=True)], 12)


@pytest.mark.parametrize(("samples", "goes_on"), [(EVENLY, True), (EVER_FEWER, False)])
def test_that_it_goes_on_all_samples_must_show(samples: list[int], goes_on: bool) -> None:
    assert together(witnesses(12, samples), 12) is goes_on


@pytest.mark.parametrize(("number", "believed"), [(5, False), (6, True)])
def test_where_births_speak_most_processes_must_have_the_place(number: int, believed: bool) -> None:
    some = witnesses(number, EVENLY, beliefs=(0.9, 0.05, 0.05), events=10.0)
    assert together(some, 10) is believed


def test_where_births_speak_what_is_explained_in_one_is_not_added_up_either() -> None:
    some = witnesses(6, EVENLY, beliefs=(0.9, 0.05, 0.05), events=10.0)
    assert together(some, 6)
    made, judged = some[0]
    assert not together([(made, judged.called(NOISE, because("uncollected"))), *some[1:]], 6)
