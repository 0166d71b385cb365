"""Finished tasks by name, and what each kept."""

from __future__ import annotations

from leakhunt.hook.celery.ledger import Ledger


def test_the_ledger_charges_growth_to_the_task_that_ended() -> None:
    ledger = Ledger()
    ledger.armed(100)
    traced = iter([150, 150, 190])
    for name in ("a", "b", "a"):
        ledger.count(name, lambda: next(traced))
    assert ledger.done == 3
    assert ledger.facts() == {"a": {"runs": 2, "kept": 90}, "b": {"runs": 1, "kept": 0}}


def test_the_ledger_keeps_no_growth_where_tasks_overlap() -> None:
    ledger = Ledger(alone=False)
    ledger.count("a", lambda: 5)
    assert ledger.facts() == {"a": {"runs": 1, "kept": None}}
