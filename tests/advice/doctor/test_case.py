"""What a rule is asked about: the command line before the configuration, the workers of this app alone."""

from __future__ import annotations

from leakhunt.advice.doctor import RULES
from leakhunt.advice.doctor.case import SEVERITIES
from leakhunt.model.process import Celery
from tests.support.doctoring import crew, said_of
from tests.support.fleet import process


def test_a_sound_app_has_no_finding() -> None:
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
