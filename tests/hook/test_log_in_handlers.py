"""Lines of the log from any code, and from on top of any."""

from __future__ import annotations

import _thread
import logging
import logging.handlers
import posix
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from leakhunt.hook import log
from leakhunt.hook.log import LOGGER, say

real_start, real_lock = _thread.start_new_thread, _thread.allocate_lock


class Foreign(logging.Handler):
    """Of somebody else's package."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class FromHandler:
    """Calls ``say`` as one of the hook's signal handlers does."""

    def __init__(self) -> None:
        scope: dict[str, Any] = {"__name__": log.HANDLERS, "say": say}
        exec("def on_signal(level, message):\n    say(level, message)", scope)
        self.say = scope["on_signal"]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is left to threads, which are not started."""
    begun: list[tuple[Any, ...]] = []
    monkeypatch.setattr(_thread, "start_new_thread", lambda *call: begun.append(call))
    return begun


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The leakhunt logger alone, at level INFO, with no handler yet."""
    before = LOGGER.handlers, LOGGER.propagate, LOGGER.level
    LOGGER.handlers, LOGGER.propagate = [], False
    LOGGER.setLevel(logging.INFO)
    yield []
    LOGGER.handlers, LOGGER.propagate = before[0], before[1]
    LOGGER.setLevel(before[2])


def test_the_signals_module_is_the_one_that_is_meant() -> None:
    from leakhunt.hook import signals

    assert signals.__name__ == log.HANDLERS


def test_outside_of_handlers_everybody_is_called_at_once(
    lines: list[str], threads: list[Any]
) -> None:
    LOGGER.handlers = [Foreign(lines)]
    say(logging.INFO, "hello")
    assert (lines, threads) == (["leakhunt: hello"], [])


@pytest.mark.parametrize(
    "part", ["handler", "formatter", "filter", "queue", "logger's filter", "method", "factory"]
)
def test_on_top_of_any_code_a_strangers_part_is_called_in_a_thread(
    part: str, lines: list[str], threads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler: logging.Handler = logging.NullHandler()
    if part == "handler":
        handler = Foreign(lines)
    elif part == "formatter":
        handler.setFormatter(type("Theirs", (logging.Formatter,), {})())
    elif part == "filter":
        handler.addFilter(type("Theirs", (logging.Filter,), {})())
    elif part == "queue":
        handler = logging.handlers.QueueHandler(queue.Queue())
    elif part == "method":  # as Sentry does
        monkeypatch.setattr(logging.Logger, "callHandlers", lambda self, record: lines.append("x"))
    elif part == "factory":  # as OpenTelemetry does
        monkeypatch.setattr(logging, "_logRecordFactory", lambda *rest, **named: lines.append("x"))
    theirs = type("Theirs", (logging.Filter,), {})()
    if part == "logger's filter":
        LOGGER.addFilter(theirs)
    LOGGER.handlers = [handler]  # pytest has added some
    try:
        FromHandler().say(logging.INFO, "hello")
        ((function, arguments),) = threads
        assert lines == []
        if part == "handler":
            before = set(threading._active)  # type: ignore[attr-defined]
            ended = real_lock()
            ended.acquire()

            def called() -> None:
                function(*arguments)
                ended.release()

            real_start(called, ())
            with ended:
                assert lines == ["leakhunt: hello"]
            assert set(threading._active) <= before, "nothing of the thread stays"  # type: ignore[attr-defined]
    finally:
        LOGGER.removeFilter(theirs)


def test_the_standard_librarys_own_parts_are_called_at_once(
    lines: list[str], threads: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.handlers = [handler]  # pytest has added some
    FromHandler().say(logging.INFO, "hello")
    assert (capsys.readouterr().out, threads) == ("leakhunt: hello\n", [])


def test_within_a_logging_call_it_goes_to_standard_error(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(posix, "write", lambda number, content: written.append(content))

    class Interrupted(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            before = signal.signal(signal.SIGALRM, lambda *_: say(logging.ERROR, "hello"))
            signal.raise_signal(signal.SIGALRM)
            signal.signal(signal.SIGALRM, before)

    other = logging.getLogger("test_log.interrupted")
    other.addHandler(Interrupted())
    other.propagate = False
    other.error("x")
    assert written == [b"leakhunt: hello\n"]


def test_where_there_is_no_standard_error_nobodys_file_is_written_to(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Descriptor 2 may be a database by now."""
    written: list[Any] = []
    monkeypatch.setattr(posix, "write", lambda *what: written.append(what))
    monkeypatch.setattr(sys, "__stderr__", None)
    LOGGER.setLevel(logging.CRITICAL)
    say(logging.ERROR, "hello")
    assert written == []
