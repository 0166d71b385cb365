"""Watching for the eye."""

from __future__ import annotations

from dataclasses import replace

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


def samples(*sizes: int) -> list[Sample]:
    return [Sample(NOW + 10 * n, Memory(rss=size * MIB), n) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(("lines", "curve"), [(True, "▁█│▅│▁▁"), (False, "_#|~|__")])
def test_a_replaced_child_is_a_mark_on_the_line(lines: bool, curve: str) -> None:
    before = [*samples(50, 90), None, *samples(70), None]
    followed = line(process(13), samples(50, 50), Limits(), None, before)
    text = watch(report(machine(), NOW - 60, [followed, GROWN], 2, False), Screen(120, lines=lines))
    head, of_child, of_other, *_ = text.splitlines()[1:]
    assert of_child.endswith(f"  {curve}")
    assert f"RSS so far ({curve[2]} replaced)" in head
    assert curve[2] not in of_other
    alone = watch(report(machine(), NOW - 60, [GROWN], 2, False), Screen(120, lines=lines))
    assert "replaced" not in alone


def test_each_size_stands_below_its_name() -> None:
    made = line(process(11, rss=60, uss=20, pss=30), [], Limits())
    text = watch(report(machine(), NOW - 60, [made], 0, False), Screen(160))
    _, head, row, *_ = text.splitlines()
    for title, size in (("RSS", "60.0 MiB"), ("USS", "20.0 MiB"), ("PSS", "30.0 MiB")):
        end = head.index(f" {title} ") + len(title) + 1
        assert row[:end].endswith(f" {size}")


def test_the_curve_has_its_place_in_a_window_of_80_columns() -> None:
    """What it takes, the tasks and their names leave."""
    grown = line(process(11, pulse=(3, 1.0, NOW, "shop.take", NOW)), GROWN.samples, Limits())
    narrow, wide = (
        watch(report(machine(), NOW - 60, [grown], 0, False), Screen(width)).splitlines()[1:3]
        for width in (80, 160)
    )
    for head, row in (narrow, wide):
        assert "RSS so far" in head
        assert "▁" in row
        assert "█" in row
    assert "shop.take" in wide[1]
    assert "shop.take" not in narrow[1]


def test_a_limit_and_a_verdict_leave_the_curve_its_place_in_a_window_of_80_columns() -> None:
    """PSS goes: its sum stands below."""
    sizes = [(50 + n) * MIB + n % 3 * 900000 for n in range(30)]  # the growth has an interval
    memories = [Memory(rss=size, uss=20 * MIB, pss=30 * MIB) for size in sizes]
    grown = line(
        process(11),
        [Sample(NOW + 10 * n, memory, n) for n, memory in enumerate(memories)],
        Limits(limit=90 * MIB),
    )
    judged = replace(grown, verdict="no-leak")
    narrow, wide = (
        watch(report(machine(), NOW - 60, [judged], 0, False), Screen(width)).splitlines()
        for width in (80, 160)
    )
    assert "limit in" in narrow[1]
    assert "verdict" in narrow[1]
    assert "so far" in narrow[1]
    assert "PSS" not in narrow[1]
    assert "▁" in narrow[2]
    assert "█" in narrow[2]
    assert "PSS" in " ".join(narrow[3:])
    assert "PSS" in wide[1]
    for width in range(60, 100):  # the words over the curve are no wider than the window
        text = watch(report(machine(), NOW - 60, [judged], 0, False), Screen(width))
        assert max(map(len, text.splitlines())) <= width


def test_what_it_came_to_is_said_at_the_end() -> None:
    over = " ".join(watch(report(machine(), NOW - 60, [GROWN], 1, True), Screen(100)).split())
    assert over.startswith("watching for 1 min, 1 process ended meanwhile")
    assert "child 11: RSS grows by 6.0 MiB a minute" in over
    assert "snapshots" not in over
    judged = watch(report(machine(), NOW, [replace(GROWN, verdict="leak")], 0, True), Screen(100))
    assert "By its snapshots: leak" in " ".join(judged.split())
    running = watch(report(machine(), NOW - 60, [GROWN], 1, False), Screen(100))
    assert "RSS grows by" not in running


def test_nothing_to_watch_is_said_so() -> None:
    seen = report(machine(), NOW - 60, [], 0, False)
    text = " ".join(watch(seen, Screen(80)).split())
    assert text.startswith("watching for 1 min no process that is meant runs now")
    asked = report(machine(), NOW - 60, [], 0, False, notes=("w@h: no answer",))
    text = " ".join(watch(asked, Screen(80)).split())
    assert text == "watching for 1 min note: w@h: no answer"  # somewhere else one may run
