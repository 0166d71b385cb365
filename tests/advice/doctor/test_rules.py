"""Each rule of the doctor's: when it speaks, when it does not, and the value it gives."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.advice.doctor import RULES, examine
from leakhunt.advice.doctor.case import SEVERITIES, Case, Finding, Measured, workers
from leakhunt.model.configuration import Configuration, Surroundings
from leakhunt.model.process import Celery, Process
from tests.support.fleet import MIB, machine, process

#: What Celery itself sets.
CELERY: dict[str, Any] = {
    "worker_pool": "prefork", "worker_concurrency": 0, "worker_prefetch_multiplier": 4,
    "worker_max_tasks_per_child": None, "worker_max_memory_per_child": None,
    "worker_eta_task_limit": None, "worker_send_task_events": False, "task_send_sent_event": False,
    "task_acks_late": False, "task_reject_on_worker_lost": None, "task_time_limit": None,
    "task_ignore_result": False, "result_expires": 86400,
}  # fmt: skip
SOUND = {
    **CELERY, "worker_concurrency": 2, "worker_max_tasks_per_child": 500, "task_time_limit": 60,
    "worker_eta_task_limit": 100, "task_ignore_result": True,
}  # fmt: skip


def found(
    processes: tuple[Process, ...] = (),
    growths: dict[int, Measured] | None = None,
    around: Surroundings | None = None,
    django: dict[str, Any] | None = None,
    versions: dict[str, str] | None = None,
    total: int = 16 * 1024,
    **settings: Any,
) -> dict[str, Finding]:
    configuration = Configuration(
        "proj", {**SOUND, **settings}, "redis", "redis", django or {}, versions or {}
    )
    running = tuple(workers(configuration, processes, growths or {}))
    case = Case(configuration, processes, running, machine(total), around or Surroundings())
    return {finding.rule: finding for finding in examine(case)}


def crew(
    uss: float = 100, peak: float = 100, *, count: int = 2, **facts: Any
) -> tuple[Process, ...]:
    celery = facts.pop("celery", Celery("worker", "w@h", "proj"))
    main = process(10, "main", celery=celery, hooked=True, signal="heard")
    return main, *(
        process(
            11 + n,
            parent=10,
            uss=uss,
            peak=peak,
            celery=celery,
            hooked=True,
            signal="heard",
            **facts,
        )
        for n in range(count)
    )


def test_a_sound_app_has_no_finding() -> None:
    assert found() == {}
    assert found(crew()) == {}


@pytest.mark.parametrize(
    ("settings", "rule", "severity", "fix"),
    [
        ({"worker_pool": "gevent"}, "recycling-inert", "serious", ("worker_pool", "prefork")),
        ({"worker_max_tasks_per_child": None}, "recycling-unset", "advice", (None, None)),
        ({"worker_concurrency": 0}, "concurrency-by-cores", "advice", ("worker_concurrency", 4)),
        ({"task_time_limit": None}, "no-time-limit", "note", (None, None)),
        ({"task_acks_late": True, "task_reject_on_worker_lost": True}, "poison-tasks", "serious",
         ("task_reject_on_worker_lost", False)),
        ({"worker_prefetch_multiplier": 0}, "prefetch-unlimited", "serious", ("worker_prefetch_multiplier", 4)),
        ({"worker_prefetch_multiplier": 64}, "prefetch-many", "advice", ("worker_prefetch_multiplier", 4)),
        ({"worker_eta_task_limit": None}, "eta-unlimited", "note", ("worker_eta_task_limit", 1000)),
        ({"result_expires": None}, "results-for-ever", "serious", ("result_expires", 86400)),
        ({"task_ignore_result": False}, "results-kept", "note", ("task_ignore_result", True)),
        ({"task_send_sent_event": True}, "events-on", "note", ("task_send_sent_event", False)),
        ({"worker_max_memory_per_child": 400 * MIB}, "memory-limit-unit", "serious",
         ("worker_max_memory_per_child", 400 << 10)),
    ],
)  # fmt: skip
def test_a_setting(
    settings: dict[str, Any], rule: str, severity: str, fix: tuple[Any, Any]
) -> None:
    said = found(**settings)
    assert set(said) == {rule}
    assert said[rule].severity == severity
    assert (said[rule].setting, said[rule].value) == fix
    assert said[rule].source.startswith("https://")


def test_values_come_from_measured_growth() -> None:
    settings = {"worker_max_tasks_per_child": None}
    growths = {11: Measured(64 * 1024, 1000, 3), 12: Measured(32 * 1024, 1000, 3)}
    said = found(crew(uss=100), growths, total=1000, **settings)["recycling-due"]
    room = int(0.8 * 1000 * MIB / 2) - 100 * MIB
    assert said.value == room // (64 * 1024) == 4800
    assert said.severity == "serious"
    assert "64.0 KiB a task" in said.what
    assert "300.0 MiB of room" in said.why
    # Replaced in time: nothing to say. Too late: said, but somebody has thought of it.
    assert found(crew(), growths, total=1000, worker_max_tasks_per_child=4800) == {}
    late = found(crew(), growths, total=1000, worker_max_tasks_per_child=4801)["recycling-due"]
    assert (late.severity, late.value) == ("advice", 4800)


def test_growth_over_a_few_tasks_is_none() -> None:
    growths = {11: Measured(64 * 1024, 49, 2)}
    assert set(found(crew(), growths, worker_max_tasks_per_child=None)) == {"recycling-unset"}


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
    said = found((main, busy, fresh), {11: Measured(64 * 1024, 1000, 3)}, total=1000,
                 worker_max_tasks_per_child=None)["recycling-due"]  # fmt: skip
    assert "a new child has cost 2.0 s of CPU, 0.4 % of the time" in said.why


def test_a_memory_limit_below_every_peak() -> None:
    said = found(crew(peak=300), worker_max_memory_per_child=200 << 10)["memory-limit-peak"]
    assert said.severity == "serious"
    assert said.value == 450 << 10
    assert "memory-limit-peak" not in found(crew(peak=150), worker_max_memory_per_child=200 << 10)


def test_the_command_line_wins() -> None:
    line = Celery("worker", "w@h", "proj", "threads", max_tasks_per_child=7)
    said = found(crew(celery=line, count=0))
    assert (
        "worker_max_tasks_per_child=7 does nothing in the threads pool"
        in said["recycling-inert"].what
    )


def test_django() -> None:
    assert found(django={"DEBUG": True, "CONN_MAX_AGE": 0})["django-debug"].severity == "serious"
    assert found(django={"DEBUG": False, "CONN_MAX_AGE": None}) == {}
    threaded = Celery("worker", "w@h", "proj", "threads")
    said = found(crew(celery=threaded, count=0), django={"DEBUG": False, "CONN_MAX_AGE": None},
                 worker_max_tasks_per_child=None)  # fmt: skip
    assert "django-connections" in said


def test_versions_with_known_leaks() -> None:
    said = found(versions={"celery": "5.5.3", "kombu": "5.2.2", "amqp": "5.0.6", "redis": "5.0"})
    assert {rule for rule in said if rule.startswith("version-")} == {
        "version-celery-unhandled-exceptions", "version-kombu-on-tick", "version-amqp-collect",
    }  # fmt: skip
    assert (said["version-kombu-on-tick"].setting, said["version-kombu-on-tick"].value) == (
        "kombu",
        ">=5.2.3",
    )
    assert found(versions={"celery": "5.6.0", "kombu": "5.6", "amqp": "5.3.1"}) == {}


def test_the_machine_and_the_hook() -> None:
    seen = Surroundings(huge_pages="always", folder="/mnt/x", free=10 * MIB, filesystem="nfs4")
    said = found(crew(), around=seen)
    assert set(said) == {"huge-pages", "disk-small", "disk-shared"}
    calm = Surroundings(huge_pages="madvise", folder="/x", free=10 << 30, filesystem="ext4")
    assert found(crew(), around=calm) == {}
    assert set(found(crew(threads=20), around=calm)) == {"malloc-arenas"}
    settled = Surroundings(
        huge_pages="madvise", environments={n: {"MALLOC_ARENA_MAX": "2"} for n in (11, 12)}
    )
    assert found(crew(threads=20), around=settled) == {}
    lost = (process(10, "main", hooked=True, signal="none"),)
    assert found(lost)["signal-lost"].severity == "serious"
    assert found((process(10, "main"),))["not-hooked"].severity == "note"
    costly = Surroundings(environments={10: {"LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "25"}})
    exact = (process(10, "main", hooked=True, signal="heard", engine="exact"),)
    assert set(found(exact, around=costly)) == {"hook-costs"}


def test_other_apps_workers_are_not_held_against_this_one() -> None:
    other = Celery("worker", "o@h", "other", "threads", max_tasks_per_child=7)
    assert "recycling-inert" not in found(
        (process(10, "worker", celery=other, hooked=True, signal="heard"),)
    )


def test_the_serious_ones_come_first() -> None:
    said = list(found(result_expires=None, task_time_limit=None, worker_concurrency=0).values())
    order = [SEVERITIES.index(finding.severity) for finding in said]
    assert order == sorted(order)
    assert len(RULES) == len(set(RULES))
