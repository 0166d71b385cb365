"""A worker says it itself: in its log, as an event, in ``inspect stats``; and judges nothing itself."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import celery
import pytest

from tests.live import harness
from tests.support.programs import hurried

pytestmark = pytest.mark.live


def told(app: Any, node: str) -> list[dict[str, Any]]:
    """What ``inspect stats`` says of the processes."""
    processes: list[dict[str, Any]] = answered(app, node)["leakhunt"]
    return processes


def answered(app: Any, node: str) -> dict[str, Any]:
    """What a node answers to ``inspect stats``, however long that takes."""

    def answers() -> dict[str, Any] | None:
        inspect = app.control.inspect(destination=[node], timeout=20, limit=1)
        return (inspect.stats() or {}).get(node)

    return harness.until(answers, f"{node} answers")


def test_a_leak_is_said_in_the_log_in_stats_and_as_an_event(tmp_path: Path, redis_url: str) -> None:
    found = {"SHOP_BROKER": redis_url, "SHOP_BACKEND": f"file://{tmp_path}/results"}
    with harness.worker(
        tmp_path, "-c", "1", "-n", "saying@h",
        LEAKHUNT_SUMMARY="2", LEAKHUNT_EVENTS="1", **found,
    ) as worker, celery.Celery("listens", broker=redis_url, set_as_current=False) as app:  # fmt: skip
        child = worker.hooked("child")[0]
        worker.listening("saying@h")
        worker.do("leak", 10_000)
        assert {each["verdict"] for each in told(app, "saying@h")} == {None}
        for _ in range(4):
            for _ in range(5):
                worker.do("leak", 10_000)
            worker.dump(child)

        def said() -> bool:
            worker.do("leak", 10)  # it looks after a task whether the answer is there
            return f"snapshots of process {child['pid']}: " in worker.log

        worker.until(hurried(said, child["pid"]), "a verdict is in the log")
        (mine,) = [each for each in told(app, "saying@h") if each["pid"] == child["pid"]]
        assert mine["verdict"] in ("leak", "no-leak", "inconclusive", "unexplained")
        assert mine["summary"] in worker.log
        assert mine["rss"] > 1 << 20
        assert mine["snapshots"] >= 4

        events: list[dict[str, Any]] = []
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection)

            def keep(event: dict[str, Any]) -> None:
                events.append(event)
                receiver.should_stop = True

            receiver.handlers["worker-leakhunt"] = keep

            def heard() -> bool:
                worker.dump(child)  # there is news
                with contextlib.suppress(socket.timeout):
                    # Heartbeats come every two seconds, the event within half a minute.
                    receiver.capture(limit=25, timeout=20, wakeup=False)
                return bool(events)

            worker.until(heard, "the event is heard")
        (event,) = events[:1]
        assert event["hostname"] == "saying@h"
        assert {each["pid"] for each in event["processes"]} == {r["pid"] for r in worker.records()}


def test_without_the_setting_nothing_is_said(tmp_path: Path, redis_url: str) -> None:
    found = {"SHOP_BROKER": redis_url, "SHOP_BACKEND": f"file://{tmp_path}/results"}
    with (
        harness.worker(tmp_path, "-c", "1", "-n", "mum@h", **found) as worker,
        celery.Celery("listens", broker=redis_url, set_as_current=False) as app,
    ):
        worker.hooked("child")
        worker.listening("mum@h")
        assert "leakhunt" not in answered(app, "mum@h")
