"""Whether this interpreter can have the hook at all."""

from __future__ import annotations

import _thread
import importlib
import sys


def unfit() -> str | None:
    """Why not, in one sentence; None: it can."""
    if not is_main():  # first: an isolated one cannot load tracemalloc either
        return (
            "leakhunt was asked for in a subinterpreter, and signals, forks and allocators are the main "
            "interpreter's: call leakhunt.install() there (mod_wsgi: WSGIApplicationGroup %{GLOBAL})"
        )
    try:
        importlib.import_module("_tracemalloc")
    except ImportError:
        return (
            f"leakhunt needs tracemalloc, which {sys.implementation.name} "
            f"{'.'.join(map(str, sys.version_info[:2]))} does not have: run the program under CPython"
        )
    return None


def is_main() -> bool:
    """Whether this is the main interpreter. Without the modules that tell, there are no others."""
    told = getattr(_thread, "_is_main_interpreter", None)
    if told is not None:
        return bool(told())
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return bool(module.get_current() == module.get_main())
    return True
