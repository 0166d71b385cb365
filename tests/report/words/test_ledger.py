"""What stands beside the table of tasks."""

from __future__ import annotations

from leakhunt.report.words import ledger as words


def test_one_process_is_singular() -> None:
    assert (
        words.over(1, True) == "tasks of 1 process, each over its life; kept: since tracing began"
    )
    assert words.over(1200, True).startswith("tasks of 1,200 processes, ")


def test_what_no_figure_tells_is_not_explained() -> None:
    """In a pool of threads nothing is charged, and with the engine off nothing is known."""
    assert words.over(2, False) == "tasks of 2 processes, each over its life"
