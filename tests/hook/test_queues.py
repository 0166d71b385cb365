"""Messages of Dramatiq and jobs of RQ: each counts once, however it ends, and under no argument's name."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from leakhunt.hook import queues


class Noted:
    """In the place of ``Unit``: what begins and ends, in order."""

    events: list[tuple[Any, ...]]

    def __init__(self, name: str, noun: str) -> None:
        self.name = name
        self.noun = noun

    def begin(self) -> None:
        self.events.append(("begin", self.name, self.noun))

    def end(self, failed: bool = False) -> None:
        self.events.append(("end", self.name, failed))


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    Noted.events = []
    monkeypatch.setattr(queues, "Unit", Noted)
    return Noted.events


@pytest.fixture
def middleware(events: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """As Dramatiq has it, whose base class does nothing."""
    library = ModuleType("dramatiq.middleware")
    library.Middleware = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dramatiq", ModuleType("dramatiq"))
    monkeypatch.setitem(sys.modules, "dramatiq.middleware", library)
    return queues.dramatiq()


def message(number: int, actor: str = "resize") -> Any:
    return SimpleNamespace(message_id=str(number), actor_name=actor, args=("secret",))


def test_a_message_counts_under_its_actors_name(
    middleware: Any, events: list[tuple[Any, ...]]
) -> None:
    middleware.before_process_message(None, message(1))
    middleware.after_process_message(None, message(1), result=3)
    assert events == [("begin", "resize", "job"), ("end", "resize", False)]


def test_messages_side_by_side_end_each_by_its_own_name(
    middleware: Any, events: list[tuple[Any, ...]]
) -> None:
    middleware.before_process_message(None, message(1, "slow"))
    middleware.before_process_message(None, message(2, "quick"))
    middleware.after_process_message(None, message(2, "quick"))
    middleware.after_process_message(None, message(1, "slow"), exception=ValueError("it failed"))
    assert events[2:] == [("end", "quick", False), ("end", "slow", True)]


def test_a_message_that_is_skipped_ends_and_one_that_never_began_does_not(
    middleware: Any, events: list[tuple[Any, ...]]
) -> None:
    middleware.after_skip_message(None, message(1))
    middleware.after_process_message(None, message(1))
    assert events == []
    middleware.before_process_message(None, message(2))
    middleware.after_skip_message(None, message(2))
    middleware.after_process_message(None, message(2))
    assert events == [("begin", "resize", "job"), ("end", "resize", False)]


class Performs:
    """As RQ's worker: a job that fails is no exception, but False."""

    def perform_job(self, job: Any, queue: str) -> bool:
        if job.raises is not None:
            raise job.raises
        return queue == "good"


def job(name: str = "shop.resize", raises: BaseException | None = None) -> Any:
    return SimpleNamespace(func_name=name, raises=raises, description="shop.resize('secret')")


def test_a_job_counts_under_its_functions_name(events: list[tuple[Any, ...]]) -> None:
    worker = queues.rq(Performs)
    assert worker.__name__ == "Performs"
    assert issubclass(worker, Performs)
    assert worker().perform_job(job(), "good") is True
    assert worker().perform_job(job(), queue="bad") is False
    assert events == [
        ("begin", "shop.resize", "job"),
        ("end", "shop.resize", False),
        ("begin", "shop.resize", "job"),
        ("end", "shop.resize", True),
    ]


def test_what_a_job_raises_goes_through_and_the_job_has_ended(
    events: list[tuple[Any, ...]],
) -> None:
    with pytest.raises(KeyboardInterrupt):
        queues.rq(Performs)().perform_job(job(raises=KeyboardInterrupt()), "good")
    assert events[-1] == ("end", "shop.resize", True)


def test_a_job_whose_data_cannot_be_read_is_a_job(events: list[tuple[Any, ...]]) -> None:
    class Unreadable:
        raises = None

        @property
        def func_name(self) -> str:
            raise ValueError("no such pickle")

    assert queues.rq(Performs)().perform_job(Unreadable(), "good") is True
    assert events[0] == ("begin", "job", "job")
