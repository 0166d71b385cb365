"""``leakhunt ps`` on real processes: trees, orphans, detached workers, other users, sixty at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakhunt.live import orphans, tree
from leakhunt.model.process import Process
from leakhunt.report import ps as report
from tests.live import harness
from tests.support.places import ROOT
from tests.support.programs import waiting

pytestmark = pytest.mark.live

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def under(main: int, found: list[Process]) -> list[Process]:
    """Of these, that worker's own."""
    return [process for process in found if main in (process.pid, process.parent)]


def look(worker: harness.Worker) -> list[Process]:
    return tree.celery_processes(worker.dir)


def leakhunt(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return harness.console(*arguments, env={**os.environ, **variables})


def test_a_worker_with_four_children(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "4", "-n", "four@%h", "-Q", "celery") as worker:
        worker.hooked("child", 4)
        main = worker.hooked("main")[0]["pid"]
        worker.do("leak", 1000)
        done = leakhunt("ps", "--json", str(main), LEAKHUNT_DIR=str(worker.dir))
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["schema"] == "leakhunt/ps@1"
        rows = found["processes"]
        assert [row["role"] for row in rows] == ["main", "child", "child", "child", "child"]
        for row in rows:
            assert row["node"].startswith("four@")
            assert (row["app"], row["pool"], row["concurrency"]) == ("shop", "prefork", "4")
            assert row["queues"] == "celery"
            assert row["hooked"] is True
            assert row["signal"] == "heard"
            assert row["engine"] == harness.engine()
            assert row["rss"] >= row["pss"] >= row["uss"] > 0
            assert row["open_files"] > row["sockets"] >= 0
        assert found["totals"]["pss"] == sum(row["pss"] for row in rows)
        assert found["totals"]["rss"] == sum(row["rss"] for row in rows)
        assert found["totals"]["pss"] < found["totals"]["rss"]
        children = [row for row in rows if row["role"] == "child"]
        assert {row["parent"] for row in children} == {main}

        def booked() -> bool:  # the result is out before the task is
            now = under(main, look(worker))
            return sum(p.pulse.done for p in now if p.pulse is not None) == 1

        worker.until(booked, "the pulse counts the task")


@LINUX
def test_a_capture_of_the_main_process_is_no_child_of_the_pool(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "2", "-B", SHOP_SLOW="20") as worker:
        worker.hooked("child", 2)
        main = worker.hooked("main")[0]
        before = {each.pid for each in psutil.Process(main["pid"]).children()}
        os.kill(main["pid"], signal.SIGUSR1)
        captures = worker.until(
            lambda: [
                each for each in psutil.Process(main["pid"]).children() if each.pid not in before
            ],
            "the capture's process",
        )
        worker.until(lambda: list(Path(main["series"]).glob(".*.tmp")), "it writes")
        found = under(main["pid"], look(worker))
        assert [each.pid for each in found if each.is_copy] == [captures[0].pid]
        roles = {process.pid: process.role for process in found}
        assert roles.pop(captures[0].pid) == "fork"
        assert sorted(roles.values()) == ["beat", "child", "child", "main"]


def test_growth_and_what_runs(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1") as worker:
        child = worker.hooked("child")[0]
        worker.do("leak", 1000)
        worker.dump(child)
        for _ in range(4):
            worker.do("swell", 4 << 20)
        worker.dump(child)
        asleep = worker.send("asleep")
        worker.noted("asleep")
        done = leakhunt("ps", "--json", str(child["pid"]), LEAKHUNT_DIR=str(worker.dir))
        (row,) = json.loads(done.stdout)["processes"]
        assert row["running"]["task"] == "asleep"
        assert row["running"]["tasks"] == 1
        assert row["running"]["since"] <= time.time()
        assert row["growth"]["snapshots"] == 2
        # A task is counted once it is over, and its result is there before: a signal may come
        # between the two, at either end.
        assert 3 <= row["growth"]["tasks"] <= 5
        assert row["growth"]["rss"] >= 15 << 20
        assert row["growth"]["per_task"] == row["growth"]["rss"] / row["growth"]["tasks"]
        (tmp_path / "released").touch()
        assert asleep.get(timeout=harness.PATIENCE) == "woke up"


@LINUX
def test_without_the_hook(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "2", "-B", hook=False) as worker:
        main = worker.process.pid

        def complete() -> list[Process] | None:
            found = under(main, look(worker))
            roles = sorted(process.role for process in found)
            heard = {process.signal for process in found if process.role == "child"}
            whole = roles == ["beat", "child", "child", "main"] and heard == {"taken"}
            return found if whole else None

        found = worker.until(complete, "two children, which take the signal, and the scheduler")
        assert not any(process.hooked for process in found)
        assert all(process.pulse is None for process in found)
        made = report.ps(found, tree.machine())
        assert [row.depth for row in made.rows] == [0, 1, 1, 1]
        assert not [problem for row in made.rows for problem in row.problems]


@LINUX
@pytest.mark.parametrize("hook", [True, False])
def test_orphans_are_found_and_reaped(hook: bool, tmp_path: Path) -> None:
    worker = harness.Worker(tmp_path, "-c", "3", hook=hook, SHOP_ORPHANS="1")
    try:
        worker.ready()
        worker.until(
            lambda: sum(p.role == "child" for p in under(worker.process.pid, look(worker))) == 3,
            "three children",
        )
        worker.send("nap", 300)
        worker.noted("nap")
        worker.send("stubborn", 300)
        worker.noted("stubborn")
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        busy = harness.until(
            lambda: found if len(found := adopted(worker)) == 2 else None,
            "the idle child has ended with its pipe, the two busy ones are orphans",
        )
        made = report.ps(busy, tree.machine())
        for row in made.rows:
            (problem,) = row.problems
            assert problem.code == "orphan"
            assert problem.todo == "leakhunt ps --reap"

        refused = leakhunt("ps", "--reap", *pids(busy), LEAKHUNT_DIR=str(worker.dir))
        assert refused.returncode == 2
        assert "--yes" in refused.stderr
        assert all(psutil.pid_exists(process.pid) for process in busy)

        done = leakhunt(
            "ps", "--reap", "--yes", "--patience", "1s", *pids(busy), LEAKHUNT_DIR=str(worker.dir)
        )
        assert done.returncode == 0, done.stderr
        assert sorted(line.partition(" ")[2] for line in done.stdout.splitlines()) == [
            "ended by SIGKILL",
            "ended by SIGTERM",
        ]
        harness.until(lambda: not adopted(worker), "no orphan is left")
    finally:
        for process in adopted(worker):
            os.kill(process.pid, signal.SIGKILL)
        worker.kill()


@LINUX
def test_children_of_a_program_that_starts_a_worker_in_itself_are_no_orphans(
    tmp_path: Path,
) -> None:
    """No command line there is Celery's, and `--reap` would end what is at work."""
    program = tmp_path / "service.py"
    program.write_text("import sys, shop\nshop.app.worker_main(sys.argv[1:])\n")
    with harness.worker(tmp_path, "-c", "2", program=[str(program)]) as worker:
        worker.hooked("child", 2)
        found = under(worker.process.pid, look(worker))
        assert sorted(process.role for process in found) == ["child", "child", "main"]
        done = leakhunt("ps", "--reap", "--yes", *pids(found), LEAKHUNT_DIR=str(worker.dir))
        assert (done.returncode, done.stdout) == (0, "")


def pids(found: list[Process]) -> list[str]:
    return [str(process.pid) for process in found]


def adopted(worker: harness.Worker) -> list[Process]:
    """Orphans of that worker: they are in its session."""
    found = orphans.orphans(look(worker))
    mine = []
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == worker.process.pid:
                mine.append(process)
    return mine


@contextlib.contextmanager
def launched(folder: Path, *arguments: str, pidfiles: int = 1) -> Iterator[list[int]]:
    """Workers that daemonize themselves: the pids they write."""
    for name in ("queue", "outbox", "results", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "celery", *arguments],
        cwd=folder,
        env=harness.environment(folder),
        check=True,
        timeout=harness.PATIENCE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    found: list[int] = []

    def written() -> bool:
        found[:] = [int(text) for p in folder.glob("*.pid") if (text := p.read_text().strip())]
        return len(found) == pidfiles

    try:
        harness.until(written, "the pid files are written")
        yield found
    finally:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        harness.until(lambda: not any(psutil.pid_exists(pid) for pid in found), "they have ended")


@LINUX
def test_detached_workers_are_no_orphans(tmp_path: Path) -> None:
    with launched(
        tmp_path, "-A", "shop", "worker", "--detach", "-c", "2", "-n", "away@%h",
        "--pidfile", "away.pid", "--logfile", "away.log",
    ) as (pid,):  # fmt: skip
        found = harness.until(
            lambda: own if len(own := under(pid, tree.celery_processes(tmp_path))) == 3 else None,
            "main and two children",
        )
        roles = {process.pid: process.role for process in found}
        assert roles.pop(pid) == "main"
        assert set(roles.values()) == {"child"}
        detached = next(process for process in found if process.pid == pid)
        assert psutil.Process(detached.parent).pid != os.getpid()
        assert next(iter(orphans.reap([detached], tmp_path, 1.0))).how == "refused"
        assert psutil.pid_exists(pid)


@LINUX
def test_celery_multi(tmp_path: Path) -> None:
    with launched(
        tmp_path, "multi", "start", "2", "-A", "shop", "-c", "1", "--pidfile=%n.pid",
        "--logfile=%n%I.log", pidfiles=2,
    ) as mains:  # fmt: skip

        def complete() -> list[Process] | None:
            found = [p for pid in mains for p in under(pid, tree.celery_processes(tmp_path))]
            return found if len(found) == 4 else None

        found = harness.until(complete, "two workers with a child each")
        assert sorted(process.role for process in found) == ["child", "child", "main", "main"]
        nodes = {p.celery.node.partition("@")[0] for p in found if p.celery and p.celery.node}
        assert nodes == {"celery1", "celery2"}


@LINUX
def test_sixty_processes(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "59", LEAKHUNT_ENGINE="off", SHOP_SHARED_MIB="32"
    ) as worker:
        worker.hooked("child", 59)

        def complete() -> list[Process] | None:
            """On a busy machine the pool replaces a child that is slow to come up."""
            found = under(worker.process.pid, look(worker))
            return found if len(found) == 60 else None

        found = harness.until(complete, "sixty processes")
        made = report.ps(found, tree.machine())
        assert made.pss == sum(process.memory.pss or 0 for process in found)
        assert made.pss < made.rss / 2  # fifty-nine times the same pages
        assert all(process.pulse is not None for process in found if process.role == "child")


ANOTHER_USER = """
import json, os, sys
from pathlib import Path
from leakhunt.live import orphans, tree
import pwd, encodings.idna, psutil
from leakhunt.report import ps as report
os.setgroups([]); os.setgid(65534); os.setuid(65534)
pid = int(sys.argv[1])
found = [p for p in tree.celery_processes(Path("/nonexistent")) if pid in (p.pid, p.parent)]
made = report.ps(found, tree.machine())
from dataclasses import replace
ended = [list(o)[1:] for o in orphans.reap([replace(p, role="orphan") for p in found], Path("/x"), 0.1)]
print(json.dumps({
    "roles": [p.role for p in found], "pss": [p.memory.pss for p in found],
    "rss": [p.memory.rss for p in found], "readable": [p.readable for p in found],
    "notes": list(made.notes), "ended": ended,
}))
"""


@LINUX
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_told_what_it_cannot_see(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", hook=False) as worker:
        pid = worker.process.pid
        worker.until(lambda: len(under(pid, look(worker))) == 2, "main and child")
        done = subprocess.run(
            [sys.executable, "-c", ANOTHER_USER, str(pid)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=harness.PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["roles"] == ["main", "child"]
        assert found["pss"] == [None, None]
        assert all(rss > 0 for rss in found["rss"])
        assert found["readable"] == [False, False]
        assert "2 processes" in found["notes"][0]
        assert "root" in found["notes"][0]
        assert [how for how, _ in found["ended"]] == ["refused", "refused"]
        assert psutil.pid_exists(pid)


@LINUX
def test_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    with waiting() as sleeper:
        from tests.support.fleet import process

        line = next(p for p in [process(sleeper.pid, role="orphan")])
        assert [ended.how for ended in orphans.reap([line], tmp_path, 0.2)] == ["gone"]
        assert sleeper.poll() is None


@LINUX
def test_a_hung_child_is_told_from_its_siblings(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "2") as worker:
        worker.hooked("child", 2)
        hanging = worker.send("asleep")
        worker.noted("asleep")
        for _ in range(8):
            worker.do("leak", 10)

        def stuck() -> list[report.Row]:
            machine = tree.machine()
            # What is seen now, as it would be seen in ten minutes.
            later = type(machine)(machine.total, machine.cores, machine.now + 600)
            made = report.ps(under(worker.process.pid, look(worker)), later)
            return [row for row in made.rows if any(p.code == "hung" for p in row.problems)]

        (row,) = worker.until(stuck, "one child hangs")
        assert row.process.pulse is not None
        assert row.process.pulse.task == "asleep"
        done = leakhunt("ps", "--stacks", str(row.process.pid), LEAKHUNT_DIR=str(worker.dir))
        lines = done.stdout.splitlines()  # Python's own stack, most recent call last
        assert "main thread:" in lines
        assert lines[-1].endswith(" in asleep")
        assert "shop.py:" in lines[-1]
        said = leakhunt(
            "ps", "--stacks", "--json", str(row.process.pid), LEAKHUNT_DIR=str(worker.dir)
        )
        (told,) = json.loads(said.stdout)["processes"]
        assert told["stacks"].rstrip().endswith(" in asleep")
        (tmp_path / "released").touch()
        assert hanging.get(timeout=harness.PATIENCE) == "woke up"
        worker.until(lambda: not stuck(), "it hangs no more")


CGROUP = Path("/sys/fs/cgroup/memory")


@LINUX
def test_the_limit_of_a_control_group(tmp_path: Path) -> None:
    """A real control group where this machine lets one be made."""
    mine = CGROUP / f"leakhunt-test-{os.getpid()}"
    try:
        mine.mkdir()
        (mine / "memory.limit_in_bytes").write_text(str(2 << 30))
    except OSError as error:
        pytest.skip(f"this machine lets no control group be made: {error}")
    try:
        with harness.worker(tmp_path, "-c", "1", hook=False) as worker:
            found = worker.until(
                lambda: own if len(own := under(worker.process.pid, look(worker))) == 2 else None,
                "main and child",
            )
            for process in found:
                (mine / "cgroup.procs").write_text(str(process.pid))
            found = under(worker.process.pid, look(worker))
            assert {process.limit for process in found} == {2 << 30}
            made = report.ps(found, tree.machine())
            assert made.limit == 2 << 30
            assert "control group" in made.sums[0].line
    finally:
        for line in (mine / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (CGROUP / "cgroup.procs").write_text(line)
        harness.until(lambda: not (mine / "cgroup.procs").read_text().split(), "it is empty")
        mine.rmdir()
