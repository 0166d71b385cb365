"""A fleet asked through its broker: two real workers behind one real Redis, and no hook where there is none."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import celery
import pytest

import leakhunt
from leakhunt.errors import CaptureError
from leakhunt.hook.celery import remote as answering
from leakhunt.live import remote
from leakhunt.live.replies import Written
from leakhunt.snapshots.load import load
from tests.live import harness

pytestmark = pytest.mark.live

#: Seconds that a reply may take: the machine may be busy.
PATIENCE = "20s"


@contextlib.contextmanager
def fleet_of_two(folder: Path, broker: str) -> Iterator[tuple[harness.Worker, harness.Worker]]:
    backend = f"file://{folder}/results"
    # What the snapshots say of the heap is nothing to whoever asks for them, and half of what they cost.
    (folder / "results").mkdir()
    found = {"SHOP_BROKER": broker, "SHOP_BACKEND": backend, "LEAKHUNT_WALK": "off"}
    with (
        harness.worker(folder / "one", "-c", "2", "-n", "one@h1", **found) as one,
        harness.worker(folder / "two", "-c", "1", "-n", "two@h2", **found) as two,
    ):
        one.hooked("child", 2)
        two.hooked("child", 1)
        one.listening("one@h1")
        two.listening("two@h2")
        yield one, two


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> Iterator[tuple[harness.Worker, harness.Worker]]:
    with fleet_of_two(tmp_path_factory.mktemp("fleet"), redis_url) as found:
        yield found


def console(
    worker: harness.Worker, *arguments: str, program: str = "leakhunt"
) -> subprocess.CompletedProcess[str]:
    if program == "leakhunt":
        return harness.console(*arguments, env=worker.environment, cwd=worker.folder)
    return subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=worker.folder, env=worker.environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=harness.HANGS, check=False,
    )  # fmt: skip


def pids(worker: harness.Worker) -> set[int]:
    return {record["pid"] for record in worker.records()}


def test_ps_asks_every_worker(both: tuple[harness.Worker, harness.Worker]) -> None:
    one, two = both
    done = console(
        one, "ps", "-A", "shop", "--json", "--wait", PATIENCE, "--destination", "one@h1,two@h2"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "leakhunt/ps@1"
    rows = document["processes"]
    assert {row["pid"] for row in rows} == pids(one) | pids(two)
    assert {row["node"] for row in rows} == {"one@h1", "two@h2"}
    assert sorted(row["role"] for row in rows) == ["child", "child", "child", "main", "main"]
    for row in rows:
        assert row["host"] == os.uname().nodename
        assert row["hooked"] is True
        assert row["signal"] == "heard"
        assert row["engine"] == harness.engine()
        assert row["pool"] == "prefork"
        assert row["queues"] == "celery"
        assert row["app"] == "shop"
        assert row["rss"] > 0
        assert row["pss"] is None or row["rss"] >= row["pss"] >= row["uss"] > 0
    children = [row for row in rows if row["role"] == "child"]
    assert all(row["tasks_done"] is not None for row in children)
    assert document["totals"]["rss"] == sum(row["rss"] for row in rows)
    assert [host["nodes"] for host in document["hosts"]] == [["one@h1", "two@h2"]]
    shown = console(one, "ps", "-A", "shop", "--wait", PATIENCE, "--destination", "one@h1")
    assert f"main {one.process.pid}" in shown.stdout
    assert f"main {two.process.pid}" not in shown.stdout


def test_celerys_own_console_knows_the_commands(
    both: tuple[harness.Worker, harness.Worker],
) -> None:
    one, _two = both
    installed = (
        "import celery.bin.control, leakhunt.cli.plugin\n"
        "from celery.__main__ import main\n"
        "import sys; sys.argv = ['celery', *sys.argv[1:]]; main()"
    )

    def within(*arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", installed, "-A", "shop", *arguments, "--timeout", "20", "--json",
             "-d", "one@h1"],
            cwd=one.folder, env=one.environment, capture_output=True, text=True,
            timeout=harness.HANGS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    looked = within("inspect", "leakhunt")["one@h1"]
    assert {each["pid"] for each in looked["processes"]} == pids(one)
    every = [*one.hooked("main"), *one.hooked("child", 2)]
    before = {record["pid"]: one.current(record)["captures"] for record in every}
    (asked,) = within("control", "leakhunt_dump")
    assert {each["pid"] for each in asked["one@h1"]["asked"]} == pids(one)
    for record in every:
        one.until(
            lambda: one.current(record)["captures"] > before[record["pid"]],  # noqa: B023
            "a snapshot that was asked for through Celery",
        )
    grown = {each["pid"]: each for each in within("inspect", "leakhunt")["one@h1"]["processes"]}
    for record in every:  # the pool's children too, which were traced before they had any memory
        told = one.current(record)
        pid = record["pid"]
        assert isinstance(grown[pid]["grown"], int)
        assert grown[pid]["grown_since"] == told["first_at"] > told["started_at"]


def test_dump_prints_the_paths_where_the_files_are_on_this_machine(
    both: tuple[harness.Worker, harness.Worker], tmp_path: Path
) -> None:
    one, _two = both
    done = console(
        one, "dump", "-A", "shop", "--wait", PATIENCE, "--destination", "one@h1", "--into", str(tmp_path / "into"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert len(paths) == 3
    assert all(path.is_file() and path.is_relative_to(one.dir) for path in paths)
    assert not (tmp_path / "into").exists()


def test_watch_asks_every_worker(
    both: tuple[harness.Worker, harness.Worker], tmp_path: Path
) -> None:
    one, two = both
    table = tmp_path / "memory.csv"
    done = console(
        one, "watch", "-A", "shop", "--once", "--json", "--csv", str(table), "--wait", PATIENCE,
        "--destination", "one@h1,two@h2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["processes"]
    assert {row["pid"] for row in rows} == pids(one) | pids(two)
    with table.open(newline="") as file:
        assert {row["node"] for row in csv.DictReader(file)} == {"one@h1", "two@h2"}


def test_a_node_and_a_series_stand_for_their_processes(
    both: tuple[harness.Worker, harness.Worker],
) -> None:
    one, _two = both
    child = one.hooked("child", 2)[0]
    every = console(one, "dump", "one@h1")
    assert every.returncode == 0, every.stderr
    assert {Path(line).parent.name for line in every.stdout.splitlines()} == {
        Path(record["series"]).name for record in one.records()
    }
    for word in (Path(child["series"]).name, child["series"], f"{child['series']}/"):
        alone = console(one, "dump", word)
        assert alone.returncode == 0, alone.stderr
        (line,) = alone.stdout.splitlines()
        assert str(Path(line).parent) == child["series"]
    engine = harness.engine()
    switched = console(one, "arm", Path(child["series"]).name, "--engine", engine)
    assert switched.returncode == 0, switched.stderr
    unknown = console(one, "dump", "one@h2")
    assert unknown.returncode == 2
    assert "did you mean one@h1" in unknown.stderr
    asked = [
        [command, word, "--json"]
        for command in ("top", "verdict", "trend", "tasks", "diff")
        for word in (str(child["pid"]), "one@h1", Path(child["series"]).name)
        if command != "verdict" or not word.isdigit()  # that takes another snapshot
    ]
    for words in asked:
        done = console(one, *words)
        assert done.returncode == 0, (done.args, done.stderr)
        json.loads(done.stdout)


def test_celery_loads_the_console(both: tuple[harness.Worker, harness.Worker]) -> None:
    (point,) = [
        each
        for each in metadata.distribution("leakhunt").entry_points
        if each.group == "celery.commands"
    ]
    assert point.name == "leakhunt"
    one, _two = both
    done = console(one, "-A", "shop", "leakhunt", "--version", program="celery")
    assert done.stdout == f"leakhunt {leakhunt.__version__}\n", done.stderr
    listed = console(one, "-A", "shop", "inspect", "--list", program="celery")
    assert "leakhunt " in listed.stdout
    assert "leakhunt_piece" not in listed.stdout


@pytest.fixture
def afar(
    both: tuple[harness.Worker, harness.Worker], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[remote.Fleet]:
    """The workers, asked as if from another machine."""
    app = celery.Celery("afar", broker=redis_url, set_as_current=False)
    monkeypatch.setattr("leakhunt.live.app.load", lambda name: app)
    monkeypatch.setattr("leakhunt.hook.process.alive.space", lambda: "another")
    with remote.reached("shop", ["one@h1", "two@h2"], 20) as fleet:
        yield fleet
    app.close()


def test_files_are_collected_through_the_replies(
    both: tuple[harness.Worker, harness.Worker], afar: remote.Fleet, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    one, two = both
    asked, problems = afar.dump()
    assert problems == []
    assert {each.pid for each in asked} == pids(one) | pids(two)
    written = []
    for each, outcome in afar.wait(asked, harness.PATIENCE):
        assert isinstance(outcome, Written), (each, outcome)
        assert outcome.here is None
        written.append(outcome)
    for outcome in written:
        path = afar.collect(outcome, tmp_path / "into", 64 << 20)
        assert path == tmp_path / "into" / outcome.series / outcome.file
        there = Path(outcome.asked.folder) / outcome.series / outcome.file
        assert path.read_bytes() == there.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
        assert load(path).meta.pid == outcome.asked.pid
    with pytest.raises(CaptureError, match="there already"):
        afar.collect(written[0], tmp_path / "into", 64 << 20)
    with pytest.raises(CaptureError, match="were agreed"):
        afar.collect(written[0], tmp_path / "other", written[0].size - 1)
    assert not list((tmp_path / "into").glob("*/.*"))


def test_a_worker_gives_nothing_but_its_snapshots(
    both: tuple[harness.Worker, harness.Worker], afar: remote.Fleet
) -> None:
    one, _two = both
    (one.dir / "secret.bin").write_text("hunter2")
    series = Path(one.hooked("child", 2)[0]["series"])
    series.mkdir(exist_ok=True)
    link = series / "000009-20270115T080000Z-signal.bin"
    link.symlink_to(one.dir / "secret.bin")
    for place in (
        {"series": "..", "file": "secret.bin"},
        {"series": series.name, "file": "../secret.bin"},
        {"series": f"../{one.dir.name}/{series.name}", "file": link.name},
        {"series": series.name, "file": link.name},
        {"series": series.name},
        {"series": 7, "file": ["x"]},
        {"series": series.name, "file": link.name, "at": "x"},
    ):
        told = afar._one("one@h1", "leakhunt_piece", **place)
        assert set(told) == {"error"}, told
    link.unlink()
    assert set(afar._one("one@h1", "leakhunt_dumped", requests=7)) == {"error"}
    assert "pidbox command error" not in one.log


def test_a_worker_may_refuse(tmp_path: Path, redis_url: str) -> None:
    found = {"SHOP_BROKER": redis_url, "SHOP_BACKEND": f"file://{tmp_path}/results"}
    with harness.worker(
        tmp_path, "-c", "1", "-n", "shy@h", LEAKHUNT_REMOTE="look", **found
    ) as worker:
        child = worker.hooked("child")[0]
        worker.listening("shy@h")
        done = console(worker, "dump", "-A", "shop", "--wait", PATIENCE, "--destination", "shy@h")
        assert done.returncode == 2
        assert "LEAKHUNT_REMOTE=look does not allow that" in done.stderr
        assert worker.snapshots(child) == []
        looked = console(worker, "ps", "-A", "shop", "--wait", PATIENCE, "--destination", "shy@h")
        assert f"child {child['pid']}" in looked.stdout


#: Transports that carry nothing to every worker, none of which is reached: it would not help.
MUTE = {
    "memory": ("memory://", "no broadcast to other processes"),
    "sqla": ("sqla+sqlite://", "has no broadcast"),
    "mute": ("mute://", "has no broadcast"),
}


@pytest.mark.parametrize("transport", MUTE)
@pytest.mark.parametrize(
    "arguments", [["ps"], ["dump"], ["watch", "--once"]], ids=lambda each: each[0]
)
def test_where_there_is_no_broadcast_it_is_said(
    transport: str, arguments: list[str], tmp_path: Path
) -> None:
    broker, why = MUTE[transport]
    if transport == "sqla":
        pytest.importorskip("sqlalchemy")
    (tmp_path / "mute.py").write_text(
        "from celery import Celery\n"
        "from kombu.transport import TRANSPORT_ALIASES, memory\n"
        "TRANSPORT_ALIASES['mute'] = 'mute:Transport'\n"
        "class Transport(memory.Transport):\n"
        "    driver_type = 'mute'\n"
        "    implements = memory.Transport.implements.extend(exchange_type=frozenset(['direct']))\n"
        "    def establish_connection(self):\n"
        "        raise AssertionError\n"
        f"app = Celery('mute', broker={broker!r})\n"
    )
    done = harness.leakhunt(tmp_path, *arguments, "-A", "mute")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"the {transport} transport" in done.stderr
    assert why in done.stderr
    assert "run leakhunt on their hosts, without -A" in done.stderr


def test_a_broker_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text(
        "from celery import Celery\napp = Celery('lost', broker='redis://:hunter2@127.0.0.1:1/0')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "leakhunt", "ps", "-A", "lost"], cwd=tmp_path, capture_output=True,
        text=True, timeout=harness.HANGS, check=False, env=harness.environment(tmp_path),
    )  # fmt: skip
    assert done.returncode == 2
    assert "the broker of lost is not reached" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_commands_are_bounded() -> None:
    assert answering.PIECE * 4 / 3 < 512 << 10  # a reply of a piece, as base64
