"""``leakhunt dump``: who is asked, what is printed where, and the exit status."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leakhunt.live import processes
from tests.support.console import inside
from tests.support.programs import hooked

GONE = str((1 << 31) - 1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Pid and folder of a hooked program."""
    folder = tmp_path_factory.mktemp("snapshots")
    with hooked(folder) as child:
        yield str(child.pid), str(folder)


def test_each_path_is_a_line_of_standard_output(running: tuple[str, str]) -> None:
    pid, folder = running
    status, out, err = inside("dump", pid, "--dir", folder)
    assert (status, err) == (0, "")
    (path,) = out.splitlines()
    assert Path(path).is_file()
    assert Path(path).parent.parent == Path(folder)
    assert inside("dump", "--all", "--dir", folder)[1].count("\n") == 1


def test_one_that_is_gone_keeps_nothing_from_being_said(running: tuple[str, str]) -> None:
    pid, folder = running
    status, out, err = inside("dump", pid, GONE, "--dir", folder)
    assert (status, out) == (2, "")
    assert err == f"leakhunt: there is no process {GONE}\n"


def test_tracing_is_stopped_and_no_path_is_printed(running: tuple[str, str]) -> None:
    pid, folder = running
    status, out, err = inside("dump", "--disarm", pid, "--dir", folder)
    assert (status, out) == (0, "")
    assert err.startswith(f"program {pid}: tracing stopped")
    assert inside("dump", pid, "--dir", folder)[0] == 0


def test_a_process_that_cannot_write_is_a_problem(tmp_path: Path) -> None:
    """Somebody has given its folder's name to a file."""
    with hooked(tmp_path / "dir") as child:
        Path(processes.one(tmp_path / "dir", child.pid).record["series"]).touch()
        status, out, err = inside("dump", str(child.pid), "--dir", str(tmp_path / "dir"))
    assert (status, out) == (2, "")
    assert err.startswith(f"leakhunt: program {child.pid}: ")
    assert "\n" not in err[:-1]


def test_one_without_the_hook_is_refused(tmp_path: Path) -> None:
    status, out, err = inside("dump", "1", "--dir", str(tmp_path))
    assert (status, out) == (2, "")
    assert "process 1" in err
    assert "hook" in err or "belongs to" in err


def test_where_none_is_hooked_it_says_how(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        status, out, err = inside("dump", "--all", "--dir", str(folder))
        assert (status, out) == (2, "")
        assert "no hooked process on this host" in err
        assert "-I leakhunt.worker" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one or more processes, or use --all, or -A APP"),
        (["--all", "7"], "name one or more processes"),
        (["7", "--into", "x"], "--into needs -A"),
        (["-A", "proj", "--all"], "leave --all and --disarm out"),
        (["-A", "proj", "--disarm"], "leave --all and --disarm out"),
        (["-A", "proj", "celery@web1"], "named by --destination"),
        (["-A", "proj", "²"], "processes by PIDs"),
        (["7", "--destination", "celery@web1"], "--destination needs -A"),
        (["7", "--at-most", "much"], "not a size"),
        (["7", "--timeout", "soon"], "'soon' is not a valid number of seconds"),
        (["7", "--timeout", "-1"], "not in the range"),
        (["7", "--timeout", "nan"], "'nan' is not a valid number of seconds"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    status, out, err = inside("dump", *arguments, "--dir", str(tmp_path))
    assert (status, out) == (2, "")
    assert err.startswith("Usage: leakhunt dump")
    assert said in err


def test_an_app_that_is_not_there_is_named() -> None:
    status, out, err = inside("dump", "-A", "no_such_app")
    assert (status, out) == (2, "")
    assert "the app 'no_such_app' cannot be loaded" in err
