"""Which threads a process has, by names of code: a thread's own name may be anything, an address too."""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Iterable
from typing import Any, NamedTuple


class Thread(NamedTuple):
    """One thread of the ``threading`` module."""

    name: str
    """Of the function that it runs, ``shop.tasks.poll``, or of its class."""
    ident: int | None
    """What :func:`threading.get_ident` says in it; None: it has not begun."""
    native: int | None
    """The kernel's number for it."""


def described(held: Iterable[Any]) -> list[Thread]:
    """What runs in these Thread objects. No code of theirs is run: their class may do anything."""
    threads = []
    for thread in held:
        try:
            own = object.__getattribute__(thread, "__dict__")
        except AttributeError:
            continue
        name = _code_of(type(thread), own)
        threads.append(Thread(name, _number(own.get("_ident")), _number(own.get("_native_id"))))
    return threads


def alive() -> list[Any]:
    """The Thread objects of this process, without waiting for threading's lock."""
    return [*getattr(threading, "_active", {}).values(), *getattr(threading, "_limbo", {}).values()]


def _number(value: Any) -> int | None:
    return value if type(value) is int else None


def _code_of(kind: type, own: dict[str, Any]) -> str:
    """The name of a thread's class; of the function that a plain Thread was given."""
    target = own.get("_target")
    if kind is not threading.Thread or target is None:
        return _qualified(kind)
    while type(target) is functools.partial:
        target = target.func
    if type(target) is types.MethodType:
        target = target.__func__
    if type(target) is types.FunctionType:
        return f"{_text(target.__module__)}.{_text(target.__qualname__)}"
    if type(target) is types.BuiltinFunctionType:
        return _text(target.__name__)
    return _qualified(type(target))


def _qualified(kind: type) -> str:
    """The name of a type, whatever its metaclass says of it."""
    try:
        module = type.__dict__["__module__"].__get__(kind)
        name = type.__dict__["__qualname__"].__get__(kind)
    except AttributeError:
        return "?"
    return f"{_text(module)}.{_text(name)}"


def _text(value: Any) -> str:
    return value if type(value) is str else "?"
