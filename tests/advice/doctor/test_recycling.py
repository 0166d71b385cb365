"""When children are replaced: whether, after how many tasks, at which size."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.advice.doctor.case import Finding, Measured
from leakhunt.model.process import Celery, Process
from tests.support.doctoring import crew, said_of
from tests.support.fleet import MIB, NOW, process


@pytest.mark.parametrize(
    ("settings", "rule", "severity", "fix"),
    [
        ({"worker_pool": "gevent"}, "recycling-inert", "serious", ("worker_pool", "prefork")),
        ({"worker_max_tasks_per_child": None}, "recycling-unset", "advice", (None, None)),
        ({"worker_concurrency": 0}, "concurrency-by-cores", "advice", ("worker_concurrency", 4)),
        ({"worker_max_memory_per_child": 400 * MIB}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", 400 << 10)),
        ({"worker_max_memory_per_child": 300}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", 300 << 10)),
        ({"worker_max_memory_per_child": 3}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", None)),
        ({"worker_max_memory_per_child": 3 << 10}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", 3 << 20)),
        # As MiB it would be so much for each child that all together have more than the machine.
        ({"worker_max_memory_per_child": (16 << 10) - 1}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", None)),
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


def test_what_does_nothing_is_shown_as_it_was_set() -> None:
    """Celery takes this one in KiB."""
    settings: dict[str, Any] = {
        "worker_pool": "threads", "worker_max_tasks_per_child": None, "worker_max_memory_per_child": 400 << 10,
    }  # fmt: skip
    said = said_of(**settings)["recycling-inert"]
    assert said.what == "worker_max_memory_per_child=409600 does nothing in the threads pool"


@pytest.mark.parametrize("limit", ["task_time_limit", "task_soft_time_limit"])
def test_a_time_limit_is_spoken_of_where_a_task_takes_an_hour(limit: str) -> None:
    """Celery sets none, and each task may have its own."""

    def since(seconds: float) -> tuple[Process, ...]:
        return crew(pulse=(3, 1.0, NOW - seconds, "proj.sync", NOW - seconds), count=1)

    said = said_of(since(3600))["no-time-limit"]
    assert (said.severity, said.where, said.setting) == ("advice", "child 11", None)
    assert said.what.startswith("it has been in proj.sync for ")
    assert said.todo.startswith("set task_time_limit")
    settings: dict[str, Any] = {limit: 9000}
    assert said_of(since(3599)) == said_of(since(3600), **settings) == {}
    assert "no-time-limit" not in said_of(since(3600), known=False)
    assert said_of(crew(pulse=(3, 1.0, NOW - 9000, None, None))) == {}


def test_values_come_from_measured_growth() -> None:
    settings: dict[str, Any] = {"worker_max_tasks_per_child": None}
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


def due(
    growth: Measured,
    total: int = 1300,
    processes: tuple[Process, ...] | None = None,
    **settings: Any,
) -> Finding | None:
    """What is said of two children with 420 MiB of room each, of which one has grown so."""
    settings = {"worker_max_tasks_per_child": None, **settings}
    children = crew(uss=100) if processes is None else processes
    return said_of(children, {11: growth}, total=total, **settings).get("recycling-due")


def test_no_more_than_three_figures_of_the_tasks_are_told() -> None:
    for per_task, tasks in ((64 << 10, 6720), (97, 4_540_000), (42 << 20, 10)):
        found = due(Measured(per_task, 100_000, 3))
        assert found is not None
        assert (found.setting, found.value) == ("worker_max_tasks_per_child", tasks)
        assert f"that is {tasks:,} tasks" in found.why


def test_a_child_that_would_be_replaced_all_the_time_is_not_helped_by_that() -> None:
    for per_task, said in ((43 << 20, "that is 9 tasks, and"), (421 << 20, "less than one task")):
        found = due(Measured(per_task, 100, 3))
        assert found is not None
        assert (found.severity, found.setting, found.value) == ("serious", None, None)
        assert said in found.why
        assert "leakhunt trend" in found.todo
        assert "worker_concurrency" in found.todo


def test_where_no_room_is_left_that_is_said() -> None:
    found = due(Measured(64 << 10, 1000, 3), total=240)
    assert found is not None
    assert (found.severity, found.value) == ("serious", None)
    assert found.why == "the children fill 80 % of the memory already, whatever replaces them"


def test_a_growth_is_carried_on_to_no_end() -> None:
    """Some thousand times what was seen is told, ten thousand times is not, nor what a month is too short for."""
    found = due(Measured(6 << 20, 50, 3), total=1 << 20)
    assert found is not None
    assert found.value == 69_800
    far = due(Measured(90 << 10, 50, 3), total=64 << 20)
    assert far is not None
    assert (far.severity, far.setting, far.todo) == ("advice", None, "leakhunt trend")
    assert "more than 10,000 times as many as it was seen over" in far.why
    told = due(Measured(97, 100_000, 3), processes=busy(done=7200))
    assert told is not None  # two tasks a second: 26 days
    assert told.value == 4_540_000
    long = due(Measured(97, 100_000, 3), processes=busy(done=3600))
    assert long is not None
    assert long.value is None
    assert "that is 4,540,000 tasks, 52 d" in long.why
    assert (
        due(
            Measured(97, 100_000, 3),
            processes=busy(done=3600),
            worker_max_tasks_per_child=5_000_000,
        )
        is None
    )


def busy(done: int) -> tuple[Process, ...]:
    """A main process, a child that has done so many tasks in an hour, and one that has done none."""
    pulses = ((done, 100.0, None, None, None), (0, 0.0, None, None, None))
    main, *_ = crew()
    return main, *(
        process(11 + n, parent=10, uss=100, pulse=pulse, hooked=True, signal="heard")
        for n, pulse in enumerate(pulses)
    )


def test_children_that_are_replaced_by_their_size_in_time_are_not_spoken_of() -> None:
    growth = Measured(64 << 10, 1000, 3)
    assert due(growth, worker_max_memory_per_child=520 << 10) is None
    late = due(growth, worker_max_memory_per_child=521 << 10)
    assert late is not None
    assert (late.severity, late.value) == ("advice", 6720)
    assert "and is replaced at 521.0 MiB, too late" in late.what


def test_children_of_all_workers_share_the_machine() -> None:
    told = Celery("worker", "v@h", "proj")
    others = (
        process(20, "main", celery=told, hooked=True, signal="heard"),
        *(process(21 + n, parent=20, uss=100, hooked=True, signal="heard") for n in range(2)),
    )
    found = due(Measured(64 << 10, 1000, 3), total=2600, processes=(*crew(uss=100), *others))
    assert found is not None
    assert found.value == 6720


def test_growth_over_a_few_tasks_is_none() -> None:
    few = Measured(64 << 20, 49, 2)
    said = said_of(crew(), {11: few}, worker_max_tasks_per_child=None)
    assert set(said) == {"recycling-unset"}
    assert "no growth over 50 tasks or more is measured yet" in said["recycling-unset"].why
    both = said_of(
        crew(), {11: few, 12: Measured(64 << 10, 1000, 3)}, worker_max_tasks_per_child=None
    )
    assert "64.0 KiB a task (RSS over 1,000 tasks" in both["recycling-due"].what


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (Measured(4 << 10, 1000, 2), "+3.9 MiB of RSS over 1,000 tasks, is too little to give a value"),
        (Measured(63, 1 << 20, 2), "+63.0 MiB of RSS over 1,048,576 tasks, is too little to give a value"),
        (Measured(-4096, 1 << 20, 2), "-4.0 GiB of RSS over 1,048,576 tasks, is no growth"),
    ],
)  # fmt: skip
def test_what_may_be_noise_is_told_as_what_it_is(growth: Measured, said: str) -> None:
    """An arena or two, a few bytes a task, less than before."""
    found = said_of(crew(), {11: growth}, worker_max_tasks_per_child=None)
    assert set(found) == {"recycling-unset"}
    assert said in found["recycling-unset"].why


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
    assert (
        said_of(crew(peak=300), total=450, worker_max_memory_per_child=200 << 10)[
            "memory-limit-peak"
        ].value
        == 450 << 10
    )
    none = said_of(crew(peak=300), total=449, worker_max_memory_per_child=200 << 10)[
        "memory-limit-peak"
    ]
    assert none.value is None
    assert "this machine does not have" in none.why
    assert "memory-limit-peak" not in said_of(crew(peak=150), worker_max_memory_per_child=200 << 10)


def test_where_no_configuration_was_read_only_the_command_line_is_spoken_of() -> None:
    unset = said_of(crew(), known=False)["recycling-unset"]
    assert unset.what == (
        "neither --max-tasks-per-child nor --max-memory-per-child is on its command line; whether its app sets "
        "worker_max_tasks_per_child or worker_max_memory_per_child only -A APP tells"
    )
    as_many_as_cores = said_of(crew(count=4), known=False)["concurrency-by-cores"]
    assert as_many_as_cores.what.startswith(
        "no --concurrency is on its command line; whether its app"
    )
    assert as_many_as_cores.value == 4
    # Two children on four cores: something has set their number.
    assert "concurrency-by-cores" not in said_of(crew(), known=False)
    assert "concurrency-by-cores" in said_of(crew(), worker_concurrency=None)


def test_what_the_command_line_sets_is_to_be_changed_there() -> None:
    late = Celery("worker", "w@h", "proj", max_tasks_per_child=5_000)
    growths = {11: Measured(64 * 1024, 1000, 3)}
    found = said_of(crew(celery=late), growths, total=1000)["recycling-due"]
    assert (found.setting, found.value) == ("--max-tasks-per-child", 4800)
