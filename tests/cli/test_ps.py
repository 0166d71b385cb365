"""``leakhunt ps``: the forms, the refusals, and orphans that are ended only where somebody agrees."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from leakhunt.live import orphans, tree
from leakhunt.model.process import Process
from tests.support.console import Asked, inside
from tests.support.fleet import machine, process
from tests.support.programs import hooked

HUNG = process(
    12, parent=10, hooked=True, pulse=(3, 3.0, 1_799_000_000.0, "shop.take", 1_799_990_000.0)
)
IDLE = process(11, parent=10, hooked=True, pulse=(9, 3.0, 1_799_999_990.0, None, None))
MAIN = process(10, "main", hooked=True)
LOST = process(20, "orphan", user="shop", uss=40)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """What runs on this host."""
    running: list[Process] = []
    monkeypatch.setattr(tree, "celery_processes", lambda home, **_: running)
    monkeypatch.setattr(tree, "machine", machine)
    return running


# -- told --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    folder = tmp_path_factory.mktemp("snapshots")
    with hooked(folder) as child:
        yield child.pid, str(folder)


def test_a_program_with_the_hook_is_a_row(program: tuple[int, str]) -> None:
    pid, folder = program
    status, out, err = inside("ps", str(pid), "--json", "--dir", folder)
    assert (status, err) == (0, "")
    document = json.loads(out)
    (row,) = document["processes"]
    assert document["schema"] == "leakhunt/ps@1"
    assert (row["pid"], row["parent"], row["role"]) == (pid, os.getpid(), "program")
    assert (row["hooked"], row["engine"], row["signal"]) == (True, "exact", "heard")
    assert document["totals"] == {"rss": row["rss"], "pss": row["pss"]}
    assert row["stacks"] is None
    table = inside("ps", str(pid), "--dir", folder)[1]
    assert f"program {pid}" in table
    assert "1 process: PSS" in table


def test_where_a_process_waits_is_told_of_those_that_are_named(program: tuple[int, str]) -> None:
    pid, folder = program
    (row,) = json.loads(inside("ps", str(pid), "--stacks", "--json", "--dir", folder)[1])[
        "processes"
    ]
    assert row["stacks"]


def test_and_of_those_that_hang(here: list[Process], monkeypatch: pytest.MonkeyPatch) -> None:
    here += [MAIN, IDLE, HUNG]
    asked: list[int] = []

    def evidence(pid: int, home: Path) -> str:
        asked.append(pid)
        return "waits"

    monkeypatch.setattr("leakhunt.live.stuck.evidence", evidence)
    assert inside("ps", "--stacks")[0] == 0
    assert asked == [12]
    assert inside("ps", "11", "--stacks")[0] == 0
    assert asked == [12, 11]


def test_nothing_to_show_is_an_answer(here: list[Process]) -> None:
    status, out, err = inside("ps")
    assert (status, err) == (0, "")
    assert out.startswith("no Celery process")
    document = json.loads(inside("ps", "--json")[1])
    assert (document["processes"], document["totals"]) == ([], {"rss": 0, "pss": 0})


@pytest.mark.parametrize("pid", ["21", str(1 << 40)])
def test_a_pid_of_none_is_an_error(pid: str, here: list[Process]) -> None:
    here.append(MAIN)
    status, out, err = inside("ps", "10", pid)
    assert (status, out) == (2, "")
    assert err == f"leakhunt: there is no process {pid}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-A", "proj", "--reap"], "--reap and --stacks look at this host"),
        (["-A", "proj", "--stacks"], "--reap and --stacks look at this host"),
        (["--reap", "--json"], "leave --json and --stacks out"),
        (["--reap", "--stacks"], "leave --json and --stacks out"),
        (["--reap", "--patience", "long"], "not a duration"),
        (["0"], "not in the range"),
        (["--destination", "w@h"], "needs -A"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    arguments: list[str], said: str, here: list[Process]
) -> None:
    here.append(LOST)
    status, out, err = inside("ps", *arguments)
    assert (status, out) == (2, "")
    assert said in err


# -- orphans -----------------------------------------------------------------------------------


@pytest.fixture
def reaped(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Who was ended, and with which patience; how that went is what a test puts into the first entry."""
    seen: list[Any] = [{}]

    def reap(doomed: Sequence[Process], home: Path, patience: float) -> Iterator[Any]:
        for each in doomed:
            seen.append((each.pid, patience))
            yield each, *seen[0].get(each.pid, ("softly", None))

    monkeypatch.setattr(orphans, "reap", reap)
    return seen


def test_where_there_is_no_orphan_nobody_is_asked(here: list[Process], reaped: list[Any]) -> None:
    here += [MAIN, IDLE]
    status, out, err = inside("ps", "--reap")
    assert (status, out) == (0, "")
    assert err == "no orphan: every pool child has its main process\n"


def test_without_a_terminal_none_is_ended_without_yes(
    here: list[Process], reaped: list[Any]
) -> None:
    here += [MAIN, LOST]
    status, out, err = inside("ps", "--reap")
    assert (status, out) == (2, "")
    assert "orphan 20 of w@h, user shop, 40.0 MiB USS\n" in err
    assert "--reap ends them with --yes" in err
    assert reaped[1:] == []


@pytest.mark.parametrize("agrees", [True, False])
def test_in_a_terminal_there_is_a_question(
    agrees: bool, here: list[Process], reaped: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    here += [LOST, process(21, "orphan")]
    asked = Asked(agrees)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", asked)
    status, out, _ = inside("ps", "--reap")
    assert status == 0
    assert asked.questions == ["End these 2?"]
    assert [pid for pid, _ in reaped[1:]] == ([20, 21] if agrees else [])
    assert bool(out) is agrees


@pytest.mark.parametrize(
    ("how", "why", "said", "status"),
    [
        ("softly", None, "20 ended by SIGTERM", 0),
        ("hard", None, "20 ended by SIGKILL", 0),
        ("gone", None, "20 is an orphan no more: nothing was sent", 0),
        ("alive", None, "20 still runs: the kernel holds it", 2),
        ("refused", "not yours", "20 not ended: not yours", 2),
    ],
)
def test_what_came_of_each_is_said(
    how: str, why: str | None, said: str, status: int, here: list[Process], reaped: list[Any]
) -> None:
    here += [LOST, process(21, "orphan")]
    reaped[0] = {20: (how, why)}
    done, out, _ = inside("ps", "--reap", "--yes", "--patience", "30s")
    assert (done, out) == (status, f"{said}\n21 ended by SIGTERM\n")
    assert reaped[1:] == [(20, 30.0), (21, 30.0)]


def test_pids_say_which_orphans_are_meant(here: list[Process], reaped: list[Any]) -> None:
    here += [LOST, process(21, "orphan")]
    assert inside("ps", "21", "--reap", "--yes")[:2] == (0, "21 ended by SIGTERM\n")
