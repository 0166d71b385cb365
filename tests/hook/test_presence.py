"""The record tells who a process is and what became of its captures; the log, who has its signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import letterbox, presence
from leakhunt.hook.hook import Hook
from leakhunt.hook.signals import HEARD, Heard
from leakhunt.snapfile import folders
from tests.hook.conftest import Hooking


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(presence, "say", lambda level, text: lines.append(text))
    return lines


@pytest.fixture
def _handlers() -> Iterator[None]:
    """The hook's signals go back to whom they belong to."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def recorded(folder: Path) -> dict[str, Any] | None:
    """What the one record there says; None: there is none."""
    for path in (folder / folders.PROCESSES).glob("*.json"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return letterbox.read(descriptor)
        finally:
            os.close(descriptor)
    return None


def told(hook: Hook) -> dict[str, Any]:
    record = recorded(hook.settings.dir)
    assert record is not None
    return record


def test_the_record_says_who_it_is_and_what_each_part_of_the_hook_tells(hooking: Hooking) -> None:
    hook = hooking(signal="SIGUSR2")
    hook.answers.answer("a1", note="done")
    hook.answers.failed("no snapshot: no room")
    hook.answers.stacks = "Thread 1"
    hook.summary.verdict, hook.summary.sentence = "leak", "Leak: +1 KiB per task"
    hook.presence.publish()
    record = told(hook)
    assert (record["pid"], record["role"]) == (os.getpid(), "program")
    assert record["series"] == str(hook.state.series)
    assert (record["signal"], record["second"]) == (signal.SIGUSR2, None)
    assert (record["engine"], record["armed_at"]) == ("off", None)
    assert (record["captures"], record["problem"]) == (1, "no snapshot: no room")
    assert record["answers"] == [("a1", None, None, "done")]
    assert record["stacks"] == "Thread 1"
    assert (record["verdict"], record["summary"]) == ("leak", "Leak: +1 KiB per task")


@pytest.mark.usefixtures("_handlers")
def test_the_record_says_by_which_way_it_can_be_asked(hooking: Hooking) -> None:
    hook = hooking()
    hook.handlers.install()
    hook.presence.tell_heard()
    hook.presence.publish()
    assert (told(hook)["heard"], told(hook)["looks"]) == ("heard", None)
    assert told(hook)["second"] == hook.handlers.second
    hook.presence.watched = True
    hook.presence.publish()
    assert told(hook)["looks"] == "timer"


@pytest.mark.usefixtures("_handlers")
def test_a_signal_that_is_not_heard_any_more_is_said_once(
    hooking: Hooking, said: list[str]
) -> None:
    hook = hooking(signal="SIGUSR2")
    hook.handlers.install()
    hook.presence.tell_heard()
    assert (hook.presence.heard, said) == (HEARD, [])

    def somebodys(signum: int, frame: object) -> None: ...

    signal.signal(signal.SIGUSR2, somebodys)
    hook.presence.tell_heard()
    hook.presence.tell_heard()
    assert said == [
        f"SIGUSR2 is not heard in process {os.getpid()}: it was taken by tests.hook.test_presence: "
        f"{somebodys.__qualname__}; `leakhunt dump {os.getpid()}` asks it all the same"
    ]
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    hook.presence.tell_heard()
    assert said[1].startswith(f"SIGUSR2 is not heard in process {os.getpid()}: the hook's handler")
    hook.handlers.install()
    hook.presence.tell_heard()
    assert (hook.presence.heard, len(said)) == (HEARD, 2), "what is well again is no news"


def test_a_mask_that_holds_the_signal_back_is_said(hooking: Hooking, said: list[str]) -> None:
    hook = hooking(signal="SIGUSR2")
    hook.handlers.heard = lambda: Heard("blocked")  # type: ignore[method-assign]
    hook.presence.tell_heard()
    assert "SIGUSR2 is not heard" in said[0]
    assert ": a signal mask holds it back; " in said[0]


def test_a_folder_that_cannot_be_written_is_said_and_forgotten_when_it_can(
    hooking: Hooking, said: list[str]
) -> None:
    hook = hooking()
    hook.settings.dir.write_text("a file")
    hook.presence.publish()
    assert hook.presence.unwritable is not None
    assert said == [f"cannot record this process: {hook.presence.unwritable}"]
    hook.settings.dir.unlink()
    hook.presence.publish()
    assert hook.presence.unwritable is None
    assert told(hook)["pid"] == os.getpid()


def test_a_process_on_its_way_out_shows_itself_no_more(hooking: Hooking) -> None:
    hook = hooking()
    hook.state.leaving = True
    hook.presence.publish()
    assert recorded(hook.settings.dir) is None
