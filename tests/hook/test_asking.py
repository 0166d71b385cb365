"""What makes a process look into its letter box: the best way that its record and the kernel leave."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import asking, letterbox
from leakhunt.hook.asking import Way
from leakhunt.hook.process import alive
from leakhunt.hook.process.alive import Disposition

CAUGHT = Disposition(caught=True, ignored=False, blocked=False)
HELD_BACK = Disposition(caught=True, ignored=False, blocked=True)
NOBODYS = Disposition(caught=False, ignored=False, blocked=False)
FIRST, SECOND = int(signal.SIGUSR1), 50


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[int, Disposition | None]:
    """What the kernel says of each signal; of those that are not named it says nothing."""
    said: dict[int, Disposition | None] = {}
    monkeypatch.setattr(alive, "disposition", lambda pid, signum, status=None: said.get(signum))
    return said


def record(**said: Any) -> dict[str, Any]:
    return {"second": SECOND, "signal": FIRST, "heard": "heard", "looks": "task", **said}


def test_the_second_signal_is_taken_before_the_first(
    kernel: dict[int, Disposition | None],
) -> None:
    kernel.update({SECOND: CAUGHT, FIRST: CAUGHT})
    assert asking.way(7, record()) == Way("signal", SECOND)
    assert asking.way(7, record(heard="taken")) == Way("signal", SECOND)


def test_where_nobody_has_the_second_the_first_is_sent(
    kernel: dict[int, Disposition | None],
) -> None:
    kernel.update({SECOND: NOBODYS, FIRST: CAUGHT})
    assert asking.way(7, record()) == Way("signal", FIRST)
    assert asking.way(7, record(second=None)) == Way("signal", FIRST)


@pytest.mark.parametrize("heard", ["taken", "blocked", "none", None])
def test_the_first_is_never_sent_to_somebody_else(
    kernel: dict[int, Disposition | None], heard: str | None
) -> None:
    """It would end the process, or do what its program means by it."""
    kernel.update({SECOND: NOBODYS, FIRST: CAUGHT})
    assert asking.way(7, record(heard=heard)) == Way("task", None)
    assert asking.way(7, record(heard=heard, looks="timer")) == Way("timer", None)
    assert asking.way(7, record(heard=heard, looks=None)) is None
    assert asking.way(7, record(heard=heard, looks="now and then")) is None


def test_a_signal_without_a_handler_is_not_sent_whatever_the_record_says(
    kernel: dict[int, Disposition | None],
) -> None:
    kernel.update({SECOND: NOBODYS, FIRST: NOBODYS})
    assert asking.way(7, record(looks=None)) is None


def test_where_the_kernel_says_nothing_the_record_is_believed(
    kernel: dict[int, Disposition | None],
) -> None:
    assert asking.way(7, record()) == Way("signal", SECOND)


@pytest.mark.parametrize("number", [int(signal.SIGKILL), int(signal.SIGSTOP), 0, -1, 65, 1 << 40])
def test_a_record_cannot_have_a_signal_sent_that_harms(
    kernel: dict[int, Disposition | None], number: int
) -> None:
    """A record is a file that another user's process may have written."""
    assert asking.way(7, record(second=number, signal=number, looks=None)) is None


@pytest.mark.parametrize(
    ("state", "told", "becomes"),
    [
        ("heard", CAUGHT, "heard"),
        ("heard", None, "heard"),
        ("heard", HELD_BACK, "blocked"),
        ("blocked", CAUGHT, "blocked"),
        ("blocked", None, "blocked"),
        ("heard", NOBODYS, "none"),
        ("none", CAUGHT, "none"),
        ("taken", CAUGHT, "taken"),
        ("taken", NOBODYS, "taken"),
    ],
)
def test_what_becomes_of_the_signal_that_users_send(
    kernel: dict[int, Disposition | None], state: str, told: Disposition | None, becomes: str
) -> None:
    kernel[FIRST] = told
    assert asking.hearing(7, record(heard=state)) == becomes


def test_a_request_is_left_behind_the_others_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_bytes(b"before\n")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        names = [asking.leave(descriptor, "dump"), asking.leave(descriptor, "arm exact 10")]
    finally:
        os.close(descriptor)
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines == [
        b"before\n",
        letterbox.line(names[0], "dump"),
        letterbox.line(names[1], "arm exact 10"),
    ]
    assert len({*names}) == 2
