"""What a gate that has stopped says."""

from __future__ import annotations

from leakhunt.gate.decision import UNSURE, Limits
from leakhunt.gate.outcome import outcome
from leakhunt.gate.plan import Gate, Terms


def test_a_gate_without_a_look_is_not_sure() -> None:
    made = outcome(Gate(Terms(Limits(bytes_per_run=50.0), 7.0)), "shop:take", 1.5)
    assert (made.verdict, made.ruling, made.runs) == (UNSURE, None, 0)
    assert (made.target, made.seconds, made.at_most) == ("shop:take", 1.5, 7.0)
    assert made.limits.bytes_per_run == 50.0
