"""Starts a Python beside this process, by posix_spawn(3): that copies nothing, and runs nobody's fork handlers.

It has this process's interpreter and none of its code, signal handlers and environment but for what it is given; nor of
its descriptors, but for those that the program, or the shell that began it, lets any other program inherit.
"""

from __future__ import annotations

import os
import posix
import signal
import sys
from collections.abc import Collection, Mapping, Sequence

import leakhunt
from leakhunt.hook.process import alive

#: The folder in which ``leakhunt`` lies.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(leakhunt.__file__)))
#: Each of these is the default's in the new process, whatever this one has made of it.
_DEFAULT = sorted(int(each) for each in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def interpreter() -> str:
    """The Python that this process runs. Raises OSError where it does not tell: an embedded one."""
    if not sys.executable:
        raise OSError("this program does not tell its Python")
    return sys.executable


def python(
    words: Sequence[str],
    variables: Collection[str],
    streams: Mapping[int, int],
    blocked: Collection[int] = (),
) -> int:
    """Start it; the new process's number. Raises OSError, ValueError, TypeError, NotImplementedError.

    ``words`` are its arguments, and ``variables`` what it is told of the environment. ``streams``: of its
    standard streams, 0 to 2, those that are open descriptors of this process (above 2); the others are
    /dev/null. The signals in ``blocked`` stay so for its life, all others come through.
    """
    program = interpreter()
    if alive.children_are_elsewhere():
        raise OSError("the process's children begin in another pid namespace")
    null = {0: os.O_RDONLY, 1: os.O_WRONLY, 2: os.O_WRONLY}
    return posix.posix_spawn(
        program,
        [program, *words],
        {name: os.environ[name] for name in variables if name in os.environ},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, streams[stream], stream)
            if stream in streams
            else (os.POSIX_SPAWN_OPEN, stream, os.devnull, how, 0)
            for stream, how in null.items()
        ],
        setsigmask=blocked,
        setsigdef=_DEFAULT,
    )
