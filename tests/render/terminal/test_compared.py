"""Two series for the eye."""

from __future__ import annotations

import pytest

from leakhunt.gate import compared
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.compared import TONES, compare
from leakhunt.report import compared as reports
from tests.support.builders import history
from tests.support.growing import rising


def report(line_after: int = 40) -> reports.CompareReport:
    def frames(line: int) -> dict[str, dict[int, tuple[str, str]]]:
        return {"/srv/shop/tasks.py": {line: ("take", "ORDERS.append(order)")}}

    leaking = history(
        ("/srv/shop/tasks.py:40", rising(50_000, 12), rising(100, 12)), frames=frames(40)
    )
    after = history(
        (f"/srv/shop/tasks.py:{line_after}", [50_000] * 12, [100] * 12), frames=frames(line_after)
    )
    return reports.compare(leaking, after, ("note",))


def test_what_became_of_the_leak_stands_first() -> None:
    text = compare(report(), Screen(100))
    assert text.startswith("Fixed: tasks.py:40 (take) gone: ")
    assert "        ORDERS.append(order)" in text
    assert "        before  +500 B per task" in text
    assert "        after   nothing seen: under " in text
    assert text.rstrip().endswith("note: note")


def test_a_line_that_has_moved_is_told_with_where_it_was() -> None:
    assert "fixed   tasks.py:43, line 40 before" in compare(report(43), Screen(100))


def test_every_word_has_its_colour() -> None:
    assert set(TONES) == set(compared.ORDER)


@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_the_window(width: int) -> None:
    assert max(map(len, compare(report(), Screen(width)).splitlines())) <= width
