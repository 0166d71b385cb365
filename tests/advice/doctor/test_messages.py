"""What is fetched, kept and sent again: messages, results, events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.advice.doctor import messages
from leakhunt.advice.doctor.case import Case
from leakhunt.model.configuration import Configuration, Surroundings
from leakhunt.model.process import Celery, Process
from tests.support.doctoring import SOUND, crew, said_of
from tests.support.fleet import machine, process


@pytest.mark.parametrize(
    ("settings", "rule", "severity", "fix"),
    [
        ({"task_acks_late": True, "task_reject_on_worker_lost": True}, "poison-tasks", "serious",
         ("task_reject_on_worker_lost", False)),
        ({"worker_prefetch_multiplier": 0}, "prefetch-unlimited", "serious", ("worker_prefetch_multiplier", 4)),
        ({"worker_prefetch_multiplier": 64}, "prefetch-many", "advice", ("worker_prefetch_multiplier", 4)),
        ({"result_expires": None, "task_ignore_result": False}, "results-for-ever", "serious", ("result_expires", 86400)),
        ({"task_ignore_result": False}, "results-kept", "note", ("task_ignore_result", True)),
        ({"task_send_sent_event": True}, "events-on", "note", ("task_send_sent_event", False)),
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


def test_workers_that_talk_to_each_other() -> None:
    def fleet(number: int, *quiet: str) -> tuple[Process, ...]:
        return tuple(
            process(
                10 + n,
                "main",
                celery=Celery("worker", f"w{n}@h", "proj", without=frozenset(quiet)),
                hooked=True,
                signal="heard",
            )
            for n in range(number)
        )

    assert said_of(fleet(3)) == {}
    assert said_of(fleet(6, "gossip", "mingle")) == {}
    assert said_of(fleet(4, "heartbeat"))["gossip-and-mingle"].what == (
        "4 workers here talk to each other"
    )


def test_a_main_process_that_holds_more_than_its_children_may_hold_what_waits() -> None:
    """Celery sets no limit, and that is right where few tasks wait: 32 MiB more than the largest child, or nothing."""

    def beside(main: float | None, *children: float | None) -> dict[str, Any]:
        first, *others = crew(count=len(children))
        sizes = {10 + n: uss for n, uss in enumerate((main, *children))}
        return {
            "processes": tuple(
                replace(each, memory=process(1, uss=sizes[each.pid]).memory)
                for each in (first, *others)
            )
        }

    said = said_of(**beside(132, 60, 100))["eta-unlimited"]
    assert (said.severity, said.where) == ("advice", "w@h")
    assert (said.setting, said.value) == ("worker_eta_task_limit", 1000)
    assert said.what.startswith("its main process holds 32.0 MiB more than any of its children")
    assert said.source.endswith("calling.html#eta-and-countdown")
    for sizes in ((131, 60, 100), (60, 100), (None, 100), (400, None), (400,)):
        assert said_of(**beside(*sizes)) == {}
    assert said_of(**beside(132, 100), worker_eta_task_limit=100) == {}


def test_results_that_few_tasks_leave_are_not_said_of_all() -> None:
    every = said_of(result_expires=None, task_ignore_result=False)["results-for-ever"]
    assert every.why.startswith("every task leaves one there")
    few = said_of(result_expires=None)["results-for-ever"]
    assert few.severity == "advice"
    assert few.why.startswith("every task that says ignore_result=False leaves one there")


def test_each_kind_of_event_has_its_own_setting() -> None:
    case = Case(
        Configuration("proj", {**SOUND, "worker_send_task_events": True, "task_send_sent_event": True},
                      "redis", "redis", {}, {}),
        (), (), machine(), Surroundings(),
    )  # fmt: skip
    assert [(each.setting, each.value) for each in messages.events(case)] == [
        ("worker_send_task_events", False),
        ("task_send_sent_event", False),
    ]


def test_a_command_line_takes_ahead_what_it_says() -> None:
    greedy = crew(celery=Celery("worker", "w@h", "proj", prefetch=0))
    said = said_of(greedy)["prefetch-unlimited"]
    assert (said.where, said.what) == ("w@h", "--prefetch-multiplier is 0: no limit")
    assert (said.setting, said.value) == (None, None)
    assert said.todo == "start it with --prefetch-multiplier 4"
    modest = crew(celery=Celery("worker", "w@h", "proj", prefetch=2))
    assert said_of(modest, worker_prefetch_multiplier=0) == {}
    without = crew(celery=Celery("worker", "w@h", "proj", prefetch=0, has_no_prefetch=True))
    assert said_of(without) == {}


def test_children_are_spoken_of_where_there_are_any() -> None:
    for number in (0, 64):
        alone = said_of(
            worker_prefetch_multiplier=number,
            worker_pool="threads",
            worker_max_tasks_per_child=None,
        )
        (said,) = alone.values()
        assert "child" not in said.why
        assert "the worker" in said.why


def test_a_prefetch_that_is_disabled_is_not_spoken_of() -> None:
    assert said_of(worker_prefetch_multiplier=0, worker_disable_prefetch=True) == {}
