"""Light captures: nobody forks, the answer is the same, and the worker does not notice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakhunt.engine.choice import choose
from leakhunt.hook.process import vitals
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapshots import load
from tests.live import harness
from tests.live.test_births import conserved
from tests.live.test_capture_harmless import run
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not vitals.LINUX, reason="light captures are made on Linux"),
    pytest.mark.skipif(
        choose("sampled").name != "sampled", reason=f"no sampled engine: {choose('sampled').why}"
    ),
]

LIGHT = {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_INTERVAL": "2KiB", "LEAKHUNT_LIGHT": "always"}
EACH, RUNS = 4000, 240


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return harness.leakhunt(folder, *words, PYTHONPATH=str(ROOT), COLUMNS="100")


def fed(worker: harness.Worker, runs: int = RUNS) -> None:
    """Every second task keeps something."""
    for _ in range(runs // 10):
        results = [
            worker.send(name, *of)
            for _ in range(10)
            for name, of in (("leak", (EACH,)), ("pid", ()))
        ]
        for result in results:
            result.get(timeout=harness.PATIENCE, interval=0.02)


def lines_of(snapshot: Snapshot) -> dict[str, tuple[str | None, str | None]]:
    """The function and the recorded source of each line of the app that keeps something."""
    return {
        f"{Path(frame.file).name}:{frame.line}": (
            snapshot.spots[frame].function, snapshot.spots[frame].code,
        )
        for stack in snapshot.tallies
        for frame in stack
        if frame.file.endswith("shop.py") and frame in snapshot.spots
    }  # fmt: skip


def leaked(snapshot: Snapshot) -> tuple[int, int]:
    """Bytes and blocks below ``leak`` in the app."""
    size = count = 0
    for stack, tally in snapshot.tallies.items():
        functions = {snapshot.spots[f].function for f in stack if f in snapshot.spots}
        if "leak" in functions and any(f.file.endswith("shop.py") for f in stack):
            size, count = size + tally.size, count + tally.count
    return size, count


def test_a_leak_is_named_by_light_snapshots_alone(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", **LIGHT) as worker:
        child = worker.hooked("child")[0]
        fed(worker)
        before = harness.descriptors(child)
        light, _ = worker.dump(child)
        worker.until(lambda: not harness.children(child), "no process beside is left")
        assert harness.descriptors(child) == before
        done = command(tmp_path, "verdict", str(light), "--json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["verdict"] == "leak"
        first = document["findings"][0]
        assert Path(first["site"]["file"]).name == "shop.py"
        assert (first["site"]["function"], first["task"]) == ("leak", "leak")
        assert 0.7 * EACH <= first["bytes_per_run"] <= 1.4 * EACH
        said = " ".join(command(tmp_path, "verdict", str(light)).stdout.split())
        assert "a light snapshot" in said
        assert f"`leakhunt why {child['pid']}`" in said

        facts = harness.facts(light)
        assert facts["light"] is True
        assert facts["forked"] is False
        assert facts["walks"] == {"all": "left out: a light capture"}
        assert not {"heap", "retention", "holders", "garbage", "allocators"} & set(facts)
        assert facts["tasks_done"] == 2 * RUNS
        assert facts["tasks"]["leak"]["runs"] == RUNS
        assert 0 < facts["pause"] < facts["capture"]
        assert facts["rss"] > facts["uss"] > 1 << 20
        assert facts["threads"] >= 1
        assert facts["open_files"] == before
        assert facts["maps"]["anonymous"][0] > 0
        assert facts["versions"]["celery"]
        assert "subprocess" not in {row[0] for row in facts["resources"]}

        # The same process in full, at once: what both tell is the same.
        name = command(tmp_path, "why", str(child["pid"]), "--json")
        assert name.returncode == 0, name.stderr
        whole = worker.snapshots(child)[-1]
        assert whole != light
        known = harness.facts(whole)
        assert (known["light"], known["forked"]) == (False, True)
        assert known["heap"]["objects"] > 1000
        one, other = load.load(light), load.load(whole)
        conserved(one)
        assert lines_of(one).items() <= lines_of(other).items()
        assert lines_of(one)
        assert leaked(one) == leaked(other)  # by the same draws
        for key in (
            "prefixes",
            "versions",
            "platform",
            "implementation",
            "limits",
            "host",
            "ticks",
        ):
            assert facts[key] == known[key], key
        assert set(known) - set(facts) == {
            "heap", "retention", "counted", "handed", "holders", "garbage", "frozen", "allocators",
        }  # fmt: skip
        kinds = {name for told in one.facts.values() for name in told.types}
        assert "bytearray" in kinds
        assert one.told(max(one.tallies, key=lambda stack: one.tallies[stack].size)).births
        assert abs(_recycled(one) - _recycled(other)) <= 0.1 * _recycled(other)


def _recycled(snapshot: Snapshot) -> int:
    return sum(told.recycled for told in snapshot.facts.values())


def test_tasks_are_right_and_their_limits_fire_meanwhile(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", **LIGHT, LEAKHUNT_EVERY="5") as worker:
        child = worker.hooked("child")[0]
        results = [worker.send("reckon", 0.02) for _ in range(40)]
        for _ in range(10):
            os.kill(child["pid"], signal.SIGUSR1)
        assert all(each.get(timeout=harness.PATIENCE, interval=0.02) for each in results)
        limited = worker.send("limited", 1)
        worker.noted("limited")
        worker.dump(child)
        assert limited.get(timeout=harness.PATIENCE, interval=0.02) == 1
        worker.until(lambda: not harness.children(child), "no process beside is left")
        every = [harness.facts(path) for path in worker.snapshots(child)]
        assert {known["light"] for known in every} == {True}
        # Of a signal and a task that meet a capture under way, the first gives the next one its name.
        assert "tasks" in {known["trigger"] for known in every} <= {"tasks", "signal"}
        assert worker.do("pid") == child["pid"]


def test_one_that_is_killed_is_one_clear_problem(tmp_path: Path) -> None:
    """Held up where captures of a host take turns, so that it is found at work."""
    fcntl = pytest.importorskip("fcntl")
    with harness.worker(tmp_path, "-c", "1", **LIGHT) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        turns = sorted(worker.dir.glob("processes/.turn-*"))
        assert turns
        held = [path.open("rb") for path in turns]
        for file in held:
            fcntl.flock(file, fcntl.LOCK_EX)
        before = worker.current(child)["captures"]
        os.kill(child["pid"], signal.SIGUSR1)
        beside = worker.until(lambda: harness.children(child), "a process is beside")
        worker.until(lambda: _begun(beside[0]), "it has begun")
        beside[0].kill()
        worker.until(lambda: worker.current(child)["captures"] > before, "it is told")
        now = worker.current(child)
        assert now["problem"] == "no snapshot: its process was killed by signal 9"
        assert not harness.children(child)
        assert list(worker.dir.glob("*/.*.tmp")) == []
        for file in held:
            file.close()
        path, _ = worker.dump(child)
        assert harness.facts(path)["light"] is True
        assert worker.log.count("its process was killed by signal 9") == 1


def _begun(process: psutil.Process) -> bool:
    """Whether it is its own program and bound by its limits: then it waits for its turn."""
    try:
        return process.rlimit(psutil.RLIMIT_CORE)[0] == 0 and "leakhunt" in "".join(
            process.cmdline()
        )
    except psutil.Error:
        return False


def test_it_goes_on_when_the_process_has_ended(tmp_path: Path) -> None:
    """As a capture's child does: what it has been told is in the file."""
    fcntl = pytest.importorskip("fcntl")
    program = """
import os, signal
import leakhunt
leakhunt.install(start="boot")
kept = [bytes(1000) for _ in range(2000)]
print(leakhunt.dump(), flush=True)
input()
os.kill(os.getpid(), signal.SIGUSR1)
os._exit(0)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=harness.environment(tmp_path, **LIGHT), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        first = Path(process.stdout.readline().decode().strip())
        held = [path.open("rb") for path in (tmp_path / "snapshots").glob("processes/.turn-*")]
        for file in held:
            fcntl.flock(file, fcntl.LOCK_EX)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(harness.PATIENCE) == 0
    assert list(first.parent.glob("*.bin")) == [first]
    for file in held:
        file.close()
    last = harness.until(
        lambda: next((p for p in first.parent.glob("*.bin") if p != first), None), "it is written"
    )
    facts = harness.facts(last)
    assert (facts["trigger"], facts["light"]) == ("signal", True)
    snapshot = load.load(last)
    conserved(snapshot)
    assert sum(tally.size for tally in snapshot.tallies.values()) > 1_500_000
    harness.until(lambda: not list(first.parent.glob(".*.tmp")), "nothing half-written is left")


@pytest.mark.parametrize("hub", ["gevent", "eventlet"])
def test_under_green_threads(hub: str, tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-P", hub, "-c", "4", **LIGHT) as worker:
        record = worker.hooked("worker")[0]
        for _ in range(3):
            worker.do("leak", EACH)
            path, _ = worker.dump(record)
            assert harness.facts(path)["light"] is True
        worker.until(lambda: not harness.children(record), "no process beside is left")
        assert worker.do("pid") == record["pid"]


def test_where_no_python_can_be_started_it_forks_and_says_so_once(tmp_path: Path) -> None:
    program = """
        import sys
        import leakhunt
        leakhunt.install(start="boot")
        sys.executable = "/usr/bin/uwsgi"
        print(leakhunt.dump())
        print(leakhunt.dump())
    """
    printed = run(tmp_path, program, harness.HANGS, **LIGHT)
    assert [harness.facts(Path(path))["light"] for path in printed if path.endswith(".bin")] == [
        False, False,
    ]  # fmt: skip
    assert [line for line in printed if "captures fork" in line] == [
        "leakhunt: captures fork, which holds a large process up: /usr/bin/uwsgi is no Python by its name"
    ]


def test_one_that_cannot_start_is_made_by_a_fork(tmp_path: Path) -> None:
    """The interpreter on the disk has become another one, which does not know leakhunt."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o700)
    program = f"""
        import sys
        import leakhunt
        leakhunt.install(start="boot")
        sys.executable = {str(python)!r}
        print(leakhunt.dump())
        print(leakhunt.dump())
    """
    printed = run(tmp_path, program, harness.HANGS, **LIGHT)
    paths = [Path(path) for path in printed if path.endswith(".bin")]
    assert [harness.facts(path)["forked"] for path in paths] == [True, True]
    assert sum("captures fork" in line for line in printed) == 1


def test_the_exact_engine_forks_and_says_why(tmp_path: Path) -> None:
    program = """
        import leakhunt
        leakhunt.install(start="boot", engine="exact")
        print(leakhunt.dump())
        print(leakhunt.dump())
    """
    printed = run(tmp_path, program, LEAKHUNT_LIGHT="always")
    assert harness.facts(Path(printed[-1]))["light"] is False
    assert sum("the exact engine gives no copy" in line for line in printed) == 1


def test_a_small_process_forks_as_ever(tmp_path: Path) -> None:
    program = """
        import leakhunt
        leakhunt.install(start="boot")
        for _ in range(3):
            print(leakhunt.dump())
    """
    printed = run(tmp_path, program, LEAKHUNT_ENGINE="sampled")
    told = [harness.facts(Path(path)) for path in printed if path.endswith(".bin")]
    assert [facts["light"] for facts in told] == [False] * 3


def test_a_large_process_answers_light_at_once_and_in_full_when_it_can_afford_that(
    tmp_path: Path,
) -> None:
    program = """
        import glob, os, time
        import leakhunt
        leakhunt.install(start="boot")
        heap = bytearray(700 << 20)
        for at in range(0, len(heap), 4096):
            heap[at] = 1
        first = leakhunt.dump()
        print(first)
        while len(glob.glob(os.path.dirname(first) + "/*.bin")) < 2:
            time.sleep(0.01)
    """
    first = Path(run(tmp_path, program, LEAKHUNT_ENGINE="sampled")[-1])
    told = [harness.facts(path) for path in sorted(first.parent.glob("*.bin"))]
    assert [(facts["light"], facts["trigger"]) for facts in told] == [
        (True, "code"), (False, "code"),
    ]  # fmt: skip
    assert told[0]["uss"] > 700 << 20
    assert told[1]["heap"] is not None


def test_no_other_process_gets_its_memory(tmp_path: Path) -> None:
    """Whatever a task starts meanwhile has none of its descriptors."""
    program = """
        import os, subprocess, sys
        import leakhunt
        leakhunt.install(start="boot")
        from leakhunt.hook.capture import light
        seen = []
        spawn = light.posix.posix_spawn
        def spy(*args, **kwargs):
            seen.append(subprocess.run(["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout)
            return spawn(*args, **kwargs)
        light.posix.posix_spawn = spy
        print(leakhunt.dump())
        assert len(seen) == 1, seen
        print("memfd" in seen[0], "leakhunt" in seen[0])
    """
    assert run(tmp_path, program, harness.HANGS, **LIGHT)[-1] == "False False"


def test_nothing_is_imported_in_the_worker_for_it(tmp_path: Path) -> None:
    program = """
        import sys
        import leakhunt
        leakhunt.install(start="boot")
        before = set(sys.modules)
        leakhunt.dump()
        print(sorted(set(sys.modules) - before))
        print("leakhunt.hook.capture.apart" in sys.modules)
    """
    assert run(tmp_path, program, harness.HANGS, **LIGHT)[-2:] == ["[]", "False"]
