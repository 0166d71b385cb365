"""Looking again and again: what is dear is read in turn, and what has changed is seen at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from leakhunt.hook import letterbox
from leakhunt.live import descriptors, memory, rounds, table
from leakhunt.live.descriptors import Held, Opened
from leakhunt.live.records import SETTLED_NS, Records
from leakhunt.live.rounds import Rounds
from leakhunt.live.table import Line
from leakhunt.model.process import Identity, Memory
from tests.support.programs import waiting

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")


class World:
    """Processes whose close looks take CPU that is told, on a clock that is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pids: range, dear: float) -> None:
        self.folder = Path("/nowhere")
        self.lines = {pid: line(pid) for pid in pids}
        self.now, self.cpu, self.dear = 1000.0, 0.0, dear
        self.looked: list[int] = []
        self.telling = True
        monkeypatch.setattr(descriptors, "held", self._held)
        monkeypatch.setattr(descriptors, "tells_still", lambda pid, held: self.telling)
        monkeypatch.setattr(memory, "weight", self._weight)
        monkeypatch.setattr(
            memory, "weighing", lambda pids: lambda: {p: self._weight(p) for p in pids}
        )
        monkeypatch.setattr(memory, "counted", lambda *_: Memory(rss=int(self.now), peak=10**9))
        monkeypatch.setattr("time.time", lambda: self.now)
        self.rounds = Rounds(0.01, lambda: self.cpu, lambda: self.now)

    def _held(self, pid: int) -> Held:
        self.looked.append(pid)
        self.cpu += self.dear / 2
        return Opened(int(self.now), 0, 0, {})

    def _weight(self, pid: int) -> Memory:
        self.cpu += self.dear / 2
        return Memory(rss=1, uss=int(self.now), pss=int(self.now), swap=0)

    def look(self, seconds: float = 10.0) -> dict[int, tuple[Memory, float]]:
        self.now += seconds
        self.looked = []
        opened = self.rounds.opened(self.lines, self.folder)
        assert opened.keys() == self.lines.keys()
        told = self.rounds.weights(self.lines.values())
        for pid, (held, at) in told.items():
            assert held.uss == int(at)
            assert held.rss == int(self.now), "RSS is of now, and never the one that was weighed"
            assert (of := opened[pid]) is not None
            assert of.files == int(at)
        return told


def line(pid: int, start: int = 1, *argv: str) -> Line:
    return Line(Identity(pid, start), 1, argv or ("celery",), 0, "S", 0.0, 0.0, 1, False)


def test_all_are_looked_at_at_first_and_then_as_many_as_the_share_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hundredth of ten seconds is a tenth: four looks of 26 ms."""
    world = World(monkeypatch, range(10, 20), dear=0.026)
    world.look()
    assert world.looked == [*range(10, 20)]
    turns = []
    for _ in range(5):
        world.look()
        turns += world.looked
        assert len(world.looked) == 4
    assert turns == [*range(10, 20)] * 2, "who was looked at the longest ago comes first"
    world.look(0.5)
    assert len(world.looked) <= 1


def test_one_that_takes_more_than_there_is_puts_off_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a look takes, in the long run it is the share: 2,000 s have 20 s of CPU."""
    world = World(monkeypatch, range(10, 20), dear=1.0)
    world.look()
    began = world.cpu
    looks = 0
    for _ in range(200):
        world.look()
        looks += len(world.looked)
    assert world.cpu - began <= 0.01 * 2000 + 1.0
    assert 19 <= looks <= 21


def test_what_was_not_taken_for_long_is_not_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, range(10, 200), dear=0.1)
    world.look()
    world.look(86400.0)
    assert len(world.looked) <= 0.01 * rounds.KEPT / 0.1 + 1


def test_few_are_looked_at_once_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, range(10, 12), dear=0.001)
    for _ in range(3):
        told = world.look()
        assert world.looked == [10, 11]
        assert {at for _, at in told.values()} == {world.now}


def test_a_new_one_and_one_that_is_another_program_now_are_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, range(10, 20), dear=50.0)
    world.look()
    world.look()  # the one that the share allows costs more than there will be for long
    world.look()
    assert world.looked == []
    world.lines[30] = line(30)
    world.lines[12] = line(12, 1, "celery", "beat")
    world.lines[13] = line(13, 2)  # its pid was used again
    del world.lines[14]
    told = world.look()
    assert sorted(world.looked) == [12, 13, 30]
    assert {pid for pid, (_, at) in told.items() if at == world.now} == {12, 13, 30}
    world.telling = False
    world.look()
    assert sorted(world.looked) == sorted(world.lines)


def test_one_that_takes_up_the_hook_is_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its record is seen in the folder before it is seen among its descriptors."""
    world = World(monkeypatch, range(10, 20), dear=50.0)
    world.folder = tmp_path
    for _ in range(3):
        world.look()
    assert world.looked == []
    (tmp_path / "processes").mkdir()
    for name in ("h-12-boot-1.json", "h-13-b-ff-1.json", "h-14-b-ff-2.json"):
        (tmp_path / "processes" / name).touch()
    world.look()
    assert world.looked == [13], "the one is no record's name, the other another process's"


def test_a_young_one_is_looked_at_until_it_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, range(10, 12), dear=50.0)
    for _ in range(3):
        world.look()
    world.lines[30] = line(30)._replace(started_at=world.now)
    looked = []
    for _ in range(6):
        world.look(4.0)
        looked.append(world.looked)
    assert looked == [[30], [30], [30], [], [], []]


def test_who_has_ended_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, range(10, 20), dear=0.001)
    for start in range(50):
        world.lines = {pid: line(pid, start) for pid in range(10, 20)}
        world.look()
    assert len(world.rounds._known) == 10


def test_only_who_is_watched_is_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, range(10, 20), dear=0.001)
    weighed: list[int] = []
    weight = world._weight

    def noted(pid: int) -> Memory:
        weighed.append(pid)
        return weight(pid)

    monkeypatch.setattr(memory, "weight", noted)
    for _ in range(3):
        world.now += 10
        world.rounds.opened(world.lines, world.folder)
        world.rounds.weights([world.lines[10]])
    assert weighed == [10, 10]


@pytest.fixture
def programs() -> Iterator[list[Popen[bytes]]]:
    with ExitStack() as stack:
        yield [stack.enter_context(waiting()) for _ in range(3)]


def test_real_processes_are_told_as_a_single_look_tells_them(
    programs: list[Popen[bytes]], tmp_path: Path
) -> None:
    looks = Rounds(share=0.0)  # nothing in turn
    for _ in range(3):
        lines = {p.pid: table.table()[p.pid] for p in programs}
        opened = looks.opened(lines, tmp_path)
        told = looks.weights(lines.values())
        for pid, (held, _) in told.items():
            alone = memory.memory(pid)
            assert opened[pid] == descriptors.held(pid)
            assert held.uss == pytest.approx(alone.uss, rel=0.2)
            assert held.rss == memory.counted(pid).rss
    assert os.getpid() not in opened


def record(path: Path, captures: int) -> None:
    facts = dict.fromkeys(letterbox.FACTS) | {
        "pid": 7, "signal": 10, "captures": captures, "series": "s", "answers": [],
    }  # fmt: skip
    path.write_bytes(letterbox.packed(facts))


def test_a_record_is_read_again_when_it_was_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    whole = letterbox.read

    def noted(descriptor: int) -> Any:
        read.append(descriptor)
        return whole(descriptor)

    monkeypatch.setattr(letterbox, "read", noted)
    path, records = tmp_path / "h-7.json", Records()

    def look() -> Any:
        with path.open("rb") as file:
            told = records.read(file.fileno())
        records.forget()
        return told["captures"] if told else None

    record(path, 1)
    assert [look(), look()] == [1, 1]
    assert len(read) == 2, "it was written a moment ago, and may be written in this moment again"
    long_ago = path.stat().st_mtime_ns - 2 * SETTLED_NS
    os.utime(path, ns=(long_ago, long_ago))
    assert [look(), look(), look()] == [1, 1, 1]
    assert len(read) == 3
    record(path, 2)
    assert look() == 2
    path.write_bytes(b"no record")
    assert look() is None


def test_records_of_who_has_ended_are_forgotten(tmp_path: Path) -> None:
    records = Records()
    for n in range(20):
        path = tmp_path / f"h-{n}.json"
        record(path, n)
        os.utime(path, (1, 1))
        with path.open("rb") as file:
            assert records.read(file.fileno()) is not None
        records.forget()
    assert len(records._known) == 1
