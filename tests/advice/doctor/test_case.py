"""What a rule is asked about: the command line before the configuration, the workers of this app alone."""

from __future__ import annotations

from typing import Any

from leakhunt.advice.doctor import RULES
from leakhunt.advice.doctor.case import SEVERITIES, Collector, Measured
from leakhunt.model.configuration import Surroundings
from leakhunt.model.process import Celery, Process
from tests.support.doctoring import CELERY, crew, said_of
from tests.support.fleet import MIB, NOW, process


def test_a_sound_app_has_no_finding() -> None:
    """What is as Celery sets it, and right for most, is no fault."""
    assert said_of() == {}
    assert said_of(crew()) == {}


def test_the_command_line_wins() -> None:
    line = Celery("worker", "w@h", "proj", "threads", max_tasks_per_child=7)
    said = said_of(crew(celery=line, count=0))
    assert (
        "worker_max_tasks_per_child=7 does nothing in the threads pool"
        in said["recycling-inert"].what
    )
    assert (said["recycling-inert"].setting, said["recycling-inert"].value) == (None, None)
    assert said["recycling-inert"].todo == "start it with -P prefork"


def test_other_apps_workers_are_not_held_against_this_one() -> None:
    other = Celery("worker", "o@h", "other", "threads", max_tasks_per_child=7)
    assert "recycling-inert" not in said_of(
        (process(10, "worker", celery=other, hooked=True, signal="heard"),)
    )


def test_the_serious_ones_come_first() -> None:
    said = list(said_of(result_expires=None, task_time_limit=None, worker_concurrency=0).values())
    order = [SEVERITIES.index(finding.severity) for finding in said]
    assert order == sorted(order)
    assert len(RULES) == len(set(RULES))


def test_where_everything_is_wrong_every_rule_speaks() -> None:
    """Five workers of one app, each with what excludes what another has."""
    hooked: dict[str, Any] = {"hooked": True, "signal": "heard"}
    stuck = (3, 1.0, NOW - 7200, "proj.sync", NOW - 7200)

    def main(pid: int, role: str = "main", **line: Any) -> Process:
        told = Celery("worker", f"w{pid}@h", "proj", **line)
        lost: dict[str, Any] = {"hooked": True, "signal": "none", "engine": "exact", "threads": 30}
        return process(pid, role, celery=told, uss=400, **(lost if pid == 10 else {}))

    running = (
        main(10), process(11, parent=10, uss=100, pulse=stuck, **{**hooked, "signal": "taken"}),
        main(20), process(21, parent=20, **{**hooked, "signal": "blocked"}),
        main(30, max_memory_per_child=MIB), process(31, parent=30, peak=60, **hooked),
        main(40, max_memory_per_child=1 << 50, prefetch=64),
        main(50, "worker", pool="threads", max_tasks_per_child=7),
    )  # fmt: skip
    costly = {"PYTHONMALLOC": "debug", "LEAKHUNT_START": "boot", "LEAKHUNT_NFRAME": "25"}
    around = Surroundings(
        huge_pages="always", folder="/nfs", free=MIB, filesystem="nfs",
        environments={10: costly, 20: {"PYTHONMALLOC": "malloc"}},
    )  # fmt: skip
    growths = {11: Measured(MIB, 1000, 3), 50: Measured(MIB, 1000, 3)}
    wrong: dict[str, Any] = {
        **CELERY, "worker_prefetch_multiplier": 0, "task_acks_late": True, "task_reject_on_worker_lost": True,
        "worker_send_task_events": True, "result_expires": None,
    }  # fmt: skip
    said = set(
        said_of(
            running, growths, around, {"DEBUG": True, "CONN_MAX_AGE": None}, {"celery": "5.2.0", "redis": "4.5.0"},
            total=1024, collectors={10: Collector(False, 5)}, **wrong,
        )
    )  # fmt: skip
    said |= set(said_of(**{**wrong, "result_expires": 60}))  # results that are kept, or for ever
    assert {rule for rule in said if not rule.startswith("version-")} == {
        "allocator-debug", "allocator-malloc", "collector-frozen", "collector-off", "concurrency-by-cores",
        "disk-shared", "disk-small", "django-connections", "django-debug", "eta-unlimited", "events-on",
        "gossip-and-mingle", "grows-in-process", "hook-costs", "huge-pages", "malloc-arenas", "memory-limit-peak",
        "memory-limit-unit", "no-time-limit", "not-hooked", "poison-tasks", "prefetch-many", "prefetch-unlimited",
        "recycling-due", "recycling-inert", "recycling-unset", "results-for-ever", "results-kept", "signal-blocked",
        "signal-lost", "signal-taken",
    }  # fmt: skip
    assert any(rule.startswith("version-") for rule in said)
