"""One signal, one verdict: a worker is asked once, and answers with the line, the rate and the task."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from leakhunt.engine.choice import choose
from tests.live import harness
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        choose("sampled").name != "sampled", reason=f"no sampled engine: {choose('sampled').why}"
    ),
]

#: Bytes that one run of ``leak`` keeps, without the head of a bytearray.
EACH = 4000
RUNS = 240
FINE = {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_INTERVAL": "2KiB"}


def verdict(worker: harness.Worker, *words: str) -> subprocess.CompletedProcess[str]:
    return harness.leakhunt(worker.folder, "verdict", *words, PYTHONPATH=str(ROOT), COLUMNS="100")


def test_a_pid_is_enough(tmp_path: Path) -> None:
    """The child is asked by the command; every second task keeps something, by a name of its own."""
    with harness.worker(tmp_path, "-c", "1", **FINE) as worker:
        child = worker.hooked("child")[0]
        results = []
        for _ in range(RUNS // 10):
            results += [
                worker.send(name, *of)
                for _ in range(10)
                for name, of in (("leak", (EACH,)), ("pid", ()))
            ]
            results = [
                each
                for each in results
                if each.get(timeout=harness.PATIENCE, interval=0.02) is None
            ]
        done = verdict(worker, str(child["pid"]), "--json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["schema"] == "leakhunt/verdict@1"
        assert document["verdict"] == "leak"
        assert [each["path"] for each in document["series"]]
        first = document["findings"][0]
        assert first["verdict"] == "leak"
        assert Path(first["site"]["file"]).name == "shop.py"
        assert first["site"]["function"] == "leak"
        assert first["task"] == "leak"
        # 240 events at 2 KiB each: within five standard errors, of 6 per cent.
        assert 0.7 * EACH <= first["bytes_per_run"] <= 1.4 * EACH
        assert first["since"]["unit"] < RUNS / 2
        assert len(first["born"]["edges"]) == len(first["born"]["bytes"]) + 1
        above = verdict(worker, str(child["pid"]), "--fail-above", "1KiB")
        assert above.returncode == 3
        assert above.stdout.startswith("Leak: +")
        assert "shop.py" in above.stdout
        assert verdict(worker, "1").returncode == 2  # a process that carries no hook


def test_one_signal_tells_that_python_does_not_explain_it(tmp_path: Path) -> None:
    """A library that keeps 64 KiB a task of malloc's: the process has taken note of its size all along."""
    with harness.worker(tmp_path, "-c", "1", **FINE) as worker:
        child = worker.hooked("child")[0]
        for _ in range(30):
            results = [worker.send("native", 64 << 10) for _ in range(10)]
            for each in results:
                each.get(timeout=harness.PATIENCE, interval=0.02)
        done = verdict(worker, str(child["pid"]), "--json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["verdict"] == "unexplained"
        assert document["rss"]["last"] - document["rss"]["first"] > 300 * (64 << 10) * 0.8
        assert 0.8 * (64 << 10) < document["rss"]["per_unit"] < 1.3 * (64 << 10)
        text = verdict(worker, str(child["pid"])).stdout
        assert text.startswith("Unexplained: RSS grows by ")
        assert "native memory, held by an extension or a library" in " ".join(text.split())
