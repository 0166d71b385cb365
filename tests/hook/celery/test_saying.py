"""What a worker says unasked: once for each piece of news, and nothing lets an error into the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.hook.celery import remote, saying


class Consumer:
    """As much of one as a bootstep sees: a timer that is turned by hand, and a dispatcher."""

    def __init__(self, enabled: bool = True) -> None:
        self.repeated: list[tuple[float, Callable[..., None], Any]] = []
        self.cancelled = 0
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.timer = self
        self.event_dispatcher: Any = SimpleNamespace(
            enabled=enabled, send=lambda kind, **fields: self.sent.append((kind, fields))
        )
        self.steps = self

    def add(self, step: Any) -> None:  # what a step does when it is made
        pass

    def call_repeatedly(self, seconds: float, function: Callable[..., None], arguments: Any) -> Any:
        self.repeated.append((seconds, function, arguments))
        return self

    def cancel(self) -> None:
        self.cancelled += 1

    def ticks(self) -> None:
        for _, function, arguments in self.repeated:
            function(*arguments)


def figures(pid: int, snapshots: int | None = 1, **said: Any) -> dict[str, Any]:
    return {"pid": pid, "rss": 1 << 20, "snapshots": snapshots, "summary": None, **said}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the worker would say now."""
    processes = [figures(10, None), figures(11)]
    monkeypatch.setattr(saying, "told", lambda: [dict(each) for each in processes])
    return processes


def telling(consumer: Consumer) -> saying.Telling:
    step = saying.Telling(consumer)
    step.start(consumer)
    return step


def test_news_is_sent_once(told: list[dict[str, Any]]) -> None:
    consumer = Consumer()
    telling(consumer)
    assert [seconds for seconds, _, _ in consumer.repeated] == [saying.INTERVAL]
    consumer.ticks()
    consumer.ticks()
    assert consumer.sent == [(saying.EVENT, {"processes": told})]


@pytest.mark.parametrize(
    "news", [{"pid": 12}, {"snapshots": 2}, {"summary": "Leak: +1 KiB per task at a.py:3"}]
)
def test_another_child_snapshot_or_judgement_is_news_and_rss_alone_is_none(
    told: list[dict[str, Any]], news: dict[str, Any]
) -> None:
    consumer = Consumer()
    telling(consumer)
    consumer.ticks()
    told[1]["rss"] += 1 << 20
    consumer.ticks()
    assert len(consumer.sent) == 1
    told[1].update(news)
    consumer.ticks()
    assert len(consumer.sent) == 2
    assert consumer.sent[-1][1]["processes"] == told


def test_what_could_not_be_sent_is_news_still(told: list[dict[str, Any]]) -> None:
    consumer = Consumer(enabled=False)
    telling(consumer)
    consumer.ticks()
    assert consumer.sent == []
    dispatcher, consumer.event_dispatcher = consumer.event_dispatcher, None
    consumer.ticks()
    dispatcher.enabled = True
    consumer.event_dispatcher = dispatcher
    consumer.ticks()
    assert len(consumer.sent) == 1


def test_an_error_is_a_word_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, str]] = []
    monkeypatch.setattr(saying, "say", lambda level, text: said.append((level, text)))

    def fails() -> list[dict[str, Any]]:
        raise remote.RefusedError("this worker runs without leakhunt's hook")

    monkeypatch.setattr(saying, "told", fails)
    consumer = Consumer()
    telling(consumer)
    consumer.ticks()
    assert consumer.sent == []
    assert [level for level, _ in said] == [logging.ERROR]
    assert "without leakhunt's hook" in said[0][1]
    assert "without leakhunt's hook" in saying.Stats(consumer).info(consumer)["leakhunt"]


def test_the_timer_ends_with_the_step_and_only_once(told: list[dict[str, Any]]) -> None:
    consumer = Consumer()
    step = telling(consumer)
    step.stop(consumer)
    step.shutdown(consumer)
    assert consumer.cancelled == 1


def test_stats_tell_the_same(told: list[dict[str, Any]]) -> None:
    assert saying.Stats(Consumer()).info(None) == {"leakhunt": told}


def test_both_become_steps_of_the_app() -> None:
    app = SimpleNamespace(steps={"worker": set(), "consumer": set()})
    saying.connect(app)
    assert app.steps == {"worker": {saying.Stats}, "consumer": {saying.Telling}}


def test_a_large_pool_is_told_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is a message: it must not grow with the pool without end."""
    hook, session = SimpleNamespace(pid=1), SimpleNamespace(worker=None)
    monkeypatch.setattr(remote, "hooked", lambda needs: (hook, session))
    monkeypatch.setattr(remote, "pool_children", lambda worker: list(range(2, 200)))
    monkeypatch.setattr(remote, "weighed", lambda hook, pid: {"pid": pid})
    assert [each["pid"] for each in saying.told()] == list(range(1, saying.MOST + 1))
