"""``leakhunt watch --prometheus`` scraped by a real Prometheus, and its text file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness
from tests.support.places import ROOT

pytestmark = pytest.mark.live

pytest.importorskip("prometheus_client", reason="an extra: pip install 'leakhunt[prometheus]'")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def watching(worker: harness.Worker, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    watcher = subprocess.Popen(
        [sys.executable, "-m", "leakhunt", "watch", str(worker.process.pid), "--interval", "0.3s", *arguments],
        env={**os.environ, "LEAKHUNT_DIR": str(worker.dir)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield watcher
        watcher.send_signal(signal.SIGINT)
        _, said = watcher.communicate(timeout=harness.PATIENCE)
        assert watcher.returncode == 0, said
    finally:
        watcher.kill()
        watcher.wait()


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """A real one that scrapes that target; its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    rules = ROOT / "fixtures" / "prometheus"
    settings = (rules / "prometheus.yml").read_text()
    assert "scrape_interval: 15s" in settings
    assert "localhost:9898" in settings
    settings = settings.replace("scrape_interval: 15s", "scrape_interval: 1s").replace(
        "localhost:9898", target
    )
    (folder / "prometheus.yml").write_text(settings)
    shutil.copy(rules / "alerts.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
             f"--web.listen-address={address}", "--log.level=error"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield address
    finally:
        server.kill()
        server.wait()


def asked(address: str, query: str) -> list[dict[str, Any]]:
    """What Prometheus answers now; nothing while it is not there yet."""
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=10) as reply:
        found: list[dict[str, Any]] = json.load(reply)["data"]["result"]
        return found
    return []


def test_a_real_prometheus_scrapes_and_series_end_with_their_process(tmp_path: Path) -> None:
    target = f"127.0.0.1:{free_port()}"
    worker_folder = tmp_path / "worker"
    with (
        harness.worker(
            worker_folder, "-c", "1", "-n", "w@h", "--max-tasks-per-child", "3"
        ) as worker,
        watching(worker, "--prometheus", target),
        prometheus(tmp_path, target) as address,
    ):
        first = worker.hooked("child")[0]["pid"]
        who = f'{{node="w@h",pid="{first}"'

        def value(query: str) -> float | None:
            found = asked(address, query)
            return float(found[0]["value"][1]) if found else None

        worker.until(
            lambda: (value(f'celery_worker_memory_bytes{who},kind="rss"}}') or 0) > 1 << 20,
            "its memory is scraped",
        )
        memory = {
            each["metric"]["kind"]: float(each["value"][1])
            for each in asked(address, f"celery_worker_memory_bytes{who}}}")
        }
        assert memory["rss"] >= memory["pss"] >= memory["uss"] > 0
        assert (value(f"celery_worker_open_files{who}}}") or 0) > 3
        restarts = 'celery_worker_restarts_total{node="w@h",role="child"}'
        worker.until(lambda: value(restarts) == 0, "none is replaced yet, which is said")
        worker.do("leak", 10)
        worker.until(lambda: value(f"celery_worker_tasks_total{who}}}") == 1, "its task is counted")
        worker.do("leak", 10)
        worker.do("leak", 10)  # its last one
        worker.until(
            lambda: value(restarts) == 1,
            "its replacement is counted",
        )
        worker.until(
            lambda: asked(address, f"celery_worker_memory_bytes{who}}}") == [], "its series end"
        )
        second = worker.until(
            lambda: [
                r["pid"] for r in worker.records() if r["role"] == "child" and r["pid"] != first
            ],
            "the next child is hooked",
        )[0]
        worker.until(
            lambda: asked(address, f'celery_worker_memory_bytes{{pid="{second}"}}'), "it has series"
        )
        with urllib.request.urlopen(
            f"http://{address}/api/v1/rules", timeout=harness.PATIENCE
        ) as reply:
            rules = json.load(reply)
        assert {rule["health"] for group in rules["data"]["groups"] for rule in group["rules"]} <= {
            "ok", "unknown",
        }  # fmt: skip


def test_every_query_of_the_dashboard_has_an_answer(tmp_path: Path) -> None:
    """Of a worker with tasks, a limit and a snapshot, as Prometheus has scraped it."""
    target = f"127.0.0.1:{free_port()}"
    board = json.loads((ROOT / "fixtures" / "prometheus" / "dashboard.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    with (
        harness.worker(tmp_path / "worker", "-c", "1", "-n", "w@h") as worker,
        watching(worker, "--prometheus", target, "--limit", "4GiB"),
        prometheus(tmp_path, target) as address,
    ):
        child = worker.hooked("child")[0]
        worker.do("leak", 1000)
        worker.dump(child)
        silent = set(queries)

        def every() -> bool:
            worker.do("leak", 5_000)  # surely grows, so that there is a time until the limit
            silent.difference_update(
                query for query in [*silent] if asked(address, query.replace("$node", "w@h"))
            )
            return not silent

        worker.until(every, f"answers to {silent}")


def test_the_text_file_is_whole_at_every_moment_and_has_the_verdict(tmp_path: Path) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    file = tmp_path / "celery.prom"
    with harness.worker(tmp_path, "-c", "1") as worker:
        child = worker.hooked("child")[0]
        worker.do("leak", 1000)
        worker.dump(child)
        worker.do("leak", 1000)
        worker.dump(child)

        def verdicts() -> set[str]:
            if not file.exists():
                return set()
            content = file.read_text()
            assert content.endswith("\n")
            found = set()
            for family in text_string_to_metric_families(content):
                for sample in family.samples:
                    mine = sample.labels.get("pid") == str(child["pid"])
                    if sample.name == "celery_worker_verdict" and mine and sample.value:
                        found.add(sample.labels["celery_worker_verdict"])
            return found

        with watching(worker, "--textfile", str(file)):
            found = worker.until(verdicts, "the snapshots are judged")
        assert len(found) == 1
        assert file.stat().st_mode & 0o777 == 0o644
        assert [path.name for path in tmp_path.glob(".celery.prom*")] == []


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "leakhunt", "watch", "--once", "--prometheus", f"127.0.0.1:{taken.getsockname()[1]}"],
            capture_output=True, text=True, timeout=harness.HANGS, check=False,
            env={**os.environ, "LEAKHUNT_DIR": str(tmp_path)},
        )  # fmt: skip
    assert done.returncode == 2
    assert "--prometheus 127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
