"""``leakhunt tasks`` on real workers: what ran, failed, waited and computed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from tests.live import harness

pytestmark = pytest.mark.live


def ledger(worker: harness.Worker, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    done = harness.console(
        "tasks", record["series"], "--json", env={**os.environ, "LEAKHUNT_DIR": str(worker.dir)}
    )
    assert done.returncode == 0, done.stderr
    return {task["task"]: task for task in json.loads(done.stdout)["tasks"]}


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_runs_failures_time_and_memory(pool: str, tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-P", pool, "-c", "1", LEAKHUNT_INTERVAL="64") as worker:
        record = worker.hooked("child" if pool == "prefork" else "worker")[0]
        worker.do("leak", 1000)
        worker.dump(record)
        for _ in range(4):
            worker.do("nap", 0.2)
        for _ in range(2):
            worker.do("reckon", 0.3)
        for _ in range(3):
            worker.do("swell", 3 << 20)
        if pool == "prefork":
            with pytest.raises(SoftTimeLimitExceeded):
                worker.do("strict", 30)
        worker.do("leak", 1000)
        worker.dump(record)
        found = ledger(worker, record)
        assert (found["nap"]["runs"], found["reckon"]["runs"], found["swell"]["runs"]) == (4, 2, 3)
        assert found["nap"]["wall"] >= 0.8
        assert found["reckon"]["wall"] >= 0.6
        assert found["nap"]["failed"] == 0
        if pool == "gevent":
            assert found["nap"]["cpu"] is None
            return
        assert found["nap"]["cpu"] < 0.5 * found["nap"]["wall"]
        assert 0.6 <= found["reckon"]["cpu"] <= found["reckon"]["wall"] + 0.05
        assert found["nap"]["cpu"] < found["reckon"]["cpu"]
        if pool == "prefork":
            assert found["strict"]["failed"] == found["strict"]["runs"] == 1
            # What a run has in hand at its end is more or less than at the end before.
            assert found["swell"]["kept"] == pytest.approx(9 << 20, rel=0.01)
            assert found["swell"]["kept_per_run"] == pytest.approx(3 << 20, rel=0.01)
            assert found["swell"]["rss_steps"] >= 1
            assert max(found.values(), key=lambda task: task["kept"] or 0)["task"] == "swell"
        else:
            assert found["swell"]["kept"] is None
            assert found["swell"]["rss_steps"] is None


def test_what_only_the_cache_of_attributes_keeps_is_no_tasks(tmp_path: Path) -> None:
    """The names of one run of the first task come to 4 KiB, and what is sampled stays in that cache."""
    pytest.importorskip("leakhunt.hook.capture._fork")
    pytest.importorskip("leakhunt.engine._sampler")
    options = {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_START": "boot", "LEAKHUNT_INTERVAL": "64"}
    with harness.worker(tmp_path, "-P", "prefork", "-c", "1", **options) as worker:
        record = worker.hooked("child")[0]
        for _ in range(5):
            for _ in range(6):
                worker.do("names", 70)
            for _ in range(6):
                worker.do("leak", 4000)
        worker.dump(record)
        found = ledger(worker, record)
        assert found["names"]["kept_per_run"] < 1000
        low, high = found["leak"]["kept_per_run_ci95"]
        assert low < 4000 + 400
        assert high > 4000
