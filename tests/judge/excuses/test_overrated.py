"""An estimate against what the allocators have handed out."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.judge.excuses.overrated import handed_out, overrated
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from tests.support.builders import history
from tests.support.growing import LINE, growth, sampled

#: 100 samples of 1,000 bytes each came: the standard error of the growth is 10,000 bytes.
SAMPLES, EVERY, ERROR = [0, 25, 50, 100], 1000, 10_000


def used(*figures: int | None) -> dict[str, Any]:
    """The allocators' figures at each snapshot, spread over both."""
    return {
        "allocators": [
            {} if each is None else {"malloc_used": each // 4, "malloc_mapped": each // 4, "pymalloc_used": each - each // 4 * 2}
            for each in figures
        ]
    }  # fmt: skip


@pytest.mark.parametrize(("more", "surely"), [(-1, True), (0, False), (1, False)])
def test_an_estimate_that_exceeds_them_by_some_errors_is_overrated(more: int, surely: bool) -> None:
    most = round(100 * EVERY - LEVELS.excuses.overrated * ERROR) + more
    made = sampled({LINE: SAMPLES}, EVERY, **used(500, 600, 700, 500 + most))
    book = Book(made)
    assert overrated(book, growth(book, LINE)) is surely


def test_exact_sizes_and_figures_that_are_not_known_rule_nothing_out() -> None:
    exact = history((LINE, [EVERY * n for n in SAMPLES], SAMPLES), **used(0, 0, 0, 0))
    assert not overrated(Book(exact), growth(Book(exact), LINE))
    blind = sampled({LINE: SAMPLES}, EVERY)
    assert not overrated(Book(blind), growth(Book(blind), LINE))


def line(*figures: int | None) -> History:
    return history((LINE, [1] * len(figures), [1] * len(figures)), **used(*figures))


def test_most_is_from_any_snapshot_to_a_later_one() -> None:
    """What else lives for a while may make the last figure small, and the first large."""
    assert handed_out(line(500, 600, 700)) == 200
    assert handed_out(line(500, 100, 800, 300)) == 700
    assert handed_out(line(800, 300, 100)) == 0  # nothing was handed out meanwhile
    assert handed_out(line(500, None, 700)) is None
