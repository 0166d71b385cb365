"""What stands beside the table of tasks."""

from __future__ import annotations

from leakhunt.report.words import ledger as words


def test_one_process_is_singular() -> None:
    assert words.over(1) == "tasks of 1 process, each over its life; kept: since tracing began"
    assert words.over(1200).startswith("tasks of 1,200 processes, ")
