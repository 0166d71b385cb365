"""What is run: a callable by its name, its arguments, and what kind of thing it is."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import itertools
import json
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from leakhunt.gate.orders import ARGUMENTS, IMPORT, TARGET

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class TargetError(Exception):
    """It cannot be run; ``where`` as in an Answer, with the traceback that shows why."""

    def __init__(self, where: str, message: str, shown: str | None = None) -> None:
        super().__init__(message)
        self.where = where
        self.shown = shown


def load(name: str, where: str = IMPORT) -> Any:
    """The object that ``package.module:name`` means, attributes of attributes included. Raises TargetError."""
    module, colon, path = name.partition(":")
    if not colon or not module or not path:
        raise TargetError(where, f"{name!r} is no MODULE:CALLABLE, such as shop.tasks:process")
    try:
        target: Any = importlib.import_module(module)
    except SystemExit as error:
        raise TargetError(
            where, f"importing {module} ended the program: SystemExit({error.code!r})", told(error)
        ) from error
    except BaseException as error:
        message = f"cannot import {module}: {last(error)}"
        raise TargetError(where, message + _meant(module, path), told(error)) from error
    for part in path.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            near = ", ".join(_nearest(part, target))
            hint = f"; it has {near}" if near else ""
            raise TargetError(where, f"{module} has no {path!r}{hint}") from None
    return target


def _nearest(name: str, owner: Any) -> list[str]:
    """Names of the owner's callables, the ones that look most like that name first; eight at most."""
    names = [
        each
        for each in dir(owner)
        if each[:1] != "_" and _is_called(inspect.getattr_static(owner, each, None))
    ]
    close = difflib.get_close_matches(name, names, 3)
    return [*close, *(each for each in names if each not in close)][:8]


def _is_called(attribute: Any) -> bool:
    """Whether it can be called as an attribute: a static method cannot by itself up to 3.9."""
    return callable(attribute) or isinstance(attribute, (staticmethod, classmethod))


def _meant(module: str, path: str) -> str:
    """What somebody meant who named a file."""
    if not module.endswith(".py"):
        return ""
    dotted = module[: -len(".py")].lstrip("./").replace("/", ".")
    return f"; a module is meant, not a file: {dotted}:{path}"


def is_task(target: Any) -> bool:
    """Whether it is a task of Celery's, without importing Celery for it.

    What stands in a module is a promise of one, which is kept when somebody looks: ``celery.app.task`` may not
    have been imported before.
    """
    celery = sys.modules.get("celery")
    return celery is not None and isinstance(target, celery.Task)


def runnable(target: Any, name: str) -> Callable[..., Any]:
    """The function that runs it once, or begins to (:class:`Ending`). Raises TargetError."""
    if not callable(target):
        raise TargetError(IMPORT, f"it is of type {type(target).__name__}, which cannot be called")
    return target  # type: ignore[no-any-return]


def defined_at(target: Any) -> tuple[str, int] | None:
    """File and first line of the function that runs, below what decorates it; None: it has no code of Python's."""
    while isinstance(target, functools.partial):
        target = target.func
    target = inspect.unwrap(target)
    if is_task(target):
        target = target.run
    for each in (target, type(target).__call__):
        code = getattr(each, "__code__", None)
        if code is not None:
            return code.co_filename, code.co_firstlineno
    return None


class Ending:
    """Runs what a call has only begun to its end: a coroutine, a generator of either kind. Its loop stays."""

    def __init__(self) -> None:
        self._loop: Any = None

    def __call__(self, begun: Any) -> None:
        """Of anything else: nothing."""
        if isinstance(begun, GeneratorType):
            for _ in begun:
                pass
        elif isinstance(begun, CoroutineType):
            self._run(begun)
        elif isinstance(begun, AsyncGeneratorType):
            self._run(_drained(begun))

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        import asyncio

        if asyncio._get_running_loop() is not None:
            coroutine.close()
            raise RuntimeError(
                "what a coroutine function begins is run in a loop of its own, and one is running: "
                "check it from a function that is no coroutine, or mark the test"
            )
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(coroutine)


async def _drained(begun: AsyncGeneratorType[Any, Any]) -> None:
    async for _ in begun:
        pass


# -- arguments ------------------------------------------------------------------------


def arguments(said: str | None) -> Iterator[Arguments]:
    """What to call with, run by run: from a file of JSON lines, a generator function, or nothing.

    A line is a list (positional), an object (keywords) or one value. A file begins again when it
    ends. A generator yields tuples, dicts or single values, and is called again when it ends, unless
    it has yielded nothing. Raises TargetError, also in between.
    """
    if said is None:
        return itertools.repeat(((), {}))
    path = Path(said)
    if path.exists() or said.endswith((".jsonl", ".json", ".ndjson")):
        return _from_file(path)
    return _from_function(said)


def _from_file(path: Path) -> Iterator[Arguments]:
    while True:
        number = yielded = 0
        try:
            with path.open(encoding="utf-8") as lines:
                for text in lines:
                    number += 1
                    if text.strip():
                        yielded += 1
                        yield shaped(json.loads(text), list)
        except OSError as error:
            raise TargetError(ARGUMENTS, f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise TargetError(ARGUMENTS, f"{path}, line {number}: not JSON: {error}") from error
        if not yielded:
            raise TargetError(ARGUMENTS, f"{path}: there are no arguments in this file")


def _from_function(name: str) -> Iterator[Arguments]:
    source = load(name, ARGUMENTS)
    if not callable(source) and not isinstance(source, Iterable):
        raise TargetError(
            ARGUMENTS, f"{name} is of type {type(source).__name__}: no generator function, no list"
        )
    while True:
        number = 0
        try:
            for value in source() if callable(source) else source:
                number += 1
                yield shaped(value, tuple)
        except Exception as error:
            raise TargetError(ARGUMENTS, f"{name}: {last(error)}", told(error)) from error
        if not number:
            raise TargetError(ARGUMENTS, f"{name} gave no arguments")


def shaped(value: Any, positional: type[list[Any]] | type[tuple[Any, ...]]) -> Arguments:
    """One value as the arguments of a call."""
    if isinstance(value, positional):
        return tuple(value), {}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return (), value
    return (value,), {}


# -- what went wrong ------------------------------------------------------------------


def last(error: BaseException) -> str:
    """``ValueError: no such order``."""
    return "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]


#: Frames of files in here are not the target's.
_OWN = str(Path(__file__).parent)


def told(error: BaseException) -> str:
    """The traceback as Python prints it, from the target's first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(
        (_OWN, "<frozen importlib", importlib.__file__)
    ):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace, chain=trace is not None))


def failed(error: BaseException) -> TargetError:
    """What the target raised."""
    if isinstance(error, SystemExit):
        return TargetError(TARGET, f"it ended the program: SystemExit({error.code!r})", told(error))
    hint = ""
    if isinstance(error, TypeError) and not _entered(error):
        hint = "; --args FILE|MODULE:NAME says what to call it with"
    return TargetError(TARGET, f"it raised {last(error)}{hint}", told(error))


def _entered(error: BaseException) -> bool:
    """Whether a line of the target had run: a call with the wrong arguments fails before."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN):
        trace = trace.tb_next
    return trace is not None
