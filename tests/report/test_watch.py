"""Growth while watching: its interval, how long it can go on, and when a process is near its end."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from leakhunt.model.process import Celery, Memory
from leakhunt.render.json import watch as jsonout
from leakhunt.render.screen import Screen
from leakhunt.render.terminal import watch as terminal
from leakhunt.report.watch import Limits, Line, Sample, WatchReport, line, rate, watch
from tests.support.fleet import MIB, NOW, machine, process

KIB = 1 << 10


def samples(*sizes: float, every: float = 10.0, tasks: int | None = None) -> list[Sample]:
    """RSS in MiB, one look after the other; ``tasks`` done between two."""
    return [
        Sample(NOW + n * every, Memory(rss=int(size * MIB)), None if tasks is None else n * tasks)
        for n, size in enumerate(sizes)
    ]


def test_a_steady_growth() -> None:
    found = line(
        process(7), samples(*(50 + n for n in range(13)), tasks=4), Limits(limit=122 * MIB)
    )
    assert found.per_minute is not None
    assert found.per_minute.value == pytest.approx(6 * MIB)
    assert found.per_minute.is_sure
    assert found.per_task is not None
    assert found.per_task.value == pytest.approx(MIB / 4)
    assert found.lasts is not None
    assert found.lasts.seconds == pytest.approx(600)
    assert found.lasts.soonest <= found.lasts.seconds <= found.lasts.latest


def test_one_jump_is_no_sure_growth() -> None:
    found = line(process(7), samples(*[50] * 8, *[90] * 8), Limits(limit=200 * MIB))
    assert found.per_minute is not None
    assert not found.per_minute.is_sure
    assert found.lasts is None


def test_too_few_looks_say_nothing() -> None:
    found = line(process(7), samples(50, 51, 52, 53, 54), Limits())
    assert found.per_minute is None
    assert line(process(7), samples(50, 51, 52, 53, 54, 55), Limits()).per_minute is not None


def test_the_interval_of_a_random_walk_holds_its_drift() -> None:
    """2,000 walks: at a coverage of 95 %, fewer than 1,850 hits have a chance below 1e-6."""
    chance = random.Random(7)
    hits = 0
    for _ in range(2000):
        y = [0.0]
        for _ in range(20):
            y.append(y[-1] + 3.0 + chance.gauss(0, 10))
        found = rate(list(range(21)), y)
        assert found is not None
        hits += found.low <= 3.0 <= found.high
    assert 1850 <= hits <= 1970


def test_levels() -> None:
    def level(size: float, **limits: int) -> str:
        return line(process(7), samples(size), Limits(**limits)).level

    assert [level(size, limit=100 * MIB) for size in (79, 80, 94, 95, 120)] == [
        "fine", "warning", "warning", "critical", "critical",
    ]  # fmt: skip
    assert level(60, warning=50 * MIB, critical=70 * MIB) == "warning"
    assert level(70, warning=50 * MIB, critical=70 * MIB) == "critical"
    assert level(10_000) == "fine"
    limited = process(7, celery=Celery("worker", "w@h", max_memory_per_child=100 * MIB))
    assert line(limited, samples(96), Limits()).level == "critical"
    assert line(replace(limited, role="main"), samples(96), Limits()).level == "fine"


def test_a_main_process_that_waits_gets_no_sentence() -> None:
    grows, waits = samples(*(50 + n for n in range(13))), samples(*[50] * 13)
    main, child = process(10, "main"), process(11)
    told = report(line(main, waits, Limits()), line(child, waits, Limits()), over=True)
    assert [each.process.pid for each in told.worth_a_sentence] == [11]
    assert "main 10:" not in terminal.watch(told, Screen(100))
    both = report(line(main, grows, Limits()), line(child, grows, Limits()), over=True)
    assert [each.process.pid for each in both.worth_a_sentence] == [10, 11]


def report(*lines: Line, over: bool = False) -> WatchReport:
    return watch(machine(), NOW - 60, lines, 2, over)


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("over", [True, False])
def test_the_page_fits(width: int, over: bool) -> None:
    pulse = (123456, 1.0, None, "proj.tasks.with_a_very_long_name", NOW)
    grown = line(
        process(11, pulse=pulse),
        samples(*(50 + n for n in range(60)), tasks=1),
        Limits(limit=200 * MIB),
    )
    text = terminal.watch(
        report(grown, line(process(12), samples(50), Limits()), over=over), Screen(width)
    )
    assert max(len(each) for each in text.splitlines()) <= width
    assert "child 11" in text
    assert ("watched too shortly" in " ".join(text.split())) is over
    if width >= 160:
        assert "█" in text
    else:
        assert width != 80 or "limit in" in text


def test_json() -> None:
    document = json.loads(jsonout.watch(report(line(process(11), samples(50, 51), Limits()))))
    assert document["schema"] == "leakhunt/watch@1"
    (row,) = document["processes"]
    assert (row["pid"], row["per_minute"], row["lasts"], row["level"]) == (11, None, None, "fine")
    assert document["ended"] == 2


def test_a_sum_counts_what_is_known_and_says_what_is_not() -> None:
    def of(*pids: int) -> list[Line]:
        hidden: dict[str, Any] = {"pss": None, "uss": None, "readable": False, "user": "www"}
        return [
            line(process(pid, **(hidden if pid > 20 else {})), samples(60), Limits())
            for pid in pids
        ]

    mixed = watch(machine(), NOW, of(11, 12, 21), 0, False)
    assert mixed.total.startswith("2 processes: PSS 60.0 MiB, 0.4 % of the machine's memory")
    assert "the sum of RSS, 120.0 MiB," in mixed.total
    (note,) = mixed.notes
    assert note == (
        "1 process with 60.0 MiB RSS belongs to www: USS, PSS and open files need that user or root, and are "
        "in no sum"
    )
    others = watch(machine(), NOW, of(21, 22), 0, False, notes=("before",))
    assert "PSS" not in others.total
    assert "120.0 MiB" in others.total
    assert others.notes[0] == "before"
    assert "2 processes" in others.notes[1]
    assert watch(machine(), NOW, of(11), 0, False).notes == ()


def test_json_says_null_of_a_hook_that_cannot_be_seen() -> None:
    seen = [
        process(11), process(12, readable=False), process(13, readable=False, hooked=True),
    ]  # fmt: skip
    made = watch(machine(), NOW, [line(each, samples(60), Limits()) for each in seen], 0, False)
    told = json.loads(jsonout.watch(made))["processes"]
    assert [each["hooked"] for each in told] == [False, None, True]
