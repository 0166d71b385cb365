"""A check for the eye."""

from __future__ import annotations

import pytest

from leakhunt.render.screen import TABLE, Screen
from leakhunt.render.terminal.check import check
from tests.support.checking import report, text


def test_the_page_says_what_is_kept_where_and_how_surely() -> None:
    page = text(report(200), TABLE)
    assert page.startswith("Leak: shop.tasks:process keeps 200 B a run at ")
    assert "KEPT.append(order | other)" in page
    assert "1,950 runs in 1.5 s, of which the first 1,000 are warm-up" in page
    assert max(map(len, page.splitlines())) <= 80


def test_what_keeps_nothing_says_how_seldom_it_could() -> None:
    page = " ".join(text(report(0), TABLE).split())
    assert "keeps nothing: less than 1 run in 317 keeps anything (95 %)" in page


def test_what_is_not_sure_says_what_would_make_it() -> None:
    page = text(report(0, "unsure"), TABLE)
    assert page.startswith("Not sure: ")
    assert "about 20,000 runs would tell: --at-most " in page


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("verbose", [False, True])
def test_it_fits_the_window(width: int, verbose: bool) -> None:
    page = check(report(200), Screen(width, verbose=verbose))
    assert max(map(len, page.splitlines())) <= width


def test_the_verdicts_word_alone_is_coloured() -> None:
    assert check(report(200), Screen(100, color=True)).startswith("\x1b[1;31mLeak:\x1b[0m")
