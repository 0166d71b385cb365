"""Watching for the eye."""

from __future__ import annotations

import pytest

from leakhunt.model.process import Memory
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.watch import watch
from leakhunt.report.watch import Limits, Sample, line
from leakhunt.report.watch import watch as report
from tests.support.fleet import MIB, NOW, machine, process

GROWN = line(
    process(11),
    [Sample(NOW + 10 * n, Memory(rss=(50 + n) * MIB), n) for n in range(30)],
    Limits(limit=200 * MIB),
)


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("lines", [True, False])
def test_it_fits_the_window(width: int, lines: bool) -> None:
    text = watch(report(machine(), NOW - 60, [GROWN], 0, False), Screen(width, lines=lines))
    assert max(map(len, text.splitlines())) <= width
    assert lines or not set(text) & set("█▁├└│")


def test_what_it_came_to_is_said_at_the_end() -> None:
    over = " ".join(watch(report(machine(), NOW - 60, [GROWN], 1, True), Screen(100)).split())
    assert over.startswith("watching for 1 min, 1 process ended meanwhile")
    assert "child 11: RSS grows by 6.0 MiB a minute" in over
    running = watch(report(machine(), NOW - 60, [GROWN], 1, False), Screen(100))
    assert "RSS grows by" not in running


def test_nothing_to_watch_is_said_so() -> None:
    seen = report(machine(), NOW - 60, [], 0, False, notes=("w@h: no answer",))
    text = " ".join(watch(seen, Screen(80)).split())
    assert text.startswith("watching for 1 min no process that is meant runs now")
    assert "w@h: no answer" in text
