"""The page on which a process says what its tasks are at."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import time
import typing
from pathlib import Path

import pytest

from leakhunt.hook.celery import pulse as pulses
from leakhunt.hook.celery.pulse import LAYOUT, MAGIC, Pulse, Reading, _read
from leakhunt.live.pulse import pulse
from leakhunt.model import process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memfd_create")


def test_both_sides_mean_the_same_by_a_reading() -> None:
    """The worker cannot load the analysis: what it reads has the same fields, in the same order."""
    fields = [each.name for each in dataclasses.fields(process.Pulse)]
    assert fields == list(Reading._fields)
    if sys.version_info >= (3, 10):  # before, X | Y cannot be evaluated
        assert typing.get_type_hints(Reading) == typing.get_type_hints(process.Pulse)


def test_it_is_read_from_outside_at_any_moment() -> None:
    own = Pulse()
    me = os.getpid()
    seen = pulse(me, me)
    assert seen is not None
    assert (seen.done, seen.running, seen.task, seen.since, seen.last_done) == (
        0,
        0,
        None,
        None,
        None,
    )
    before = time.time()
    own.begins("a", "proj.outer")
    own.begins("b", "proj.inner ✓")
    seen = pulse(me, me)
    assert seen is not None
    assert (seen.done, seen.running, seen.task) == (0, 2, "proj.inner ✓")
    assert seen.since is not None
    assert before <= seen.since <= time.time()
    own.ends("b")
    seen = pulse(me, me)
    assert seen is not None
    assert (seen.done, seen.running, seen.task) == (1, 1, "proj.outer")
    own.ends("a")
    seen = pulse(me, me)
    assert seen is not None
    assert (seen.done, seen.running, seen.task) == (2, 0, None)
    assert seen.last_done is not None
    assert 0 <= seen.wall <= 2 * (time.time() - before)


def test_a_name_longer_than_its_place_is_cut() -> None:
    own = Pulse()
    own.begins(1, "x" * 1000)
    seen = pulse(os.getpid(), os.getpid())
    assert seen is not None
    assert seen.task == "x" * 200


def test_the_end_of_a_task_that_was_never_begun_counts() -> None:
    own = Pulse()
    own.ends("unknown")
    seen = pulse(os.getpid(), os.getpid())
    assert seen is not None
    assert (seen.done, seen.wall) == (1, 0.0)


def test_a_page_of_another_process_is_not_taken_for_its_own() -> None:
    own = Pulse()
    assert own is not None
    assert pulse(os.getpid(), os.getpid() + 1) is None


def test_a_reader_never_sees_half_a_writing() -> None:
    own = Pulse()
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            own.begins(1, "a" * 50)
            own.ends(1)
            own.begins(2, "b" * 120)
            own.ends(2)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        last = 0
        for _ in range(300):
            seen = pulse(os.getpid(), os.getpid())
            if seen is None:
                continue  # a writer that was put aside in mid-writing
            assert seen.done >= last
            last = seen.done
            assert seen.task in (None, "a" * 50, "b" * 120)
    finally:
        over.set()
        thread.join()


def test_nobody_can_cut_the_page_under_its_owner() -> None:
    own = Pulse()
    assert own._page is not None
    folder = f"/proc/{os.getpid()}/fd"
    pages = [
        n
        for n in os.listdir(folder)
        if _target(f"{folder}/{n}").startswith("/memfd:leakhunt-pulse")
    ]
    assert pages
    for name in pages:
        descriptor = os.open(f"{folder}/{name}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


class Clocks:
    """A process whose tasks use the CPU for a part of their time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.cpu, self.reads = 1000.0, 5.0, 0
        monkeypatch.setattr(pulses, "monotonic", lambda: self.now)
        monkeypatch.setattr(pulses, "thread_time", self._read)

    def _read(self) -> float:
        self.reads += 1
        return self.cpu

    def task(self, own: Pulse, name: str, wall: float, cpu: float) -> tuple[float, float]:
        own.begins(name, name)
        self.now += wall
        self.cpu += cpu
        took, spent = own.ends(name)
        assert took is not None
        assert spent is not None
        return took, spent


def test_of_brief_tasks_the_cpu_is_read_of_some_and_adds_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks, own = Clocks(monkeypatch), Pulse(times_threads=True, alone=True)
    for _ in range(pulses.ALL_OF):
        assert clocks.task(own, "a", 0.0002, 0.0001)[1] == pytest.approx(0.0001)
    assert clocks.reads == 2 * pulses.ALL_OF
    spent = [clocks.task(own, "a", 0.0002, 0.00005 * (1 + n % 3))[1] for n in range(4000)]
    assert clocks.reads - 2 * pulses.ALL_OF < 2 * 4000 / 6
    assert sum(spent) == pytest.approx(4000 * 0.0001, rel=0.05)
    assert own._kinds["a"].share == pytest.approx(0.5, rel=0.05)


def test_a_task_that_is_long_for_once_is_booked_with_its_own_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks, own = Clocks(monkeypatch), Pulse(times_threads=True, alone=True)
    for _ in range(200):
        clocks.task(own, "a", 0.0002, 0.0002)
    for number in range(100):
        took, spent = clocks.task(own, "a", 10.0, 0.5)  # it waits for something
        assert took == pytest.approx(10.0)
        assert spent == pytest.approx(0.5, abs=0.01)
        for _ in range(number % 7):
            clocks.task(own, "a", 0.0002, 0.0002)
    assert clocks.task(own, "b", 1.0, 0.25)[1] == pytest.approx(0.25)


def test_the_cpu_of_threads_side_by_side_is_always_read(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, own = Clocks(monkeypatch), Pulse(times_threads=True)
    for _ in range(300):
        assert clocks.task(own, "a", 0.0002, 0.0001)[1] == pytest.approx(0.0001)
    assert clocks.reads == 600


def test_greenlets_have_no_cpu_time_of_their_own() -> None:
    own = Pulse()
    own.begins(1, "a")
    took, spent = own.ends(1)
    assert took is not None
    assert spent is None
    assert own.ends(1) == (None, None)


def test_a_pipe_of_that_name_keeps_nobody_waiting(tmp_path: Path) -> None:
    """In a root folder of their own strangers may call a pipe as they like."""
    os.mkfifo(tmp_path / "pipe")
    assert _read(str(tmp_path / "pipe"), os.getpid()) is None


@pytest.mark.parametrize("field", range(3, 8))
@pytest.mark.parametrize("value", [-1.0, 1e300, float("inf"), float("nan")])
def test_a_page_that_no_process_has_written_is_none(
    field: int, value: float, tmp_path: Path
) -> None:
    fields: list[object] = [MAGIC, 0, 7, 3, 1, 2.0, 5.0, 6.0, 4, b"task"]
    (tmp_path / "page").write_bytes(LAYOUT.pack(*fields))
    found = _read(str(tmp_path / "page"), 7)
    assert found is not None
    assert (found.done, found.wall, found.running, found.task) == (3, 2.0, 1, "task")
    fields[field] = 2**64 - 1 if field < 5 else value
    (tmp_path / "page").write_bytes(LAYOUT.pack(*fields))
    assert _read(str(tmp_path / "page"), 7) is None


def test_a_page_that_is_being_written_is_not_told(tmp_path: Path) -> None:
    for writing in (0, 1):
        page = LAYOUT.pack(MAGIC, writing, 7, 3, 1, 2.0, 5.0, 6.0, 4, b"task")
        (tmp_path / "page").write_bytes(page)
        assert (_read(str(tmp_path / "page"), 7) is None) is bool(writing)
