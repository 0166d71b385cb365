"""Keeps leakhunt out of its own snapshots."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import leakhunt
from leakhunt.cpython.features import LIBRARY
from leakhunt.snapfile.write import RawFrames, Run

#: The package's own folder, as it stands in tracebacks.
PACKAGE = os.path.dirname(os.path.abspath(leakhunt.__file__)) + os.sep

#: The files through which ``leakhunt run`` and ``leakhunt check`` enter the user's program: what
#: lies outside of them belongs to the launcher, what lies inside to the program.
LAUNCHERS = frozenset(
    {os.path.join(PACKAGE, "hook", "launch.py"), os.path.join(PACKAGE, "gate", "call.py")}
)


class Roots(NamedTuple):
    """Where an interpreter looks for modules: its names in ``sys``, and the standard library's folder."""

    path: Sequence[str]
    prefix: str
    exec_prefix: str
    base_prefix: str
    base_exec_prefix: str
    platlibdir: str
    stdlib: str


def roots() -> Roots:
    """Those of this process, without a system call."""
    return Roots(
        [entry for entry in sys.path if isinstance(entry, str)],
        sys.prefix,
        sys.exec_prefix,
        sys.base_prefix,
        sys.base_exec_prefix,
        getattr(sys, "platlibdir", "lib"),
        os.path.dirname(os.__file__),
    )


def prefixes(of: Roots | None = None) -> dict[str, list[str]]:
    """Folders by which a path can be classified on another machine; ``of``: None for this process.

    ``app`` is the working folder and the entries of ``sys.path`` that are neither
    the standard library's nor an installation's.
    """
    of = roots() if of is None else of
    # As `sysconfig.get_paths()` has them (its scheme posix_prefix), without importing that: a forked
    # child imports as little as it can.
    stdlib = {of.stdlib}
    site = {entry for entry in of.path if entry.endswith(("site-packages", "dist-packages"))}
    for base, prefix in ((of.base_prefix, of.prefix), (of.base_exec_prefix, of.exec_prefix)):
        library = "lib" if base is of.base_prefix else of.platlibdir
        stdlib.add(os.path.join(base, library, LIBRARY))
        site.add(os.path.join(prefix, library, LIBRARY, "site-packages"))
    app = set()
    try:
        here = os.getcwd()
        app.add(here)
    except OSError:  # the folder is gone, and with it what is relative to it
        here = ""
    for entry in of.path:
        if not here and not os.path.isabs(entry):
            continue
        folder = os.path.abspath(entry)
        inside = any(_within(folder, other) for other in stdlib | site)
        if entry and os.path.isdir(folder) and not inside:
            app.add(folder)
    return {
        "stdlib": sorted(filter(None, stdlib)),
        "site": sorted(filter(None, site)),
        "app": sorted(app - {os.sep}),
        "leakhunt": [PACKAGE.rstrip(os.sep)],
    }


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def judge(folders: dict[str, list[str]]) -> Callable[[RawFrames], RawFrames | None]:
    """A function that says what to keep of a stack: None where it is leakhunt's.

    It is leakhunt's when, from the innermost frame outwards, nothing but the
    standard library and psutil stands before a frame of leakhunt's. Memory that
    user code allocates further in (a chained signal handler, a program started
    by ``leakhunt run``) stays the user's. The launchers' frames are cut off.
    """
    passing = tuple(folder.rstrip(os.sep) + os.sep for folder in folders["stdlib"])
    site = tuple(folder.rstrip(os.sep) + os.sep for folder in folders["site"])
    judged: dict[int, RawFrames | None] = {}
    kept = []  # holds the frames tuples, so that no id is used twice

    def kept_of(frames: RawFrames) -> RawFrames | None:
        key = id(frames)
        if key not in judged:
            judged[key] = _judge(frames, passing, site)
            kept.append(frames)
        return judged[key]

    return kept_of


def without_own(
    runs: Iterable[Run], kept_of: Callable[[RawFrames], RawFrames | None]
) -> Iterator[Run]:
    """The runs that are not leakhunt's, with their stacks as :func:`judge`'s function has them."""
    for trace, count in runs:
        frames = trace[2]
        remaining = kept_of(frames)
        if remaining is None:
            continue
        if remaining is not frames:
            trace = (trace[0], trace[1], remaining, len(remaining))
        yield trace, count


def _judge(frames: RawFrames, passing: tuple[str, ...], site: tuple[str, ...]) -> RawFrames | None:
    """None for leakhunt's own; else the frames (most recent first) to keep."""
    for depth, (file, _) in enumerate(frames):
        if file in LAUNCHERS:
            frames = frames[:depth]
            break
    if not frames:
        return None
    for file, _ in frames:
        if file.startswith(PACKAGE):
            return None
        if file.startswith("<frozen ") or file.startswith("<string>"):
            continue
        if file.startswith(site):
            if f"{os.sep}psutil{os.sep}" not in file:
                return frames
        elif not file.startswith(passing):
            return frames
    return frames
