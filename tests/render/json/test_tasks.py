"""``leakhunt tasks`` as JSON."""

from __future__ import annotations

import json

from leakhunt.model.meta import Meta
from leakhunt.render.json.tasks import tasks
from leakhunt.report import tasks as reports


def test_a_task_has_what_the_contract_names() -> None:
    ledger = {"shop.take": {"runs": 10, "kept": 4000, "kept_runs": 8}}
    meta = Meta(host="h", pid=1, started_at=1.0, sequence=1, facts={"tasks": ledger})
    document = json.loads(tasks(reports.tasks([("1.bin", meta)])))
    assert (document["schema"], document["snapshots"]) == ("leakhunt/tasks@1", ["1.bin"])
    (task,) = document["tasks"]
    assert {"task", "runs", "failed", "wall", "cpu", "kept", "kept_per_run", "rss_steps"} <= set(
        task
    )
    assert (task["task"], task["kept_per_run"], task["failed"]) == ("shop.take", 500.0, None)
