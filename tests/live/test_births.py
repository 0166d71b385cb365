"""Whose work a block was asked for, and when: told by one snapshot of a real worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from leakhunt.engine.choice import choose
from leakhunt.model.snapshot import Snapshot, Tally
from leakhunt.snapshots import load
from tests.live import harness

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        choose("sampled").name != "sampled", reason=f"no sampled engine: {choose('sampled').why}"
    ),
]

BORN = ("-m", "celery", "-A", "born")
FINE = {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_INTERVAL": "4KiB"}


def conserved(snapshot: Snapshot) -> None:
    """The births of each stack add up to its size and blocks, and lie in the calendar."""
    calendar = snapshot.calendar
    assert calendar is not None
    assert len(calendar.edges) == len(calendar.moments) == len(calendar.intervals) + 1
    moments = [moment for moment in calendar.moments if moment is not None]
    assert moments == sorted(moments)
    for stack, tally in snapshot.tallies.items():
        births = snapshot.told(stack).births
        assert (
            Tally(*(int(sum(column)) for column in zip(*((b.size, b.blocks) for b in births))))
            == tally
        )
        assert sum(birth.samples for birth in births) == snapshot.told(stack).samples
        assert all(-1 <= birth.period < calendar.periods for birth in births)


#: Of a task that ends while it is looked at one more look must see the end.
LOOKS = 3


def tasks_of(snapshot: Snapshot, function: str) -> dict[str | None, float]:
    """Bytes that were born below a function of the app, by task."""
    found: dict[str | None, float] = {}
    for stack in snapshot.tallies:
        names = {
            snapshot.spots[f].function
            for f in stack
            if f.file.endswith("born.py") and f in snapshot.spots
        }
        if function in names:
            for birth in snapshot.told(stack).births:
                found[birth.task] = found.get(birth.task, 0.0) + birth.size
    return found


@pytest.mark.parametrize(
    "pool",
    ["prefork", "solo", "threads", "gevent", pytest.param("eventlet", marks=pytest.mark.once)],
)
def test_each_line_is_its_tasks(pool: str, tmp_path: Path) -> None:
    several = "1" if pool in ("prefork", "solo") else "4"
    with harness.worker(tmp_path, "-P", pool, "-c", several, program=BORN, **FINE) as worker:
        record = worker.hooked("child" if pool == "prefork" else "worker")[0]
        for turn in range(3):
            at_once = [worker.send(f"orders.{name}") for name in ("ship", "bill", "ship", "bill")]
            at_once.append(worker.send("orders.thread"))
            for result in at_once:
                result.get(timeout=harness.PATIENCE, interval=0.02)
            worker.do("orders.outer")
            worker.send("orders.again")
            worker.noted("again", turn + 1)
        for _ in range(LOOKS):
            path, _ = worker.dump(record)
            snapshot = load.load(path)
            done = snapshot.meta.tasks_done or 0
            assert snapshot.calendar is not None
            calendar = snapshot.calendar
            if calendar.edges[-1] == done + 1:
                break
            # Another thread has booked its task, and has not told the engine yet: it will have by the next look.
            assert (pool, calendar.edges[-1]) == ("threads", done)
        conserved(snapshot)
        whose = {
            name: set(tasks_of(snapshot, name))
            for name in ("ship", "bill", "outer", "after", "inner", "again", "thread")
        }
        assert whose == {
            "ship": {"orders.ship"},
            "bill": {"orders.bill"},
            "outer": {"orders.outer"},
            "after": {"orders.outer"},
            "inner": {"orders.inner"},
            "again": {"orders.again"},
            "thread": {None},
        }
        assert calendar.unit == "task"
        assert calendar.armed == 0
        assert calendar.edges[0] == 0
        assert calendar.edges[-1] == done + 1
        assert set(filter(None, calendar.moments))
        assert (tmp_path / "notes").read_text().split().count("shipped") == 6


def test_a_child_tells_what_it_has_inherited(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", program=BORN, **FINE) as worker:
        child = worker.hooked("child")[0]
        for _ in range(4):
            worker.do("orders.ship")
        path, _ = worker.dump(child)
        snapshot = load.load(path)
        conserved(snapshot)
        before = sum(
            b.size for told in snapshot.facts.values() for b in told.births if b.period < 0
        )
        assert 0.2 * snapshot.totals.size < before < snapshot.totals.size
        assert all(
            birth.period >= 0 and birth.runs <= 4
            for stack in snapshot.tallies
            if stack[-1].file.endswith("born.py") and stack[-1].line == 13
            for birth in snapshot.told(stack).births
        )
        os.kill(worker.hooked("main")[0]["pid"], signal.SIGUSR1)
        main = worker.until(
            lambda: worker.snapshots(worker.hooked("main")[0]), "a snapshot of the main process"
        )
        told = load.load(main[0])
        conserved(told)
        assert told.calendar is not None
        assert told.calendar.unit == "second"
        assert not any(b.task for each in told.facts.values() for b in each.births)
