"""Handlers: who is called, in which order and how often, and whose the signal is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from leakhunt.hook import signals
from leakhunt.hook.process import vitals
from leakhunt.hook.signals import HEARD, Handlers, Heard
from tests.support.places import ROOT

USR2 = int(signal.SIGUSR2)


class Calls:
    """What was called, and what the hook says of a signal: whether it came from outside."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.from_outside = True

    def on_signal(self, second: bool) -> bool:
        self.seen.append("second" if second else "first")
        return self.from_outside and not second

    def on_child(self) -> None:
        self.seen.append("child")

    def previous(self, signum: int, frame: object) -> None:
        self.seen.append(("previous", signum))


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def handlers(calls: Calls) -> Iterator[Handlers]:
    """On SIGUSR2; whatever they take is given back."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield Handlers(USR2, calls.on_signal, calls.on_child)
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def send(number: int) -> None:
    """To this very thread: its handler has run when this returns."""
    signal.pthread_kill(threading.get_ident(), number)


# -- the first signal -------------------------------------------------------------------------


def test_a_signal_calls_the_hook_and_then_who_had_it_before(
    handlers: Handlers, calls: Calls
) -> None:
    signal.signal(USR2, calls.previous)
    handlers.install()
    send(USR2)
    assert calls.seen == ["first", ("previous", USR2)]


def test_what_the_console_sends_is_not_chained(handlers: Handlers, calls: Calls) -> None:
    signal.signal(USR2, calls.previous)
    handlers.install()
    calls.from_outside = False
    send(USR2)
    assert calls.seen == ["first"]


def test_to_install_it_again_chains_to_nobody_else(handlers: Handlers, calls: Calls) -> None:
    signal.signal(USR2, calls.previous)
    handlers.install()
    handlers.install()
    send(USR2)
    assert calls.seen == ["first", ("previous", USR2)]


def test_a_handler_is_chained_to_where_one_is_given(handlers: Handlers, calls: Calls) -> None:
    handlers.install(calls.previous)
    send(USR2)
    assert calls.seen == ["first", ("previous", USR2)]


def test_a_chained_handler_is_never_nested_and_runs_once_for_all_that_came_meanwhile(
    handlers: Handlers, calls: Calls
) -> None:
    depth: list[int] = []

    def slow(signum: int, frame: object) -> None:
        depth.append(sum(each == "in" for each in calls.seen) - calls.seen.count("out"))
        calls.seen.append("in")
        if calls.seen.count("in") == 1:
            send(USR2)
            send(USR2)
        calls.seen.append("out")

    signal.signal(USR2, slow)
    handlers.install()
    send(USR2)
    assert calls.seen == ["first", "in", "first", "first", "out", "in", "out"]
    assert depth == [0, 0]


def test_what_a_chained_handler_raises_is_the_programs_and_the_next_signal_is_heard(
    handlers: Handlers, calls: Calls
) -> None:
    def raises(signum: int, frame: object) -> None:
        raise TimeoutError("the program's own")

    signal.signal(USR2, raises)
    handlers.install()
    for _ in range(2):
        with pytest.raises(TimeoutError, match="the program's own"):
            send(USR2)
    assert calls.seen == ["first", "first"]


def test_before_a_fork_is_hooked_a_signal_harms_nobody_and_is_made_up_for(
    handlers: Handlers, calls: Calls
) -> None:
    handlers.install()
    handlers._owner = os.getpid() + 1  # as in a fork of it
    send(USR2)
    assert calls.seen == []
    handlers.adopt()
    handlers.install()
    assert calls.seen == ["first"]
    handlers.install()
    assert calls.seen == ["first"], "once"


def test_near_the_recursion_limit_a_signal_is_noted(handlers: Handlers) -> None:
    def too_deep(second: bool) -> bool:
        raise RecursionError

    deep = Handlers(USR2, too_deep, lambda: None)
    deep.install()
    send(USR2)
    assert deep.missed
    deep.missed = False
    if deep.second is not None:
        send(deep.second)
        assert deep.missed


# -- whose it is ------------------------------------------------------------------------------


def test_it_says_whether_it_is_heard_and_by_whom_else(handlers: Handlers, calls: Calls) -> None:
    assert handlers.heard() == Heard("none")
    handlers.install()
    assert handlers.heard() == HEARD
    signal.signal(USR2, calls.previous)
    assert handlers.heard() == Heard("taken", f"{__name__}: Calls.previous")
    assert not handlers.installed
    handlers.reclaim()
    assert handlers.heard() == HEARD
    send(USR2)
    assert calls.seen == ["first", ("previous", USR2)]


@pytest.mark.skipif(signals.takeover is None, reason="the part is not compiled")
def test_what_c_code_has_taken_is_told_and_taken_back(tmp_path: Any) -> None:
    program = """
    import faulthandler, json, os, signal, sys
    from leakhunt.hook.signals import Handlers
    handlers = Handlers(int(signal.SIGUSR2), lambda second: print("first", flush=True), lambda: None)
    handlers.install()
    faulthandler.register(signal.SIGUSR2, open(os.devnull, "w"))
    print(handlers.heard().state, handlers.heard().by, handlers.installed, handlers.has_it(), flush=True)
    handlers.reclaim()
    print(handlers.heard().state, handlers.has_it(), flush=True)
    os.kill(os.getpid(), signal.SIGUSR2)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "taken the interpreter's own C code (faulthandler.register?) True False",
        "heard True",
        "first",
    ]


def test_a_mask_that_holds_one_back_in_every_thread_is_noticed() -> None:
    program = """
    import signal
    from leakhunt.hook.signals import Handlers
    first = int(signal.SIGUSR2)
    handlers = Handlers(first, lambda second: False, lambda: None)
    handlers.install()
    names = {first: "first", handlers.second: "second", None: None}
    for numbers in ([first], [handlers.second or first], [first, handlers.second or first], []):
        signal.pthread_sigmask(signal.SIG_SETMASK, numbers)
        handlers.look_at_mask()
        print(handlers.heard().state, names[handlers.waking()])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    if hasattr(signal, "SIGRTMIN"):
        told = ["blocked second", "heard first", "blocked None", "heard second"]
    else:
        told = ["blocked None", "blocked None", "blocked None", "heard first"]
    assert done.stdout.splitlines() == told


def test_at_the_end_a_signal_kills_nobody(handlers: Handlers, calls: Calls) -> None:
    handlers.install()
    handlers.ignore()
    send(USR2)
    if handlers.second is not None:
        send(handlers.second)
    assert calls.seen == []
    signal.signal(USR2, calls.previous)
    handlers.ignore()
    assert signal.getsignal(USR2) == calls.previous, "somebody else's stays"


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (signal.default_int_handler, "_signal: default_int_handler"),
        (Calls().previous, f"{__name__}: Calls.previous"),
        (type("C", (), {"__call__": lambda *_: None})(), f"{__name__}: C"),
    ],
)
def test_a_handler_is_described_as_far_as_it_says_who_it_is(handler: Any, words: str) -> None:
    assert signals._described(handler) == words


# -- the second one ---------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals here")
def test_the_second_signal_is_one_that_nobody_uses(handlers: Handlers, calls: Calls) -> None:
    first = signals.free_real_time()
    assert first is not None
    assert first == int(signal.SIGRTMIN) + signals.REAL_TIME[0] or first > int(signal.SIGRTMIN)
    assert signals.free_real_time((first,)) != first
    before = signal.signal(first, calls.previous)
    try:
        assert signals.free_real_time() != first
    finally:
        signal.signal(first, before)
    handlers.install()
    assert handlers.second is not None
    send(handlers.second)
    assert calls.seen == ["second"], "it is never chained"


# -- the main thread --------------------------------------------------------------------------


def test_the_main_thread_is_woken_by_another_and_not_by_itself(
    handlers: Handlers, calls: Calls
) -> None:
    handlers.install()
    assert not handlers.wake_main()
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(handlers.wake_main()))
    thread.start()
    thread.join()
    assert woken == [True]
    assert calls.seen == ["second" if handlers.second is not None else "first"]


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals here")
def test_where_no_real_time_signal_fits_into_the_queue_the_main_thread_is_woken_all_the_same(
    handlers: Handlers, calls: Calls
) -> None:
    """All processes of a user share that queue: signal(7), RLIMIT_SIGPENDING."""
    import resource

    if not hasattr(resource, "RLIMIT_SIGPENDING"):
        pytest.skip("no such limit here")
    handlers.install()
    most = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(handlers.wake_main()))
    resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, most[1]))
    try:
        thread.start()
        thread.join()
    finally:
        resource.setrlimit(resource.RLIMIT_SIGPENDING, most)
    assert (woken, calls.seen[:1]) == ([True], ["first"])


def test_a_thread_is_not_the_main_one() -> None:
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(signals.in_main_thread()))
    thread.start()
    thread.join()
    assert (signals.in_main_thread(), told) == (True, [False])


# -- the capture's child ----------------------------------------------------------------------


def test_sigchld_is_taken_for_as_long_as_there_is_a_child_and_chained(
    handlers: Handlers, calls: Calls
) -> None:
    signal.signal(signal.SIGCHLD, calls.previous)
    assert handlers.watch_child()
    assert handlers.watch_child(), "it has it already"
    send(signal.SIGCHLD)
    assert calls.seen == ["child", ("previous", signal.SIGCHLD)]
    handlers.release_child()
    assert signal.getsignal(signal.SIGCHLD) == calls.previous


def test_in_a_fork_that_is_not_hooked_sigchld_is_its_own(handlers: Handlers, calls: Calls) -> None:
    signal.signal(signal.SIGCHLD, calls.previous)
    handlers.watch_child()
    handlers._owner = os.getpid() + 1
    send(signal.SIGCHLD)
    assert calls.seen == [("previous", signal.SIGCHLD)]
    handlers.adopt()
    handlers.release_child()


def test_what_others_have_made_of_sigchld_meanwhile_stays(handlers: Handlers, calls: Calls) -> None:
    handlers.watch_child()
    signal.signal(signal.SIGCHLD, calls.previous)
    handlers.release_child()
    assert signal.getsignal(signal.SIGCHLD) == calls.previous


def test_a_sigchld_that_is_ignored_or_had_by_c_code_is_left_alone(
    handlers: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert not handlers.watch_child()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    monkeypatch.setattr(vitals, "catches", lambda pid, number: True)
    assert not handlers.watch_child()
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
