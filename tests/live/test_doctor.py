"""``leakhunt doctor``: an app with everything wrong, one with everything right, running workers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness

pytestmark = pytest.mark.live

WRONG = """
from celery import Celery
app = Celery("wrong", broker="redis://:hunter2@localhost:1/0", backend="redis://:hunter2@localhost:1/1")
app.conf.update(
    worker_pool="threads", worker_max_tasks_per_child=100, worker_prefetch_multiplier=0,
    task_acks_late=True, task_reject_on_worker_lost=True, result_expires=None,
    worker_send_task_events=True, task_send_sent_event=True,
)
"""
RIGHT = """
from celery import Celery
app = Celery("right", broker="redis://localhost:1/0", backend="redis://localhost:1/1")
app.conf.update(
    worker_concurrency=2, worker_max_tasks_per_child=1000, task_ignore_result=True, task_acks_late=True,
)
"""


def doctor(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    place = {**os.environ, "PYTHONPATH": str(harness.APPS), **variables}
    return harness.console("doctor", *arguments, env=place, cwd=folder)


def rules(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    document = json.loads(done.stdout)
    assert document["schema"] == "leakhunt/doctor@1"
    return {finding["rule"]: finding for finding in document["findings"]}


def test_an_app_with_everything_wrong(tmp_path: Path) -> None:
    (tmp_path / "doctors_wrong.py").write_text(WRONG)
    done = doctor(tmp_path, "-A", "doctors_wrong", "--check", "--json")
    assert done.returncode == 3, done.stderr
    assert "hunter2" not in done.stdout
    found = {name: each for name, each in rules(done).items() if not name.startswith("huge-pages")}
    assert set(found) == {
        "recycling-inert", "prefetch-unlimited", "poison-tasks", "results-for-ever", "events-on",
    }  # fmt: skip
    assert found["recycling-inert"]["fix"] == {"setting": "worker_pool", "value": "prefork"}
    assert found["poison-tasks"]["severity"] == "serious"
    assert found["results-for-ever"]["fix"] == {"setting": "result_expires", "value": 86400}
    assert all(each["source"].startswith("https://") for each in found.values())
    shown = doctor(tmp_path, "-A", "doctors_wrong")
    assert shown.returncode == 0
    assert "-> worker_prefetch_multiplier = 4" in shown.stdout


def test_an_app_with_everything_right(tmp_path: Path) -> None:
    (tmp_path / "doctors_right.py").write_text(RIGHT)
    done = doctor(tmp_path, "-A", "doctors_right", "--check", "--json")
    assert done.returncode == 0, done.stdout
    assert set(rules(done)) <= {"huge-pages"}  # the machine's, not the app's


def test_an_app_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "doctors_broken.py").write_text("raise RuntimeError('no such luck')")
    done = doctor(tmp_path, "-A", "doctors_broken")
    assert done.returncode == 2
    assert "RuntimeError: no such luck" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_running_worker_whose_growth_is_measured(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1") as worker:
        child = worker.hooked("child")[0]
        worker.do("leak", 1000)
        worker.dump(child)
        for _ in range(60):
            worker.do("swell", 1 << 20)
        worker.dump(child)
        main = str(worker.process.pid)
        done = doctor(
            tmp_path, "-A", "shop", main, "--json", "--check",
            LEAKHUNT_DIR=str(worker.dir), SHOP_FOLDER=str(tmp_path),
        )  # fmt: skip
        assert done.returncode == 3, done.stderr
        due = rules(done)["recycling-due"]
        assert due["severity"] == "serious"
        assert "nothing replaces it" in due["what"]
        place = {**os.environ, "LEAKHUNT_DIR": str(worker.dir)}
        seen = harness.console("ps", "--json", main, env=place)
        assert seen.returncode == 0, seen.stderr
        document = json.loads(seen.stdout)
        row = next(row for row in document["processes"] if row["role"] == "child")
        # Some pages may have been there before, and the last task may be counted after the signal.
        assert row["growth"]["per_task"] >= 0.9 * (1 << 20)
        limit = min(filter(None, (row["limit"], document["machine"]["memory"])))
        expected = (0.8 * limit - row["uss"]) / row["growth"]["per_task"]
        assert due["fix"]["setting"] == "worker_max_tasks_per_child"
        assert due["fix"]["value"] == pytest.approx(expected, rel=0.05)


def test_a_running_worker_whose_command_line_is_inert(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-P", "threads", "-c", "2", "--max-tasks-per-child", "5"
    ) as worker:
        worker.hooked("worker")
        done = doctor(tmp_path, str(worker.process.pid), "--json", LEAKHUNT_DIR=str(worker.dir))
        found = rules(done)
        assert "recycling-inert" in found
        assert "not-hooked" not in found
