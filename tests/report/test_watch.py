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


def in_a_group(pid: int, now: int, limit: int = 200, **limits: int) -> Line:
    """A child that has grown by 6 MiB a minute, some more some less, under a control group's limit in MiB."""
    one = process(pid, rss=now, pss=now, limit=limit * MIB, group="/pod")
    grown = [now - 12 + n + 0.1 * (n % 2) for n in range(13)]
    return line(one, samples(*grown), Limits(**limits))


def test_a_limit_that_processes_share_is_told_of_all_together() -> None:
    """Each is far from the control group's limit, and together they are not."""
    made = watch(machine(), NOW, [in_a_group(7, 50), in_a_group(8, 70)], 0, False)
    (shared,) = made.shared
    assert (shared.pss, shared.limit, shared.processes, shared.level) == (
        120 * MIB,
        200 * MIB,
        2,
        "fine",
    )
    alone = made.lines[0].per_minute
    assert shared.per_minute is not None
    assert alone is not None
    assert shared.per_minute.value == pytest.approx(12 * MIB)
    # Independent errors: the root of the sum of their squares.
    assert shared.per_minute.high - 12 * MIB == pytest.approx(2**0.5 * (alone.high - alone.value))
    assert shared.lasts is not None
    assert shared.lasts.seconds == pytest.approx(80 / 12 * 60)
    assert shared.lasts.soonest < shared.lasts.seconds < shared.lasts.latest
    assert (
        json.loads(jsonout.watch(made))["shared"][0]["whose"]
        == "the limit of the control group /pod"
    )
    said = " ".join(terminal.watch(made, Screen(100)).split())
    assert "2 processes together grow by +12.0 MiB ± " in said
    assert "the limit of the control group /pod is reached in 6 min 40 s at that rate" in said


@pytest.mark.parametrize(("limit", "level"), [(200, "fine"), (150, "warning"), (126, "critical")])
def test_the_largest_is_as_near_to_a_shared_limit_as_all_are_together(
    limit: int, level: str
) -> None:
    crew = [in_a_group(7, 50, limit), in_a_group(8, 70, limit)]
    made = watch(machine(), NOW, crew, 0, False)
    assert [each.level for each in made.lines] == ["fine", level]
    # Its own threshold stays its own.
    own = watch(machine(), NOW, [crew[0], in_a_group(8, 70, limit, critical=60 * MIB)], 0, False)
    assert [each.level for each in own.lines] == ["fine", "critical"]


def test_no_group_is_made_of_what_has_no_limit_of_its_own() -> None:
    without = line(process(7), samples(50, 51), Limits())
    loose = in_a_group(8, 70, limit=64 * 1024)  # the machine has less
    assert watch(machine(), NOW, [without, loose], 0, False).shared == ()
    young = line(process(9, limit=200 * MIB, group="/pod"), samples(50, 51), Limits())
    (shared,) = watch(machine(), NOW, [in_a_group(7, 50), young], 0, False).shared
    assert (shared.per_minute, shared.lasts) == (None, None)


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
