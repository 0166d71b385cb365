"""When children are replaced: whether, after how many tasks, at which size."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.advice.doctor.case import Measured
from tests.support.doctoring import crew, said_of
from tests.support.fleet import MIB, process


@pytest.mark.parametrize(
    ("settings", "rule", "severity", "fix"),
    [
        ({"worker_pool": "gevent"}, "recycling-inert", "serious", ("worker_pool", "prefork")),
        ({"worker_max_tasks_per_child": None}, "recycling-unset", "advice", (None, None)),
        ({"worker_concurrency": 0}, "concurrency-by-cores", "advice", ("worker_concurrency", 4)),
        ({"task_time_limit": None}, "no-time-limit", "note", (None, None)),
        ({"worker_max_memory_per_child": 400 * MIB}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", 400 << 10)),
    ],
)  # fmt: skip
def test_a_setting_that_is_wrong_is_the_only_finding(
    settings: dict[str, Any], rule: str, severity: str, fix: tuple[Any, Any]
) -> None:
    said = said_of(**settings)
    assert set(said) == {rule}
    assert said[rule].severity == severity
    assert (said[rule].setting, said[rule].value) == fix
    assert said[rule].source.startswith("https://")


def test_values_come_from_measured_growth() -> None:
    settings = {"worker_max_tasks_per_child": None}
    growths = {11: Measured(64 * 1024, 1000, 3), 12: Measured(32 * 1024, 1000, 3)}
    said = said_of(crew(uss=100), growths, total=1000, **settings)["recycling-due"]
    room = int(0.8 * 1000 * MIB / 2) - 100 * MIB
    assert said.value == room // (64 * 1024) == 4800
    assert said.severity == "serious"
    assert "64.0 KiB a task" in said.what
    assert "300.0 MiB of room" in said.why
    # Replaced in time: nothing to say. Too late: said, but somebody has thought of it.
    assert said_of(crew(), growths, total=1000, worker_max_tasks_per_child=4800) == {}
    late = said_of(crew(), growths, total=1000, worker_max_tasks_per_child=4801)["recycling-due"]
    assert (late.severity, late.value) == ("advice", 4800)


def test_no_more_than_three_figures_of_the_tasks_are_told() -> None:
    """Each child has 420 MiB of room: 6,720 tasks of 64 KiB, and 4,587,520 of 96 bytes."""
    for per_task, tasks in ((64 << 10, 6720), (96, 4_580_000), (420 << 20, 1)):
        growths = {11: Measured(per_task, 1000, 3)}
        said = said_of(crew(uss=100), growths, total=1300, worker_max_tasks_per_child=None)
        assert said["recycling-due"].value == tasks


def test_growth_over_a_few_tasks_is_none() -> None:
    growths = {11: Measured(64 * 1024, 49, 2)}
    assert set(said_of(crew(), growths, worker_max_tasks_per_child=None)) == {"recycling-unset"}


def test_the_cost_of_a_restart_is_told_where_a_fresh_child_shows_it() -> None:
    main, first, second = crew()
    busy = process(
        11, parent=10, uss=100, pulse=(100, 10.0, None, None, None), hooked=True, signal="heard"
    )
    fresh = process(
        12,
        parent=10,
        uss=100,
        pulse=(0, 0.0, None, None, None),
        cpu=2.0,
        hooked=True,
        signal="heard",
    )
    del first, second
    said = said_of((main, busy, fresh), {11: Measured(64 * 1024, 1000, 3)}, total=1000,
                 worker_max_tasks_per_child=None)["recycling-due"]  # fmt: skip
    assert "a new child has cost 2.0 s of CPU, 0.4 % of the time" in said.why


def test_a_memory_limit_below_every_peak() -> None:
    said = said_of(crew(peak=300), worker_max_memory_per_child=200 << 10)["memory-limit-peak"]
    assert said.severity == "serious"
    assert said.value == 450 << 10
    assert "memory-limit-peak" not in said_of(crew(peak=150), worker_max_memory_per_child=200 << 10)
