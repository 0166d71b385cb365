"""A trend for the eye: the verdict first, the first leak's line and fix, all the evidence when asked."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.judge.history import History
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.trend import trend as drawn
from leakhunt.report.trend import TrendReport, trend
from tests.support.builders import history
from tests.support.growing import rising
from tests.support.pages import page

TASKS, CACHE = "/srv/shop/tasks.py:40", "/srv/shop/cache.py:7"
FRAMES = {
    "/srv/shop/tasks.py": {40: ("take", "ORDERS.append(order)")},
    "/srv/shop/cache.py": {7: ("put", "CACHE[key] = value")},
}


def made(**facts: Any) -> History:
    return history(
        (TASKS, rising(50_000), rising(100)), (CACHE, [9000] * 4 + [90_000] * 4, [10] * 4 + [90] * 4),
        frames=FRAMES, **facts,
    )  # fmt: skip


def report(**options: Any) -> TrendReport:
    return trend([made()], **options)


def test_the_verdict_stands_first_and_its_word_alone_is_coloured() -> None:
    text = drawn(report(), Screen(100, color=True))
    assert text.startswith("\x1b[1;31mLeak:\x1b[0m")
    assert page(report(), verbose=False).startswith("Leak: +500 B per task at tasks.py:40 (take)")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_the_window(width: int, verbose: bool) -> None:
    text = drawn(report(), Screen(width, verbose=verbose))
    assert max(map(len, text.splitlines())) <= width


def test_the_first_leaks_line_and_what_ends_it_are_told() -> None:
    text = " ".join(page(report(), verbose=False).split())
    assert "ORDERS.append(order)" in text
    assert "fix " in text
    assert "why " not in text


def test_all_the_evidence_is_told_when_asked() -> None:
    text = " ".join(page(report(), verbose=True).split())
    assert "(95 %: 500 B to 500 B)" in text
    assert "why " in text
    assert "see " in text
    assert "one jump of" in text


def test_of_a_deep_stack_the_frames_nearest_to_the_allocation_are_told() -> None:
    """And the blamed one, however far out it stands."""
    deep = " < ".join(
        [*(f"/srv/venv/lib/python3.11/site-packages/lib/{n}.py:{n}" for n in range(1, 8)), TASKS]
    )
    text = page(trend([history((deep, rising(50_000), rising(100)), frames=FRAMES)]), verbose=True)
    assert all(f"{n}.py:{n}" in text for n in range(1, 6))
    assert not any(f"{n}.py:{n}" in text for n in (6, 7))
    assert "tasks.py:40 in take" in text


def test_what_is_left_out_is_counted() -> None:
    assert "1 more growth (-v shows all)" in page(report(), verbose=False) or "cache.py:7" in page(
        report(), verbose=False
    )
    assert "dropped by filters: 1 finding" in page(report(excludes=["cache"]))
    assert "1 more growth (-n 0 shows all)" in page(report(limit=1), verbose=True)


def test_names_reach_the_screen_as_text() -> None:
    frames = {"/srv/shop/tasks.py": {40: ("[bold]take\x1b[0m", "x[red] = '\x1b'")}}
    odd = trend([history((TASKS, rising(50_000), rising(100)), frames=frames)])
    text = drawn(odd, Screen(100))
    assert "\x1b" not in text
    assert "[bold]take" in text
