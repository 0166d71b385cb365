"""The compiled parts: loaded where they fit, and where not it is known why.

All of them are optional, and whoever uses one can do without. But a part that is missing, was built
for something else, or from other sources than the Python files beside it must be told of: what
it would have found is missing from every snapshot. A part that does not fit is never used.
"""

from __future__ import annotations

import importlib
import os
import sys
import zlib
from types import ModuleType
from typing import Any

#: Minor versions of CPython whose structs the compiled parts know.
FITTING = ((3, 9), (3, 15))

#: What goes without each part of the worker's; the engine says of its own what is used instead.
LOSSES = {
    "leakhunt.hook.capture._fork": "a capture beside other threads stops the process meanwhile",
    "leakhunt.hook.capture._garbage": "garbage is not told from what is kept",
    "leakhunt.hook.capture._holders": "what freelists have handed on counts for its first owner",
    "leakhunt.hook.capture.walk._walk": "nothing is told of who keeps what",
    "leakhunt.hook._takeover": "a handler that C code has set on the signal is not called",
}

#: {name: why} of those that were asked for and cannot be used.
missing: dict[str, str] = {}


def load(name: str) -> Any:
    """The module of that name; None where it cannot be used, and then ``missing`` has the reason."""
    why = refused()
    if why is None:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            why = "it was not compiled"
        except ImportError as error:
            why = str(error)
        else:
            why = outdated(module)
            if why is None:
                missing.pop(name, None)
                return module
    missing[name] = why
    return None


def refused() -> str | None:
    """Why this interpreter gets no compiled part at all; they are not even loaded."""
    if sys.implementation.name != "cpython":
        return f"they are for CPython, and this is {sys.implementation.name}"
    if "t" in getattr(sys, "abiflags", ""):  # loading one would switch the GIL on for everybody
        return "they do not support free-threaded builds of Python"
    return None


def outdated(module: ModuleType) -> str | None:
    """Why a part does not belong to the Python files beside it; None where it does."""
    built = getattr(module, "BUILT", None)
    if built is None:
        return "it was built for an older leakhunt"
    if not built:
        return None
    version, digest, *names = built.split()
    current = sys.modules["leakhunt"].__version__  # not imported: it leads to every room
    if version != current:
        return f"it was built for leakhunt {version}, and this is {current}"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if not os.path.exists(os.path.join(root, names[0])):
        return None  # installed: the sources stay at home
    checksum = 0
    try:
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                checksum = zlib.crc32(file.read(), checksum)
    except OSError:
        return None
    if digest != f"{checksum:08x}":
        return "it was built from other sources than those beside it"
    return None


def lost() -> str | None:
    """One sentence: which parts cannot be used, why, and what goes without them; None: they are all there."""
    reasons: dict[str, list[str]] = {}
    for name in LOSSES:
        if name in missing:
            reasons.setdefault(missing[name], []).append(name.rpartition(".")[2])
    if not reasons:
        return None
    which = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    what = "; ".join(loss for name, loss in LOSSES.items() if name in missing)
    fits = FITTING[0] <= sys.version_info[:2] <= FITTING[1]
    fix = (
        "install leakhunt anew, with a C compiler or as a wheel"
        if fits and refused() is None
        else "they are for CPython {}.{} to {}.{} with the GIL".format(*FITTING[0], *FITTING[1])
    )
    return f"compiled parts cannot be used ({which}): {what}. To have them: {fix}"
