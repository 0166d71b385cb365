"""The one that judges: the time is a hard limit, and a process that ends without a word is told of."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakhunt.errors import LeakhuntError
from leakhunt.gate import drive, orders, runner
from leakhunt.gate.decision import Limits
from leakhunt.gate.drive import Wanted
from leakhunt.gate.orders import FAILED, IMPORT, LOOK, RAN, STOP, TARGET, Answer, Order
from leakhunt.gate.outcome import Broken, Outcome
from leakhunt.gate.plan import Gate, Terms
from tests.live.harness import until

#: What the other side is, over the descriptors that it is given: ``hear()`` an order, ``say`` an answer.
OTHER = """
import json, os, sys, time
told = json.loads(sys.argv[1])
asks, answers = os.fdopen(told["orders"], "rb"), os.fdopen(told["answers"], "wb", buffering=0)
def say(kind="ran", **more):
    answers.write(json.dumps({"kind": kind, **more}).encode() + b"\\n")
def hear():
    return json.loads(asks.readline())
"""

Check = Callable[..., Any]


def is_alive(pid: int) -> bool:
    """A process that was killed is there for a moment more; a zombie is not alive."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """A check of a program in the place of the runner; (its outcome, the runs that were told)."""

    def checked(text: str, at_most: float = 600.0) -> Any:
        script = tmp_path / "other.py"
        script.write_text(f"{OTHER}{text}\n")
        monkeypatch.setattr(runner, "__file__", str(script))
        terms = Terms(Limits(), at_most=at_most)
        wanted = Wanted("shop:take", None, False, "exact", None, tmp_path)
        return drive.check(wanted, terms, lambda gate: heard.append(gate.runs))

    heard: list[int] = []
    checked.heard = heard  # type: ignore[attr-defined]
    return checked


def test_what_cannot_begin_is_broken_and_nothing_is_run(check: Check) -> None:
    found = check("say('failed', where='import', message='cannot import shop')")
    assert isinstance(found, Broken)
    assert (found.failure.where, found.failure.message) == (IMPORT, "cannot import shop")
    assert check.heard == []  # type: ignore[attr-defined]


def test_what_the_target_raises_is_broken(check: Check) -> None:
    found = check("say(); hear(); say('failed', where='target', message='it raised', runs=0)")
    assert isinstance(found, Broken)
    assert found.failure.where == TARGET


def test_a_target_that_cannot_be_looked_at_is_an_error_of_ours(check: Check) -> None:
    with pytest.raises(LeakhuntError, match="shop:take cannot be looked at: no space"):
        check(f"say(); hear(); say('failed', where='{LOOK}', message='no space')")


@pytest.mark.parametrize(
    ("ends", "how"),
    [
        ("sys.exit(3)", "ended by itself with status 3"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
        ("os.kill(os.getpid(), 40)", "was ended by signal 40"),
    ],
)
def test_a_process_that_ends_is_told_with_its_last_words(check: Check, ends: str, how: str) -> None:
    lines = "[print(n, flush=True) for n in range(40)]; print('Killed: out of memory', flush=True)"
    found = check(f"say(); hear(); {lines}; {ends}")
    assert isinstance(found, Broken)
    assert found.failure.message == f"its process {how}, in its first run"
    assert len(found.output) == drive.LINES
    assert found.output[-1] == "Killed: out of memory"


def test_it_says_after_how_many_runs_it_ended(check: Check) -> None:
    found = check("say(); hear(); say(runs=1, seconds=1e-6); hear(); os._exit(0)")
    assert isinstance(found, Broken)
    assert found.failure.message == "its process ended by itself with status 0, after 1 run or more"
    assert check.heard == [1]  # type: ignore[attr-defined]


def test_a_child_that_holds_the_pipe_open_does_not_keep_it_alive(check: Check) -> None:
    found = check("say(); hear(); os.fork() and os._exit(4); time.sleep(600)")
    assert isinstance(found, Broken)
    assert "with status 4" in str(found.failure.message)


def test_one_that_closes_its_side_and_lives_on_is_told_and_ended(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "FAREWELL", 0.01)
    found = check("say(); hear(); answers.close(); time.sleep(600)")
    assert isinstance(found, Broken)
    assert "closed its side of the conversation" in str(found.failure.message)


def test_the_time_is_a_hard_limit_and_all_that_was_started_ends(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that hangs, deaf to signals, with a child: the check returns, and neither is left."""
    real, pids = time.monotonic, tmp_path / "pids"
    # The time is over as soon as both run, however busy the machine is.
    monkeypatch.setattr(time, "monotonic", lambda: real() + (1000 if pids.exists() else 0))
    found = check(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = os.fork()\n"
        "if child: open('new', 'w').write(f'{os.getpid()} {child}'); os.rename('new', 'pids'); say()\n"
        "while True: time.sleep(600)".replace("'pids'", repr(str(pids))).replace(
            "'new'", repr(str(tmp_path / "new"))
        ),
        at_most=600.0,
    )
    assert isinstance(found, Outcome)
    assert (found.verdict, found.runs) == ("unsure", 0)
    until(
        lambda: not any(map(is_alive, map(int, pids.read_text().split()))), "both have been killed"
    )


def test_a_time_that_is_over_before_it_is_ready_is_no_answer(check: Check) -> None:
    found = check("time.sleep(600)", at_most=0.1)
    assert isinstance(found, Outcome)
    assert found.verdict == "unsure"


# -- over one pipe -----------------------------------------------------------------------


class Lives:
    """A process that has not ended, until it has."""

    pid = 1
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


def test_lines_come_whole_however_they_were_written() -> None:
    reads, writes = os.pipe()
    process: Any = Lives()
    lines = drive._Lines(reads, process)
    os.write(writes, b"one\ntwo\nth")
    late = time.monotonic() + 600
    assert [lines.line(late), lines.line(late)] == [b"one", b"two"]
    assert lines.line(time.monotonic() - 1) is None
    os.write(writes, b"ree\n")
    assert lines.line(late) == b"three"
    os.close(writes)
    with pytest.raises(drive._GoneError):
        lines.line(late)
    os.close(reads)


def test_orders_go_out_as_the_gate_gives_them_and_the_last_one_is_to_stop() -> None:
    class Scripted(Gate):
        def first(self) -> Order:
            return Order("run", 1)

        def next(self, answer: Answer, elapsed: float) -> Order:
            self.runs = answer.runs
            return Order("run", 7, look=True) if answer.runs == 1 else Order(STOP)

    theirs, asks = os.pipe()
    answers, says = os.pipe()
    for runs in (0, 1, 8):
        os.write(says, orders.line(Answer(RAN, runs)))
    seen: list[int] = []
    process: Any = Lives()
    gate = Scripted(Terms(Limits(), at_most=600.0))
    drive._converse(
        gate, process, asks, answers, time.monotonic(), lambda each: seen.append(each.runs)
    )
    os.close(asks)
    with os.fdopen(theirs, "rb") as heard:
        assert [orders.order(text) for text in heard] == [
            Order("run", 1), Order("run", 7, look=True), Order(STOP),
        ]  # fmt: skip
    assert seen == [1, 8]
    os.close(answers)
    os.close(says)


def test_what_failed_first_is_not_ordered_to_run() -> None:
    theirs, asks = os.pipe()
    answers, says = os.pipe()
    os.write(says, orders.line(Answer(FAILED, where=IMPORT, message="no")))
    process: Any = Lives()
    gate = Gate(Terms(Limits(), at_most=600.0))
    drive._converse(gate, process, asks, answers, time.monotonic(), lambda gate: None)
    assert gate.failure is not None
    assert orders.order(os.read(theirs, 4096)).do == STOP
    for descriptor in (theirs, asks, answers, says):
        os.close(descriptor)


def test_signals_have_names_as_far_as_they_have() -> None:
    assert drive._signal(int(signal.SIGTERM)) == "SIGTERM"
    assert drive._signal(99) == "signal 99"


def test_without_a_log_there_are_no_last_words(tmp_path: Path) -> None:
    assert drive._last_lines(tmp_path / "none") == ()
    (tmp_path / "log").write_bytes(b"\xff" * 5000 + b"\nlast")
    assert drive._last_lines(tmp_path / "log")[-1] == "last"
    assert len(drive._last_lines(tmp_path / "log")[0]) < 4096
