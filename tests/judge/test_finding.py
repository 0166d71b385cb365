"""A finding says no more than was found."""

from __future__ import annotations

import dataclasses

import pytest

from leakhunt.judge.finding import Course, Finding, Part, Since
from leakhunt.model.snapshot import Frame
from tests.support.growing import finding


def test_what_is_not_known_is_not_said() -> None:
    plain = finding()
    left = {
        each.name: getattr(plain, each.name)
        for each in dataclasses.fields(Finding)
        if each.default is not dataclasses.MISSING
    }
    assert {name for name, value in left.items() if value is False} == {"is_open", "together"}
    assert all(value is False or value is None for value in left.values()), left


def test_a_finding_in_a_message_does_not_print_its_history() -> None:
    """Of 10^5 stacks, in the message of an assertion or an error."""
    text = repr(finding())
    assert "history" not in text
    assert "Track" not in text
    assert "tasks.py" in text


def test_values_are_by_name_and_do_not_change() -> None:
    assert Since(12, 3.5) == Since(unit=12, time=3.5)
    assert Part(1, 2.5, "leak") == Part(pid=1, rate=2.5, verdict="leak")
    assert Course(1, 9, 0.5) == Course(first=1, last=9, per_unit=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        finding().rate = 1.0  # type: ignore[misc]


def test_the_stack_that_is_shown_passes_through_the_site() -> None:
    """A line that grows with it may have a heavier one, in which nobody finds the line that is told."""
    site, other = Frame("/srv/shop/pricing.py", 5), Frame("/srv/shop/tasks.py", 6)
    heavier, through, less = (other, other), (other, site), (site, site)
    plain = dataclasses.replace(finding(), site=site, stacks=(heavier, through, less))
    assert (plain.shown, plain.stack) == ((through, less), through)
    nowhere = dataclasses.replace(plain, stacks=(heavier,))
    assert (nowhere.shown, nowhere.stack) == ((heavier,), heavier)
    assert dataclasses.replace(plain, stacks=()).stack == ()
