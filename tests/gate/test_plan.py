"""How often a check runs and looks, without running anything."""

from __future__ import annotations

from leakhunt.gate.decision import LOOKS, Limits
from leakhunt.gate.orders import EXHAUSTED, RAN, RUN, STOP, Answer, Order
from leakhunt.gate.plan import OUT_OF_RUNS, OUT_OF_TIME, WARM_RUNS, Gate, Terms


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


def test_a_stage_fits_into_the_time_that_is_left() -> None:
    gate = Gate(Terms(Limits(), 60.0))
    runs, elapsed, _ = warmed(gate, 0.05)
    assert sum(gate._batches) * 0.05 <= 60 - elapsed
    assert len(gate._batches) == LOOKS - 1
    assert runs > 0
