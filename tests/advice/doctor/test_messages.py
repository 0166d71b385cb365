"""What is fetched, kept and sent again: messages, results, events."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.model.process import Celery, Process
from tests.support.doctoring import said_of
from tests.support.fleet import process


@pytest.mark.parametrize(
    ("settings", "rule", "severity", "fix"),
    [
        ({"task_acks_late": True, "task_reject_on_worker_lost": True}, "poison-tasks", "serious",
         ("task_reject_on_worker_lost", False)),
        ({"worker_prefetch_multiplier": 0}, "prefetch-unlimited", "serious", ("worker_prefetch_multiplier", 4)),
        ({"worker_prefetch_multiplier": 64}, "prefetch-many", "advice", ("worker_prefetch_multiplier", 4)),
        ({"worker_eta_task_limit": None}, "eta-unlimited", "note", ("worker_eta_task_limit", 1000)),
        ({"result_expires": None}, "results-for-ever", "serious", ("result_expires", 86400)),
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
