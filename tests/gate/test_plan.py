"""How often a check runs and looks, without running anything."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest

from leakhunt.gate.costs import WALK
from leakhunt.gate.decision import LOOKS, Limits
from leakhunt.gate.orders import EXHAUSTED, FAILED, RAN, RUN, STOP, TARGET, Answer, Order
from leakhunt.gate.plan import (
    BROKEN,
    DECIDED,
    FEWEST_MORE,
    OUT_OF_RUNS,
    OUT_OF_TIME,
    PART_OF_TIME,
    WARM_RUNS,
    Gate,
    Terms,
)
from tests.support.console import store

#: Seconds that a look takes.
LOOK = 0.05


def warmed(gate: Gate, pace: float) -> tuple[int, float, Order]:
    """Runs and seconds until the first look is ordered, of a target that takes so long."""
    runs, elapsed, order = 0, 0.0, gate.first()
    while not order.look and order.do == RUN:
        runs += order.runs
        elapsed += order.runs * pace
        order = gate.next(Answer(RAN, runs, order.runs * pace), elapsed)
    return runs, elapsed, order


def test_a_fast_target_is_warmed_up_for_long_enough() -> None:
    runs, seconds, order = warmed(Gate(Terms(Limits(), 60.0)), 1e-5)
    assert runs >= WARM_RUNS
    assert seconds >= 0.3
    assert order == Order(RUN, 0, look=True)


def test_a_slow_one_does_not_spend_its_time_on_warming_up() -> None:
    runs, seconds, _ = warmed(Gate(Terms(Limits(), 60.0)), 0.05)
    assert seconds <= 4
    assert runs < WARM_RUNS


def test_the_user_says_how_long_the_warm_up_is() -> None:
    runs, _, _ = warmed(Gate(Terms(Limits(), 60.0, warm_up=70)), 0.001)
    assert runs == 70


def test_a_number_of_runs_is_kept_to() -> None:
    gate = Gate(Terms(Limits(), 60.0, runs=30))
    runs, _, _ = warmed(gate, 0.001)
    assert runs == 30 - (LOOKS - 1)
    order = gate.next(Answer(RAN, runs, 0.0, None), 1.0)
    assert order.runs + runs <= 30


def test_no_order_is_given_that_the_time_does_not_allow() -> None:
    gate = Gate(Terms(Limits(), 10.0))
    order = gate.next(Answer(RAN, 1, 8.0), 8.0)
    assert order == Order(RUN, 0, look=True)
    assert gate.next(Answer(RAN, 1, 0.0), 8.1).do == STOP
    assert gate.stopped == OUT_OF_TIME


def test_arguments_that_end_end_it() -> None:
    gate = Gate(Terms(Limits(), 10.0))
    gate.next(Answer(EXHAUSTED, 1, 0.1), 0.2)
    assert gate.stopped == OUT_OF_RUNS


def test_what_went_wrong_ends_it_and_is_kept() -> None:
    gate = Gate(Terms(Limits(), 10.0))
    wrong = Answer(FAILED, 1, 0.1, None, TARGET, "KeyError: 7")
    assert gate.next(wrong, 0.2).do == STOP
    assert (gate.stopped, gate.failure) == (BROKEN, wrong)


def test_a_stage_fits_into_the_time_that_is_left() -> None:
    gate = Gate(Terms(Limits(), 60.0))
    runs, elapsed, _ = warmed(gate, 0.05)
    order = gate.next(Answer(RAN, runs, 0.0, "0.bin", looked=LOOK), elapsed + LOOK)
    batches = [order.runs, *gate._batches]
    assert sum(batches) * 0.05 + LOOKS * LOOK <= 60 - elapsed
    assert len(batches) == LOOKS - 1
    assert runs > 0


@pytest.mark.parametrize("look", [0.01, 0.3, 1.0])
def test_the_runs_of_the_first_stage_take_half_as_long_as_its_looks(look: float) -> None:
    """However dear a look is: it is known before the stage is laid out."""
    gate = Gate(Terms(Limits(), 60.0))
    runs, elapsed, _ = warmed(gate, 1e-3)
    order = gate.next(Answer(RAN, runs, 0.0, "0.bin", looked=look), elapsed + look)
    seconds = (order.runs + sum(gate._batches)) * 1e-3
    assert seconds >= min(
        LOOKS * look / 2, PART_OF_TIME * (60 - elapsed - (LOOKS + WALK + 1) * look)
    )
    assert seconds + LOOKS * look <= 60 - elapsed


def test_a_stage_ends_in_time_to_say_what_it_tells(tmp_path: Path) -> None:
    """Four times slower half way through, as on a machine on which others begin to work: who holds it is asked all the same."""
    dice = random.Random(3)
    gate, orders = judged(
        tmp_path, Terms(Limits(), 20.0), 1e-3, lambda runs: 400 + dice.randrange(200), slower=8.0
    )
    assert gate.stopped == OUT_OF_TIME
    assert [order for order in orders if order.look][-1].full


def test_what_a_judgement_takes_is_no_look(tmp_path: Path) -> None:
    """The gate judges between an answer and its order: three seconds of it made looks of a tenth so dear that nothing ran."""
    dice = random.Random(3)
    gate, orders = judged(
        tmp_path, Terms(Limits(), 60.0), 1e-3, lambda runs: 400 + dice.randrange(200), judging=1.0
    )
    assert gate._costs.look == pytest.approx(LOOK)
    assert gate._costs.judging == pytest.approx(1.0)
    assert sum(order.runs for order in orders) * 1e-3 >= 60 / 2


def judged(
    folder: Path,
    terms: Terms,
    pace: float,
    blocks: Callable[[int], float],
    looks: float = inf,
    judging: float = 0.0,
    slower: float = inf,
) -> tuple[Gate, list[Order]]:
    """The gate when it has stopped, and its orders: a run takes ``pace`` seconds, ``blocks`` KiB are alive after so many.

    The time is over after so many ``looks`` at the latest; a judgement takes ``judging`` seconds. After
    ``slower`` seconds a run takes four times as long.
    """
    gate, runs, elapsed = Gate(terms), 0, 0.0
    orders = [gate.first()]
    while orders[-1].do == RUN:
        runs += orders[-1].runs
        seconds = orders[-1].runs * pace * (4 if elapsed > slower else 1)
        elapsed += seconds
        path = None
        if orders[-1].look:
            elapsed += LOOK
            path = str(
                store(folder / f"{len(orders):06d}.bin", 100 + round(blocks(runs)), tasks_done=runs,
                      sequence=len(orders), taken_at=1_800_000_000.0 + elapsed)
            )  # fmt: skip
        looks -= orders[-1].look
        if elapsed > terms.at_most or looks <= 0:
            gate.give_up()
            break
        looked = LOOK if orders[-1].look else 0.0
        ruling = gate.ruling
        orders.append(gate.next(Answer(RAN, runs, seconds, path, looked=looked), elapsed))
        elapsed += judging if gate.ruling is not ruling else 0.0
    return gate, orders


def test_who_holds_it_is_asked_at_the_next_look_and_only_then(tmp_path: Path) -> None:
    gate, orders = judged(tmp_path, Terms(Limits(), 60.0), 1e-4, lambda runs: runs)
    assert gate.stopped == DECIDED
    assert [order.full for order in orders] == [False] * (len(orders) - 2) + [True, False]
    plan = Gate(Terms(Limits(), 60.0))
    runs, elapsed, _ = warmed(plan, 1e-4)
    order = plan.next(Answer(RAN, runs, 0.0, "0.bin", looked=LOOK), elapsed + LOOK)
    looks = [order.runs for order in orders if order.look]
    assert looks == [0, order.runs, *plan._batches][: len(looks)]


def test_where_the_stage_is_over_a_few_more_runs_tell_who_holds_it(tmp_path: Path) -> None:
    """It grows at every second look or so: too seldom for a bet to be won in one stage."""
    _, orders = judged(
        tmp_path, Terms(Limits(), 60.0, warm_up=1000), 1e-3, lambda runs: 50 * (runs // 120)
    )
    asked = [number for number, order in enumerate(orders) if order.full]
    assert asked
    before = [order for order in orders[: asked[0]] if order.look]
    assert len(before) % LOOKS == 0
    before = before[-LOOKS:]
    assert before[0].runs == 0
    assert 0 < orders[asked[0]].runs < sum(order.runs for order in before) / 10


@pytest.mark.parametrize("pace", [0.02, 0.05])
def test_a_slow_target_that_fills_a_cache_is_not_called_leaking(
    tmp_path: Path, pace: float
) -> None:
    gate, _ = judged(tmp_path, Terms(Limits(), 60.0), pace, lambda runs: min(runs, 300))
    assert gate.ruling is not None
    assert gate.ruling.verdict == "no-leak"


@pytest.mark.parametrize("pace", [0.02, 0.05])
def test_a_slow_target_that_leaks_is(tmp_path: Path, pace: float) -> None:
    """What the warm-up lacks is run at once when a leak is found: stages that double would not come so far in a minute."""
    gate, orders = judged(tmp_path, Terms(Limits(), 60.0), pace, lambda runs: runs)
    assert gate.ruling is not None
    assert gate.ruling.verdict == "leak"
    assert gate.stopped == DECIDED
    assert gate.ruling.since == WARM_RUNS
    assert gate.runs <= 2 * WARM_RUNS
    assert [order.look for order in orders if order.runs > 300] == [False]


@pytest.mark.parametrize("pace", [0.1, 1.5])
def test_a_target_too_slow_for_a_warm_up_is_not_called_leaking(tmp_path: Path, pace: float) -> None:
    """A cache of a thousand keys that fills looks the same all the time. Who knows how soon it is full says so."""
    for number, (terms, verdict) in enumerate(
        (
            (Terms(Limits(), 60.0), None),
            (Terms(Limits(), 60.0, warm_up=10), "leak"),
            (Terms(Limits(), 60.0, runs=35), "leak"),
            (Terms(Limits(), 1250 * 1.3 * pace), "leak"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        gate, _ = judged(folder, terms, pace, lambda runs: runs)
        assert gate.ruling is not None
        assert gate.ruling.verdict == verdict, terms
        assert bool(gate.ruling.sure) == (verdict is not None)
        assert gate.stopped == (OUT_OF_TIME if verdict is None else DECIDED)
        if verdict is None:
            assert gate.is_short
            assert [finding.rate for finding in gate.ruling.suspects] == [1024.0]
            assert gate.wanted() == 1250


@pytest.mark.parametrize("pace", [0.02, 0.05, 1.5])
def test_a_cache_that_fills_before_the_warm_up_would_be_over_is_not_called_leaking(
    tmp_path: Path, pace: float
) -> None:
    gate, _ = judged(tmp_path, Terms(Limits(), 60.0), pace, lambda runs: min(runs, 900))
    assert gate.ruling is not None
    assert gate.ruling.verdict != "leak"


@pytest.mark.parametrize("period", [900, 1030, 1060])
def test_what_is_emptied_more_seldom_than_the_warm_up_lasts_is_not_called_leaking(
    tmp_path: Path, period: int
) -> None:
    """It was emptied just before the stage, and grows all through it."""
    gate, _ = judged(tmp_path, Terms(Limits(), 60.0), 1e-3, lambda runs: runs % period)
    assert gate.ruling is not None
    assert gate.ruling.verdict != "leak"
    assert gate.stage > 1


def test_a_leak_that_began_late_is_called_one_when_it_goes_on(tmp_path: Path) -> None:
    terms = Terms(Limits(), 60.0)
    gate, _ = judged(tmp_path, terms, 1e-3, lambda runs: max(0, runs - 900))
    assert gate.ruling is not None
    assert (gate.ruling.verdict, gate.stage) == ("leak", 2)


def test_the_last_stage_is_no_shorter_than_the_one_before(tmp_path: Path) -> None:
    """Where there is no room for one, its looks go on: a short stage knows less than a long one."""
    dice = random.Random(3)
    terms = Terms(Limits(), 40.0)
    gate, orders = judged(tmp_path, terms, 1e-3, lambda runs: 400 + dice.randrange(200))
    assert gate.stopped == OUT_OF_TIME
    begun = [index for index, order in enumerate(orders) if order == Order(RUN, 0, look=True)]
    stages = [
        [order.runs for order in orders[a:b] if order.runs and order.look]
        for a, b in itertools.pairwise([*begun, None])
    ]
    lengths = [sum(stage) for stage in stages]
    assert lengths == sorted(lengths)
    assert len(stages[-1]) >= LOOKS + FEWEST_MORE
    assert gate.ruling is not None
    assert gate.ruling.runs == lengths[-1]


def test_a_later_stage_runs_as_long_as_it_looks(tmp_path: Path) -> None:
    dice = random.Random(3)
    _, orders = judged(
        tmp_path, Terms(Limits(), 60.0, warm_up=100), 1e-4, lambda runs: 400 + dice.randrange(200)
    )
    begun = [index for index, order in enumerate(orders) if order == Order(RUN, 0, look=True)]
    second = [order.runs for order in orders[begun[1] : begun[2]] if order.look]
    assert sum(second) * 1e-4 == pytest.approx((LOOKS + 1) * LOOK, rel=0.1)


def test_where_it_stays_open_the_last_look_of_a_stage_asks_who_holds_it(tmp_path: Path) -> None:
    dice = random.Random(3)
    _, orders = judged(
        tmp_path, Terms(Limits(), 20.0), 1e-3, lambda runs: 400 + dice.randrange(200)
    )
    looks = [order for order in orders if order.look]
    assert [order.full for order in looks[: LOOKS + 1]] == [False] * LOOKS + [True]


def test_what_was_found_early_is_a_suspect_until_it_is_found_again(tmp_path: Path) -> None:
    """Cut short at any point of the stage that was to confirm it, it may as well have ended by then."""
    for number, at_most in enumerate((14.0, 20.0)):
        folder = tmp_path / str(number)
        folder.mkdir()
        gate, _ = judged(folder, Terms(Limits(), at_most), 0.02, lambda runs: runs)
        assert gate.ruling is not None
        assert gate.ruling.verdict is None, at_most
        assert gate.ruling.suspects
        assert gate.is_short


def test_what_fell_on_the_way_is_no_leak_where_nobody_saw_it_go_on(tmp_path: Path) -> None:
    """It is emptied after 1,030 runs each time, and the time ends with the stage that began just after."""
    gate, _ = judged(tmp_path, Terms(Limits(), 3.5), 1e-3, lambda runs: runs % 1030)
    assert gate.ruling is not None
    assert gate.ruling.verdict is None
    assert not gate.is_short


def test_runs_that_end_do_not_hide_a_leak(tmp_path: Path) -> None:
    for number, runs in enumerate((90, 400)):
        folder = tmp_path / str(number)
        folder.mkdir()
        gate, _ = judged(folder, Terms(Limits(), 60.0, runs=runs), 0.02, lambda runs: runs)
        assert gate.ruling is not None
        assert gate.ruling.verdict == "leak", runs


def test_a_stage_cut_short_does_not_forget_the_one_before(tmp_path: Path) -> None:
    """What grows at every other look is not sure yet after a stage; three looks of the next say less, not more."""
    terms = Terms(Limits(), 60.0, warm_up=500)
    gate, _ = judged(tmp_path, terms, 1e-3, lambda runs: 50 * (runs // 120), looks=LOOKS + 4)
    assert gate.stage == 2
    assert gate.stopped == OUT_OF_TIME
    assert gate.ruling is not None
    assert gate.ruling.verdict is None
    assert gate.ruling.since == 500
    assert gate.ruling.runs > 400
    assert gate.ruling.kept.high < inf
    assert gate.wanted() is not None
