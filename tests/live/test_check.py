"""``leakhunt check`` for real: each target of ``apps/gated.py`` gets the verdict that is true of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live.harness import APPS, console

pytestmark = pytest.mark.live

#: A busy machine must not make an answer unsure: what is right is not a matter of time here.
LONG = ("--at-most", "5min")


def check(target: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(APPS), str(Path(__file__).parents[2])])
    place = {k: v for k, v in os.environ.items() if not k.startswith(("COLUMNS", "NO_COLOR"))}
    return console("check", target, *options, env={**place, "PYTHONPATH": path, **environment})


def document(target: str, *options: str) -> tuple[int, dict[str, Any]]:
    done = check(target, "--json", *LONG, *options)
    assert done.returncode in (0, 3, 4), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["schema"] == "leakhunt/check@1"
    assert found["target"] == target
    return done.returncode, found


def marked(name: str, function: str) -> int:
    """The marked line of a function."""
    lines = (APPS / name).read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"def {function}("))
    return 1 + next(n for n in range(start, len(lines)) if lines[n].endswith("# LEAK"))


def test_a_leak_is_named_and_its_snapshots_are_kept_where_somebody_wants_them(
    tmp_path: Path,
) -> None:
    """With its line, its rate and its holder."""
    folder = tmp_path / "looks"
    status, found = document("gated:leaks", "--dir", str(folder))
    assert (status, found["verdict"]) == (3, "leak")
    first = found["findings"][0]
    assert first["site"]["line"] == marked("gated.py", "leaks")
    assert first["site"]["function"] == "leaks"
    assert first["sure"]
    assert 1000 < found["bytes_per_run"] < 1200
    low, high = found["ci95"]
    assert low <= found["bytes_per_run"] <= high
    assert first["holder"]["type"] == "list"
    assert first["advice"]["fix"]
    assert found["runs"] > found["warm_up"] > 0
    place = {**os.environ, "LEAKHUNT_DIR": str(tmp_path)}
    trend = console("trend", str(folder), "--json", env=place)
    assert json.loads(trend.stdout)["verdict"] == "leak", trend.stderr


@pytest.mark.parametrize("target", ["unbounded", "sometimes", "in_a_loop"])
def test_what_leaks_fails(target: str) -> None:
    assert document(f"gated:{target}")[0] == 3


@pytest.mark.parametrize(
    "target", ["healthy", "bounded", "turns_over", "desk", "in_cycles", "imports", "forks"]
)
def test_what_keeps_nothing_passes(target: str) -> None:
    status, found = document(f"gated:{target}")
    assert (status, found["verdict"]) == (0, "no-leak")
    assert found["ci95"][1] <= found["max_bytes_per_run"] == 12
    assert not [finding for finding in found["findings"] if finding["sure"]]


def test_with_samples_a_leak_is_found_too() -> None:
    assert document("gated:unbounded", "--engine", "sampled")[0] == 3


def test_arguments_come_from_a_function_or_a_file(tmp_path: Path) -> None:
    assert document("gated:leaks_with", "--args", "gated:orders")[0] == 3
    lines = tmp_path / "orders.jsonl"
    lines.write_text('[1, 2]\n\n{"order": 3}\n"four"\n')
    assert document("gated:leaks_with", "--args", str(lines))[0] == 3


def test_what_may_be_kept_is_not_called_a_leak() -> None:
    assert document("gated:leaks", "--max-bytes-per-run", "4KiB")[0] == 0


def test_memory_outside_python_counts_where_somebody_asks() -> None:
    assert document("gated:native")[0] == 0
    status, found = document("gated:native", "--native")
    assert status == 3
    assert found["native"]["leaks"]
    assert 3000 < found["native"]["bytes_per_run"] < 5000
    assert found["account"]["cause"] == "native"
    assert "of it is outside Python" in found["account"]["sentence"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gated:raises", 'raise ValueError("no such order")'),
        ("gated:raises_later", "it raised ValueError: no such order"),
        ("gated:leaves", "SystemExit('enough')"),
        ("gated:ends", "ended by itself with status 9, in its first run"),
        ("gated:NOT_CALLABLE", "of type int, which cannot be called"),
        ("gated:nothing_there", "gated has no 'nothing_there'"),
        ("no.such.module:x", "cannot import no.such.module"),
        ("gated", "is no MODULE:CALLABLE"),
        ("gated:leaks_with", "missing 1 required positional argument"),
    ],
)
def test_what_cannot_be_run_says_why(target: str, said: str) -> None:
    done = check(target)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "leakhunt/gate" not in done.stderr


def test_what_a_target_printed_is_told_where_it_ends_without_a_word() -> None:
    assert "the end is near" in check("gated:ends").stderr


def test_a_target_that_hangs_is_ended_in_time() -> None:
    done = check("gated:hangs", "--at-most", "1s")
    assert done.returncode == 4
    assert "has not come back from its first run in 1.0 s" in done.stdout


def test_too_few_runs_are_not_sure_and_say_so() -> None:
    done = check("gated:sometimes", "--runs", "12", *LONG)
    assert done.returncode == 4
    assert done.stdout.startswith("Not sure:")
    assert "more runs would tell" in done.stdout


def test_a_baseline_lets_pass_what_it_knows_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "leaks.json"
    known = ("--baseline", str(file))
    written = check("gated:leaks", *known, "--update-baseline", *LONG)
    assert written.returncode == 0, written.stderr
    again = check("gated:leaks", *known, *LONG)
    assert again.returncode == 0, again.stdout
    assert "the baseline knows" in again.stdout
    content = json.loads(file.read_text())
    content["checks"]["gated:leaks"][0].update(line=7, bytes_per_run=500.0, ci95=[499.0, 501.0])
    file.write_text(json.dumps(content))
    worse = check("gated:leaks", *known, *LONG)
    assert worse.returncode == 3
    assert "500 B in the baseline" in worse.stdout
    file.write_text(file.read_text().replace("gated:leaks", "gated:healthy"))
    better = check("gated:healthy", *known, *LONG)
    assert better.returncode == 0
    assert "improved:" in better.stdout


@pytest.mark.parametrize("way", [(), ("--eager",)])
def test_a_celery_task_runs_in_a_worker_or_eagerly(way: tuple[str, ...]) -> None:
    status, found = document("gated_tasks:keeps", *way)
    assert status == 3
    assert found["findings"][0]["site"]["line"] == marked("gated_tasks.py", "keeps")
    low, high = found["ci95"]
    assert low < 2500
    assert high > 1500


@pytest.mark.parametrize("way", [(), ("--eager",)])
def test_a_celery_task_is_called_as_it_says(way: tuple[str, ...], tmp_path: Path) -> None:
    """A task of a module is a promise of one until somebody looks at it: it was called as a function."""
    (tmp_path / "asks.jsonl").write_text(json.dumps({"eager": bool(way)}) + "\n")
    done = check("gated_tasks:asks", "--args", str(tmp_path / "asks.jsonl"), "--runs", "5", *way)
    assert done.returncode in (0, 4), done.stderr
    assert "5 runs" in done.stdout


@pytest.mark.parametrize("name", ["retries", "sends"])
def test_what_a_celery_task_sends_stays_on_the_broker_of_files(name: str) -> None:
    """The worker's thread had another app: its tasks were copies, and a retry went to a broker on this machine's port 5672.

    A run that is tried again is one run, and nobody waits for its countdown.
    """
    done = check(f"gated_tasks:{name}", "--runs", "5")
    assert done.returncode in (0, 4), done.stderr
    assert "5 runs" in done.stdout


@pytest.mark.parametrize("way", [("--max-bytes-per-run", "200"), ("--eager",)])
def test_a_healthy_celery_task_passes(way: tuple[str, ...]) -> None:
    """What Celery does for each message in a worker is a hundred times what the task does."""
    assert document("gated_tasks:adds", *way)[0] == 0


@pytest.mark.parametrize("way", [(), ("--eager",)])
def test_a_celery_task_that_fails_says_so(way: tuple[str, ...]) -> None:
    done = check("gated_tasks:fails", *way)
    assert done.returncode == 2
    assert "ValueError: no such order" in done.stderr
