"""Captures of one host take turns: so many places, each a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import time
from pathlib import Path

import pytest

from leakhunt.hook.capture import fork, turns
from leakhunt.snapfile.folders import PROCESSES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of snapshots on a host with two places."""
    (tmp_path / PROCESSES).mkdir()
    monkeypatch.setattr(turns, "places", lambda: 2)
    monkeypatch.setattr(fork, "rest", lambda: None)
    return tmp_path


@pytest.mark.parametrize(("cpus", "number"), [(1, 1), (2, 1), (3, 1), (4, 2), (40, 20)])
def test_half_of_the_cpus_work_at_a_time(
    cpus: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cpus)), raising=False)
    assert turns.places() == number
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    assert turns.places() == number


def test_where_nobody_can_count_the_cpus_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert turns.places() == 1


def test_a_turn_is_a_locked_file_that_only_its_owner_reads(folder: Path) -> None:
    name = folder / PROCESSES / f".turn-{socket.gethostname()}-0"
    with turns.turn(folder) as held:
        assert held
        assert stat.S_IMODE(name.stat().st_mode) == 0o600
        with name.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with name.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back


def test_as_many_have_a_turn_as_there_are_places_and_the_next_waits_no_longer_than_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(turns, "PAUSE", 0.0)
    monkeypatch.setattr(turns, "LONGEST_WAIT", 5.0)
    before = len(os.listdir("/proc/self/fd"))
    with turns.turn(folder) as first, turns.turn(folder) as second:
        with turns.turn(folder) as third:
            assert (first, second, third) == (True, True, False)
        assert len(os.listdir("/proc/self/fd")) == before + 2, "a try leaves no descriptor"
        taken = next(clock)
    assert taken >= 5
    with turns.turn(folder) as again:
        assert again
    assert len(os.listdir("/proc/self/fd")) == before


def test_where_nothing_can_be_locked_nobody_waits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with turns.turn(tmp_path / "none") as held:
        assert not held
    link = folder / PROCESSES / f".turn-{socket.gethostname()}-0"
    link.symlink_to(tmp_path / "elsewhere")
    with turns.turn(folder) as held:
        assert not held, "a link may lead into somebody else's file"
    assert not (tmp_path / "elsewhere").exists()

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError("no locks on this file system")

    link.unlink()
    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/proc/self/fd"))
    with turns.turn(folder) as held:
        assert not held
    assert len(os.listdir("/proc/self/fd")) == before
