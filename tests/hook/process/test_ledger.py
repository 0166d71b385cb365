"""Which task has which number, and when so many were done."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, chain
from time import thread_time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leakhunt.hook.celery.pulse import Pulse
from leakhunt.hook.process import ledger as ledgers
from leakhunt.hook.process.ledger import (
    MOST_MARKS,
    MOST_NAMES,
    MOST_PIECES,
    MOST_SIZES,
    OTHERS,
    Ledger,
    Moments,
    Resident,
    settled,
)


def test_names_have_numbers_of_their_own_until_there_are_too_many() -> None:
    ledger = Ledger()
    numbers = [ledger.number(f"task {n}") for n in range(MOST_NAMES + 20)]
    assert numbers[:MOST_NAMES] == list(range(1, MOST_NAMES + 1))
    assert set(numbers[MOST_NAMES:]) == {MOST_NAMES + 1}
    assert ledger.number("task 7") == 8
    tasks = ledger.life().tasks
    assert tasks[ledger.number("task 7") - 1] == "task 7"
    assert tasks[ledger.number("one more") - 1] == OTHERS
    assert len(tasks) == MOST_NAMES + 1


def test_a_ledger_tells_its_life() -> None:
    ledger = Ledger()
    for _ in range(5):
        ledger.count("a", None)
    marks = ledger.life().marks
    assert (marks[0].units, marks[-1].units) == (0, 5)
    assert [mark.clock for mark in marks] == sorted(mark.clock for mark in marks)


def test_what_a_task_took_and_kept_is_booked_under_its_name() -> None:
    """Without a word of where runs begin, what a run kept is told where the one before was of the same task."""
    ledger, sizes = Ledger(), iter([1000, 1500, 1400, 2400, 2700])
    ledger.number("begun and not done")
    ledger.armed(900)

    def traced() -> int:
        return next(sizes)

    assert ledger.count("a", traced, 2.0, 0.5) == 1
    assert ledger.count("a", traced, 1.0, None, failed=True) == 2
    assert ledger.count("b", traced, 3.0, 0.25, failed=True) == 3
    assert ledger.count("counted only", traced) == 4
    assert ledger.count("counted only", traced) == 5
    facts = ledger.facts()
    steps = [facts[name].pop("rss_steps") for name in ("a", "b", "counted only")]
    assert steps == [0, 0, None]
    pieces = [(facts[name].pop("kept_every"), facts[name].pop("kept_pieces")) for name in facts]
    assert pieces == [(1, (100, 500)), (1, ()), (1, (300,))]
    assert facts == {
        "a": {
            "runs": 2, "traced_runs": 2, "kept": 600, "kept_runs": 2, "failed": 1, "wall": 3.0, "cpu": None,
        },
        "b": {
            "runs": 1, "traced_runs": 1, "kept": None, "kept_runs": 0, "failed": 1, "wall": 3.0, "cpu": 0.25,
        },
        "counted only": {
            "runs": 2, "traced_runs": 2, "kept": 300, "kept_runs": 1, "failed": None, "wall": None, "cpu": None,
        },
    }  # fmt: skip
    ledger.armed(None)
    assert ledger.facts()["a"]["kept_pieces"] == ()
    assert ledger.count("a", lambda: None, 1.0, 1.0) == 6
    told = ledger.facts()["a"]
    assert (told["kept"], told["kept_runs"], told["traced_runs"]) == (None, 0, 0)
    assert (told["runs"], told["wall"]) == (3, 4.0)


def charged(runs: Sequence[tuple[str, int, int, int]]) -> dict[str, dict[str, Any]]:
    """What a ledger tells of runs, each with its name, the bytes of its message, those that it leaves and those that
    its result takes until the next begins.
    """
    ledger, held = Ledger(), 0
    ledger.armed(runs[0][1])
    for at, (name, message, left, result) in enumerate(runs, 1):
        held += left
        ledger.count(name, partial(int, held + message + result), 1.0, 1.0)
        if at < len(runs):
            ledger.begins(runs[at][0], partial(int, held + runs[at][1]))
    return ledger.facts()


def test_what_a_task_has_in_hand_at_its_end_is_its_own_if_it_is_kept() -> None:
    """``keeps`` leaves 1,200 bytes, its message's with them; ``gives`` a result of 5,000, which goes."""
    keeps, gives = ("keeps", 200, 1200, 0), ("gives", 200, 0, 5000)
    facts = charged([keeps, keeps, keeps, gives, gives, gives])
    assert (facts["keeps"]["kept"], facts["keeps"]["kept_runs"]) == (2400, 2)
    assert (facts["gives"]["kept"], facts["gives"]["kept_runs"]) == (0, 2)


def test_what_a_process_takes_until_its_first_task_begins_is_no_tasks() -> None:
    """Tracing began with the process: a worker's start keeps megabytes, and the first run is one among hundreds."""
    for begun in (0, 2 << 20):
        ledger = Ledger()
        ledger.armed(0)
        for run in range(3):
            ledger.begins("a", partial(int, begun + 100 * run))
            ledger.count("a", partial(int, begun + 100 * run + 170), 1.0, 1.0)
        ledger.begins("a", partial(int, begun + 300))
        assert ledger.facts()["a"]["kept_pieces"] == (100, 100, 100)


def test_a_run_in_which_tracing_began_is_told_from_there() -> None:
    ledger = Ledger()
    ledger.begins("a", None)
    ledger.armed(500)
    for size in (800, 900):
        ledger.count("a", partial(int, size), 1.0, 1.0)
        ledger.begins("a", partial(int, size))
    assert ledger.facts()["a"]["kept_pieces"] == (300, 100)


def test_what_is_asked_for_before_the_first_call_of_another_task_counts_from_the_callers_begin() -> (
    None
):
    ledger = Ledger()
    ledger.armed(0)
    ledger.begins("caller", lambda: 5000)
    ledger.begins("called", lambda: 5100)
    ledger.count("called", lambda: 5300, 1.0, 1.0, nested=True)
    assert ledger.facts()["called"]["kept"] == 300


@given(st.lists(st.sampled_from(["keeps", "large", "small"]), min_size=1, max_size=200))
def test_no_task_is_charged_with_the_message_of_another(names: list[str]) -> None:
    """``large`` has one of 9,000 bytes, the others of 300; only ``keeps`` keeps: 450 a run."""
    messages, left = {"keeps": 300, "large": 9000, "small": 300}, {"keeps": 450}
    facts = charged([(name, messages[name], left.get(name, 0), 70) for name in names])
    for name, told in facts.items():
        in_a_row = sum(a == b == name for a, b in zip(names, names[1:]))
        assert (told["traced_runs"], told["kept_runs"]) == (names.count(name), in_a_row)
        assert told["kept"] == (in_a_row * left.get(name, 0) if in_a_row else None)


@pytest.mark.parametrize(
    ("noun", "kept"), [("unit", (1350, 0)), ("request", (1350, 0)), ("job", (None, None))]
)
def test_units_without_a_message_are_booked_whoever_comes_next(
    noun: str, kept: tuple[int | None, int | None]
) -> None:
    """Jobs have one, as tasks have, and here no two of a kind run in a row."""
    ledger, held = Ledger(), 0
    ledger.armed(0)
    for name in ("keeps", "does not", "keeps", "does not", "keeps"):
        ledger.call(noun)
        held += 450 * (name == "keeps")
        ledger.count(name, partial(int, held + 70), 1.0, 1.0)
        ledger.begins("keeps" if name == "does not" else "does not", partial(int, held))
    facts = ledger.facts()
    assert (facts["keeps"]["kept"], facts["does not"]["kept"]) == kept


def test_what_a_task_asks_for_before_it_calls_another_is_not_booked_to_the_one_before_it() -> None:
    ledger = Ledger()
    ledger.armed(0)
    ledger.count("caller", lambda: 100, 1.0, 1.0)
    ledger.begins("caller", lambda: 100)
    ledger.begins("called", lambda: 900)  # eagerly, within the one that has asked for 800
    ledger.count("called", lambda: 1000, 1.0, 1.0, nested=True)
    ledger.begins("called", lambda: 1500)
    ledger.count("called", lambda: 1600, 1.0, 1.0, nested=True)
    ledger.count("caller", lambda: 2000, 1.0, 1.0)
    ledger.begins("caller", lambda: 2000)
    kept = {name: told["kept"] for name, told in ledger.facts().items()}
    assert kept == {"caller": 500, "called": 1500}


@given(
    st.lists(st.tuples(st.integers(-5000, 5000), st.integers(-50, 50)), min_size=1, max_size=300)
)
@example([(1, 0)] * (MOST_PIECES + 1))
@example([(7, 1)] * 32 * MOST_PIECES)
def test_what_was_kept_is_told_by_even_pieces_of_the_runs(runs: list[tuple[int, int]]) -> None:
    """``runs``: what each keeps until its end, and what its message and result take on to where the next begins,
    which is its own.
    """
    ledger = Ledger()
    sizes = accumulate(chain.from_iterable(runs))
    ledger.armed(0)
    for _ in runs:
        ledger.count("a", lambda: next(sizes))
        ledger.begins("a", lambda: next(sizes))
    told = ledger.facts()["a"]
    every, pieces = told["kept_every"], told["kept_pieces"]
    sums = [kept + later for kept, later in runs]
    assert pieces == tuple(sum(sums[at : at + every]) for at in range(0, len(sums), every))
    assert sum(pieces) == told["kept"]
    assert len(pieces) <= MOST_PIECES
    assert len(pieces) >= min(len(runs), MOST_PIECES // 2)


def test_pieces_begin_anew_where_tracing_does() -> None:
    ledger, sizes = Ledger(), iter(range(100, 100000, 100))
    ledger.armed(0)
    for _ in range(100):
        ledger.count("a", lambda: next(sizes))
    ledger.armed(0)
    for _ in range(3):
        ledger.count("a", lambda: 50)
    told = ledger.facts()["a"]
    assert (told["kept_every"], told["kept_pieces"], told["kept_runs"]) == (1, (50, 0, 0), 3)


def test_tasks_side_by_side_are_charged_with_no_memory() -> None:
    ledger, size = Ledger(), iter(range(0, 10**6, 1000))
    for _ in range(3):
        ledger.count("a", lambda: next(size), 1.0, 1.0)
    assert ledger.facts()["a"]["kept"] == 2000
    ledger.share()
    ledger.count("a", lambda: next(size), 1.0, 1.0)
    facts = ledger.facts()["a"]
    assert (facts["runs"], facts["kept"], facts["rss_steps"]) == (4, None, None)


def test_less_than_a_step_of_rss_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, rss = iter(range(100)), iter([50 << 20, (51 << 20) - 4096, 52 << 20])
    ledger = Ledger()
    monkeypatch.setattr(ledgers, "monotonic", lambda: 1000.0 + next(clock))
    monkeypatch.setattr("leakhunt.hook.process.vitals.rss", lambda: next(rss))
    for name in ("a", "b", "c"):
        ledger.count(name, None, 0.1, 0.1)
    assert [each["rss_steps"] for each in ledger.facts().values()] == [0, 0, 1]


def test_the_run_that_ends_when_a_step_of_rss_is_seen_has_made_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RSS is read every twentieth of a second at most: the clock and the readings are given."""
    clock, rss = iter(range(100)), iter([50 << 20, 50 << 20, 52 << 20, 52 << 20])
    ledger = Ledger()
    monkeypatch.setattr(ledgers, "monotonic", lambda: 1000.0 + next(clock))
    monkeypatch.setattr("leakhunt.hook.process.vitals.rss", lambda: next(rss))
    for name in ("a", "b", "b", "a"):
        ledger.count(name, None, 0.1, 0.1)
    assert {name: each["rss_steps"] for name, each in ledger.facts().items()} == {"a": 0, "b": 1}
    monkeypatch.setattr(ledgers, "monotonic", lambda: 1003.04)
    ledger.count("a", None, 0.1, 0.1)  # not read again: the readings are over


def test_rss_is_remembered_however_tasks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Side by side, too, and where nobody times them; not where it cannot be read."""
    clock, rss = iter(range(100)), iter([50 << 20, None, 60 << 20])
    monkeypatch.setattr(ledgers, "monotonic", lambda: 1000.0 + next(clock))
    monkeypatch.setattr("leakhunt.hook.process.vitals.rss", lambda: next(rss))
    ledger = Ledger()
    ledger.share()
    for wall in (0.1, 0.1, None):
        ledger.count("a", None, wall)
    assert ledger.resident() == ((1, 50 << 20), (3, 60 << 20))


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=2000))
@example([1] * 3000)
@example([40] * 700 + [1] * 700)
def test_the_sizes_of_a_process_are_few_and_spread_over_all_of_its_work(steps: list[int]) -> None:
    """No gap is wider than a sixteenth of the work, but for where nobody read."""
    resident, units = Resident(), 0
    for step in steps:
        units += step
        resident.was(units, units << 12)
    told = resident.sizes
    assert 0 < len(told) < MOST_SIZES
    assert told[0] == (steps[0], steps[0] << 12)
    assert all(size == at << 12 for at, size in told)
    ends = [at for at, _ in told] + [units]
    widest = max((b - a for a, b in zip(ends, ends[1:])), default=0)
    assert all(a < b for a, b in zip(ends[:-1], ends[1:-1]))
    assert widest <= max(2 * max(steps), units / 16 + max(steps))


def test_a_task_costs_few_calls() -> None:
    """Of a pair of begin and end, booked: what a goal of two microseconds allows. Calls are counted, since a
    time means nothing on a busy machine.
    """
    ledger, pulse = Ledger(), Pulse(times_threads=True, alone=True)

    def task() -> None:
        pulse.begins(1, "a")
        wall, cpu = pulse.ends(1)
        ledger.count("a", None, wall, cpu)

    for _ in range(200):
        task()
    ledger._rss_due = float("inf")
    calls: list[Any] = []

    def seen(frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            calls.append(argument or frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        for _ in range(200):
            task()
    finally:
        sys.setprofile(before)
    ours = Counter(call for call in calls if call not in ("task", sys.setprofile))
    assert sum(ours.values()) <= 12.5 * 200, ours
    assert ours[thread_time] <= 2 * 200 / 4


def then(moments: Moments, units: int) -> float:
    """The moment on the line, by the monotonic clock."""
    marks = moments.marks
    at = min(max(1, bisect_right([mark.units for mark in marks], units)), len(marks) - 1)
    before, after = marks[at - 1], marks[at]
    part = (units - before.units) / max(1, after.units - before.units)
    return before.clock + part * (after.clock - before.clock)


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.floats(0.001, 300.0), st.floats(0, 40_000)),
        min_size=1,
        max_size=40,
    )
)
def test_moments_are_few_and_true_to_a_part_of_the_life(
    days: list[tuple[int, float, float]],
) -> None:
    """Stretches of work at a steady pace, with idle times in between."""
    moments = Moments()
    clock, units = moments.marks[0].clock, 0
    passed = []
    for tasks, seconds, idle in days:
        clock += idle
        for _ in range(tasks):
            clock += seconds / tasks
            units += 1
            moments.pass_by(units, clock)
            passed.append((units, clock))
        assert len(moments.marks) <= MOST_MARKS
    marks = moments.marks
    assert [mark.units for mark in marks] == sorted(mark.units for mark in marks)
    life = clock - marks[0].clock
    known = [(number, at) for number, at in passed if number <= marks[-1].units]
    if len(days) <= 15:  # each with a corner at both ends
        assert all(abs(then(moments, number) - at) <= 2 + life / 50 for number, at in known)


def test_rss_that_two_threads_note_at_once_stays_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of order nothing of it would be read again, for as long as the process lives."""
    ledger = Ledger()
    monkeypatch.setattr(
        ledger._resident, "sizes", [(5, 1 << 20), (7, 3 << 20), (6, 2 << 20), (8, 4 << 20)]
    )
    assert ledger.resident() == ((5, 1 << 20), (7, 3 << 20), (8, 4 << 20))


def facts_of(runs: int, kept: Sequence[int], every: int = 1) -> dict[str, Any]:
    kept_runs = every * len(kept)
    return {
        "traced_runs": runs, "kept": sum(kept) if kept else None, "kept_runs": kept_runs if kept else 0,
        "kept_every": every, "kept_pieces": tuple(kept),
    }  # fmt: skip


def test_what_caches_let_go_is_taken_from_the_runs_that_asked_for_it() -> None:
    tasks = {"one": facts_of(4, [1000, 1000, 1000]), "two": facts_of(6, [50, 70], every=2)}
    told = settled(tasks, ("one", "two", OTHERS), {0: 100, 1: 3600})
    # 900 and 10 of each run of the first, 10 of each of the second
    assert told["one"]["kept"] == 3000 - 3 * 910
    assert told["one"]["kept_pieces"] == (90, 90, 90)
    assert told["two"]["kept_pieces"] == (30, 50)
    assert told["two"]["kept"] == 80
    assert tasks["one"]["kept"] == 3000


def test_what_caches_let_go_of_tasks_without_a_number_is_shared_by_these() -> None:
    names = tuple(f"t{number}" for number in range(MOST_NAMES))
    tasks = {"t0": facts_of(2, [500]), "x": facts_of(3, [500, 500]), "y": facts_of(1, ())}
    told = settled(tasks, (*names, OTHERS), {MOST_NAMES + 1: 400})
    assert (told["t0"]["kept"], told["x"]["kept"], told["y"]["kept"]) == (500, 800, None)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 4), st.lists(st.integers(-99, 9999))),
        max_size=5,
    ),
    st.dictionaries(st.integers(0, 7), st.integers(0, 10**6)),
)
def test_pieces_add_up_to_what_is_kept_whatever_caches_let_go(
    drawn: list[tuple[int, int, list[int]]], let_go: dict[int, int]
) -> None:
    tasks = {
        str(at): facts_of(every * len(kept) + more, kept, every)
        for at, (more, every, kept) in enumerate(drawn)
    }
    for entry in settled(tasks, tuple(tasks), let_go).values():
        assert entry["kept"] is None or sum(entry["kept_pieces"]) == entry["kept"]
