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


def test_who_has_kept_is_said_first() -> None:
    alone = words.sentence("shop.take", 12288, 100, 1, 1)
    assert alone == "shop.take has kept 12.0 KiB ± 0.1 per run."
    assert words.sentence("shop.take", 12288, 100, 1, 2).endswith(
        " per run; no other task is seen to have kept any."
    )
    assert (
        words.sentence("a", 100, 0, 2, 5)
        == "a has kept 100 B per run; 1 other task kept memory too."
    )
    assert words.sentence("a", 100, 0, 4, 5).endswith("; 3 other tasks kept memory too.")


def test_the_most_that_is_likely_is_rounded_up() -> None:
    assert words.at_most(1000.2) == "under 1001 B"
    assert words.at_most(0) == "0 B"
