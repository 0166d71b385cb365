"""Codes stand in JSON: scripts know them by name."""

from __future__ import annotations

from leakhunt.judge import codes
from leakhunt.judge.codes import Reason, because


def test_a_reason_keeps_the_figures_that_are_known_in_their_order() -> None:
    reason = because("late", size=0.0, at=None, of=8, apart=1.5)
    assert reason == Reason("late", (("size", 0.0), ("of", 8), ("apart", 1.5)))
    assert because("plain") == Reason("plain", ())


def test_a_reason_may_be_told_once_among_many() -> None:
    """Notes are told once each: equal reasons are one."""
    assert len({because("idle", left=1, of=9), because("idle", left=1, of=9)}) == 1
    assert because("idle", left=1, of=9) != because("idle", left=9, of=1)


def test_each_code_is_its_name() -> None:
    named = {
        name: value
        for name, value in vars(codes).items()
        if name.isupper() and isinstance(value, str)
    }
    assert len(named) > 20
    assert {name: name.lower().replace("_", "-") for name in named} == named
