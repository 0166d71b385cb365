"""``leakhunt arm``: the engine that a process is told to use, and what it says of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leakhunt.live import processes
from tests.support.console import inside
from tests.support.programs import hooked


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    folder = tmp_path_factory.mktemp("snapshots")
    with hooked(folder) as child:
        yield child.pid, folder


def test_the_process_traces_as_it_was_told(running: tuple[int, Path]) -> None:
    pid, folder = running
    where = ("--dir", str(folder))
    status, out, err = inside("arm", str(pid), "--engine", "exact", "--nframe", "7", *where)
    assert (status, out) == (0, "")
    assert err.startswith(
        f"program {pid}: the exact engine traces process {pid} from now on (nframe 7)"
    )
    record = processes.one(folder, pid).record
    assert (record["engine"], record["nframe"]) == ("exact", 7)
    assert inside("arm", "--all", "--engine", "exact", "--nframe", "3", *where)[0] == 0
    assert processes.one(folder, pid).record["nframe"] == 3


def test_an_engine_that_does_not_begin_is_a_problem(tmp_path: Path) -> None:
    """The sampler is there and cannot be imported."""
    broken = "sys.modules['leakhunt.engine.sampled'] = None"
    with hooked(tmp_path, broken) as child:
        status, out, err = inside(
            "arm", str(child.pid), "--engine", "sampled", "--dir", str(tmp_path)
        )
        assert processes.one(tmp_path, child.pid).record["engine"] == "exact"
    assert (status, out) == (2, "")
    assert f"{child.pid}" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "exact"], "name one or more processes, or use --all"),
        (["--engine", "exact", "--all", "7"], "name one or more processes, or use --all"),
        (["7"], "Missing option '--engine'"),
        (["7", "--engine", "off"], "'off' is not one of 'sampled', 'exact'"),
        (["7", "--engine", "exact", "--nframe", "0"], "not in the range"),
        (["7", "--engine", "exact", "--timeout", "-1"], "not in the range"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    status, out, err = inside("arm", *arguments, "--dir", str(tmp_path))
    assert (status, out) == (2, "")
    assert err.startswith("Usage: leakhunt arm")
    assert said in err


@pytest.mark.parametrize("word", [str((1 << 31) - 1), "celery@nobody", "²"])
def test_one_that_is_not_there_is_named(word: str, tmp_path: Path) -> None:
    status, out, err = inside("arm", word, "--engine", "exact", "--dir", str(tmp_path))
    assert (status, out) == (2, "")
    assert word in err
    assert err.startswith("leakhunt: ")
