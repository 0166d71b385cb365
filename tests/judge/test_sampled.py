"""Verdicts from snapshots whose sizes are estimates: few samples are no proof."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge import enough as wanted
from leakhunt.judge import growths
from leakhunt.judge.blame.caller import together
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.series import stats
from leakhunt.judge.series.shape import LEAK, NOISE
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK
from leakhunt.judge.whose import Blame
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.report import trend as outlook
from tests.support.builders import history, stack
from tests.support.pages import document, page

#: Mean bytes between two samples.
EVERY = 256 << 10
#: Samples of a leak of about one per hundred tasks.
STEADY = [3, 7, 12, 15, 20, 26, 29, 34]
SPARSE = [0, 1, 2, 2, 3, 5, 5, 6]


def sampled(*lines: tuple[str, list[int]], **facts: Any) -> History:
    """A history of stacks with their live samples at each snapshot."""
    made = history(
        *((where, [EVERY * n for n in numbers], [400 * n for n in numbers]) for where, numbers in lines),
        engine="sampled", interval=EVERY, rss=[200 << 20] * len(lines[0][1]), **facts,
    )  # fmt: skip
    return replace(
        made,
        variances={stack(where): [float(n * EVERY**2) for n in numbers] for where, numbers in lines},
        samples={stack(where): numbers for where, numbers in lines},
    )  # fmt: skip


def said(report: outlook.TrendReport) -> str:
    return " ".join(page(report, 100).split())


def test_a_leak_with_samples_enough_is_one() -> None:
    report = outlook.trend([sampled(("/srv/shop/tasks.py:40", STEADY))])
    assert report.verdict.verdict == LEAK
    (finding,) = report.leaks
    truth = EVERY * 31 / 700
    assert finding.rate == pytest.approx(truth)
    # Of 31 samples that came the 95 % interval of Poisson is 21.1 to 44.0.
    assert finding.low <= truth * 21.1 / 31
    assert finding.high >= truth * 44.0 / 31 * 0.999
    assert finding.low > 0


@pytest.mark.parametrize(("samples", "seen"), [(SPARSE, 6), ([0, 0, 1, 2, 2, 3, 3, 4], 4)])
def test_a_leak_with_few_samples_is_not_called_one_nor_denied(
    samples: list[int], seen: int
) -> None:
    report = outlook.trend([sampled(("/srv/shop/tasks.py:40", samples))])
    found = report.verdict
    assert found.verdict == INCONCLUSIVE
    assert not report.leaks
    (finding,) = found.findings
    assert finding.verdict == NOISE
    wanted = (LEVELS.samples.enough - seen) * EVERY
    assert finding.wanted is not None
    assert finding.wanted.samples == seen
    assert finding.wanted.size == wanted
    assert finding.wanted.units == pytest.approx(wanted / (seen * EVERY) * 700)
    assert found.more == -(-finding.wanted.units // 100)
    assert f"too few samples yet: {seen}; at this interval about" in said(report)
    assert f"{seen} samples at tasks.py:40 do not decide. About" in report.summary
    told = document(report)
    assert told["more_bytes"] == wanted
    assert told["more_units"] == finding.wanted.units != wanted
    assert told["findings"][0]["samples"] == samples
    assert told["findings"][0]["stderr"] == pytest.approx(EVERY * samples[-1] ** 0.5)


def test_a_sample_or_two_is_not_even_a_suspicion_but_what_may_be_missed_is_said() -> None:
    report = outlook.trend([sampled(("/srv/shop/tasks.py:40", [0, 0, 1, 1, 1, 2, 2, 2]))])
    assert report.verdict.verdict == NO_LEAK
    assert "2 samples more than at first: too few to tell" in said(report)
    assert "varies most" not in report.summary
    assert "a leak of less than about 11.0 KiB per task may not show yet" in said(report)


def growing(step: int) -> History:
    """A process whose resident and traced memory grow by so many KiB, and nobody's line does."""
    made = sampled(("/srv/shop/tasks.py:40", [3, 5, 4, 6, 5, 4, 6, 5]))
    metas = [
        replace(known, rss=(200 << 20) + at * (step << 10), traced=(9 << 20) + at * (step << 10))
        for at, known in enumerate(made.metas)
    ]
    entries = tuple(replace(entry, meta=known) for entry, known in zip(made.entries, metas))
    return replace(made, metas=tuple(metas), entries=entries)


def test_what_would_have_shown_by_now_does_not_want_for_samples() -> None:
    """Ninety samples' worth: what grows so is excused for another reason, garbage for example."""
    assert wanted.located(growing(3300), (3300 << 10) / 100) is None
    assert wanted.located(growing(600), (600 << 10) / 100) is not None


def test_one_snapshot_is_inconclusive() -> None:
    report = outlook.trend([sampled(("/srv/shop/tasks.py:40", [3]))])
    assert report.verdict.verdict == INCONCLUSIVE
    assert report.summary.startswith("Inconclusive: 1 snapshot does not tell")


def test_a_process_that_keeps_growing_is_not_acquitted_for_want_of_samples() -> None:
    report = outlook.trend([growing(600)])
    assert report.verdict.verdict == INCONCLUSIVE
    assert (
        "RSS keeps growing, by 6.0 KiB per task, and too few samples tell where" in report.summary
    )
    assert report.verdict.wanted is not None
    assert report.verdict.wanted.units == pytest.approx(LEVELS.samples.enough * EVERY / (6 << 10))


def idling(rest: int) -> History:
    """A process whose garbage piles up, by two samples a snapshot, and which grows by so many KiB more."""
    numbers = [2 * at for at in range(8)]
    raw = (("/srv/shop/tasks.py", 40),)
    garbage = [{"objects": 400 * n, "stacks": [(raw, 400 * n)]} for n in numbers]
    made = sampled(("/srv/shop/tasks.py:40", numbers), garbage=garbage)
    more = [2 * EVERY * at for at in range(8)]
    metas = [
        replace(known, rss=(200 << 20) + more[at] + at * (rest << 10), traced=(9 << 20) + more[at])
        for at, known in enumerate(made.metas)
    ]
    entries = tuple(replace(entry, meta=known) for entry, known in zip(made.entries, metas))
    return replace(made, metas=tuple(metas), entries=entries)


def test_growth_that_a_line_explains_is_not_looked_for_elsewhere() -> None:
    """Of what it does not explain so much must be left as is worth a look at all: 2 MiB over seven steps."""
    assert outlook.trend([idling(280)]).verdict.verdict == NO_LEAK
    left = outlook.trend([idling(300)])
    assert left.verdict.verdict == INCONCLUSIVE
    assert "RSS keeps growing" in left.summary


def test_a_cache_that_turns_over_is_no_leak() -> None:
    report = outlook.trend([sampled(("/srv/shop/tasks.py:9", [20, 26, 19, 24, 22, 18, 25, 23]))])
    assert report.verdict.verdict == NO_LEAK


def test_lines_of_a_function_are_looked_at_together() -> None:
    """Each has too few samples; all have enough, and the line with the most of them is named."""
    frames = {"/srv/shop/tasks.py": dict.fromkeys((40, 41, 42), ("take", "order = ..."))}
    parts = [SPARSE, [0, 1, 2, 4, 6, 8, 10, 12], [1, 2, 3, 4, 6, 7, 8, 9]]
    lines = [(f"/srv/shop/tasks.py:{line}", numbers) for line, numbers in zip((40, 41, 42), parts)]
    one = [growth for growth in growths.growths(sampled(lines[0], frames=frames)) if growth.shape.verdict == LEAK]  # fmt: skip
    assert one == []
    found = [
        growth
        for growth in growths.growths(sampled(*lines, frames=frames))
        if growth.shape.verdict == LEAK
    ]
    assert [growth.blame.frame.line for growth in found] == [41]
    assert sorted(frame.line for frame in found[0].parts) == [40, 42]
    assert found[0].shape.rate == pytest.approx(EVERY * 26 / 700)


def test_a_task_that_leaks_through_several_functions_is_found_as_a_whole() -> None:
    frames = {
        "/srv/shop/tasks.py": {5: ("work", None)},
        "/srv/shop/a.py": {1: ("one", None)},
        "/srv/shop/b.py": {2: ("two", None)},
        "/srv/shop/c.py": {3: ("three", None)},
    }
    parts = [SPARSE, [0, 1, 2, 4, 6, 8, 10, 12], [1, 2, 3, 4, 6, 7, 8, 9]]
    lines = [
        (f"{inner} < /srv/shop/tasks.py:5", numbers)
        for inner, numbers in zip(("/srv/shop/a.py:1", "/srv/shop/b.py:2", "/srv/shop/c.py:3"), parts)
    ]  # fmt: skip
    found = [
        growth
        for growth in growths.growths(sampled(*lines, frames=frames))
        if growth.shape.verdict == LEAK
    ]
    assert len(found) == 1
    assert found[0].shape.rate == pytest.approx(EVERY * 26 / 700)


def test_two_functions_that_leak_surely_stay_two_findings() -> None:
    frames = {"/srv/shop/tasks.py": {40: ("take", None), 90: ("send", None)}}
    other = [2, 9, 14, 18, 27, 33, 38, 46]
    lines = [("/srv/shop/tasks.py:40", STEADY), ("/srv/shop/tasks.py:90", other)]
    found = [
        growth
        for growth in growths.growths(sampled(*lines, frames=frames))
        if growth.shape.verdict == LEAK
    ]
    assert sorted(growth.blame.frame.line for growth in found) == [40, 90]


def test_a_small_growth_of_many_samples_is_told_of_where_it_may_be_a_leak() -> None:
    """It is a hundredth of what grows; the rest is a jump."""
    slowing = [0, 9, 17, 22, 27, 31, 34, 36]
    jump = [0, 0, 3000, 3000, 3000, 3000, 3000, 3000]
    small, large = "/srv/shop/tasks.py:40", "/srv/shop/config.py:7"
    report = outlook.trend([sampled((small, slowing), (large, jump))])
    assert report.verdict.verdict == INCONCLUSIVE
    (wants,) = [finding for finding in report.verdict.findings if finding.wanted]
    assert wants.site.line == 40


def test_a_line_that_is_blamed_twice_is_one_finding() -> None:
    """Two of its paths leak, and each holds a table."""
    frames = {"/srv/shop/tasks.py": dict.fromkeys((40, 90, 95), ("take", "KEPT.append(order)"))}
    blames = [
        Blame(Frame("/srv/shop/tasks.py", 40), True, (stack(f"/srv/shop/tasks.py:40 < {caller}"),))
        for caller in ("/srv/shop/tasks.py:90", "/srv/shop/tasks.py:95")
    ]
    made = sampled(
        *((f"/srv/shop/tasks.py:40 < /srv/shop/tasks.py:{line}", STEADY) for line in (90, 95)),
        frames=frames,
    )
    groups = together(blames, Book(made).paths, lambda a, b: True, lambda index: True)
    assert groups == [[0, 1]]


# -- freelists ------------------------------------------------------------------------


def recycling(part: float) -> History:
    """A leak of which that part may have been handed on by a freelist."""
    made = sampled(("/srv/shop/tasks.py:40", STEADY))
    where: Stack = stack("/srv/shop/tasks.py:40")
    size = made.tracks[where].sizes[-1]
    return replace(
        made,
        types=MappingProxyType({where: {"dict": round(size * part), "str": size // 10}}),
        recycled=MappingProxyType({where: round(size * part)}),
    )


def test_a_leak_of_recycled_objects_carries_the_caution() -> None:
    report = outlook.trend([recycling(0.6)])
    assert "since the first snapshot; may be recycled from a freelist" in said(report)
    row = document(report)["findings"][0]
    assert row["types"][0]["type"] == "dict"
    assert row["recycled"] == row["types"][0]["size"]
    assert "recycled" not in said(outlook.trend([recycling(0.4)]))


# -- what the allocators say ----------------------------------------------------------


def handed_out(more: int) -> list[dict[str, int]]:
    """Their figures at each of eight snapshots."""
    return [
        {"malloc_used": 9 << 20, "malloc_mapped": 0, "pymalloc_used": (30 << 20) + more * at // 7}
        for at in range(8)
    ]


@pytest.mark.parametrize("samples", [STEADY, [0, 2, 4, 6, 8, 8, 10, 11]])
def test_no_more_can_have_grown_than_the_allocators_handed_out(samples: list[int]) -> None:
    """Both a sure growth and a suspicion are refuted by them."""
    line = ("/srv/shop/tasks.py:40", samples)
    grown = EVERY * (samples[-1] - samples[0])
    report = outlook.trend([sampled(line, allocators=handed_out(1 << 16))])
    assert report.verdict.verdict == NO_LEAK
    assert "the allocators have handed out only 64.0 KiB more" in said(report)
    for allocators in (handed_out(grown), handed_out(20 * grown), None):
        report = outlook.trend([sampled(line, allocators=allocators)])
        assert report.verdict.verdict == (LEAK if samples is STEADY else INCONCLUSIVE)


def test_what_others_give_back_at_the_end_refutes_no_leak() -> None:
    """The allocators' figures hold all that lives: the most by which they rose is what counts."""
    allocators = handed_out(EVERY * 31)
    allocators[-1] = dict(allocators[-1], pymalloc_used=allocators[0]["pymalloc_used"])
    report = outlook.trend([sampled(("/srv/shop/tasks.py:40", STEADY), allocators=allocators)])
    assert report.verdict.verdict == LEAK


def test_what_a_library_allocates_goes_with_the_line_that_is_in_step_by_samples() -> None:
    other = "/usr/lib/python3.11/json/decoder.py:353 < /srv/venv/lib/python3.11/site-packages/kombu/utils/json.py:9"  # fmt: skip
    numbers = [2, 8, 11, 17, 19, 27, 28, 35]
    found = [
        growth
        for growth in growths.growths(
            sampled(("/srv/shop/tasks.py:40", STEADY), (other, numbers), tasks_done=None)
        )
        if growth.shape.verdict == LEAK
    ]
    assert [growth.blame.frame.line for growth in found] == [40]


# -- pools ----------------------------------------------------------------------------


def pool(*numbers: list[int]) -> list[History]:
    return [
        sampled(("/srv/shop/tasks.py:40", each), pid=pid) for pid, each in enumerate(numbers, 7)
    ]


CHILD = [0, 1, 2, 3, 4, 5, 6, 8]


def test_children_with_few_samples_each_tell_it_together() -> None:
    alone = outlook.trend(pool(CHILD)[:1])
    assert alone.verdict.verdict == INCONCLUSIVE
    report = outlook.trend(pool(CHILD, [1, 1, 3, 4, 6, 7, 9, 11], [0, 2, 3, 4, 6, 7, 8, 9]))
    (finding,) = report.leaks
    assert finding.together
    assert finding.rate == pytest.approx(EVERY * 27 / 3 / 700, rel=0.05)
    assert finding.low < EVERY * 27 / 3 / 700 < finding.high
    assert "in 3 of 3 children" in report.summary
    assert "sure by the samples of all processes together, in 3 of 3 children" in said(report)


def test_children_in_which_nothing_grows_count_against_it() -> None:
    flat = [3, 5, 4, 6, 5, 4, 6, 5]
    report = outlook.trend(pool(CHILD, flat, flat, flat, flat))
    assert report.verdict.verdict == INCONCLUSIVE
    assert "only" not in report.summary


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8))
def test_fishers_p_grows_with_each(p_values: list[float]) -> None:
    assert 0 <= stats.fisher(p_values) <= 1
    assert stats.fisher([p_values[0]]) == pytest.approx(p_values[0], abs=1e-9)
    assert stats.fisher([*p_values, 1.0]) >= stats.fisher(p_values)


def test_a_leak_in_one_child_is_told_and_the_others_are_not_acquitted() -> None:
    flat = [3, 5, 4, 6, 5, 4, 6, 5]
    report = outlook.trend(pool(STEADY, flat, flat))
    assert len(report.leaks) == 1
    assert "seen in 1 of 3 children" in report.summary


def test_one_child_of_many_may_look_so_by_chance() -> None:
    """The same series is enough where there is no other to choose from."""
    faint = [0, 2, 4, 5, 8, 10, 13, 15]
    flat = [3, 5, 4, 6, 5, 4, 6, 5]
    assert len(outlook.trend(pool(faint)).leaks) == 1
    assert outlook.trend(pool(faint, *[flat] * 15)).verdict.verdict == INCONCLUSIVE


def test_children_that_all_slow_down_warm_up() -> None:
    slowing = [0, 5, 9, 12, 14, 15, 17, 18]
    assert not outlook.trend(pool(*[slowing] * 4)).leaks
