"""Threads are named by code, and none of their code is run."""

from __future__ import annotations

import functools
import threading
from typing import Any

from leakhunt.hook.process import threads

SECRET = "jane.doe@example.org"


def poll(*_: Any) -> None:
    """What a thread runs."""


class Poller:
    def run(self) -> None:
        """As a bound method."""

    def __call__(self) -> None:
        """As an object."""


class Worker(threading.Thread):
    @property
    def name(self) -> str:
        raise AssertionError("its code was run")

    @name.setter
    def name(self, value: str) -> None:
        """Nothing."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("_target", "_ident", "_native_id"):
            raise AssertionError("its code was run")
        return super().__getattribute__(name)


def named(thread: threading.Thread) -> str:
    (found,) = threads.described([thread])
    return found.name


def test_names_are_of_code() -> None:
    here = __name__
    assert named(threading.Thread(target=poll, name=SECRET)) == f"{here}.poll"
    assert named(threading.Thread(target=Poller().run)) == f"{here}.Poller.run"
    assert named(threading.Thread(target=Poller())) == f"{here}.Poller"
    partial = functools.partial(functools.partial(poll, SECRET), SECRET)
    assert named(threading.Thread(target=partial)) == f"{here}.poll"
    assert named(threading.Thread(target=print)) == "print"
    assert named(threading.Timer(1, poll)) == "threading.Timer"
    assert named(Worker(name=SECRET)) == f"{here}.Worker"
    assert named(Worker(target=poll)) == f"{here}.Worker"
    assert named(threading.Thread()) == "threading.Thread"


def test_threads_that_run_have_numbers() -> None:
    me = threading.get_ident()
    found = {thread.ident: thread for thread in threads.described(threads.alive())}
    assert found[me].native == threading.get_native_id()


def test_what_is_no_thread_is_left_out() -> None:
    class Bare:
        __slots__ = ()

    assert threads.described([Bare()]) == []
