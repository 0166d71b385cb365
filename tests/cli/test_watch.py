"""``leakhunt watch``: when it looks, when it ends, what it prints then, and the exit status."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leakhunt.cli import watch
from leakhunt.cli.watching import acts, looks
from leakhunt.cli.watching.watched import Watching
from leakhunt.errors import NotHookedError
from leakhunt.live import tree
from leakhunt.model.process import Process
from leakhunt.report.watch import Limits
from tests.support.console import Terminal, inside
from tests.support.fleet import machine, process

METRICS = pytest.mark.skipif(
    importlib.util.find_spec("prometheus_client") is None,
    reason="an extra: pip install 'leakhunt[prometheus]'",
)
CRITICAL = process(11, parent=10, rss=97, hooked=True)
CALM = process(12, parent=10, rss=50, hooked=True)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """What runs on this host, at every look."""
    running: list[Process] = []
    monkeypatch.setattr(tree, "celery_processes", lambda home, **_: running)
    monkeypatch.setattr(tree, "machine", machine)
    monkeypatch.setattr("leakhunt.hook.process.alive.runs", lambda *_: True)
    return running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the watch, which only its own sleep moves on; each entry is one sleep."""
    slept: list[float] = []
    start = 1000.0

    def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("leakhunt.cli.watch.time.monotonic", lambda: start + sum(slept))
    monkeypatch.setattr("leakhunt.cli.watch.time.sleep", sleep)
    return slept


def test_one_look_is_told_at_once(here: list[Process], clock: list[float]) -> None:
    here += [CRITICAL, CALM]
    status, out, err = inside("watch", "--once")
    assert (status, err, clock) == (0, "", [])
    assert "child 11" in out
    assert "child 12" in out
    document = json.loads(inside("watch", "--once", "--json")[1])
    assert document["schema"] == "leakhunt/watch@1"
    assert [each["pid"] for each in document["processes"]] == [11, 12]


def test_it_looks_again_and_again_until_its_time_is_over(
    here: list[Process], clock: list[float], tmp_path: Path
) -> None:
    here.append(CALM)
    table = tmp_path / "memory.csv"
    status, out, _ = inside("watch", "--for", "25s", "--interval", "10s", "--csv", str(table))
    assert status == 0
    assert clock == [10.0, 10.0, 5.0]
    assert out.count("child 12") >= 1
    rows = list(csv.DictReader(table.open()))
    assert [row["pid"] for row in rows] == ["12"] * 4
    assert rows[0]["rss"] == str(50 << 20)


def test_ctrl_c_ends_it_with_the_report(
    here: list[Process], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(CALM)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("leakhunt.cli.watch.time.sleep", interrupted)
    status, out, err = inside("watch", "--json")
    assert (status, err) == (0, "")
    assert [each["pid"] for each in json.loads(out)["processes"]] == [12]


def test_it_looks_until_it_is_ended_where_no_time_is_said(
    here: list[Process], clock: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(CALM)
    sleep = time.sleep

    def ended_at_last(seconds: float) -> None:
        sleep(seconds)
        if len(clock) == 400:
            raise KeyboardInterrupt

    monkeypatch.setattr("leakhunt.cli.watch.time.sleep", ended_at_last)
    table = tmp_path / "memory.csv"
    status, out, err = inside("watch", "--csv", str(table))
    assert (status, err) == (0, "")
    assert clock == [10.0] * 400
    assert len(table.read_text().splitlines()) == 401
    assert out.count("child 12") == 2, "the last look, and the sentence"


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (["--limit", "100MiB"], 3),
        (["--limit", "200MiB"], 0),
        (["--critical", "90MiB"], 3),
        (["--warning", "90MiB"], 0),
        (["--limit", "100MiB", "--critical", "99MiB"], 0),
        ([], 0),
    ],
)
def test_a_process_that_is_critical_at_the_end_is_exit_three(
    limits: list[str], status: int, here: list[Process], clock: list[float]
) -> None:
    here += [CALM, CRITICAL]
    assert inside("watch", "--once", *limits)[0] == status


def test_one_that_was_critical_and_has_ended_is_not(
    here: list[Process], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(CRITICAL)

    def sleep(seconds: float) -> None:
        clock.append(seconds)
        here[:] = [CALM]

    monkeypatch.setattr("leakhunt.cli.watch.time.sleep", sleep)
    status, out, _ = inside("watch", "--for", "10s", "--limit", "100MiB")
    assert status == 0
    assert "1 process ended meanwhile" in out


def test_pids_mean_themselves_and_their_children(here: list[Process], clock: list[float]) -> None:
    here += [CALM, process(10, "main"), process(20, "main"), process(21, parent=20)]
    document = json.loads(inside("watch", "10", "21", "--once", "--json")[1])
    assert [each["pid"] for each in document["processes"]] == [12, 10, 21]


def test_a_captures_copy_is_not_watched(
    here: list[Process], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as large as what it copies: it is no alarm of its own, and its end no restart."""
    here += [CALM, process(14, "fork", parent=12, rss=99, is_copy=True)]
    ran: list[Process] = []
    monkeypatch.setattr(acts.Acts, "_run", lambda self, each: ran.append(each))
    status, out, _ = inside("watch", "--once", "--json", "--limit", "100MiB", "--exec", "true")
    assert status == 0
    assert [each["pid"] for each in json.loads(out)["processes"]] == [12]
    assert ran == []


def test_one_that_has_ended_before_it_could_be_asked_is_no_error(
    here: list[Process], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(CRITICAL)

    def gone(each: Process) -> None:
        raise NotHookedError(f"there is no process {each.pid}")

    monkeypatch.setattr(acts, "dumping", lambda home, fleet: gone)
    monkeypatch.setattr("leakhunt.hook.process.alive.runs", lambda *_: False)
    assert inside("watch", "--once", "--snapshot-above", "90MiB")[2] == ""
    monkeypatch.setattr("leakhunt.hook.process.alive.runs", lambda *_: True)
    assert "there is no process 11" in inside("watch", "--once", "--snapshot-above", "90MiB")[2]


def test_nothing_to_watch_is_said_and_no_promise_made(
    here: list[Process], clock: list[float]
) -> None:
    here.append(CALM)
    for arguments in (["99", "--once"], ["99", "--for", "10s"]):
        status, out, _ = inside("watch", *arguments)
        assert status == 0
        assert "no process that is meant runs now" in out
        assert "goes on" not in out
    assert json.loads(inside("watch", "99", "--once", "--json")[1])["processes"] == []


def test_a_dump_is_asked_of_those_above(
    here: list[Process], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    here += [CALM, CRITICAL, process(13, parent=10, rss=97)]
    asked: list[int] = []
    monkeypatch.setattr(acts, "dumping", lambda home, fleet: lambda each: asked.append(each.pid))
    assert inside("watch", "--once", "--snapshot-above", "90MiB")[0] == 0
    assert asked == [11]


def test_a_command_is_run_when_one_becomes_critical(
    here: list[Process], clock: list[float], tmp_path: Path
) -> None:
    here += [CALM, CRITICAL]
    status, _, err = inside("watch", "--once", "--limit", "100MiB", "--exec", "/no/such/program x")
    assert (status, err) == (3, "leakhunt: --exec /no/such/program: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--exec", "'unclosed"], "leakhunt: --exec 'unclosed: No closing quotation"),
        (["--exec", " "], "leakhunt: --exec: give a command"),
        pytest.param(["--prometheus", "²"], "leakhunt: --prometheus ²: give a port", marks=METRICS),
        pytest.param(["--prometheus", "9" * 5000], "give a port", marks=METRICS),
        pytest.param(["--prometheus", ":65536"], "give a port", marks=METRICS),
        (["--csv", "{}/none/x.csv"], "leakhunt: {}/none/x.csv: No such file or directory"),
        pytest.param(
            ["--textfile", "{}/none/x.prom"],
            "leakhunt: {}/none/x.prom: No such file or directory",
            marks=METRICS,
        ),
        (["--interval", "0"], "not a duration"),
        (["--limit", "much"], "not a size"),
        (["-A", "no_such_app"], "the app 'no_such_app' cannot be loaded"),
        (["--destination", "w@h"], "needs -A"),
    ],
)
def test_what_cannot_be_done_is_exit_two(
    arguments: list[str], said: str, here: list[Process], clock: list[float], tmp_path: Path
) -> None:
    here.append(CRITICAL)
    given = [word.replace("{}", str(tmp_path)) for word in arguments]
    status, out, err = inside("watch", "--once", *given)
    assert (status, out) == (2, "")
    assert said.replace("{}", str(tmp_path)) in err
    assert list(tmp_path.iterdir()) == []


def test_in_a_terminal_each_look_takes_the_place_of_the_one_before(
    here: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(CALM)
    seen = Watching(looks.here(Path("/"), ()), Limits(), judge=False).look()
    written = Terminal()
    monkeypatch.setattr("sys.stdout", written)
    monkeypatch.setenv("TERM", "xterm")
    with watch._screen(quiet=True) as draw:
        draw(seen)
    assert written.getvalue() == ""
    with watch._screen(quiet=False) as draw:
        draw(seen)
        draw(seen)
    drawn = written.getvalue().split("child 12")
    assert len(drawn) > 2
    assert all("\x1b[1A\x1b[2K" in each for each in drawn[1:])  # a line up, and empty


def test_in_a_pipe_nothing_is_drawn_before_the_end(
    here: list[Process], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.append(CALM)
    assert inside("watch", "--for", "20s")[1].count("watching for") == 1


@pytest.mark.parametrize("pid", ["999999999", "12"])
def test_a_pid_of_nobody_is_an_error_at_once(pid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakhunt.hook.process.alive.runs", lambda each: False)
    status, out, err = inside("watch", pid, "--once")
    assert (status, out) == (2, "")
    assert err == f"leakhunt: there is no process {pid}\n"


def test_any_process_can_be_watched_with_its_children(tmp_path: Path) -> None:
    """Neither Celery's, nor with the hook."""
    program = (
        "import os, time\n"
        "child = os.fork()\n"
        "if child: os.write(1, b'%d\\n' % child)\n"
        "time.sleep(600)\n"
    )
    words = [sys.executable, "-c", program]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ran:
        assert ran.stdout is not None
        child = int(ran.stdout.readline())
        try:
            asked = [str(ran.pid), "--json", "--dir", str(tmp_path)]
            told = {
                each["pid"]: each
                for each in json.loads(inside("watch", "--once", *asked)[1])["processes"]
            }
            assert set(told) == {ran.pid, child}
            assert told[ran.pid]["rss"] > 1 << 20
            rows = json.loads(inside("ps", *asked)[1])["processes"]
            assert {row["pid"]: row["role"] for row in rows}[ran.pid] == "program"
        finally:
            os.kill(child, signal.SIGKILL)
            ran.kill()
