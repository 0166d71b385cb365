"""What holds objects, as values: everything that need not be known has a default that says so."""

from __future__ import annotations

from leakhunt.model.retention import Rest, Retention, Step, TypeCount


def test_a_step_says_only_what_it_must() -> None:
    step = Step("attribute", "KEPT", "list")
    assert (step.length, step.bound, step.again) == (None, None, False)


def test_what_is_held_need_have_no_container() -> None:
    held = Retention((), 3, 100, None, None, None, 0)
    assert (held.retained, held.container_path) == (None, ())


def test_counts_are_fields_and_no_methods() -> None:
    """``tuple.count`` is hidden on purpose: nobody counts a name in one of these."""
    assert TypeCount("dict", 3, 400).count == 3
    assert Rest(2, 5, 100).count == 5
