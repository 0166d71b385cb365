"""The timer that looks into the letter box: until it is told to stop, and never into a task."""

from __future__ import annotations

import _thread
import logging
import os
import sys
import threading
import time
from types import ModuleType
from typing import Any

import pytest

from leakhunt.hook import watch


def test_it_looks_with_its_pid_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    pauses: list[float] = []
    ended = threading.Event()
    monkeypatch.setattr(time, "sleep", pauses.append)

    def look(pid: int) -> bool:
        looks.append(pid)
        if len(looks) == 3:
            ended.set()
        return len(looks) < 3

    assert watch.begin(look)
    assert ended.wait(60)
    assert looks == [os.getpid()] * 3
    assert pauses == [watch.INTERVAL] * 2


def test_what_goes_wrong_ends_the_timer_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, str]] = []
    monkeypatch.setattr(watch, "say", lambda level, text: said.append((level, text)))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)

    def look(pid: int) -> bool:
        raise ValueError("broken")

    watch._run(look, 7)
    assert said == [(logging.ERROR, "the timer of the letter box has ended: ValueError: broken")]


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), OSError("limit")])
def test_without_a_thread_to_be_had_there_is_no_timer(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int] = []

    def refuse(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    monkeypatch.setattr(watch, "say", lambda level, text: said.append(level))
    assert not watch.begin(lambda pid: True)
    assert said == [logging.WARNING]


@pytest.mark.parametrize("server", ["uwsgi", "mod_wsgi"])
def test_a_server_in_c_is_known_by_what_it_gives_its_programs(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not watch.waits_outside()
    monkeypatch.setitem(sys.modules, server, ModuleType(server))
    assert watch.waits_outside()
