"""What a gate that has stopped says."""

from __future__ import annotations

from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import UNSURE, Limits, Ruling
from leakhunt.gate.outcome import outcome
from leakhunt.gate.plan import Gate, Terms
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK, judge
from tests.support.builders import history
from tests.support.growing import LINE, rising


def test_a_gate_without_a_look_is_not_sure() -> None:
    made = outcome(Gate(Terms(Limits(bytes_per_run=50.0), 7.0)), "shop:take", 1.5)
    assert (made.verdict, made.ruling, made.runs) == (UNSURE, None, 0)
    assert (made.target, made.seconds, made.at_most) == ("shop:take", 1.5, 7.0)
    assert made.limits.bytes_per_run == 50.0


def test_what_was_found_too_early_is_told() -> None:
    gate = Gate(Terms(Limits(), 7.0))
    assert not outcome(gate, "shop:take", 1.5).is_short
    gate.is_short = True
    assert outcome(gate, "shop:take", 1.5).is_short


def test_a_decided_gate_says_its_verdict_and_wants_nothing_more() -> None:
    for verdict in (LEAK, NO_LEAK, None):
        gate, judged = (
            Gate(Terms(Limits(bytes_per_run=50.0), 7.0)),
            judge([history((LINE, rising(1000), rising(1)))]),
        )
        kept = Interval(20.0, 0.0, 40.0)
        gate.ruling = Ruling(verdict, judged, (), (), (), kept, None, False, 70, 10, False, True)
        gate.runs = 80
        made = outcome(gate, "shop:take", 1.5)
        assert made.verdict == (verdict or UNSURE)
        assert made.ruling is gate.ruling
        assert (made.wanted is None) == (verdict is not None)
