"""Units of work that are no Celery tasks: requests, jobs, whatever a program does over and over.

A unit counts once, when it has ended. While it runs, what its thread allocates is its own; where an
event loop or greenlets run several units in one thread, that cannot be told, and a unit is only counted.
In a Celery worker tasks are the units, and nothing here counts. Nothing here raises into the
program, and where there is no hook it costs a look: this module imports next to nothing.
"""

from __future__ import annotations

import _thread
import functools
import logging
import os
import sys
import time
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from leakhunt.hook.log import say
from leakhunt.hook.quiet import is_a_handlers

if TYPE_CHECKING:
    from leakhunt.hook.hook import Hook

#: Processes whose units are counted: Celery's have tasks.
ROLES = ("program", "fork")

#: What a unit may be called in a report.
UNIT, REQUEST, JOB = "unit", "request", "job"

Function = TypeVar("Function", bound=Callable[..., Any])


class Open:
    """The units under way in this process: names by thread, and how many there are in all."""

    def __init__(self) -> None:
        self.pid = 0
        self.by_thread: dict[int, list[str]] = {}
        self.number = 0

    def adopt(self) -> None:
        """In a forked child nothing is under way but what this very thread began."""
        if self.pid != os.getpid():
            own = _thread.get_ident()
            self.by_thread = {
                ident: names for ident, names in self.by_thread.items() if ident == own
            }
            self.number = sum(map(len, self.by_thread.values()))
            self.pid = os.getpid()

    def running(self) -> list[str]:
        """Names of those that have a thread of their own."""
        return [names[-1] for names in list(self.by_thread.values()) if names]


opened = Open()


def _hook() -> Hook | None:
    current = sys.modules.get("leakhunt.hook.current")  # not imported for this: it costs
    hook: Hook | None = None if current is None else current.hook()
    if hook is None or hook.pid != os.getpid() or hook.process.role not in ROLES:
        return None
    return hook


def has_thread() -> bool:
    """Whether what this thread allocates until the unit ends is the unit's: no event loop runs in it,
    and threads are no greenlets.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return False
    return isinstance(_thread.start_new_thread, types.BuiltinFunctionType)


def count(name: str, noun: str = UNIT) -> None:
    """A unit of that name has just been done."""
    hook = _hook()
    if hook is None:
        return
    try:
        opened.adopt()
        names = opened.by_thread.get(_thread.get_ident()) if has_thread() else None
        hook.ledger.call(noun)
        hook.task_done(hook.ledger.named(name), names[-1] if names else None)
    except Exception as error:  # noqa: BLE001 - the program's guard
        _failed(error)


class Unit:
    """One unit, or each call of a function: as a context manager (``with`` and ``async with``)
    or a decorator.
    """

    def __init__(self, name: str, noun: str = UNIT) -> None:
        self._name, self._noun = name, noun
        self._begun: tuple[int, str, bool, float, float] | None = None

    def begin(self) -> None:
        """It begins in this thread."""
        hook = _hook()
        if hook is None:
            return
        try:
            opened.adopt()
            name, own = hook.ledger.named(self._name), has_thread()
            opened.number += 1
            if own:
                opened.by_thread.setdefault(_thread.get_ident(), []).append(name)
                hook.task_begins(name)
            if opened.number > len(opened.by_thread.get(_thread.get_ident(), ())):
                hook.ledger.share()
            self._begun = hook.pid, name, own, time.monotonic(), time.thread_time()
        except Exception as error:  # noqa: BLE001 - the program's guard
            _failed(error)

    def end(self, failed: bool = False) -> None:
        """It has ended; once."""
        begun, self._begun = self._begun, None
        hook = _hook()
        if hook is None or begun is None or begun[0] != hook.pid:
            return
        try:
            _, name, own, wall, cpu = begun
            opened.number -= 1
            outer = None
            if own:
                ident = _thread.get_ident()
                names = opened.by_thread.get(ident, [])
                if name in names:
                    names.reverse()
                    names.remove(name)
                    names.reverse()
                outer = names[-1] if names else None
                if not names:
                    opened.by_thread.pop(ident, None)
            hook.ledger.call(self._noun)
            spent = time.thread_time() - cpu if own else None
            hook.task_done(name, outer, time.monotonic() - wall, spent, failed)
        except Exception as error:  # noqa: BLE001 - the program's guard
            _failed(error)

    def __enter__(self) -> Unit:
        self.begin()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.end(failed=kind is not None and issubclass(kind, Exception))

    async def __aenter__(self) -> Unit:
        self.begin()
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Function) -> Function:
        """Each call of the function is a unit of its own, of a coroutine function until it has ended."""
        if _is_coroutine_function(function):

            @functools.wraps(function)
            async def waited(*args: Any, **kwargs: Any) -> Any:
                with Unit(self._name, self._noun):
                    return await function(*args, **kwargs)

            return waited  # type: ignore[return-value]

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with Unit(self._name, self._noun):
                return function(*args, **kwargs)

        return called  # type: ignore[return-value]


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    code = getattr(function, "__code__", None)
    return bool(code is not None and code.co_flags & 0x80)  # inspect.CO_COROUTINE


def _failed(error: Exception) -> None:
    if is_a_handlers(error):
        raise error
    say(logging.ERROR, f"a unit was not counted: {type(error).__name__}: {error}")
